// What any broker answers out of its image of the cluster or by a write of its own to ZooWeeper:
// metadata, new topics, producer ids, committed offsets.

import { ZkError } from '../../protocol/error-codes.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { type MqRequest, type MqResponse, noCommit } from '../../protocol/mq/messages.ts'
import type { MultiOp } from '../../protocol/zk/messages.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import { decodeTopic, encodeTopic, type TopicAssignment, zkPaths } from '../cluster/zk-paths.ts'
import { commitOffset, committedOffset } from '../group/offset-store.ts'
import type { BrokerSession } from '../session/session.ts'
import type { Respond } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { Deadline } from './deadline.ts'
import { boundsOf, isOffset, outOfRange, type Place } from './list-offsets.ts'
import { checkCollision, checkNewTopic, replicasFor } from './new-topic.ts'
import { noPartition } from './pass-on.ts'

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
  checkNewTopic(request)
  const { image, defaults, clock } = parts
  const session = openSession(parts, 'create a topic')
  const deadline = new Deadline(clock, timeoutMs)
  const topicId = parts.makeUuid()
  // A broker that has just registered counts, and one that has just gone does not.
  await session.readCluster()
  deadline.check(`create topic '${topic}'`)
  checkCollision(topic, [...image.topics.keys(), ...image.topicProblems.keys()])
  const brokers = [...image.brokers.keys()]
  const replicas = replicasFor(request, brokers, { defaults, start: image.topics.size })
  await makeTopic(session, topic, { topicId, replicas })
  parts.log.info({ topic, topicId }, 'Created a topic')
  for (;;) {
    const missing = firstWithoutLeader(image, topic, topicId)
    if (missing === undefined) return { type: 'createTopic', topicId }
    if (deadline.isOver) {
      const problem = image.problemOf(topic, missing) ?? 'no reason is known'
      const found = `partition ${missing} has no leader after ${timeoutMs} ms: ${problem}`
      throw new BrokerError('REQUEST_TIMED_OUT', `Cannot finish topic '${topic}': ${found}`)
    }
    await new Promise<void>((resolve) => clock.after(leadersCheckMs, resolve))
  }
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

/** @returns undefined when all have one */
function firstWithoutLeader(
  image: ClusterImage,
  topic: string,
  topicId: string,
): number | undefined {
  const { assignment } = image.topics.get(topic) ?? {}
  if (assignment?.topicId !== topicId) return 0
  const found = assignment.replicas.findIndex((_, partition) => {
    return image.leader(topic, partition) === undefined
  })
  return found === -1 ? undefined : found
}

export async function initProducerId(parts: BrokerParts): Promise<MqResponse> {
  const { zk } = openSession(parts, 'give out a producer id')
  const producerId = await parts.producerIds.next(zk)
  return { type: 'initProducerId', producerId, producerEpoch: 0 }
}

/** A commit beyond the end is refused here: a consumer that starts from it could not read. */
export async function commit(
  parts: BrokerParts,
  request: RequestOf<'commitOffset'>,
): Promise<MqResponse> {
  const { group, topic, partition, offset, timeoutMs } = request
  const what = `commit ${offset} of group '${group}' for ${topic}/${partition}`
  const deadline = new Deadline(parts.clock, timeoutMs)
  checkPartition(parts, request)
  if (!isOffset(offset) || !isKnownHere(parts, request)) {
    const bounds = await boundsOf(parts, request)
    if (!isOffset(offset) || offset > bounds.end) throw outOfRange(what, bounds)
  }
  const { zk } = openSession(parts, 'commit an offset')
  const version = await commitOffset(zk, request, request, () => deadline.check(what))
  return { type: 'commitOffset', version }
}

/** Whether our own replica, if there is one, has committed records up to the offset. */
function isKnownHere(
  { replicas }: BrokerParts,
  { topic, partition, offset }: RequestOf<'commitOffset'>,
): boolean {
  return offset <= (replicas.get(topic, partition)?.highWatermark ?? -1)
}

export async function committed(
  parts: BrokerParts,
  request: RequestOf<'committedOffset'>,
): Promise<MqResponse> {
  checkPartition(parts, request)
  const found = await committedOffset(openSession(parts, 'read an offset').zk, request)
  switch (found.type) {
    case 'none':
      return { type: 'committedOffset', offset: undefined, version: noCommit }
    case 'offset':
      return { type: 'committedOffset', offset: found.offset, version: found.version }
    case 'unreadable': {
      const { group, topic, partition } = request
      const what = `go on where group '${group}' was in ${topic}/${partition}`
      const bounds = await boundsOf(parts, request)
      throw outOfRange(`${what}, as znode ${found.path} holds no offset`, bounds)
    }
  }
}

function checkPartition({ image }: BrokerParts, place: Place): void {
  if (image.hasPartition(place.topic, place.partition)) return
  throw noPartition(image, 'look up', place)
}

function openSession(parts: BrokerParts, what: string): BrokerSession {
  const session = parts.session()
  if (session !== undefined) return session
  const found = 'this broker has no session with ZooWeeper'
  throw new BrokerError('BROKER_NOT_AVAILABLE', `Cannot ${what}: ${found}`)
}
