// All replicas on this broker: makes each a leader or follower according to its znode, and keeps the
// followers up to date with one fetcher per leader. assigned-replicas.ts opens and closes them as the
// cluster image says, and the controller learns from status-reports.ts which cannot be used.
//
// A broker may have 10 000 replicas: a change of the image visits those that it concerns, and a tick
// those that asked for it and a share of the others.
//
// Next on the path: assigned-replicas.ts.

import { Codecs } from '../../client/mq/compression/codecs.ts'
import type { Clock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import type { LogDamagedError, LogFailedError, LogVersionError } from '../../log/log-errors.ts'
import { IndexMemory } from '../../log/segment-index.ts'
import { TailMemory } from '../../log/tail.ts'
import type { Logger } from '../../logger.ts'
import type { BrokerId, Life } from '../../protocol/mq/messages.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import type { Turn } from '../../turn.ts'
import type { Disk } from '../../world.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import type { ImageChange, ImageChanges } from '../cluster/image-changes.ts'
import { isUnbroken, type ReplicaReport } from '../cluster/replica-status.ts'
import type { Checkpoint, LogCheckpoint } from '../partition/checkpoint.ts'
import { directoryName } from '../partition/partition-directory.ts'
import type { Member, PartitionState } from '../partition/partition-state.ts'
import { AssignedReplicas } from './assigned-replicas.ts'
import type { BrokerLinks } from './broker-links.ts'
import { Fetchers } from './fetchers.ts'
import { FollowerSessions } from './follower-sessions.ts'
import { Purgatory } from './purgatory.ts'
import type { Replica, ReplicaHost } from './replica.ts'
import { ReplicaRounds } from './replica-rounds.ts'
import { ReplicationThrottle } from './replication-throttle.ts'
import { StatusReports } from './status-reports.ts'

/** Interval at which deadlines are checked. */
const tickMs = 20

interface ReplicaManagerOptions {
  readonly self: BrokerId
  readonly image: ClusterImage
  readonly links: Pick<BrokerLinks, 'ask'>
  readonly clock: Clock
  readonly turn: Turn
  readonly log: Logger
  readonly disk: Disk
  readonly flush: 'group' | 'os'
  readonly lagTimeMsMax: number
  readonly checkpoint: Checkpoint
  readonly writeState: ReplicaHost['writeState']
  /** Replaces all reports on this broker's replicas. */
  readonly report: (reports: readonly ReplicaReport[]) => void
  readonly failed: (error: Error) => void
  /** how often every replica is looked at for what is due by its topic's rules */
  readonly maintenanceMs: number
  /** how fast records that were not read at start are read for damage; 0: only when they are needed */
  readonly checkedBytesPerSecond: number
}

export class ReplicaManager implements ReplicaHost {
  readonly clock: Clock
  readonly turn: Turn
  readonly log: Logger
  readonly purgatory = new Purgatory()
  /** of the replicas that lead here */
  readonly followers: FollowerSessions
  readonly #throttle: ReplicationThrottle
  readonly decompression = new Codecs()
  readonly #rounds: ReplicaRounds
  readonly writeState: ReplicaHost['writeState']
  readonly #options: ReplicaManagerOptions
  readonly #assigned: AssignedReplicas
  readonly #reports: StatusReports
  readonly #fetchers: Fetchers
  /** broker epochs in the image that was applied last */
  readonly #epochs = new Map<BrokerId, number>()
  /** what was not applied yet to the replicas in this life */
  readonly #changes: ImageChanges
  /** some replica has another role, or another leader */
  #areFetchersDue = false
  #hasAssignedFetchers = false // since the last tick
  /** this broker's life, while it may lead and follow */
  #life: Life | undefined
  readonly #cancelTick: () => void

  constructor(options: ReplicaManagerOptions) {
    this.#options = options
    this.#changes = options.image.follow()
    this.clock = options.clock
    this.turn = options.turn
    this.log = options.log
    this.writeState = options.writeState
    const { self, image, links, clock, turn, log, lagTimeMsMax } = options
    this.#throttle = new ReplicationThrottle({ self, image, clock })
    this.followers = new FollowerSessions({
      replica: (topic, partition) => this.get(topic, partition),
      purgatory: this.purgatory,
      throttle: this.#throttle,
      clock: this.clock,
      turn: this.turn,
    })
    const { maintenanceMs, checkedBytesPerSecond } = options
    this.#fetchers = new Fetchers({ links, clock, turn, log, life: () => this.#life })
    const memory = {
      tails: new TailMemory(limits.tailBytesMax),
      indexes: new IndexMemory(limits.indexBytesMax),
    }
    const { disk, flush, checkpoint, report } = options
    this.#assigned = new AssignedReplicas({
      parts: { self, image, disk, flush, lagTimeMsMax, checkpoint, memory },
      host: this,
      clock,
      logger: log,
      onOpened: (replica) => this.#rounds.opened(replica),
      onClosed: (replica) => {
        this.#rounds.closed(replica)
        this.#reports.closed(replica)
      },
      onFreed: () => this.#directoryFreed(),
      onFailure: options.failed,
    })
    const { unavailable } = this.#assigned
    this.#reports = new StatusReports({ unavailable, checkpoint, report })
    this.#rounds = new ReplicaRounds({
      replicas: this.#assigned.all,
      clock,
      tickMs,
      lagTimeMsMax,
      maintenanceMs,
      checkedBytesPerSecond,
      topicConfig: (topic) => image.topicConfig(topic),
    })
    this.#cancelTick = options.clock.every(tickMs, () => this.#tick())
  }

  get replicas(): Iterable<Replica> {
    return this.#assigned.all.values()
  }

  get(topic: string, partition: number): Replica | undefined {
    return this.#assigned.get(topic, partition)
  }

  /**
   * Opens the replicas that the image assigns to this broker, and drops those that it no longer
   * does.
   *
   * @returns reports on the replicas that cannot be used
   */
  async open(): Promise<readonly ReplicaReport[]> {
    this.#assigned.dropUnassigned()
    for (;;) {
      this.#assigned.openSome()
      if (!this.#assigned.isOpening) return this.#reports.current()
      await this.turn.next() // the session must not end meanwhile
    }
  }

  /**
   * Applies the image as it is now.
   *
   * @param life this broker's life in this session
   */
  imageChanged(life: Life): void {
    if (life !== this.#life) this.#changes.addEverything()
    this.#life = life
    this.#noteBrokers()
    const changed = this.#changes.take()
    if (changed === 'everything') this.#assigned.dropUnassigned()
    else for (const place of changed) this.#assigned.dropIfUnassigned(place)
    this.#assigned.reviewUnavailable()
    const opened = this.#assigned.openSome()
    for (const replica of this.#concernedBy(changed, opened)) this.#apply(replica, life)
    this.#reports.report()
    if (this.#areFetchersDue && !this.#hasAssignedFetchers) this.#assignFetchers()
  }

  #noteBrokers(): void {
    const { image } = this.#options
    for (const [id, epoch] of this.#epochs) {
      if (image.brokers.get(id)?.epoch === epoch) continue
      this.followers.gone(id)
      for (const replica of this.replicas) replica.followerGone(id)
    }
    this.#epochs.clear()
    for (const { id, epoch } of image.brokers.values()) this.#epochs.set(id, epoch)
  }

  #concernedBy(changed: ImageChange, opened: readonly Replica[]): Iterable<Replica> {
    if (changed === 'everything') return [...this.replicas]
    const concerned = new Set(opened)
    for (const { topic, partition } of changed) {
      const replica = this.get(topic, partition)
      if (replica !== undefined) concerned.add(replica)
    }
    return concerned
  }

  #apply(replica: Replica, life: Life): void {
    const { image } = this.#options
    const { topic, partition } = replica
    const found = image.topics.get(topic)
    if (found !== undefined) {
      replica.setMinInsyncReplicas(image.minInsyncReplicas(found, partition))
      if (found.stateProblems.has(partition)) giveUp(replica)
    }
    const state = image.state(topic, partition)
    if (state !== undefined) this.#become(replica, state, life)
    if (replica.isToReport) this.#reports.note(replica)
  }

  /**
   * A state older than the log was written by hand or came with an old copy of the ztree. Following
   * it would reuse epochs for other records, so the replica is unavailable.
   */
  #become(replica: Replica, state: PartitionState, life: Life): void {
    const key = directoryName(replica)
    const { lastEpoch } = replica
    if (state.leaderEpoch >= lastEpoch) {
      this.#assigned.unavailable.remove(key)
      replica.become(state, life)
      if (replica.role.type === 'leading') this.#takeOutGone(replica, state)
      return
    }
    const { topic, partition, topicId } = replica
    const reason = `its log has records of leader epoch ${lastEpoch}, and its state is of epoch ${state.leaderEpoch}`
    if (this.#assigned.unavailable.refused(key, { topic, topicId, partition }, reason)) {
      this.log.error({ topic, partition, reason }, 'A partition is unavailable here')
    }
    giveUp(replica)
  }

  /**
   * A broker that ends leaves thousands of ISRs: the controller takes it out of them, a hundred in one
   * write, but out of none in which the leader would be alone, in case that is gone itself. So a
   * leader that lives does that.
   */
  #takeOutGone(replica: Replica, { isr }: PartitionState): void {
    const { image } = this.#options
    const { topicId, partition } = replica
    const isThere = (member: Member) =>
      isUnbroken(member, image.standing({ topicId, partition, broker: member.broker }))
    if (isr.filter(isThere).length > 1) return
    for (const member of isr) {
      // A lower epoch in the image proves nothing: a follower may fetch before we see it register.
      const epoch = image.brokers.get(member.broker)?.epoch ?? Number.POSITIVE_INFINITY
      if (epoch > member.brokerEpoch) replica.memberGone(member)
    }
  }

  /** Our session ended: no replica here leads or follows until the next session. */
  resign(): void {
    this.#life = undefined
    this.#changes.addEverything()
    for (const replica of this.replicas) replica.resign()
    this.#assignFetchers()
  }

  /** Checkpoints of the open logs; the entries of other logs stay as they are. */
  checkpoints(): Map<string, LogCheckpoint> {
    return new Map([...this.#assigned.all].map(([key, { checkpoint }]) => [key, checkpoint]))
  }

  /**
   * Writes snapshots of the logs to which much was appended since the last one.
   *
   * @param isLast the broker stops: its next start should find little to read
   */
  saveSnapshots({ isLast }: { readonly isLast: boolean }): void {
    for (const replica of this.replicas) replica.maybeSaveSnapshot({ isLast })
  }

  async close(): Promise<void> {
    this.#cancelTick()
    this.#options.image.unfollow(this.#changes)
    this.#fetchers.stop()
    this.followers.close()
    this.#throttle.close()
    this.purgatory.close()
    await this.#assigned.close()
  }

  // --- for replicas ------------------------------------------------------------------------------

  async willTruncate({ topicId, partition }: Replica, end: Offset): Promise<void> {
    try {
      await this.#options.checkpoint.lower(directoryName({ topicId, partition }), end)
    } catch (error) {
      this.#options.failed(error as Error)
      throw error
    }
  }

  failed(error: LogFailedError): void {
    this.#options.failed(error)
  }

  /** The replica is in the middle of something, so what follows is done shortly. */
  damaged(replica: Replica, error: LogDamagedError | LogVersionError): void {
    this.clock.after(0, () => this.#takeOut(replica, error))
  }

  /** As if the damage had been found at start: the replica no longer counts, and no longer serves. */
  #takeOut(replica: Replica, error: LogDamagedError | LogVersionError): void {
    const key = directoryName(replica)
    if (this.#assigned.all.get(key) !== replica) return
    // Its report tells of the high watermark that it had.
    void this.#options.checkpoint
      .write(new Map([[key, replica.checkpoint]]))
      .catch((cause: Error) => this.#options.failed(cause))
    this.#assigned.takeOut(replica, error)
    this.#reports.report()
    this.#assignFetchers()
  }

  roleChanged(replica: Replica): void {
    this.#areFetchersDue = true
    if (replica.isToReport) this.#reports.note(replica)
  }

  reportChanged(replica: Replica): void {
    this.#reports.note(replica)
    this.#reports.report()
  }

  tickSoon(replica: Replica): void {
    this.#rounds.tickSoon(replica)
  }

  /**
   * Removes the directories of replicas that are no longer assigned to this broker, with their
   * checkpoints.
   *
   * @param names of directories; those that do not exist are passed over
   * @throws what the file system throws
   */
  remove(names: readonly string[]): Promise<void> {
    return this.#assigned.remove(names)
  }

  /** A replica waited for it to be opened. */
  #directoryFreed(): void {
    if (this.#life === undefined) return // the next session opens all that is assigned
    this.#changes.addEverything()
    this.imageChanged(this.#life)
  }

  /**
   * At most once per tick: when many leaders change, their states arrive in many turns, and each
   * assignment visits all replicas.
   */
  #assignFetchers(): void {
    this.#areFetchersDue = false
    this.#hasAssignedFetchers = true
    this.#fetchers.assign(this.replicas)
  }

  #tick(): void {
    const nowMs = this.clock.nowMs()
    this.purgatory.tick(nowMs)
    this.#rounds.tick(nowMs)
    this.#hasAssignedFetchers = false
    this.#reports.tick()
    if (this.#life === undefined) return
    if (this.#assigned.isDue(nowMs)) this.imageChanged(this.#life)
    else this.#reports.reportIfDue()
    if (this.#areFetchersDue) this.#assignFetchers()
  }
}

/** The replica neither leads nor follows until it gets a new state. */
function giveUp(replica: Replica): void {
  if (replica.role.type !== 'idle') replica.resign()
}
