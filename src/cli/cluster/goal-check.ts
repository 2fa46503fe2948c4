// The end of a run: the goals are read from every running broker's own log and compared with the
// stored ones.

import { Consumer } from '../../client/mq/consumer.ts'
import type { MqAdmin } from '../../client/mq/mq-admin.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { follow } from '../consumer/follow.ts'
import { compareGoals, type Goal, minuteText, parseGoal } from '../goals/goal.ts'
import { counted } from '../make-topic.ts'
import { textOf } from '../record-text.ts'
import type { Cluster } from './cluster.ts'
import { demoTopic } from './demo.ts'

/** For each broker to serve the stored goals. */
const checkTimeoutMs = 30_000
/** A run may be endless; the last goals are compared. */
const goalsKeptMax = 10_000
/** Goals are dropped in groups of this size, since cutting the head of an array copies the rest. */
const goalsSlack = 1000

/** The stored goals of a run. */
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

  /** Their total number. */
  get count(): number {
    return this.#count
  }

  /** The last ones, in log order: an answer that was lost is repeated later. */
  get kept(): readonly { readonly goal: Goal; readonly offset: number }[] {
    return this.#kept.toSorted((a, b) => a.offset - b.offset)
  }
}

/**
 * Checks whether each running broker serves the stored goals, in order, from its own replica.
 *
 * @returns a summary, and whether every check passed
 */
export async function checkBrokers(options: {
  readonly cluster: Cluster
  readonly admin: MqAdmin
  readonly stored: StoredGoals
  readonly tell: (event: string) => void
}): Promise<{ readonly text: string; readonly isFine: boolean }> {
  const { cluster, admin, stored, tell } = options
  tell(`${counted(stored.count, 'goal')} stored, each sent to a randomly picked broker`)
  const up = cluster.brokers.filter((broker) => cluster.stateOf(broker) === 'running')
  for (const { id } of cluster.brokers) {
    if (!up.some((broker) => broker.id === id)) tell(`broker ${id} is down, and is not checked`)
  }
  if (up.length === 0)
    return { text: 'no broker is up, so the goals are not checked', isFine: true }
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
    : 'the brokers do not serve the goals that were stored'
  return { text, isFine }
}

/** undefined if no broker answers. */
async function replicasOf(admin: MqAdmin): Promise<readonly number[] | undefined> {
  try {
    return (await admin.topic(demoTopic))?.partitions[0]?.replicas ?? []
  } catch (error) {
    if (error instanceof BrokerError) return undefined
    throw error
  }
}

/** The goals in this broker's own log; undefined for those not received in time. */
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
          // Other producers may write to the topic as well.
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

/**
 * @param served the goals at the same offsets. @returns undefined if they are the same, in order
 */
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
