// Metadata: the live brokers with their addresses, and topics with their partitions. With
// auto.create.topics.enable it creates the topics that do not exist, and answers when they have
// leaders, so that clients see no error meanwhile.

import type { MetadataRequest, MetadataResponse } from '../../protocol/kafka/api/metadata.ts'
import { noUuid } from '../../protocol/kafka/reader.ts'
import { BrokerError, isRetriable, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import type { BrokerInfo, PartitionInfo, TopicInfo } from '../../protocol/mq/metadata.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { nameProblem } from '../api/new-topic.ts'
import { isInternal } from '../group/offsets-topic.ts'
import { ask, type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

type TopicRow = MetadataResponse['topics'][number]
type PartitionRow = TopicRow['partitions'][number]
type Asked = NonNullable<MetadataRequest['topics']>[number]

/** The errors of topics that do not exist here yet, because they could not be made, or just were. */
type Verdicts = ReadonlyMap<string, MqErrorCode>

/** A client whose topic has no leader by then asks again. */
const creationTimeoutMs = 5000

export function answerMetadata(
  context: KafkaContext,
  { topics, allowAutoTopicCreation }: MetadataRequest,
  reply: KafkaReply<MetadataResponse>,
): void {
  const { parts, version, access } = context
  const { image, clusterId } = parts
  const asksForAll = topics === null || (version === 0 && topics.length === 0)
  const respond = (verdicts: Verdicts) =>
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
        ? image
            .info(clusterId, undefined)
            .topics.filter(({ topic }) => access.mayTopic('describe', topic))
            .map((info) => topicRow(parts, info))
        : topics.map((asked) => askedRow(context, asked, verdicts)),
    })
  const mayCreate = parts.autoCreatesTopics && allowAutoTopicCreation && !asksForAll
  const missing = mayCreate ? topics.flatMap((asked) => missingTopic(context, asked)) : []
  if (missing.length === 0) respond(new Map())
  else createMissing(context, [...new Set(missing)], respond)
}

/** Its name, if it could be created. */
function missingTopic({ parts, access }: KafkaContext, { name }: Asked): readonly string[] {
  if (name === null || parts.image.topics.has(name)) return []
  if (!access.mayTopic('describe', name) || !access.mayCreate(name)) return []
  return nameProblem(name) === undefined && !isInternal(name) ? [name] : []
}

function createMissing(
  context: KafkaContext,
  names: readonly string[],
  respond: (verdicts: Verdicts) => void,
): void {
  const topics = names.map((topic) => ({
    topic,
    partitionCount: -1,
    replicationFactor: -1,
    configs: [],
  }))
  const request = { type: 'createTopics', timeoutMs: creationTimeoutMs, topics } as const
  ask(context, request, (answer) => {
    // None could be attempted: as if they were being made, since the client is to ask again.
    const made = answer instanceof BrokerError ? [] : answer.topics
    const codes = new Map(made.map(({ topic, error }) => [topic, error?.code]))
    respond(new Map(names.map((name) => [name, verdictOn(codes.get(name))])))
  })
}

/** What the client reads of a topic that this broker does not know yet. */
function verdictOn(code: MqErrorCode | undefined): MqErrorCode {
  const isMade = code === undefined || code === 'TOPIC_ALREADY_EXISTS'
  return isMade || isRetriable(code) ? 'LEADER_NOT_AVAILABLE' : code
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

function askedRow(context: KafkaContext, { name, topicId }: Asked, verdicts: Verdicts): TopicRow {
  const { parts, access } = context
  const { image, clusterId } = parts
  if (name === null) {
    const topic = image.topicOf(topicId)
    if (topic === undefined) return missing({ code: 'UNKNOWN_TOPIC_ID', name, topicId })
    if (!access.mayTopic('describe', topic)) {
      return missing({ code: 'TOPIC_AUTHORIZATION_FAILED', name, topicId })
    }
    return askedRow(context, { name: topic, topicId }, verdicts)
  }
  if (!access.mayTopic('describe', name)) {
    return missing({ code: 'TOPIC_AUTHORIZATION_FAILED', name, topicId: noUuid })
  }
  const [info] = image.info(clusterId, [name]).topics
  if (info !== undefined) return topicRow(parts, info)
  const isName = nameProblem(name) === undefined
  const code = isName ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'INVALID_TOPIC_EXCEPTION'
  return missing({ code: verdicts.get(name) ?? code, name, topicId: noUuid })
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
