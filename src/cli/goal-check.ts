// What a run of goals ends with: every broker that is up is asked for them, each from its own log, and
// they are compared with those that were stored.

import { Consumer } from '../client/consumer.ts'
import type { MqAdmin } from '../client/mq-admin.ts'
import { BrokerError } from '../protocol/mq/error-codes.ts'
import type { Cluster } from './cluster.ts'
import { follow } from './consume.ts'
import { demoTopic } from './demo.ts'
import { compareGoals, type Goal, minuteText, parseGoal } from './goal.ts'
import { counted } from './make-topic.ts'
import { textOf } from './record-text.ts'

/** For each broker to serve goals that are stored already. */
const checkTimeoutMs = 30_000
/** A run may have no end; the last ones are compared. */
const goalsKeptMax = 10_000
/** They are forgotten this many at a time, since cutting the head of an array copies the rest. */
const goalsSlack = 1000

/** The goals of a run that are stored. */
export class StoredGoals {
  #kept: { readonly goal: Goal; readonly offset: number }[] = []
  #count = 0

  add(value: Uint8Array | string | null, offset: number): void {
    const goal = parseGoal((typeof value === 'string' ? value : textOf(value)) ?? '')
    if (goal === undefined) return
    this.#kept.push({ goal, offset })
    this.#count++
    if (this.#kept.length === goalsKeptMax + goalsSlack) this.#kept = this.#kept.slice(goalsSlack)
  }

  /** How many there were. */
  get count(): number {
    return this.#count
  }

  /** The last ones, as they follow each other in the log: an answer that was lost is given again later. */
  get kept(): readonly { readonly goal: Goal; readonly offset: number }[] {
    return this.#kept.toSorted((a, b) => a.offset - b.offset)
  }
}

/**
 * Tells whether each broker that is up serves what was stored, in order, out of its own replica.
 *
 * @returns the sentence that sums it up, and whether all is as it should be
 */
export async function checkBrokers(options: {
  readonly cluster: Cluster
  readonly admin: MqAdmin
  readonly stored: StoredGoals
  readonly tell: (event: string) => void
}): Promise<{ readonly text: string; readonly isFine: boolean }> {
  const { cluster, admin, stored, tell } = options
  tell(`${counted(stored.count, 'goal')} stored, each sent to a broker picked at random`)
  const up = cluster.brokers.filter((broker) => cluster.stateOf(broker) === 'running')
  for (const { id } of cluster.brokers) {
    if (!up.some((broker) => broker.id === id)) tell(`broker ${id} is down, and is not asked`)
  }
  if (up.length === 0) return { text: 'no broker is up to be asked for the goals', isFine: true }
  const replicas = await replicasOf(admin)
  const { kept } = stored
  const goals = kept.map(({ goal }) => goal)
  const verdicts = await Promise.all(
    up.map(async ({ id }) => {
      if (replicas?.includes(id) === false) {
        tell(`broker ${id} has no replica of ${demoTopic}`)
        return false
      }
      const served = await goalsOf(cluster, id, kept)
      const problem = firstDifference(goals, served)
      tell(`broker ${id} serves ${problem ?? `the same ${served.length} goals from its own log`}`)
      return problem === undefined
    }),
  )
  const isFine = verdicts.every((verdict) => verdict)
  const where = `on ${counted(up.length, 'broker')}`
  const text = isFine
    ? `${counted(stored.count, 'goal')} in order of minute ${where}`
    : 'the brokers do not serve the goals that were sent'
  return { text, isFine }
}

/** undefined: no broker can say. */
async function replicasOf(admin: MqAdmin): Promise<readonly number[] | undefined> {
  try {
    return (await admin.topic(demoTopic))?.partitions[0]?.replicas ?? []
  } catch (error) {
    if (error instanceof BrokerError) return undefined
    throw error
  }
}

/** As this broker has them in its own log; undefined for those that it does not have in time. */
async function goalsOf(
  cluster: Cluster,
  broker: number,
  kept: StoredGoals['kept'],
): Promise<(Goal | undefined)[]> {
  const last = kept.at(-1)
  if (last === undefined) return []
  const consumer = new Consumer({
    brokers: cluster.brokerAddresses,
    topic: demoTopic,
    from: 'beginning',
    broker,
    stayWithBroker: true,
  })
  const timer = setTimeout(() => void consumer.close(), checkTimeoutMs)
  const wanted = new Set(kept.map(({ offset }) => offset))
  const found = new Map<number, Goal | undefined>()
  try {
    await follow({
      consumer,
      commits: false,
      ends: new Map([[0, last.offset + 1]]),
      onRecords: (records) => {
        for (const { offset, value } of records) {
          // Others may send to the topic as well.
          if (wanted.has(offset)) found.set(offset, parseGoal(textOf(value) ?? ''))
        }
      },
    })
  } finally {
    clearTimeout(timer)
    await consumer.close()
  }
  return kept.map(({ offset }) => found.get(offset))
}

/** @param served at the offsets of those. @returns undefined when they are the same, in order */
export function firstDifference(
  stored: readonly Goal[],
  served: readonly (Goal | undefined)[],
): string | undefined {
  for (const [i, goal] of stored.entries()) {
    const found = served[i]
    if (found === undefined) return `only ${i} of ${stored.length} goals`
    if (found.id !== goal.id) return `${named(found)} where ${named(goal)} belongs`
    const before = served[i - 1]
    if (before !== undefined && compareGoals(before, found) > 0) {
      return `${named(found)} after ${named(before)}`
    }
  }
  return undefined
}

function named(goal: Goal): string {
  return `${goal.id} of minute ${minuteText(goal).slice(0, -1)}`
}
