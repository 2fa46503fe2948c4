// createPartitions: adds partitions to a topic's znode. Each topic has its own outcome.
//
// Next on the path: controller/controller.ts, which elects their leaders.

import { limits } from '../../limits.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import type {
  CreatedPartitions,
  CreatePartitionsRequest,
  CreatePartitionsResponse,
  NewPartitions,
} from '../../protocol/mq/create-partitions.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { type BrokerId, failureOf, noBroker } from '../../protocol/mq/messages.ts'
import { type TopicAssignment, targetOf } from '../cluster/topic-assignment.ts'
import { decodeTopic, encodeTopic, zkPaths } from '../cluster/zk-paths.ts'
import { type PlacedBroker, placeReplicas } from '../controller/placement.ts'
import { isInternal } from '../group/offsets-topic.ts'
import { asBrokerError } from './answer.ts'
import type { BrokerParts, ServingSession } from './broker-parts.ts'
import { Deadline } from './deadline.ts'
import { noTopic } from './describe-configs.ts'
import { assignmentProblem } from './new-topic.ts'
import { openSession } from './open-session.ts'
import { repeated, repeatedError } from './repeated.ts'
import { whenLed } from './when-led.ts'

/** @throws BrokerError, ZkError if none of the topics could be attempted */
export async function createPartitions(
  parts: BrokerParts,
  { topics, timeoutMs, validateOnly = false }: CreatePartitionsRequest,
): Promise<CreatePartitionsResponse> {
  const twice = repeated(topics.map(({ topic }) => topic))
  const session = openSession(parts, 'create partitions')
  const deadline = new Deadline(parts.clock, timeoutMs)
  // Of the topics, what is in the image does not matter: their znodes are read one by one.
  await session.readTopics([])
  const outcomes = topics.map(async (asked): Promise<CreatedPartitions> => {
    const { topic } = asked
    try {
      if (twice.has(topic)) throw repeatedError(`create partitions of topic '${topic}'`)
      const topicId = await addPartitions(parts, session, asked, validateOnly)
      if (topicId !== undefined) {
        await whenLed(parts, { topic, topicId, count: asked.count }, deadline)
      }
      return { topic, error: undefined }
    } catch (error) {
      return { topic, error: failureOf(asBrokerError(error)) }
    }
  })
  return { type: 'createPartitions', topics: await Promise.all(outcomes) }
}

/** @returns the topic's id; undefined: nothing was to be written */
async function addPartitions(
  { image, log }: BrokerParts,
  { zk }: ServingSession,
  asked: NewPartitions,
  validateOnly: boolean,
): Promise<string | undefined> {
  const { topic } = asked
  const path = zkPaths.topic(topic)
  for (;;) {
    const found = await read(zk, topic)
    const { assignment, version } = found
    const replicas = allReplicas(asked, assignment, [...image.brokers.values()])
    if (validateOnly) return undefined
    try {
      await zk.multi([
        {
          type: 'setData',
          path,
          // biome-ignore lint/plugin/noObjectSpread: partitions are created rarely
          data: Buffer.from(encodeTopic({ ...assignment, replicas })),
          version,
        },
        ...replicas.slice(assignment.replicas.length).map((_, i) => {
          const at = zkPaths.partition(topic, assignment.replicas.length + i)
          return { type: 'create', path: at, data: null, mode: 'persistent' } as const
        }),
      ])
      log.info({ topic, count: replicas.length }, 'Created partitions')
      return assignment.topicId
    } catch (error) {
      // Another client changed the topic meanwhile.
      if (!(error instanceof ZkError) || !changedCodes.has(error.code)) throw error
    }
  }
}

const changedCodes: ReadonlySet<string> = new Set(['BADVERSION', 'NONODE', 'NODEEXISTS'])

/** @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION, KAFKA_STORAGE_ERROR */
async function read(
  zk: ServingSession['zk'],
  topic: string,
): Promise<{ readonly assignment: TopicAssignment; readonly version: number }> {
  try {
    const { data, stat } = await zk.getData(zkPaths.topic(topic))
    const assignment = decodeTopic(data)
    if (assignment !== undefined) return { assignment, version: stat.version }
  } catch (error) {
    if (error instanceof ZkError && error.code === 'NONODE') {
      throw noTopic('create partitions of', topic)
    }
    throw error
  }
  throw refusal(topic, 'KAFKA_STORAGE_ERROR', 'its znode cannot be read')
}

/**
 * The replicas of all partitions afterwards.
 *
 * @throws BrokerError INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, INVALID_TOPIC_EXCEPTION
 */
export function allReplicas(
  { topic, count, assignments = [] }: NewPartitions,
  assignment: TopicAssignment,
  brokers: readonly PlacedBroker[],
): readonly (readonly BrokerId[])[] {
  if (isInternal(topic)) {
    const found = 'what the brokers keep in it is placed by its number of partitions'
    throw refusal(topic, 'INVALID_TOPIC_EXCEPTION', found)
  }
  const { replicas } = assignment
  const { length: before } = replicas
  const { partitionsPerTopicMax: most } = limits
  if (count <= before) {
    const found = `it has ${before} partitions, and ${count} are not more`
    throw refusal(topic, 'INVALID_PARTITIONS', found)
  }
  if (count > most) {
    throw refusal(topic, 'INVALID_PARTITIONS', `at most ${most} are allowed, not ${count}`)
  }
  const replicationFactor = targetOf(assignment, 0).length
  const added = count - before
  if (assignments.length > 0) {
    if (assignments.length !== added) {
      const found = `${added} partitions are to be added, and ${assignments.length} have replicas`
      throw refusal(topic, 'INVALID_REPLICA_ASSIGNMENT', found)
    }
    const ids = brokers.map(({ id }) => id)
    const problem = assignmentProblem(assignments, ids, replicationFactor)
    if (problem !== undefined) throw refusal(topic, 'INVALID_REPLICA_ASSIGNMENT', problem)
    return [...replicas, ...assignments]
  }
  if (replicationFactor > brokers.length) {
    const found = `${replicationFactor} replicas are wanted, but ${brokers.length} brokers are alive`
    throw refusal(topic, 'INVALID_REPLICATION_FACTOR', found)
  }
  // The ring goes on where the existing partitions ended.
  const ids = brokers.map(({ id }) => id).sort((a, b) => a - b)
  const start = Math.max(0, ids.indexOf(replicas[0]?.[0] ?? noBroker))
  const placement = { partitionCount: count, replicationFactor, start, firstPartition: before }
  return [...replicas, ...placeReplicas(brokers, placement)]
}

function refusal(topic: string, code: MqErrorCode, found: string): BrokerError {
  return new BrokerError(code, `Cannot create partitions of topic '${topic}': ${found}`)
}
