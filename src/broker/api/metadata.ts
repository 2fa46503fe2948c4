// What any broker answers out of its image of the cluster or by a write of its own to ZooWeeper:
// metadata, new topics, producer ids, committed offsets.

import { limits } from '../../limits.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { MqRequest, MqResponse } from '../../protocol/mq/messages.ts'
import type { MultiOp } from '../../protocol/zk/messages.ts'
import { placeReplicas } from '../controller/controller.ts'
import { decodeTopic, encodeTopic, type TopicAssignment, zkPaths } from '../controller/zk-paths.ts'
import { commitOffset, committedOffset } from '../group/offset-store.ts'
import type { BrokerSession } from '../session.ts'
import type { Respond } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'

type RequestOf<T extends MqRequest['type']> = Extract<MqRequest, { readonly type: T }>

/** How often it is looked whether a new topic has its leaders. */
const leadersCheckMs = 10

export function metadata(
  { image, clusterId }: BrokerParts,
  { topics }: RequestOf<'metadata'>,
  respond: Respond,
): void {
  respond({ type: 'metadata', cluster: image.info(clusterId, topics) })
}

/** Answers when every partition has a leader, or the time is up; the topic may appear all the same. */
export async function createTopic(
  parts: BrokerParts,
  request: RequestOf<'createTopic'>,
): Promise<MqResponse> {
  const { topic, timeoutMs } = request
  const session = openSession(parts, 'create a topic')
  const deadlineMs = parts.clock.nowMs() + Math.min(timeoutMs, limits.produceTimeoutMsMax)
  const topicId = parts.makeUuid()
  // A broker that has just registered counts, and one that has just gone does not.
  await session.readCluster()
  await makeTopic(session, topic, { topicId, replicas: replicasFor(parts, request) })
  parts.log.info({ topic, topicId }, 'Created a topic')
  while (!isLed(parts, topic, topicId)) {
    if (parts.clock.nowMs() >= deadlineMs) {
      const found = `its partitions have no leaders after ${timeoutMs} ms`
      throw new BrokerError('REQUEST_TIMED_OUT', `Cannot finish topic '${topic}': ${found}`)
    }
    await new Promise<void>((resolve) => parts.clock.after(leadersCheckMs, resolve))
  }
  return { type: 'createTopic', topicId }
}

/** @throws BrokerError for what cannot be had */
function replicasFor(
  { image, defaults }: BrokerParts,
  request: RequestOf<'createTopic'>,
): TopicAssignment['replicas'] {
  const { topic } = request
  const refuse = (code: BrokerError['code'], found: string): never => {
    throw new BrokerError(code, `Cannot create topic '${topic}': ${found}`)
  }
  const isName = /^[\w.-]+$/.test(topic) && topic !== '.' && topic !== '..'
  if (!isName || topic.length > limits.topicNameLengthMax) {
    const allowed = 'letters, digits, dot, underscore and dash are allowed'
    return refuse('INVALID_TOPIC_EXCEPTION', `${allowed}, at most ${limits.topicNameLengthMax}`)
  }
  const brokers = [...image.brokers.keys()]
  const asked = request.partitionCount
  const partitionCount = asked === -1 ? defaults.partitionCount : asked
  if (partitionCount < 1 || partitionCount > limits.partitionsPerTopicMax) {
    const most = `1 to ${limits.partitionsPerTopicMax} are allowed`
    return refuse('INVALID_PARTITIONS', `it cannot have ${partitionCount} partitions, ${most}`)
  }
  const byDefault = Math.min(defaults.replicationFactor, brokers.length)
  const replicationFactor = request.replicationFactor === -1 ? byDefault : request.replicationFactor
  if (replicationFactor < 1 || replicationFactor > brokers.length) {
    const found = `${brokers.length} brokers are alive`
    return refuse('INVALID_REPLICATION_FACTOR', `${replicationFactor} replicas wanted, ${found}`)
  }
  const start = image.topics.size
  return placeReplicas(brokers, { partitionCount, replicationFactor, start })
}

/** The znodes of a topic, in one multi; the controller adds leaders and ISRs. */
async function makeTopic(
  { zk }: BrokerSession,
  topic: string,
  assignment: TopicAssignment,
): Promise<void> {
  const make = (path: string, data: string | null): MultiOp => {
    const bytes = data === null ? null : Buffer.from(data)
    return { type: 'create', path, data: bytes, mode: 'persistent' }
  }
  const path = zkPaths.topic(topic)
  try {
    await zk.multi([
      make(path, encodeTopic(assignment)),
      make(zkPaths.partitions(topic), null),
      ...assignment.replicas.map((_, partition) => make(zkPaths.partition(topic, partition), null)),
    ])
  } catch (error) {
    if (!(error instanceof ZkError)) throw error
    if (error.code === 'CONNECTIONLOSS') {
      // The outcome is not known: what is there tells.
      await zk.sync(path)
      if ((await zk.exists(path)) === undefined) throw error
    } else if (error.code !== 'NODEEXISTS') throw error
    const found = decodeTopic((await zk.getData(path)).data)
    if (found?.topicId === assignment.topicId) return
    throw new BrokerError('TOPIC_ALREADY_EXISTS', `Cannot create topic '${topic}': there is one`)
  }
}

function isLed({ image }: BrokerParts, topic: string, topicId: string): boolean {
  const { assignment } = image.topics.get(topic) ?? {}
  if (assignment?.topicId !== topicId) return false
  return assignment.replicas.every((_, partition) => image.leader(topic, partition) !== undefined)
}

export async function initProducerId(parts: BrokerParts): Promise<MqResponse> {
  const { zk } = openSession(parts, 'give out a producer id')
  const producerId = await parts.producerIds.next(zk)
  return { type: 'initProducerId', producerId, producerEpoch: 0 }
}

export async function commit(
  parts: BrokerParts,
  request: RequestOf<'commitOffset'>,
): Promise<MqResponse> {
  checkPartition(parts, request)
  await commitOffset(openSession(parts, 'commit an offset').zk, request, request.offset)
  return { type: 'commitOffset' }
}

export async function committed(
  parts: BrokerParts,
  request: RequestOf<'committedOffset'>,
): Promise<MqResponse> {
  checkPartition(parts, request)
  const offset = await committedOffset(openSession(parts, 'read an offset').zk, request)
  return { type: 'committedOffset', offset }
}

function checkPartition(
  { image }: BrokerParts,
  { topic, partition }: { readonly topic: string; readonly partition: number },
): void {
  if (image.hasPartition(topic, partition)) return
  const message = `Cannot look up ${topic}/${partition}: there is no such partition`
  throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', message)
}

function openSession(parts: BrokerParts, what: string): BrokerSession {
  const session = parts.session()
  if (session !== undefined) return session
  const found = 'this broker has no session with ZooWeeper'
  throw new BrokerError('BROKER_NOT_AVAILABLE', `Cannot ${what}: ${found}`)
}
