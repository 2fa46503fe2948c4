// The rules for a new topic's name and its numbers of partitions and replicas. Rules and error
// codes are Kafka's. Pure; create-topics.ts applies them before anything reaches ZooWeeper.

import { limits } from '../../limits.ts'
import type { NewTopic } from '../../protocol/mq/create-topics.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import { type PlacedBroker, placeReplicas } from '../controller/placement.ts'

export interface TopicDefaults {
  readonly partitionCount: number
  readonly replicationFactor: number
}

/**
 * @throws BrokerError INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR,
 *   INVALID_REQUEST
 */
export function checkNewTopic(newTopic: NewTopic): void {
  const { topic, partitionCount, replicationFactor, assignments = [] } = newTopic
  const problem = nameProblem(topic)
  if (problem !== undefined) throw refusal(topic, 'INVALID_TOPIC_EXCEPTION', problem)
  const countMax = limits.partitionsPerTopicMax
  if (assignments.length > 0 && (partitionCount !== -1 || replicationFactor !== -1)) {
    const found = 'it has assignments, and numbers of partitions or replicas too'
    throw refusal(topic, 'INVALID_REQUEST', found)
  }
  if (assignments.length > countMax) {
    const found = `it cannot have ${assignments.length} partitions: 1 to ${countMax} are allowed`
    throw refusal(topic, 'INVALID_PARTITIONS', found)
  }
  if (partitionCount !== -1 && (partitionCount < 1 || partitionCount > countMax)) {
    const found = `it cannot have ${partitionCount} partitions: 1 to ${countMax} are allowed`
    throw refusal(topic, 'INVALID_PARTITIONS', found)
  }
  if (replicationFactor !== -1 && replicationFactor < 1) {
    const found = `it cannot have ${replicationFactor} replicas: at least 1 is required`
    throw refusal(topic, 'INVALID_REPLICATION_FACTOR', found)
  }
}

/** Source: Kafka's org.apache.kafka.common.internals.Topic.validate (3.9). */
export function nameProblem(topic: string): string | undefined {
  if (topic === '') return 'its name is empty'
  if (topic === '.' || topic === '..') return "'.' and '..' are not allowed as names"
  const { topicNameLengthMax } = limits
  if (topic.length > topicNameLengthMax) {
    return `its name has ${topic.length} characters, at most ${topicNameLengthMax} are allowed`
  }
  if (/^[a-zA-Z0-9._-]+$/.test(topic)) return undefined
  return 'only ASCII letters and digits, dot, underscore and dash are allowed in its name'
}

/**
 * Kafka's metrics write a dot as an underscore, so names that differ only in these collide.
 *
 * @throws BrokerError TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION
 */
export function checkCollision(topic: string, existing: Iterable<string>): void {
  const [merged, others] = [mergeDots(topic), [...existing]]
  if (others.includes(topic)) throw refusal(topic, 'TOPIC_ALREADY_EXISTS', 'it exists')
  const other = others.find((each) => mergeDots(each) === merged)
  if (other === undefined) return
  const found = `its name collides with '${other}': they differ in dots and underscores only`
  throw refusal(topic, 'INVALID_TOPIC_EXCEPTION', found)
}

function mergeDots(topic: string): string {
  return topic.replaceAll('.', '_')
}

/**
 * @param start where the round robin over the brokers begins
 * @returns replicas by partition
 * @throws BrokerError INVALID_REPLICATION_FACTOR, INVALID_REPLICA_ASSIGNMENT
 */
export function replicasFor(
  { topic, partitionCount, replicationFactor, assignments = [] }: NewTopic,
  brokers: readonly PlacedBroker[],
  { defaults, start }: { readonly defaults: TopicDefaults; readonly start: number },
): readonly (readonly BrokerId[])[] {
  if (assignments.length > 0) {
    const found = assignmentProblem(assignments, idsOf(brokers), assignments[0]?.length ?? 0)
    if (found !== undefined) throw refusal(topic, 'INVALID_REPLICA_ASSIGNMENT', found)
    return assignments
  }
  const byDefault = Math.min(defaults.replicationFactor, brokers.length)
  const replicaCount = replicationFactor === -1 ? byDefault : replicationFactor
  if (replicaCount < 1 || replicaCount > brokers.length) {
    const found = `${replicaCount} replicas are wanted, but ${brokers.length} brokers are alive`
    throw refusal(topic, 'INVALID_REPLICATION_FACTOR', found)
  }
  return placeReplicas(brokers, {
    partitionCount: partitionCount === -1 ? defaults.partitionCount : partitionCount,
    replicationFactor: replicaCount,
    start,
  })
}

function idsOf(brokers: readonly PlacedBroker[]): readonly BrokerId[] {
  return brokers.map(({ id }) => id)
}

/**
 * Why partitions cannot have these replicas; undefined if they can.
 *
 * @param replicaCount of every partition
 */
export function assignmentProblem(
  assignments: readonly (readonly BrokerId[])[],
  brokers: readonly BrokerId[],
  replicaCount: number,
): string | undefined {
  for (const [i, replicas] of assignments.entries()) {
    if (replicas.length === 0) return `assignment ${i} has no replicas`
    if (new Set(replicas).size < replicas.length) return `assignment ${i} names a broker twice`
    if (replicas.length !== replicaCount) {
      return `assignment ${i} has ${replicas.length} replicas, and others have ${replicaCount}`
    }
    const away = replicas.find((id) => !brokers.includes(id))
    if (away !== undefined) return `assignment ${i} names broker ${away}, which is not alive`
  }
  return undefined
}

function refusal(topic: string, code: BrokerError['code'], found: string): BrokerError {
  const { topicNameLengthMax } = limits
  const isLong = topic.length > topicNameLengthMax
  const shown = isLong ? `${topic.slice(0, topicNameLengthMax)}…` : topic
  return new BrokerError(code, `Cannot create topic '${shown}': ${found}`)
}
