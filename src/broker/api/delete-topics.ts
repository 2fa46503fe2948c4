// deleteTopics: deletes a topic's znodes in one multi, and with them its configuration; from then on
// its name is free. The same multi names the brokers that have to remove their replicas.
//
// Next on the path: replication/topic-removal.ts on each of these brokers.

import { ZkError } from '../../protocol/error-codes.ts'
import type {
  DeletedTopic,
  DeleteTopicsRequest,
  DeleteTopicsResponse,
  DoomedTopic,
} from '../../protocol/mq/delete-topics.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { failureOf } from '../../protocol/mq/messages.ts'
import type { MultiOp } from '../../protocol/zk/messages.ts'
import { encodeDeletedTopic } from '../cluster/deleted-topics.ts'
import { brokersWith } from '../cluster/topic-assignment.ts'
import { decodeTopic, zkPaths } from '../cluster/zk-paths.ts'
import { isInternal } from '../group/offsets-topic.ts'
import { asBrokerError } from './answer.ts'
import type { BrokerParts, ServingSession } from './broker-parts.ts'
import { Deadline } from './deadline.ts'
import { openSession } from './open-session.ts'
import { repeated, repeatedError } from './repeated.ts'

/** Interval at which it is checked whether a deleted topic has left the image. */
const goneCheckMs = 10

/** @throws BrokerError, ZkError if none of the topics could be attempted */
export async function deleteTopics(
  parts: BrokerParts,
  { topics, timeoutMs }: DeleteTopicsRequest,
): Promise<DeleteTopicsResponse> {
  const session = openSession(parts, 'delete a topic')
  const deadline = new Deadline(parts.clock, timeoutMs)
  await session.zk.sync(zkPaths.topics)
  const isNew = topics.some(({ topicId }) => {
    return topicId !== '' && parts.image.topicOf(topicId) === undefined
  })
  if (isNew) await session.readMembers()
  const named = topics.map((one) => nameOf(parts, one))
  const twice = repeated(named.filter((name) => typeof name === 'string'))
  const outcomes = topics.map(async (one, i): Promise<DeletedTopic> => {
    const name = named[i]
    const { topicId } = one
    try {
      if (typeof name !== 'string') throw name
      if (twice.has(name)) throw repeatedError(`delete topic '${name}'`)
      const id = await deleteTopic(parts, session, { topic: name, topicId })
      await whenGone(parts, name, id, deadline)
      return { topic: name, topicId: id, error: undefined }
    } catch (error) {
      return { topic: one.topic, topicId, error: failureOf(asBrokerError(error)) }
    }
  })
  return { type: 'deleteTopics', topics: await Promise.all(outcomes) }
}

function nameOf({ image }: BrokerParts, { topic, topicId }: DoomedTopic): string | BrokerError {
  if ((topic === '') === (topicId === '')) {
    const found = 'it needs either a name or an id'
    return new BrokerError('INVALID_REQUEST', `Cannot delete topic '${topic}': ${found}`)
  }
  const name = topic === '' ? image.topicOf(topicId) : topic
  if (name === undefined) return unknownId(topicId)
  if (!isInternal(name)) return name
  const found = 'the brokers keep their own data in it'
  return new BrokerError('INVALID_TOPIC_EXCEPTION', `Cannot delete topic '${name}': ${found}`)
}

export function unknownId(topicId: string): BrokerError {
  const found = 'no topic has it'
  return new BrokerError('UNKNOWN_TOPIC_ID', `Cannot delete the topic with id ${topicId}: ${found}`)
}

/**
 * Repeated until nothing changes between reading the znodes and deleting them: the controller may be
 * electing leaders, and leaders changing their ISRs.
 *
 * @returns its id; empty if its znode could not be read
 * @throws BrokerError, ZkError
 */
async function deleteTopic(
  parts: BrokerParts,
  session: ServingSession,
  { topic, topicId }: DoomedTopic,
): Promise<string> {
  const { zk } = session
  for (;;) {
    const path = zkPaths.topic(topic)
    try {
      const { data, stat } = await zk.getData(path)
      const assignment = decodeTopic(data)
      const id = assignment?.topicId ?? ''
      if (topicId !== '' && id !== topicId) throw unknownId(topicId)
      const ops = await removalOf(session, topic)
      const doomed: MultiOp[] = []
      if (assignment !== undefined) {
        const partitionCount = assignment.replicas.length
        const brokers = brokersWith(assignment)
        const text = encodeDeletedTopic({ topic, partitionCount, brokers })
        doomed.push({
          type: 'create',
          path: zkPaths.deletedTopic(id),
          data: Buffer.from(text),
          mode: 'persistent',
        })
      }
      await zk.multi([...doomed, ...ops, { type: 'delete', path, version: stat.version }])
      parts.log.info({ topic, topicId: id }, 'Deleted a topic')
      return id
    } catch (error) {
      if (!(error instanceof ZkError)) throw error
      const { code } = error
      if (code === 'CONNECTIONLOSS' || code === 'SESSIONEXPIRED') throw error
      if (code === 'NONODE' && (await zk.exists(path)) === undefined) {
        if (topicId !== '') throw unknownId(topicId)
        const found = 'the topic does not exist'
        const message = `Cannot delete topic '${topic}': ${found}`
        throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', message)
      }
      if (!retriedCodes.has(code)) throw error
    }
  }
}

const retriedCodes: ReadonlySet<string> = new Set([
  'NONODE',
  'NODEEXISTS',
  'NOTEMPTY',
  'BADVERSION',
])

/** Deletes of everything below a topic's znode, and of its configuration. */
async function removalOf({ zk }: ServingSession, topic: string): Promise<readonly MultiOp[]> {
  const gone = (path: string): MultiOp => ({ type: 'delete', path, version: -1 })
  const config = zkPaths.configOf({ type: 'topic', name: topic })
  const partitions = zkPaths.partitions(topic)
  const [hasConfig, children] = await Promise.all([zk.exists(config), childrenOf(zk, partitions)])
  const ops: MultiOp[] = hasConfig === undefined ? [] : [gone(config)]
  if (children === undefined) return ops
  const below = await Promise.all(
    children.map(async (name) => {
      const path = `${partitions}/${name}`
      const leaves = (await childrenOf(zk, path)) ?? []
      return [...leaves.map((leaf) => gone(`${path}/${leaf}`)), gone(path)]
    }),
  )
  return [...ops, ...below.flat(), gone(partitions)]
}

/** @returns undefined: it does not exist */
async function childrenOf(
  zk: ServingSession['zk'],
  path: string,
): Promise<readonly string[] | undefined> {
  try {
    return (await zk.getChildren(path)).children
  } catch (error) {
    if (error instanceof ZkError && error.code === 'NONODE') return undefined
    throw error
  }
}

/** @throws BrokerError REQUEST_TIMED_OUT */
async function whenGone(
  { image, clock }: BrokerParts,
  topic: string,
  topicId: string,
  deadline: Deadline,
): Promise<void> {
  while (image.topics.get(topic)?.assignment.topicId === topicId) {
    if (deadline.isOver) {
      const found = 'this broker has not seen it leave yet'
      throw new BrokerError('REQUEST_TIMED_OUT', `Cannot wait for topic '${topic}': ${found}`)
    }
    await new Promise<void>((resolve) => clock.after(goneCheckMs, resolve))
  }
}
