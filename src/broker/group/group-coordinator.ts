// The groups that this broker coordinates: those whose partition of the offsets topic it leads
// (coordinator-shard.ts). The topic is made when a client first looks for a coordinator.
//
// Next on the path: led-group.ts.

import type { Clock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import type { OffsetPlace } from '../../protocol/kafka/group-records.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import { noCommit } from '../../protocol/mq/offset-commit.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import { CoordinatorShard, type StoringReplica } from './coordinator-shard.ts'
import type { GenerationClaim, GroupRules, SyncRequest } from './group.ts'
import type { GroupDescription } from './group-description.ts'
import { failedJoin, failedSync, type JoinRequest } from './group-members.ts'
import type { CommittedOffset } from './group-offsets.ts'
import type { CommitOutcome, CommitPartition, LedGroup, SendJoin, SendSync } from './led-group.ts'
import { offsetsTopic, partitionCountIn, partitionOf, replicaCountFor } from './offsets-topic.ts'
import type { MemberClaim } from './roster.ts'

export interface OffsetsTopicOptions {
  readonly partitionCount: number
  readonly replicaCountMax: number
}

interface GroupCoordinatorOptions {
  readonly image: ClusterImage
  readonly replicas: { get(topic: string, partition: number): StoringReplica | undefined }
  readonly clock: Clock
  readonly log: Logger
  readonly rules: GroupRules
  readonly offsetsTopic: OffsetsTopicOptions
  readonly commitTimeoutMs: number
  readonly retentionMs: number
  readonly retentionCheckMs: number
  /** Creates the offsets topic. @throws BrokerError, ZkError */
  readonly makeTopic: (partitionCount: number, replicationFactor: number) => Promise<void>
}

export interface ListedGroup {
  readonly group: string
  readonly state: GroupDescription['state']
  readonly protocolType: string
}

const dead: GroupDescription = {
  state: 'Dead',
  protocolType: '',
  protocol: '',
  generation: 0,
  leader: '',
  waiting: undefined,
  lastRebalance: undefined,
  members: [],
}

export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions
  /** by partition of the offsets topic */
  readonly #shards = new Map<number, CoordinatorShard>()
  /** ids of the topics for which offsets are committed, as they were seen first */
  readonly #topicIds = new Map<string, string>()
  readonly #cancelExpiry: () => void
  #making: Promise<void> | undefined
  #isClosed = false

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options
    this.#cancelExpiry = options.clock.every(options.retentionCheckMs, () => this.#expire())
  }

  /** @returns the coordinator according to this broker's image of the cluster */
  coordinatorOf(group: string): BrokerId | undefined {
    const { image } = this.#options
    const count = partitionCountIn(image)
    if (count === undefined) return undefined
    return image.leader(offsetsTopic, partitionOf(group, count))?.id
  }

  /** Makes the offsets topic unless it exists. @throws BrokerError, ZkError */
  async prepare(): Promise<void> {
    if (partitionCountIn(this.#options.image) !== undefined) return
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined
    })
    await this.#making
  }

  async #make(): Promise<void> {
    const { image, log, makeTopic } = this.#options
    const { partitionCount, replicaCountMax } = this.#options.offsetsTopic
    const replicaCount = replicaCountFor(image, replicaCountMax)
    if (replicaCount === 0 || replicaCount > image.brokers.size) {
      const found = `it gets ${replicaCount} replicas, and ${image.brokers.size} brokers are alive`
      const remedy = 'offsets.topic.replication.factor sets a lower number'
      const message = `Cannot make the offsets topic: ${found}; ${remedy}`
      log.warn({ replicaCount, alive: image.brokers.size }, message)
      throw new BrokerError('COORDINATOR_NOT_AVAILABLE', message)
    }
    try {
      await makeTopic(partitionCount, replicaCount)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      if (error.code === 'TOPIC_ALREADY_EXISTS') return
      // A broker has left since: the client retries.
      if (error.code !== 'INVALID_REPLICATION_FACTOR') throw error
      throw new BrokerError('COORDINATOR_NOT_AVAILABLE', error.message, { cause: error })
    }
  }

  /** Begins and ends shards by what this broker leads, and forgets offsets of deleted topics. */
  imageChanged(): void {
    if (this.#isClosed) return
    const count = partitionCountIn(this.#options.image) ?? 0
    for (let partition = 0; partition < count; partition++) this.#shard(partition)
    for (const shard of [...this.#shards.values()]) {
      if (shard.partition >= count) shard.end()
    }
    this.#forgetTopics()
  }

  close(): void {
    this.#isClosed = true
    this.#cancelExpiry()
    for (const shard of [...this.#shards.values()]) shard.end()
  }

  // --- members -----------------------------------------------------------------------------------

  /** @param request whose bytes are kept */
  join(group: string, request: JoinRequest, send: SendJoin): void {
    const { memberId } = request
    const found = this.#find(group, { isToMake: memberId === '' })
    if (typeof found === 'string') send(failedJoin(found, memberId))
    else found.join(request, send)
  }

  isMember(group: string, memberId: string): boolean {
    const found = this.#find(group)
    return typeof found !== 'string' && found.isMember(memberId)
  }

  /** @param request whose bytes are retained */
  sync(group: string, request: SyncRequest, send: SendSync): void {
    const found = this.#find(group)
    if (typeof found !== 'string') found.sync(request, send)
    // While the group is loaded the member is to join again, which does the same for it.
    else
      send(failedSync(found === 'COORDINATOR_LOAD_IN_PROGRESS' ? 'REBALANCE_IN_PROGRESS' : found))
  }

  heartbeat(group: string, claim: GenerationClaim): MqErrorCode {
    const found = this.#find(group)
    if (typeof found !== 'string') return found.heartbeat(claim)
    return found === 'COORDINATOR_LOAD_IN_PROGRESS' ? 'NONE' : found
  }

  /** @returns one error code per claim, or one for all of them */
  leave(group: string, claims: readonly MemberClaim[]): readonly MqErrorCode[] | MqErrorCode {
    const found = this.#find(group)
    if (found === 'UNKNOWN_MEMBER_ID') return claims.map(() => found)
    return typeof found === 'string' ? found : found.leave(claims)
  }

  // --- offsets -----------------------------------------------------------------------------------

  /** @returns the outcome for each of the partitions */
  commit(
    group: string,
    claim: GenerationClaim,
    partitions: readonly CommitPartition[],
  ): Promise<readonly CommitOutcome[]> {
    const found = this.#find(group, { isToMake: claim.generation < 0 })
    if (typeof found === 'string') {
      return Promise.resolve(partitions.map(() => ({ error: found, version: noCommit })))
    }
    for (const { topic } of partitions) this.#seen(topic)
    return new Promise((resolve) => found.commit(claim, partitions, resolve))
  }

  /**
   * What is committed for a partition; undefined: nothing.
   *
   * @throws BrokerError NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, INVALID_GROUP_ID
   */
  committed(group: string, place: OffsetPlace): CommittedOffset | undefined {
    return this.#existing(group)?.committed(place)
  }

  /** Whether a commit for the partition is under way. @throws as `committed` */
  isCommitting(group: string, place: OffsetPlace): boolean {
    return this.#existing(group)?.isCommitting(place) ?? false
  }

  /** By topic and partition. @throws as `committed` */
  allCommitted(group: string): readonly (readonly [OffsetPlace, CommittedOffset])[] {
    return this.#existing(group)?.allCommitted() ?? []
  }

  /**
   * Deletes committed offsets.
   *
   * @returns the outcome for each, or for all
   */
  deleteOffsets(
    group: string,
    places: readonly OffsetPlace[],
  ): Promise<readonly MqErrorCode[] | MqErrorCode> {
    const found = this.#find(group)
    if (typeof found !== 'string')
      return new Promise((resolve) => found.deleteOffsets(places, resolve))
    return Promise.resolve(found === 'UNKNOWN_MEMBER_ID' ? 'GROUP_ID_NOT_FOUND' : found)
  }

  // --- administration ----------------------------------------------------------------------------

  /** All groups that this broker coordinates. @throws BrokerError COORDINATOR_LOAD_IN_PROGRESS */
  list(): readonly ListedGroup[] {
    const count = this.#isClosed ? 0 : (partitionCountIn(this.#options.image) ?? 0)
    const listed: ListedGroup[] = []
    for (let partition = 0; partition < count; partition++) {
      const shard = this.#shard(partition)
      if (shard?.isLoading === true)
        throw this.#error('COORDINATOR_LOAD_IN_PROGRESS', 'list groups')
      for (const [group, led] of shard?.groups ?? []) {
        const { state, protocolType } = led.describe()
        listed.push({ group, state, protocolType })
      }
    }
    return listed.sort((a, b) => (a.group < b.group ? -1 : 1))
  }

  /** Dead: there is no such group. @throws as `committed` */
  describe(group: string): GroupDescription {
    return this.#existing(group)?.describe() ?? dead
  }

  /** Deletes the group and its offsets. */
  remove(group: string): Promise<MqErrorCode> {
    const found = this.#find(group)
    if (typeof found !== 'string') return new Promise((resolve) => found.delete(resolve))
    return Promise.resolve(found === 'UNKNOWN_MEMBER_ID' ? 'GROUP_ID_NOT_FOUND' : found)
  }

  // --- groups ------------------------------------------------------------------------------------

  /** @throws BrokerError */
  #existing(group: string): LedGroup | undefined {
    const found = this.#find(group)
    if (typeof found !== 'string') return found
    if (found === 'UNKNOWN_MEMBER_ID') return undefined
    throw this.#error(found, `look for group '${group}'`)
  }

  #error(code: MqErrorCode, what: string): BrokerError {
    return new BrokerError(code, `Cannot ${what}: ${reasons[code] ?? code}`)
  }

  /** @returns why not, in a code; UNKNOWN_MEMBER_ID: there is no such group */
  #find(group: string, { isToMake = false } = {}): LedGroup | MqErrorCode {
    if (group === '') return 'INVALID_GROUP_ID'
    const count = this.#isClosed ? undefined : partitionCountIn(this.#options.image)
    if (count === undefined) return 'NOT_COORDINATOR'
    const shard = this.#shard(partitionOf(group, count))
    if (shard === undefined) return 'NOT_COORDINATOR'
    if (shard.isLoading) return 'COORDINATOR_LOAD_IN_PROGRESS'
    const known = shard.get(group)
    if (known !== undefined) return known
    if (!isToMake) return 'UNKNOWN_MEMBER_ID'
    return this.#isFull ? 'POLICY_VIOLATION' : shard.getOrMake(group)
  }

  get #isFull(): boolean {
    let count = 0
    for (const { groupCount } of this.#shards.values()) count += groupCount
    return count >= limits.groupsHeldMax
  }

  // --- shards -------------------------------------------------------------------------------------

  /** @returns undefined when another broker leads the partition, or none */
  #shard(partition: number): CoordinatorShard | undefined {
    const { replicas, rules, commitTimeoutMs, retentionMs, clock, log, image } = this.#options
    const replica = replicas.get(offsetsTopic, partition)
    const known = this.#shards.get(partition)
    if (replica?.role.type !== 'leading') {
      known?.end()
      return undefined
    }
    if (known !== undefined && known.leaderEpoch === replica.leaderEpoch) return known
    known?.end()
    const shard: CoordinatorShard = new CoordinatorShard({
      replica,
      rules,
      commitTimeoutMs,
      retentionMs,
      clock,
      log,
      isTopic: (topic) => {
        this.#seen(topic)
        return image.topics.has(topic) || image.topicProblems.has(topic)
      },
      onOver: () => {
        if (this.#shards.get(partition) === shard) this.#shards.delete(partition)
      },
    })
    if (shard.isOver) return undefined
    this.#shards.set(partition, shard)
    return shard
  }

  #expire(): void {
    for (const shard of [...this.#shards.values()]) shard.expire()
  }

  // --- deleted topics -----------------------------------------------------------------------------

  #seen(topic: string): void {
    const topicId = this.#options.image.topics.get(topic)?.assignment.topicId
    if (topicId !== undefined && !this.#topicIds.has(topic)) this.#topicIds.set(topic, topicId)
  }

  /** A topic with another id is another one: offsets of the first mean nothing in it. */
  #forgetTopics(): void {
    const { image } = this.#options
    const gone = new Set<string>()
    for (const [topic, topicId] of this.#topicIds) {
      if (image.topicProblems.has(topic)) continue // it exists, and cannot be read
      if (image.topics.get(topic)?.assignment.topicId !== topicId) gone.add(topic)
    }
    if (gone.size === 0) return
    for (const topic of gone) this.#topicIds.delete(topic)
    for (const shard of [...this.#shards.values()]) shard.topicsGone(gone)
  }
}

const reasons: Partial<Record<MqErrorCode, string>> = {
  NOT_COORDINATOR: 'another broker coordinates it, or none',
  COORDINATOR_LOAD_IN_PROGRESS: 'its coordinator has just been elected, and reads what is stored',
  INVALID_GROUP_ID: 'its name is empty',
}

/**
 * Failures of ZooWeeper become COORDINATOR_NOT_AVAILABLE: clients retry.
 *
 * @throws the error itself if it is a bug
 */
export function codeOf(error: unknown): MqErrorCode {
  if (error instanceof BrokerError) return error.code
  if (error instanceof ZkError) return 'COORDINATOR_NOT_AVAILABLE'
  throw error
}
