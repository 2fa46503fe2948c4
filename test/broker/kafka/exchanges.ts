// Requests of Kafka's protocol that the tests of its handlers share.

import { createTopics } from '../../../src/protocol/kafka/api/create-topics.ts'
import type { fetch } from '../../../src/protocol/kafka/api/fetch.ts'
import type { produce } from '../../../src/protocol/kafka/api/produce.ts'
import type { StructWritten } from '../../../src/protocol/kafka/fields.ts'
import type { KafkaApi } from '../../../src/protocol/kafka/message.ts'
import { encodeBatch, noProducer } from '../../../src/protocol/mq/record-batch.ts'
import type { KafkaClient } from './kafka-client.ts'

type RequestTo<A> = A extends KafkaApi<infer Request, infer _> ? StructWritten<Request> : never

/** Creates a topic, by default with one replica. @returns its id */
export async function newTopic(
  client: KafkaClient,
  name: string,
  { partitions = 1, replicas = 1 }: { partitions?: number; replicas?: number } = {},
): Promise<string> {
  const topic = { name, numPartitions: partitions, replicationFactor: replicas }
  const topics = [{ ...topic, assignments: [], configs: [] }]
  const answer = await client.send(createTopics, 7, { topics, timeoutMs: 30_000 })
  const [made] = answer.topics
  if (made?.errorCode !== 0) throw new Error(made?.errorMessage ?? 'The response has no topic')
  return made.topicId
}

export function batchOf(count: number, { valueBytes = 10 }: { valueBytes?: number } = {}): Buffer {
  const value = Buffer.alloc(valueBytes, 118)
  const record = { key: null, value, timestampMs: 1_700_000_000_000, headers: [] }
  return encodeBatch({
    producerId: noProducer,
    producerEpoch: -1,
    baseSequence: -1,
    records: Array.from({ length: count }, () => record),
  })
}

export function produceTo(
  name: string,
  records: Buffer | null,
  { index = 0, acks = -1 }: { index?: number; acks?: number } = {},
): RequestTo<typeof produce> {
  const topicData = [{ name, partitionData: [{ index, records }] }]
  return { transactionalId: null, acks, timeoutMs: 30_000, topicData }
}

interface FetchOptions {
  readonly partition?: number
  readonly fetchOffset?: number
  readonly maxWaitMs?: number
  readonly minBytes?: number
  readonly maxBytes?: number
  readonly partitionMaxBytes?: number
  readonly currentLeaderEpoch?: number
}

export function fetchOf(topic: string, options: FetchOptions = {}): RequestTo<typeof fetch> {
  const { partition = 0, fetchOffset = 0, partitionMaxBytes = 1_048_576 } = options
  const { maxWaitMs = 0, minBytes = 1, maxBytes = 52_428_800, currentLeaderEpoch = -1 } = options
  const asked = { partition, fetchOffset, partitionMaxBytes, currentLeaderEpoch }
  // By name and by id: each version writes the field that it has.
  const topics = [{ topic, topicId: topic, partitions: [asked] }]
  return { maxWaitMs, minBytes, maxBytes, isolationLevel: 0, topics }
}
