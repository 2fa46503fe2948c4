// One partition's replica on this broker: the log on the disk, the pure core that decides, and the parts
// that wait for either. Everything that happens to a partition goes through here, one call at a time;
// this file joins the parts, and changes the replica's role as the partition's znode says.
//
//   as leader      leading.ts ─▶ produce-queue.ts ─▶ log
//   as follower    following.ts ─▶ log, log-cut.ts
//   for both       log ─▶ durable ─▶ core: high watermark ─▶ progress.ts ─▶ acks, fetches, sessions
//                  log-reads.ts, log-upkeep.ts, log-head.ts, log-loss.ts
//
// Next on the path: leading.ts; partition/partition.ts decides, partition/partition-log.ts stores.

import type { Clock } from '../../clock.ts'
import type { LogDamagedError, LogFailedError, LogVersionError } from '../../log/log-errors.ts'
import type { SegmentMemory } from '../../log/segment.ts'
import type { LogDirectory } from '../../log/segment-file.ts'
import type { Logger } from '../../logger.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { FetchedRecords } from '../../protocol/mq/fetch.ts'
import { type BrokerId, type Life, noBroker } from '../../protocol/mq/messages.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import type { ReplicaFetched, ReplicaFetchPartition } from '../../protocol/mq/replica-fetch.ts'
import type { Turn } from '../../turn.ts'
import type { LogStatus } from '../cluster/replica-status.ts'
import type { TopicConfig } from '../cluster/topic-config.ts'
import type { LogCheckpoint } from '../partition/checkpoint.ts'
import type { EpochEnd } from '../partition/leader-epochs.ts'
import type { Decompression, FoundByTime } from '../partition/offset-by-time.ts'
import {
  type Beginning,
  type FollowerVerdict,
  Partition,
  type PartitionOptions,
} from '../partition/partition.ts'
import { clearSuspicion } from '../partition/partition-directory.ts'
import { PartitionLog } from '../partition/partition-log.ts'
import type { Member, PartitionState } from '../partition/partition-state.ts'
import type { ProducerEntry } from '../partition/producer-states.ts'
import { Compactor } from './compactor.ts'
import { Following } from './following.ts'
import { type DeleteCall, Leading } from './leading.ts'
import { LogHead } from './log-head.ts'
import { LogLoss } from './log-loss.ts'
import { LogReads } from './log-reads.ts'
import { LogUpkeep } from './log-upkeep.ts'
import type { ProduceCall } from './produce-queue.ts'
import { Progress, type ReplicaWatch } from './progress.ts'
import type { Operation, Purgatory } from './purgatory.ts'

/** What a replica needs from the broker around it. */
export interface ReplicaHost {
  readonly clock: Clock
  readonly turn: Turn
  readonly log: Logger
  readonly purgatory: Purgatory
  readonly decompression: Decompression
  /**
   * Writes a partition's znode if it still has `state.version`. Resolves to the state in force
   * afterwards, whether or not the write succeeded; undefined when our session ended.
   */
  writeState(replica: Replica, state: PartitionState): Promise<PartitionState | undefined>
  /**
   * Awaited before the log is cut at `end`: afterwards a crash must not make that look like damage.
   */
  willTruncate(replica: Replica, end: Offset): Promise<void>
  /** The replica's role or leader epoch has changed. */
  roleChanged(replica: Replica): void
  /** The replica's report has changed. */
  reportChanged(replica: Replica): void
  /** Damage to the log was found only now: the replica must not be used any more. */
  damaged(replica: Replica, error: LogDamagedError | LogVersionError): void
  /** The replica wants the next tick; without asking it gets one now and then. */
  tickSoon(replica: Replica): void
  /** The disk failed: the process must end. */
  failed(error: LogFailedError): void
}

export interface ReplicaOptions extends PartitionOptions {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** version of the topic's znode that names the replicas */
  readonly assignmentVersion: number
  readonly directory: LogDirectory
  readonly segmentBytes: number
  readonly flush: 'group' | 'os'
  readonly memory: SegmentMemory
  /** as written when the broker last ran */
  readonly checkpoint: LogCheckpoint
  /** the directory was lost since: the log lacks what the checkpoint says */
  readonly isIncomplete: boolean
  /** damage was found when records were read: all of them are read at start */
  readonly isSuspect: boolean
}

/** The brokers with replicas of a partition. */
interface Assignment {
  readonly replicas: readonly BrokerId[]
  /** of the topic's znode that names them */
  readonly version: number
}

export class Replica {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  #assignmentVersion: number
  readonly #host: ReplicaHost
  readonly #core: Partition
  readonly #progress: Progress
  readonly #leading: Leading
  readonly #following: Following
  readonly #log: PartitionLog
  readonly #head: LogHead
  readonly #reads: LogReads
  readonly #compactor: Compactor
  readonly #upkeep: LogUpkeep
  readonly #loss: LogLoss
  /** All that one turn appends is written with one write and one fdatasync. */
  readonly #syncLog = () => this.#flush()
  readonly #isOsFlush: boolean
  #minInsyncReplicas: number
  /** this broker's life, while we may lead and follow */
  #life: Life | undefined
  #state: PartitionState | undefined
  /** the state that arrived while the log was being cut */
  #next: PartitionState | undefined
  #isClosed = false

  /** @throws LogDamagedError, LogVersionError, or what the file system throws */
  constructor(options: ReplicaOptions, host: ReplicaHost) {
    this.topic = options.topic
    this.topicId = options.topicId
    this.partition = options.partition
    this.#assignmentVersion = options.assignmentVersion
    this.#host = host
    const core = new Partition(options)
    this.#core = core
    this.#minInsyncReplicas = options.minInsyncReplicas
    const { directory, checkpoint, isIncomplete, segmentBytes } = options
    const { topic, topicId, partition } = this
    const { clock, purgatory, decompression, log: logger } = host
    const onFailure = (error: LogFailedError) => this.#failed(error)
    const error = (code: MqErrorCode) => this.#error(code)
    const moved = () => this.#moved()
    const removeBefore = (offset: Offset) => this.removeBefore(offset)
    const isClosed = () => this.#isClosed
    const willTruncate = (end: Offset) => host.willTruncate(this, end)
    const append = (batches: Buffer) => this.#append(batches)
    this.#isOsFlush = options.flush === 'os'
    this.#head = new LogHead({ directory, core, onMoved: moved, onFailure })
    const { written } = this.#head
    this.#log = new PartitionLog({
      directory,
      segmentBytes,
      flush: options.flush,
      memory: options.memory,
      readsAll: options.isSuspect,
      durableBefore: isIncomplete ? 0 : checkpoint.durableEnd,
      start: written.logStart,
      gapsBelow: written.gapsBelow,
      nowMs: () => clock.nowMs(),
      onDurable: (end) => this.#becameDurable(end),
      onFailure,
    })
    const progress = new Progress(core)
    this.#progress = progress
    const [log, head] = [this.#log, this.#head]
    this.#leading = new Leading({
      topic,
      partition,
      core,
      progress,
      clock,
      purgatory,
      logger,
      append,
      removeBefore,
      writeState: (state) => host.writeState(this, state),
      adopt: (inForce) => {
        if (this.#life !== undefined) this.become(inForce, this.#life)
      },
      tickSoon: () => host.tickSoon(this),
      moved,
      roleEnded: () => this.#roleEnded(),
      error,
    })
    this.#reads = new LogReads({
      directory,
      core,
      log,
      decompression,
      error: () => this.#error('KAFKA_STORAGE_ERROR'),
      onDamage: (damage) => {
        this.#compactor.abort()
        host.damaged(this, damage)
      },
      onFailure,
    })
    const onDamage: LogReads['damaged'] = (damage) => this.#reads.damaged(damage)
    const compactor = new Compactor({ core, log, head, decompression, logger, onDamage })
    this.#compactor = compactor
    this.#following = new Following({
      topic,
      topicId,
      partition,
      core,
      log,
      head,
      compactor,
      logger,
      append,
      removeBefore,
      willTruncate,
      isClosed,
      moved,
      onHalt: () => host.reportChanged(this),
      onCut: () => this.#wasCut(),
      onDamage,
    })
    this.#upkeep = new LogUpkeep({ core, log, head, compactor, segmentBytes })
    try {
      const { bytes, committed } = head.restore(log, logger)
      this.#upkeep.appended(bytes)
      core.opened(Math.max(checkpoint.highWatermark, committed))
      if (options.isSuspect) clearSuspicion(directory)
    } catch (error) {
      void log.close()
      throw error
    }
    this.#loss = new LogLoss({
      self: core.self,
      directory,
      isIncomplete,
      highWatermark: checkpoint.highWatermark,
      lowerCheckpoint: () => willTruncate(core.durableEnd),
      isClosed,
      onFailure,
    })
    const { torn } = this.#log
    if (torn !== null) {
      logger.warn({ topic, partition, torn }, 'Cut a torn tail off a log')
    }
    this.#moved()
  }

  /** Version of the topic's znode that names the replicas which this one knows as leader. */
  get assignmentVersion(): number {
    return this.#assignmentVersion
  }

  get role(): Partition['role'] {
    return this.#core.role
  }

  get leaderEpoch(): number {
    return this.#core.leaderEpoch
  }

  /** Of the last record; -1 for an empty log. No state of the partition may be older. */
  get lastEpoch(): number {
    return this.#core.lastEpoch
  }

  get highWatermark(): Offset {
    return this.#core.highWatermark
  }

  /** Everything before it was removed. */
  get logStart(): Offset {
    return this.#core.logStart
  }

  /** Offset of the next record. */
  get logEnd(): Offset {
    return this.#core.logEnd
  }

  /** Bytes of the batches in the log. */
  get logBytes(): number {
    return this.#log.bytes
  }

  /** The idempotent producers of records in the log. */
  get producers(): readonly ProducerEntry[] {
    return this.#core.producers
  }

  /** Everything before it survives a power cut. */
  get durableEnd(): Offset {
    return this.#core.durableEnd
  }

  /** Of the log as it is or, during a truncation, as it will be afterwards. */
  get checkpoint(): LogCheckpoint {
    const { durableEnd, highWatermark, lastEpoch } = this.#core
    const end = Math.min(this.#following.cutEnd ?? durableEnd, durableEnd)
    return {
      // Without fdatasync nothing is certain to be on the disk.
      durableEnd: this.#isOsFlush ? 0 : end,
      highWatermark: this.#loss.checkpointed(Math.min(highWatermark, end)),
      lastEpoch,
    }
  }

  /** The report for a partition that has no leader, or one that this replica cannot follow. */
  get status(): LogStatus | undefined {
    const [life, state] = [this.#life, this.#state]
    if (life === undefined || state === undefined || this.#following.isCutting) return undefined
    if (!this.isToReport) return undefined
    const { logEnd, durableEnd: end, lastEpoch } = this.#core
    if (end < logEnd) return undefined // the rest is about to be durable
    const type = this.#following.isHalted ? 'ahead' : this.#loss.condition
    const highWatermark = Math.max(this.#core.highWatermark, this.#loss.highWatermark)
    return { type, life, stateVersion: state.version, lastEpoch, end, highWatermark }
  }

  /** Whether `status` is a report, or will be one shortly. */
  get isToReport(): boolean {
    const state = this.#state
    if (this.#life === undefined || state === undefined) return false
    return state.leader === noBroker || this.#following.isHalted
  }

  /** Whether it takes records from its leader now. */
  get mayFollow(): boolean {
    return this.#following.mayFollow
  }

  /** Whether it may ask its leader for records now: a log that may have to be cut is durable. */
  get mayStart(): boolean {
    return this.#following.mayStart
  }

  // --- roles -------------------------------------------------------------------------------------

  /** Adopts the state of the znode; see `Partition.become`. */
  become(state: PartitionState, life: Life): void {
    if (this.#isClosed) return
    this.#life = life
    if (this.#following.isCutting) {
      this.#next = state // a log that is being cut can neither lead nor follow
      return
    }
    const { role, leaderEpoch } = this.#core
    this.#core.become(state, life, this.#host.clock.nowMs())
    if (state.version !== this.#state?.version) {
      this.#state = state
      this.#following.stateChanged()
    }
    this.#loss.maybeTrust(state, life)
    if (this.leaderEpoch !== leaderEpoch || this.role.type !== role.type) this.#roleEnded()
    this.#moved()
  }

  /** The process ends soon; until then, nothing of this log is served or acknowledged. */
  #failed(error: LogFailedError): void {
    this.#isClosed = true
    this.#head.stop()
    this.resign()
    this.#host.failed(error)
  }

  /** Our session ended, and with it the life in which we may have led. */
  resign(): void {
    this.#next = undefined
    this.#life = undefined
    this.#core.resign()
    this.#roleEnded()
  }

  #roleEnded(): void {
    const { role, leaderEpoch, logEnd, highWatermark } = this.#core
    const { topic, partition } = this
    const facts = { topic, partition, role, leaderEpoch, logEnd, highWatermark }
    this.#host.log.info(facts, 'Partition changed its role')
    this.#log.isReadClosely = role.type === 'leading'
    this.#leading.roleEnded()
    this.#following.roleEnded()
    this.#progress.roleEnded()
    this.#host.roleChanged(this)
  }

  /** For what depends on time alone: early batches that waited too long, replicas that lag. */
  tick(nowMs: number): void {
    if (this.#isClosed) return
    this.#leading.tick(nowMs)
  }

  /** The topic's assignment has changed. */
  setAssignment({ replicas, version }: Assignment): void {
    if (version === this.#assignmentVersion) return
    this.#assignmentVersion = version
    this.#core.setReplicas(replicas, this.#host.clock.nowMs())
    this.#progress.replicasChanged()
    this.#moved()
  }

  /** The topic's configuration has changed. */
  setMinInsyncReplicas(minInsyncReplicas: number): void {
    if (minInsyncReplicas === this.#minInsyncReplicas) return
    this.#minInsyncReplicas = minInsyncReplicas
    const nowMs = this.#host.clock.nowMs()
    this.#core.setMinInsyncReplicas(minInsyncReplicas, nowMs)
    this.#moved()
    this.#leading.maybeChangeIsr(nowMs)
  }

  // --- as leader: see leading.ts -----------------------------------------------------------------

  produce(call: ProduceCall): void {
    this.#leading.produce(call)
  }

  /** Records a follower's progress from its fetch. */
  followerFetched(id: BrokerId, life: Life, asked: ReplicaFetchPartition): FollowerVerdict {
    return this.#leading.followerFetched(id, life, asked)
  }

  /** Whether what holds this follower back holds produce requests back. */
  waitsFor(id: BrokerId): boolean {
    return this.#leading.waitsFor(id)
  }

  followerGone(id: BrokerId): void {
    this.#leading.followerGone(id)
  }

  /** The life that the ISR names is over. */
  memberGone(member: Member): void {
    this.#leading.memberGone(member)
  }

  /** Removes the records before `offset`, which is committed, from all logs in sync. */
  deleteRecords(call: DeleteCall): void {
    this.#leading.deleteRecords(call)
  }

  /** Valid until anything is appended to any log of the broker: they are copied into the answer. */
  readForFollower(offset: Offset, bytesMax: number): FetchedRecords {
    return this.#reads.read({ offset, end: this.#core.logEnd, bytesMax, isBrief: true })
  }

  endOfEpoch(epoch: number): EpochEnd | undefined {
    return this.#core.endOfEpoch(epoch)
  }

  /** See `Partition.latestOffset`; for leaders only. */
  get latestOffset(): Offset | undefined {
    return this.#core.latestOffset
  }

  get earliestOffset(): Offset {
    return this.#core.logStart
  }

  /** Gaps between batches before it are no loss: see `LogSnapshot.gapsBelow`. */
  get gapsBelow(): Offset {
    return this.#head.written.gapsBelow
  }

  /** See `LogReads.offsetByTime`. */
  offsetByTime(wanted: number | 'latest'): Promise<FoundByTime | undefined> {
    return this.#reads.offsetByTime(wanted)
  }

  // --- as follower: see following.ts -------------------------------------------------------------

  /** See `Following.position`. */
  position(at: { readonly isStart: boolean }): ReplicaFetchPartition {
    return this.#following.position(at)
  }

  /** See `Following.appendFetched`. */
  appendFetched(fetched: ReplicaFetched): 'appended' | 'later' | 'not next' {
    return this.#following.appendFetched(fetched)
  }

  /** See `LogCut.truncate`. */
  truncate(diverging: EpochEnd, leadersStart: Offset): Promise<void> {
    return this.#following.truncate(diverging, leadersStart)
  }

  /** See `LogCut.beginAnew`. */
  beginAnew(beginning: Beginning): Promise<void> {
    return this.#following.beginAnew(beginning)
  }

  #wasCut(): void {
    this.#moved()
    const next = this.#next
    this.#next = undefined
    if (next !== undefined && this.#life !== undefined) this.become(next, this.#life)
  }

  // --- for consumers -----------------------------------------------------------------------------

  isOutOfRange(offset: Offset): boolean {
    return offset < this.#core.logStart || this.#core.isOutOfRange(offset)
  }

  waitForRecords(operation: Operation, offset: Offset): void {
    this.#progress.waitForRecords(operation, offset)
  }

  /** Calls the operation off when this replica's role, or its leader epoch, ends. */
  waitForRoleEnd(operation: Operation): void {
    this.#progress.waitForRoleEnd(operation)
  }

  /** @returns ends the watch */
  watch(watch: ReplicaWatch): () => void {
    return this.#progress.watch(watch)
  }

  /** Committed records from the batch that holds `offset` on. */
  readCommitted(offset: Offset, bytesMax: number): FetchedRecords {
    return this.#reads.read({ offset, end: this.#core.highWatermark, bytesMax })
  }

  /** See `LogReads.peek`. */
  peek(offset: Offset, end: Offset): Buffer {
    return this.#reads.peek(offset, end)
  }

  // --- the log -----------------------------------------------------------------------------------

  /** Whether the log may be changed, other than by a cut that is under way. */
  get #isOpen(): boolean {
    return !this.#following.isCutting && !this.#isClosed
  }

  #append(batches: Buffer): void {
    this.#log.append(batches)
    this.#upkeep.appended(batches.length)
    this.#host.turn.sync(this.#syncLog)
  }

  #flush(): void {
    if (this.#isOpen) this.#log.flush()
  }

  /** Removes everything before `offset`, as far as it is committed, soon. */
  removeBefore(offset: Offset): void {
    if (this.#isOpen) this.#head.removeBefore(offset)
  }

  /** See `LogUpkeep.maintain`. Called now and then. */
  maintain(config: TopicConfig, nowMs: number): void {
    if (!this.#isOpen || this.#reads.isDamaged || this.role.type === 'idle') return
    this.#upkeep.maintain(config, nowMs)
  }

  /** See `LogReads.isChecked`. */
  get isChecked(): boolean {
    return this.#reads.isChecked
  }

  /** See `LogReads.checkSome`. */
  checkSome(bytesMax: number): number {
    return this.#isOpen ? this.#reads.checkSome(bytesMax) : 0
  }

  get isCompacting(): boolean {
    return this.#compactor.isRunning
  }

  /** Does a little of the compaction that is under way. */
  compactSome(): void {
    if (this.#isOpen) this.#compactor.step()
  }

  /** See `LogUpkeep.maybeSaveSnapshot`. */
  maybeSaveSnapshot(ending: { readonly isLast: boolean }): void {
    if (this.#isOpen) this.#upkeep.maybeSaveSnapshot(ending)
  }

  async close(): Promise<void> {
    this.resign()
    this.#isClosed = true
    this.#compactor.abort()
    this.#progress.close()
    // A failed cut was reported to the host; the log is closed anyway.
    await this.#following.settled()
    this.#head.stop()
    await this.#head.settled()
    await this.#log.close()
  }

  #becameDurable(end: Offset): void {
    const nowMs = this.#host.clock.nowMs()
    this.#core.durable(end, nowMs)
    this.#moved()
    this.#leading.maybeChangeIsr(nowMs)
  }

  /** Passes the core's offsets on to the operations that wait for them. */
  #moved(): void {
    this.#following.followOffsets()
    this.#progress.moved()
  }

  #error(code: MqErrorCode): BrokerError {
    const found = `this replica is ${this.role.type} in epoch ${this.leaderEpoch}`
    const what = `Cannot serve ${this.topic}/${this.partition}`
    return new BrokerError(code, `${what} (${code}): ${found}`)
  }
}
