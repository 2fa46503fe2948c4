// Metadata: the live brokers with their addresses, and topics with their partitions.

import type { MetadataRequest, MetadataResponse } from '../../protocol/kafka/api/metadata.ts'
import { noUuid } from '../../protocol/kafka/reader.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import type { BrokerInfo, PartitionInfo, TopicInfo } from '../../protocol/mq/metadata.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { nameProblem } from '../api/new-topic.ts'
import { isInternal } from '../group/offsets-topic.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

type TopicRow = MetadataResponse['topics'][number]
type PartitionRow = TopicRow['partitions'][number]
type Asked = NonNullable<MetadataRequest['topics']>[number]

export function answerMetadata(
  { parts, version }: KafkaContext,
  { topics }: MetadataRequest,
  reply: KafkaReply<MetadataResponse>,
): void {
  const { image, clusterId } = parts
  const asksForAll = topics === null || (version === 0 && topics.length === 0)
  reply.send({
    brokers: brokersOf(parts).map(({ id, host, port, rack = null }) => ({
      nodeId: id,
      host,
      port,
      rack,
    })),
    clusterId,
    controllerId: controllerOf(parts),
    topics: asksForAll
      ? image.info(clusterId, undefined).topics.map((info) => topicRow(parts, info))
      : topics.map((asked) => askedRow(parts, asked)),
  })
}

/** The live brokers, by id. */
export function brokersOf({ image, clusterId }: BrokerParts): readonly BrokerInfo[] {
  return image.info(clusterId, []).brokers
}

/**
 * Clients send controller requests here. Any broker accepts them, so there is always one to name.
 */
export function controllerOf({ image, self }: BrokerParts): BrokerId {
  return image.brokers.has(image.controller) ? image.controller : self
}

function askedRow(parts: BrokerParts, { name, topicId }: Asked): TopicRow {
  const { image, clusterId } = parts
  if (name === null) {
    const topic = image.topicOf(topicId)
    if (topic === undefined) return missing({ code: 'UNKNOWN_TOPIC_ID', name, topicId })
    return askedRow(parts, { name: topic, topicId })
  }
  const [info] = image.info(clusterId, [name]).topics
  if (info !== undefined) return topicRow(parts, info)
  const isName = nameProblem(name) === undefined
  const code = isName ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'INVALID_TOPIC_EXCEPTION'
  return missing({ code, name, topicId: noUuid })
}

function missing(found: {
  readonly code: MqErrorCode
  readonly name: string | null
  readonly topicId: string
}): TopicRow {
  const { code, name, topicId } = found
  return { errorCode: numberOf(code), name, topicId, partitions: [] }
}

function topicRow({ image }: BrokerParts, info: TopicInfo): TopicRow {
  const { topic, topicId, problem, partitions } = info
  return {
    errorCode: numberOf(problem === undefined ? 'NONE' : 'KAFKA_STORAGE_ERROR'),
    name: topic,
    topicId,
    isInternal: isInternal(topic),
    partitions: partitions.map((one) => partitionRow(one, (id) => image.brokers.has(id))),
  }
}

function partitionRow(info: PartitionInfo, isAlive: (id: BrokerId) => boolean): PartitionRow {
  const { partition, leader, leaderEpoch, replicas, isr } = info
  return {
    errorCode: numberOf(leader === noBroker ? 'LEADER_NOT_AVAILABLE' : 'NONE'),
    partitionIndex: partition,
    leaderId: leader,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr,
    offlineReplicas: replicas.filter((id) => !isAlive(id)),
  }
}
