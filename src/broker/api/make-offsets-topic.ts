// Creates the topic in which consumer groups are stored (group/offsets-topic.ts).
//
// Next on the path: create-topics.ts.

import { brokerErrorOf } from '../../protocol/mq/messages.ts'
import { offsetsTopic } from '../group/offsets-topic.ts'
import type { BrokerParts } from './broker-parts.ts'
import { createTopics } from './create-topics.ts'

/** A client that waits for a coordinator asks again after a shorter time. */
const timeoutMs = 5000

/** The last record of each group and offset counts; in small segments, which compaction rewrites. */
const configs = [
  { name: 'cleanup.policy', value: 'compact' },
  { name: 'segment.bytes', value: String(16 * 1024 * 1024) },
]

/** @throws BrokerError TOPIC_ALREADY_EXISTS, …; ZkError */
export async function makeOffsetsTopic(
  parts: BrokerParts,
  size: { readonly partitionCount: number; readonly replicationFactor: number },
): Promise<void> {
  const { partitionCount, replicationFactor } = size
  const topics = [{ topic: offsetsTopic, partitionCount, replicationFactor, configs }]
  const made = await createTopics(parts, { type: 'createTopics', timeoutMs, topics })
  for (const { error } of made.topics) if (error !== undefined) throw brokerErrorOf(error)
}
