// Asks every broker for the goals that were sent, each from its own log, and compares.

import { Consumer } from '../client/consumer.ts'
import type { MqAdmin } from '../client/mq-admin.ts'
import type { Cluster } from './cluster.ts'
import { follow } from './consume.ts'
import { demoTopic } from './demo.ts'
import { type Goal, parseGoal } from './goal.ts'
import { textOf } from './record-text.ts'

/** For each broker to serve goals that are stored already. */
const checkTimeoutMs = 30_000

/** Whether each broker serves what was sent, in order, out of its own replica. */
export async function checkBrokers(options: {
  readonly cluster: Cluster
  readonly admin: MqAdmin
  readonly from: number
  readonly sent: readonly Goal[]
  readonly tell: (event: string) => void
}): Promise<boolean> {
  const { cluster, admin, from, sent, tell } = options
  const replicas = (await admin.topic(demoTopic))?.partitions[0]?.replicas ?? []
  const verdicts = await Promise.all(
    cluster.brokers.map(async ({ id }) => {
      if (!replicas.some((replica) => replica === id)) {
        tell(`broker ${id} has no replica of ${demoTopic}`)
        return false
      }
      const served = await goalsOf(cluster, id, from, sent.length)
      const problem = firstDifference(sent, served)
      tell(`broker ${id} serves ${problem ?? `the same ${served.length} goals from its own log`}`)
      return problem === undefined
    }),
  )
  return verdicts.every((verdict) => verdict)
}

/** As this broker has them in its own log; fewer when it does not have them in time. */
async function goalsOf(
  cluster: Cluster,
  broker: number,
  from: number,
  count: number,
): Promise<(Goal | undefined)[]> {
  const consumer = new Consumer({
    brokers: cluster.brokerAddresses,
    topic: demoTopic,
    from: 'beginning',
    broker,
    stayWithBroker: true,
  })
  const timer = setTimeout(() => void consumer.close(), checkTimeoutMs)
  const goals: (Goal | undefined)[] = []
  try {
    await follow({
      consumer,
      commits: false,
      max: from + count,
      onRecords: (records) => {
        for (const { offset, value } of records) {
          if (offset >= from) goals.push(parseGoal(textOf(value) ?? ''))
        }
      },
    })
  } finally {
    clearTimeout(timer)
    await consumer.close()
  }
  return goals
}

/** @returns undefined when both are the same, and minutes rise by one from 1 */
export function firstDifference(
  sent: readonly Goal[],
  served: readonly (Goal | undefined)[],
): string | undefined {
  for (const [i, goal] of sent.entries()) {
    const found = served[i]
    if (found === undefined) return `only ${i} of ${sent.length} goals`
    if (found.id !== goal.id || found.minute !== i + 1) {
      return `${found.id} of minute ${found.minute} where ${goal.id} of minute ${i + 1} belongs`
    }
  }
  return served.length > sent.length ? `${served.length - sent.length} goals too many` : undefined
}
