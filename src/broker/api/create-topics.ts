// createTopics: writes the znodes of new topics to ZooWeeper. Each topic has its own outcome.
//
// Next on the path: controller/controller.ts, which elects their leaders.

import { ZkMultiError } from '../../client/zk/errors.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import type {
  CreatedTopic,
  CreateTopicsRequest,
  CreateTopicsResponse,
  NewTopic,
} from '../../protocol/mq/create-topics.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { failureOf } from '../../protocol/mq/messages.ts'
import type { MultiOp } from '../../protocol/zk/messages.ts'
import { type ConfigTexts, encodeConfig } from '../cluster/cluster-configs.ts'
import type { TopicAssignment } from '../cluster/topic-assignment.ts'
import { decodeTopic, encodeTopic, zkPaths } from '../cluster/zk-paths.ts'
import { isInternal } from '../group/offsets-topic.ts'
import { asBrokerError } from './answer.ts'
import type { BrokerParts, ServingSession } from './broker-parts.ts'
import { checkOffsetsTopic, newConfig } from './config-changes.ts'
import { Deadline } from './deadline.ts'
import { checkCollision, checkNewTopic, replicasFor } from './new-topic.ts'
import { openSession } from './open-session.ts'
import { repeated, repeatedError } from './repeated.ts'
import { whenLed } from './when-led.ts'

/**
 * Answers when every partition has a leader or the deadline has passed; a topic that timed out may
 * still be created.
 *
 * @throws BrokerError, ZkError if none of the topics could be attempted
 */
export async function createTopics(
  parts: BrokerParts,
  { topics, timeoutMs, validateOnly = false }: CreateTopicsRequest,
): Promise<CreateTopicsResponse> {
  const twice = repeated(topics.map(({ topic }) => topic))
  const problems = topics.map((one) =>
    twice.has(one.topic) ? repeatedError(`create topic '${one.topic}'`) : problemOf(one),
  )
  if (problems.every((problem) => problem !== undefined)) {
    return { type: 'createTopics', topics: topics.map((one, i) => outcome(one, problems[i])) }
  }
  const session = openSession(parts, 'create a topic')
  const deadline = new Deadline(parts.clock, timeoutMs)
  // Counts a broker that has just registered, and not one that has just left.
  await session.readMembers()
  const creation = new Creation(parts, session, { deadline, validateOnly })
  const outcomes = topics.map(async (one, i) =>
    outcome(one, problems[i] ?? (await creation.create(one))),
  )
  return { type: 'createTopics', topics: await Promise.all(outcomes) }
}

function problemOf(topic: NewTopic): BrokerError | undefined {
  try {
    checkNewTopic(topic)
    return undefined
  } catch (error) {
    return asBrokerError(error)
  }
}

function outcome(
  { topic }: NewTopic,
  made: TopicAssignment | BrokerError | undefined,
): CreatedTopic {
  if (made === undefined || made instanceof BrokerError) {
    const error = made === undefined ? undefined : failureOf(made)
    return { topic, error, topicId: '', partitionCount: -1, replicationFactor: -1 }
  }
  const { topicId, replicas } = made
  const replicationFactor = replicas[0]?.length ?? -1
  return { topic, error: undefined, topicId, partitionCount: replicas.length, replicationFactor }
}

/** The topics of one request. */
class Creation {
  readonly #parts: BrokerParts
  readonly #session: ServingSession
  readonly #deadline: Deadline
  readonly #validateOnly: boolean
  /** names of topics that may not be in the image yet */
  readonly #begun: string[] = []

  constructor(
    parts: BrokerParts,
    session: ServingSession,
    { deadline, validateOnly }: { readonly deadline: Deadline; readonly validateOnly: boolean },
  ) {
    this.#parts = parts
    this.#session = session
    this.#deadline = deadline
    this.#validateOnly = validateOnly
  }

  /** @returns what was made, without an id if it was only checked; or the error */
  async create(topic: NewTopic): Promise<TopicAssignment | BrokerError> {
    try {
      return await this.#create(topic)
    } catch (error) {
      return asBrokerError(error)
    }
  }

  /** @throws BrokerError, ZkError */
  async #create(newTopic: NewTopic): Promise<TopicAssignment> {
    const { topic } = newTopic
    const { image, defaults, log, makeUuid } = this.#parts
    checkCollision(topic, [...image.topics.keys(), ...image.topicProblems.keys(), ...this.#begun])
    const brokers = [...image.brokers.values()]
    const start = image.topics.size + this.#begun.length
    const replicas = replicasFor(newTopic, brokers, { defaults, start })
    const config = newConfig(topic, newTopic.configs ?? [])
    if (isInternal(topic)) checkOffsetsTopic(config, replicas[0]?.length ?? 1)
    this.#begun.push(topic)
    if (this.#validateOnly) return { topicId: '', replicas }
    this.#deadline.check(`create topic '${topic}'`)
    const assignment = { topicId: makeUuid(), replicas }
    const { topicId } = assignment
    await makeTopic(this.#session, topic, assignment, config)
    log.info({ topic, topicId }, 'Created a topic')
    await whenLed(this.#parts, { topic, topicId, count: replicas.length }, this.#deadline)
    return assignment
  }
}

/**
 * Creates the znodes of a topic in one multi; the controller adds leaders and ISRs. Its configuration
 * comes first: every broker that sees the topic has read it.
 */
async function makeTopic(
  session: ServingSession,
  topic: string,
  assignment: TopicAssignment,
  config: ConfigTexts,
): Promise<void> {
  const { zk } = session
  const make = (path: string, data: string | null): MultiOp => {
    const bytes = data === null ? null : Buffer.from(data)
    return { type: 'create', path, data: bytes, mode: 'persistent' }
  }
  const path = zkPaths.topic(topic)
  const configPath = zkPaths.configOf({ type: 'topic', name: topic })
  try {
    await zk.multi([
      make(configPath, encodeConfig(config)),
      make(path, encodeTopic(assignment)),
      make(zkPaths.partitions(topic), null),
      ...assignment.replicas.map((_, partition) => make(zkPaths.partition(topic, partition), null)),
    ])
  } catch (error) {
    if (!(error instanceof ZkError)) throw error
    if (await isLeftover(session, error, { path, configPath })) {
      await makeTopic(session, topic, assignment, config)
      return
    }
    if (error.code === 'CONNECTIONLOSS') {
      // The outcome is unknown until the znode is read.
      await zk.sync(path)
      if ((await zk.exists(path)) === undefined) throw error
    } else if (error.code !== 'NODEEXISTS') throw error
    const found = decodeTopic((await zk.getData(path)).data)
    if (found?.topicId === assignment.topicId) return
    throw new BrokerError('TOPIC_ALREADY_EXISTS', `Cannot create topic '${topic}': it exists`)
  }
}

/** Removes a configuration without a topic, written by hand; it would hold for the new one. */
async function isLeftover(
  { zk }: ServingSession,
  error: ZkError,
  { path, configPath }: { readonly path: string; readonly configPath: string },
): Promise<boolean> {
  if (!(error instanceof ZkMultiError) || error.index !== 0 || error.code !== 'NODEEXISTS') {
    return false
  }
  await zk.sync(path)
  if ((await zk.exists(path)) !== undefined) return false
  await zk.delete(configPath).catch((failed: unknown) => {
    if (!(failed instanceof ZkError) || failed.code !== 'NONODE') throw failed
  })
  return true
}
