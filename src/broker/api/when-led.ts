// Waits until every partition of a topic has a leader, as this broker's image shows it.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import type { BrokerParts } from './broker-parts.ts'
import type { Deadline } from './deadline.ts'

/** Interval at which a topic is checked for leaders. */
const leadersCheckMs = 10

interface LedTopic {
  readonly topic: string
  readonly topicId: string
  /** of partitions, at least */
  readonly count: number
}

/** @throws BrokerError REQUEST_TIMED_OUT */
export async function whenLed(
  { image, clock }: Pick<BrokerParts, 'image' | 'clock'>,
  led: LedTopic,
  deadline: Deadline,
): Promise<void> {
  const { topic } = led
  for (;;) {
    const missing = firstWithoutLeader(image, led)
    if (missing === undefined) return
    if (deadline.isOver) {
      const problem = image.problemOf(topic, missing) ?? 'no reason is known'
      const found = `partition ${missing} has no leader after ${deadline.timeoutMs} ms: ${problem}`
      throw new BrokerError('REQUEST_TIMED_OUT', `Cannot finish topic '${topic}': ${found}`)
    }
    await new Promise<void>((resolve) => clock.after(leadersCheckMs, resolve))
  }
}

/** @returns undefined when every partition has a leader */
function firstWithoutLeader(
  image: ClusterImage,
  { topic, topicId, count }: LedTopic,
): number | undefined {
  const { assignment } = image.topics.get(topic) ?? {}
  if (assignment?.topicId !== topicId) return 0
  for (let partition = 0; partition < count; partition++) {
    if (image.leader(topic, partition) === undefined) return partition
  }
  return undefined
}
