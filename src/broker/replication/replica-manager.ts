// All replicas on this broker: opens those that the cluster image assigns to this broker, makes
// each a leader or follower according to its znode, and keeps the followers up to date with one
// fetcher per leader. A replica that cannot be opened is unavailable, with a reason, and the others
// still serve: the controller learns of it from a report and elects other replicas.
//
// A broker may have 10 000 replicas: a change of the image visits those that it concerns, and a tick
// those that asked for it and a share of the others.

import { Codecs } from '../../client/mq/compression/codecs.ts'
import type { Clock } from '../../clock.ts'
import { invariant } from '../../invariant.ts'
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
import type { ImageChange, ImageChanges, PartitionPlace } from '../cluster/image-changes.ts'
import type { ReplicaReport } from '../cluster/replica-status.ts'
import type { Checkpoint, LogCheckpoint } from '../partition/checkpoint.ts'
import { directoryName, type PartitionName } from '../partition/partition-directory.ts'
import type { PartitionState } from '../partition/partition-state.ts'
import type { BrokerLinks } from './broker-links.ts'
import { Fetchers } from './fetchers.ts'
import { FollowerSessions } from './follower-sessions.ts'
import { type Assigned, type OpeningParts, openReplica } from './open-replica.ts'
import { Purgatory } from './purgatory.ts'
import type { Replica, ReplicaHost } from './replica.ts'
import { ReplicaRounds } from './replica-rounds.ts'
import { ReplicationThrottle } from './replication-throttle.ts'
import { UnavailableReplicas } from './unavailable-replicas.ts'

/** Interval at which deadlines are checked. */
const tickMs = 20
/** File descriptors reserved for connections, besides one for each log's next segment. */
const descriptorReserve = 64
/** How long the event loop may be held while new replicas are opened, each with several fsyncs. */
const openingMsMax = 200

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
  /** by directory name */
  readonly #replicas = new Map<string, Replica>()
  /** the same by topic and partition, for requests */
  readonly #byName = new Map<string, Replica>()
  /** by directory name; a replica that could not be opened is here and not in `#replicas` */
  readonly #unavailable = new UnavailableReplicas()
  /** by directory name: replicas that are being closed */
  readonly #closing = new Map<string, Promise<void>>()
  /** names of directories that are being removed; a new replica in one of them is opened afterwards */
  readonly #removing = new Set<string>()
  #isOpeningHeld = false
  readonly #fetchers: Fetchers
  /** broker epochs in the image that was applied last */
  readonly #epochs = new Map<BrokerId, number>()
  /** what was not applied yet to the replicas in this life */
  readonly #changes: ImageChanges
  /** replicas whose partition has no leader, or one that they cannot follow */
  readonly #toReport = new Set<Replica>()
  /** by directory name: replicas that are assigned to this broker and not open yet */
  readonly #toOpen = new Map<string, Assigned>()
  /** some replica has another role, or another leader */
  #areFetchersDue = false
  #isClosed = false
  // Since the last tick:
  #hasAssignedFetchers = false
  #hasReported = false
  /** this broker's life, while it may lead and follow */
  #life: Life | undefined
  /** a report is due as soon as its log is durable */
  #isReportDue = false
  readonly #opening: OpeningParts
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
    const { disk, flush, checkpoint } = options
    this.#opening = { self, image, disk, flush, lagTimeMsMax, checkpoint, memory }
    this.#rounds = new ReplicaRounds({
      replicas: this.#replicas,
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
    return this.#replicas.values()
  }

  get(topic: string, partition: number): Replica | undefined {
    return this.#byName.get(`${topic}/${partition}`)
  }

  /**
   * Opens the replicas that the image assigns to this broker, and drops those that it no longer
   * does.
   *
   * @returns reports on the replicas that cannot be used
   */
  async open(): Promise<readonly ReplicaReport[]> {
    this.#dropUnassigned()
    for (;;) {
      this.#openUntil(this.clock.nowMs() + openingMsMax)
      if (this.#toOpen.size === 0 || this.#isClosed) return this.#reports()
      await this.turn.next() // the session must not end meanwhile
    }
  }

  /** Drops what is not assigned to this broker, and notes what is and is not open. */
  #dropUnassigned(): void {
    const wanted = this.#assigned()
    for (const [key, replica] of this.#replicas) {
      const assigned = wanted.get(key)
      if (assigned === undefined) this.#drop(key, replica)
      else replica.setAssignment(assigned)
    }
    for (const key of [...this.#unavailable.all.keys()]) {
      if (!wanted.has(key)) this.#unavailable.remove(key)
    }
    this.#toOpen.clear()
    for (const [key, assigned] of wanted) {
      if (!this.#replicas.has(key)) this.#toOpen.set(key, assigned)
    }
  }

  /** The same for one partition. */
  #dropIfUnassigned({ topic, partition }: PartitionPlace): void {
    const assigned = this.#assignedAt(topic, partition)
    const key = assigned === undefined ? undefined : directoryName(assigned)
    const replica = this.get(topic, partition)
    if (replica !== undefined) {
      const name = directoryName(replica)
      if (name === key && assigned !== undefined) {
        replica.setAssignment(assigned)
        return
      }
      this.#drop(name, replica)
    }
    if (key !== undefined && assigned !== undefined) this.#toOpen.set(key, assigned)
  }

  /** Replicas that could not be opened: some are due for another try, some have gone. */
  #reviewUnavailable(): void {
    for (const [key, { topic, topicId, partition }] of [...this.#unavailable.all]) {
      const assigned = this.#assignedAt(topic, partition)
      if (assigned?.topicId !== topicId) this.#unavailable.remove(key)
      else if (!this.#replicas.has(key)) this.#toOpen.set(key, assigned)
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
    if (changed === 'everything') this.#dropUnassigned()
    else for (const place of changed) this.#dropIfUnassigned(place)
    this.#reviewUnavailable()
    const opened = this.#openUntil(this.clock.nowMs() + openingMsMax)
    for (const replica of this.#concernedBy(changed, opened)) this.#apply(replica, life)
    this.#report()
    if (this.#areFetchersDue && !this.#hasAssignedFetchers) this.#assignFetchers()
  }

  #noteBrokers(): void {
    const { image } = this.#options
    for (const [id, epoch] of this.#epochs) {
      if (image.brokers.get(id)?.epoch === epoch) continue
      this.followers.gone(id)
      for (const replica of this.#replicas.values()) replica.followerGone(id)
    }
    this.#epochs.clear()
    for (const { id, epoch } of image.brokers.values()) this.#epochs.set(id, epoch)
  }

  #concernedBy(changed: ImageChange, opened: readonly Replica[]): Iterable<Replica> {
    if (changed === 'everything') return [...this.#replicas.values()]
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
    if (replica.isToReport) this.#toReport.add(replica)
  }

  /**
   * A state older than the log was written by hand or came with an old copy of the ztree. Following
   * it would reuse epochs for other records, so the replica is unavailable.
   */
  #become(replica: Replica, state: PartitionState, life: Life): void {
    const key = directoryName(replica)
    const { lastEpoch } = replica
    if (state.leaderEpoch >= lastEpoch) {
      this.#unavailable.remove(key)
      replica.become(state, life)
      if (replica.role.type === 'leading') this.#takeOutGone(replica, state)
      return
    }
    const { topic, partition, topicId } = replica
    const reason = `its log has records of leader epoch ${lastEpoch}, and its state is of epoch ${state.leaderEpoch}`
    if (this.#unavailable.refused(key, { topic, topicId, partition }, reason)) {
      this.log.error({ topic, partition, reason }, 'A partition is unavailable here')
    }
    giveUp(replica)
  }

  #takeOutGone(replica: Replica, { isr }: PartitionState): void {
    const { image } = this.#options
    for (const member of isr) {
      // A lower epoch in the image proves nothing: a follower may fetch before we see it register.
      const epoch = image.brokers.get(member.broker)?.epoch ?? Number.POSITIVE_INFINITY
      if (epoch > member.brokerEpoch) replica.memberGone(member)
    }
  }

  /** At most once per tick: a report names every replica that has one. */
  #report(): void {
    if (this.#hasReported) this.#isReportDue = true
    else {
      this.#hasReported = true
      this.#options.report(this.#reports())
    }
  }

  /**
   * Reports on the replicas that cannot be used, and on the logs of partitions without a leader.
   */
  #reports(): readonly ReplicaReport[] {
    this.#isReportDue = false
    const reports: ReplicaReport[] = []
    for (const [key, unavailable] of this.#unavailable.all) {
      const { topic, topicId, partition, reason, isDamaged } = unavailable
      const { lastEpoch, highWatermark } = this.#options.checkpoint.get(key)
      const type = isDamaged ? 'damaged' : 'unavailable'
      const status = { type, reason, lastEpoch, highWatermark } as const
      reports.push({ topic, topicId, partition, status })
    }
    for (const replica of this.#toReport) {
      if (!replica.isToReport) {
        this.#toReport.delete(replica)
        continue
      }
      if (this.#unavailable.all.has(directoryName(replica))) continue
      const { topic, topicId, partition, status } = replica
      if (status === undefined) this.#isReportDue = true
      else reports.push({ topic, topicId, partition, status })
    }
    return reports
  }

  /** Our session ended: no replica here leads or follows until the next session. */
  resign(): void {
    this.#life = undefined
    this.#changes.addEverything()
    for (const replica of this.#replicas.values()) replica.resign()
    this.#assignFetchers()
  }

  /** Checkpoints of the open logs; the entries of other logs stay as they are. */
  checkpoints(): Map<string, LogCheckpoint> {
    return new Map([...this.#replicas].map(([key, { checkpoint }]) => [key, checkpoint]))
  }

  /**
   * Writes snapshots of the logs to which much was appended since the last one.
   *
   * @param isLast the broker stops: its next start should find little to read
   */
  saveSnapshots({ isLast }: { readonly isLast: boolean }): void {
    for (const replica of this.#replicas.values()) replica.maybeSaveSnapshot({ isLast })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelTick()
    this.#options.image.unfollow(this.#changes)
    this.#fetchers.stop()
    this.followers.close()
    this.#throttle.close()
    this.purgatory.close()
    await Promise.all([...this.#replicas.values()].map((replica) => replica.close()))
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
    if (this.#replicas.get(key) !== replica) return
    const { topic, topicId, partition, checkpoint } = replica
    this.#failedToOpen(key, { topic, topicId, partition }, error)
    // Its report tells of the high watermark that it had.
    void this.#options.checkpoint
      .write(new Map([[key, checkpoint]]))
      .catch((cause: Error) => this.#options.failed(cause))
    this.#close(key, replica)
    this.#report()
    this.#assignFetchers()
  }

  roleChanged(replica: Replica): void {
    this.#areFetchersDue = true
    if (replica.isToReport) this.#toReport.add(replica)
  }

  reportChanged(replica: Replica): void {
    this.#toReport.add(replica)
    this.#report()
  }

  tickSoon(replica: Replica): void {
    this.#rounds.tickSoon(replica)
  }

  // --- replicas ----------------------------------------------------------------------------------

  /** Replicas that the image assigns to this broker, by directory name. */
  #assigned(): Map<string, Assigned> {
    const assigned = new Map<string, Assigned>()
    for (const { topic, assignment } of this.#options.image.topics.values()) {
      for (const partition of assignment.replicas.keys()) {
        const found = this.#assignedAt(topic, partition)
        if (found !== undefined) assigned.set(directoryName(found), found)
      }
    }
    return assigned
  }

  #assignedAt(topic: string, partition: number): Assigned | undefined {
    const { image, self } = this.#options
    const { assignment, version } = image.topics.get(topic) ?? {}
    const replicas = assignment?.replicas[partition]
    if (assignment === undefined || version === undefined) return undefined
    if (replicas?.includes(self) !== true) return undefined
    return { topic, topicId: assignment.topicId, partition, replicas, version }
  }

  /**
   * Opens what is to be opened, and may be by now; the ticks go on with what takes too long.
   *
   * @returns the replicas that were opened
   */
  #openUntil(deadlineMs: number): readonly Replica[] {
    const opened: Replica[] = []
    const reserve = this.#options.disk.reserve()
    // One more descriptor is held for each replica that is opened: its log will need another
    // segment.
    let toHold = descriptorReserve + this.#replicas.size
    for (const [key, { topic, partition }] of this.#toOpen) {
      if (this.#isClosed) break
      if (opened.length > 0 && this.clock.nowMs() >= deadlineMs) break
      this.#toOpen.delete(key)
      const assigned = this.#assignedAt(topic, partition)
      if (assigned === undefined || directoryName(assigned) !== key) continue
      if (this.#removing.has(key)) {
        this.#isOpeningHeld = true
        continue
      }
      if (!this.#unavailable.mayOpen(key, this.clock.nowMs())) continue
      try {
        reserve.hold(toHold + 1)
        toHold = 0
        const replica = openReplica(assigned, this.#opening, this)
        opened.push(replica)
        this.#replicas.set(key, replica)
        this.#byName.set(`${topic}/${partition}`, replica)
        this.#rounds.opened(replica)
        if (this.#unavailable.remove(key)) {
          this.log.info({ topic, partition }, 'A partition is available again here')
        }
      } catch (error) {
        this.#failedToOpen(key, assigned, error as Error)
      }
    }
    reserve.release()
    return opened
  }

  #failedToOpen(key: string, assigned: PartitionName, err: Error): void {
    if (!this.#unavailable.failed(key, assigned, err, this.clock.nowMs())) return
    const { topic, partition } = assigned
    this.log.error({ topic, partition, err }, 'A partition is unavailable here')
  }

  /**
   * Its files stay, in a directory whose topic id no other topic will have, until `remove`.
   */
  #drop(name: string, replica: Replica): void {
    const { topic, partition } = replica
    this.log.info(
      { topic, partition, directory: name },
      'Partition is no longer assigned to this broker',
    )
    this.#close(name, replica)
  }

  #close(name: string, replica: Replica): void {
    const { topic, partition } = replica
    this.#replicas.delete(name)
    this.#rounds.closed(replica)
    this.#toReport.delete(replica)
    if (this.get(topic, partition) === replica) this.#byName.delete(`${topic}/${partition}`)
    const closing = replica
      .close()
      .catch((error: Error) => this.#options.failed(error))
      .finally(() => this.#closing.delete(name))
    this.#closing.set(name, closing)
  }

  /**
   * Removes the directories of replicas that are no longer assigned to this broker, with their
   * checkpoints.
   *
   * @param names of directories; those that do not exist are passed over
   * @throws what the file system throws
   */
  async remove(names: readonly string[]): Promise<void> {
    const { disk, checkpoint } = this.#options
    for (const name of names) this.#removing.add(name)
    try {
      for (const name of names) {
        await this.#closing.get(name)
        invariant(!this.#replicas.has(name), 'a replica that is removed is not open')
        await disk.removeLog(name)
      }
      await checkpoint.forget(names)
    } finally {
      for (const name of names) this.#removing.delete(name)
      if (this.#isOpeningHeld) this.#openHeld()
    }
  }

  #openHeld(): void {
    this.#isOpeningHeld = false
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
    this.#fetchers.assign(this.#replicas.values())
  }

  #tick(): void {
    const nowMs = this.clock.nowMs()
    this.purgatory.tick(nowMs)
    this.#rounds.tick(nowMs)
    this.#hasAssignedFetchers = false
    this.#hasReported = false
    if (this.#life === undefined) return
    const mayOpen = this.#toOpen.size > 0 || this.#unavailable.isDue(nowMs)
    if (mayOpen) this.imageChanged(this.#life)
    else if (this.#isReportDue) this.#report()
    if (this.#areFetchersDue) this.#assignFetchers()
  }
}

/** The replica neither leads nor follows until it gets a new state. */
function giveUp(replica: Replica): void {
  if (replica.role.type !== 'idle') replica.resign()
}
