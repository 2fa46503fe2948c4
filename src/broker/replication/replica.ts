// One partition's replica on this broker: the log on the disk, the pure core that decides, and the
// operations that wait for either. Everything that happens to a partition goes through here, one
// call at a time.
//
//   produce ─▶ core.judgeProduce ─▶ log.append ─▶ one flush per turn ─▶ durable ─▶ high watermark
//   ─▶ acks
//   fetched from the leader ─▶ core.continuesLog ─▶ log.append ─▶ durable ─▶ our ack, in a fetch
//
// Next on the path: partition/partition.ts decides, partition/partition-log.ts stores.

import type { Clock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import {
  isUnreadable,
  type LogDamagedError,
  LogFailedError,
  type LogVersionError,
} from '../../log/log-errors.ts'
import type { SegmentMemory } from '../../log/segment.ts'
import type { LogDirectory } from '../../log/segment-file.ts'
import type { Logger } from '../../logger.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { FetchedRecords } from '../../protocol/mq/fetch.ts'
import { type BrokerId, type Life, noBroker } from '../../protocol/mq/messages.ts'
import {
  forEachBatch,
  isBatchIntact,
  type Offset,
  placeBatch,
  readBatchHeader,
} from '../../protocol/mq/record-batch.ts'
import type { ReplicaFetched, ReplicaFetchPartition } from '../../protocol/mq/replica-fetch.ts'
import type { Turn } from '../../turn.ts'
import type { LogCondition, LogStatus } from '../cluster/replica-status.ts'
import type { TopicConfig } from '../cluster/topic-config.ts'
import type { LogCheckpoint } from '../partition/checkpoint.ts'
import type { EpochEnd } from '../partition/leader-epochs.ts'
import { type Decompression, type FoundByTime, offsetByTime } from '../partition/offset-by-time.ts'
import {
  type Beginning,
  type FollowerVerdict,
  Partition,
  type PartitionOptions,
} from '../partition/partition.ts'
import {
  clearSuspicion,
  forgetLoss,
  hasCutTail,
  markSuspect,
} from '../partition/partition-directory.ts'
import { PartitionLog } from '../partition/partition-log.ts'
import {
  isSameLife,
  type Member,
  memberOf,
  type PartitionState,
} from '../partition/partition-state.ts'
import type { ProducerEntry } from '../partition/producer-states.ts'
import { dueBefore } from '../partition/retention.ts'
import { Compactor } from './compactor.ts'
import { LogCut } from './log-cut.ts'
import { LogHead } from './log-head.ts'
import { type ProduceCall, ProduceQueue } from './produce-queue.ts'
import { Operation, type Purgatory, Watermark } from './purgatory.ts'

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

/** Told what happens to a replica: by a leader's, its followers learn; by a follower's, its leader. */
export interface ReplicaWatch {
  /** Records were appended; as leader, within this turn, before they are written. */
  appended(): void
  /** The durable end, the high watermark or the log start has moved. */
  moved(): void
  /** The partition has other replicas. */
  replicasChanged(): void
  /** It leads or follows no longer, or in another leader epoch. */
  roleEnded(): void
}

/** The brokers with replicas of a partition. */
interface Assignment {
  readonly replicas: readonly BrokerId[]
  /** of the topic's znode that names them */
  readonly version: number
}

/** A request to delete records. */
interface DeleteCall {
  readonly offset: Offset
  readonly deadlineMs: number
  /** Called once, with the smallest log start of the logs in sync, or the error. */
  readonly done: (result: Offset | BrokerError) => void
}

export class Replica {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  #assignmentVersion: number
  readonly #host: ReplicaHost
  readonly #core: Partition
  readonly #log: PartitionLog
  readonly #head: LogHead
  readonly #compactor: Compactor
  readonly #cut: LogCut
  #unsavedBytes = 0 // appended since the last snapshot
  readonly #snapshotBytes: number
  /** All that one turn appends is written with one write and one fdatasync. */
  readonly #syncLog = () => this.#flush()
  readonly #queue: ProduceQueue
  readonly #watches = new Set<ReplicaWatch>()
  /** durable end and high watermark, for operations that end with this replica's role */
  readonly #durable = new Watermark()
  readonly #committed = new Watermark()
  /** as watches know it */
  #logStartSeen: Offset = 0
  /** the smallest log start of the logs in sync, for requests that delete records */
  readonly #low = new Watermark()
  /** the high watermark again, for consumers' fetches, which outlive a change of role */
  readonly #readable = new Watermark()
  readonly #directory: LogDirectory
  readonly #isOsFlush: boolean
  /** high watermark when the directory was lost; a log that ends below it should not lead */
  readonly #lostHighWatermark: Offset
  #condition: Exclude<LogCondition, 'ahead'>
  #isTrusting = false
  #minInsyncReplicas: number
  /** this broker's life, while we may lead and follow */
  #life: Life | undefined
  #state: PartitionState | undefined
  /** the state whose leader we could follow only by dropping committed records */
  #haltedBy: PartitionState | undefined
  #leadersHighWatermark: Offset = 0
  #leadersLogStart: Offset = 0
  /** the state that arrived while the log was being cut */
  #next: PartitionState | undefined
  #isClosed = false
  /** the log is damaged: nothing of it is read any more */
  #isDamaged = false

  /** @throws LogDamagedError, LogVersionError, or what the file system throws */
  constructor(options: ReplicaOptions, host: ReplicaHost) {
    this.topic = options.topic
    this.topicId = options.topicId
    this.partition = options.partition
    this.#assignmentVersion = options.assignmentVersion
    this.#host = host
    this.#core = new Partition(options)
    this.#minInsyncReplicas = options.minInsyncReplicas
    this.#queue = new ProduceQueue({
      core: this.#core,
      purgatory: host.purgatory,
      durable: this.#durable,
      committed: this.#committed,
      append: (batch) => this.#append(batch),
      error: (code) => this.#error(code),
    })
    const { directory, checkpoint, isIncomplete } = options
    this.#directory = directory
    this.#isOsFlush = options.flush === 'os'
    this.#snapshotBytes = Math.min(options.segmentBytes / 8, limits.snapshotBytes)
    this.#head = new LogHead({
      directory,
      core: this.#core,
      onMoved: () => this.#moved(),
      onFailure: (error) => this.#failed(error),
    })
    const { written } = this.#head
    this.#log = new PartitionLog({
      directory,
      segmentBytes: options.segmentBytes,
      flush: options.flush,
      memory: options.memory,
      readsAll: options.isSuspect,
      durableBefore: isIncomplete ? 0 : checkpoint.durableEnd,
      start: written.logStart,
      gapsBelow: written.gapsBelow,
      nowMs: () => host.clock.nowMs(),
      onDurable: (end) => this.#becameDurable(end),
      onFailure: (error) => this.#failed(error),
    })
    this.#compactor = new Compactor({
      core: this.#core,
      log: this.#log,
      head: this.#head,
      decompression: host.decompression,
      logger: host.log,
      onDamage: (error) => this.#damaged(error),
    })
    this.#cut = new LogCut({
      topic: this.topic,
      partition: this.partition,
      core: this.#core,
      log: this.#log,
      head: this.#head,
      compactor: this.#compactor,
      logger: host.log,
      willTruncate: (end) => host.willTruncate(this, end),
      mayStart: () => this.mayStart && !this.#isClosed,
      onHalt: () => this.#halt(),
      onCut: () => this.#wasCut(),
    })
    try {
      const { bytes, committed } = this.#head.restore(this.#log, host.log)
      this.#unsavedBytes = bytes
      this.#core.opened(Math.max(checkpoint.highWatermark, committed))
      if (options.isSuspect) clearSuspicion(directory)
    } catch (error) {
      void this.#log.close()
      throw error
    }
    this.#lostHighWatermark = isIncomplete ? checkpoint.highWatermark : 0
    this.#condition = isIncomplete ? 'incomplete' : hasCutTail(directory) ? 'tail-cut' : 'whole'
    const { torn } = this.#log
    if (torn !== null) {
      const { topic, partition } = this
      host.log.warn({ topic, partition, torn }, 'Cut a torn tail off a log')
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
    const end = Math.min(this.#cut.end ?? durableEnd, durableEnd)
    const known = Math.min(highWatermark, end)
    return {
      // Without fdatasync nothing is certain to be on the disk.
      durableEnd: this.#isOsFlush ? 0 : end,
      // The high watermark of a lost directory is kept until the log has reached it again.
      highWatermark:
        this.#condition === 'incomplete' ? Math.max(known, this.#lostHighWatermark) : known,
      lastEpoch,
    }
  }

  /** The report for a partition that has no leader, or one that this replica cannot follow. */
  get status(): LogStatus | undefined {
    const [life, state] = [this.#life, this.#state]
    if (life === undefined || state === undefined || this.#cut.isRunning) return undefined
    if (!this.isToReport) return undefined
    const isHalted = this.#haltedBy === state
    const { logEnd, durableEnd: end, lastEpoch } = this.#core
    if (end < logEnd) return undefined // the rest is about to be durable
    const type = isHalted ? 'ahead' : this.#condition
    const highWatermark = Math.max(this.#core.highWatermark, this.#lostHighWatermark)
    return { type, life, stateVersion: state.version, lastEpoch, end, highWatermark }
  }

  /** Whether `status` is a report, or will be one shortly. */
  get isToReport(): boolean {
    const state = this.#state
    if (this.#life === undefined || state === undefined) return false
    return state.leader === noBroker || this.#haltedBy === state
  }

  /** Whether it takes records from its leader now. */
  get mayFollow(): boolean {
    if (this.role.type !== 'following' || this.#cut.isRunning) return false
    return this.#haltedBy === undefined
  }

  /** Whether it may ask its leader for records now: a log that may have to be cut is durable. */
  get mayStart(): boolean {
    return this.mayFollow && this.#core.durableEnd === this.#core.logEnd && !this.#head.isBusy
  }

  // --- roles -------------------------------------------------------------------------------------

  /** Adopts the state of the znode; see `Partition.become`. */
  become(state: PartitionState, life: Life): void {
    if (this.#isClosed) return
    this.#life = life
    if (this.#cut.isRunning) {
      this.#next = state // a log that is being cut can neither lead nor follow
      return
    }
    const { role, leaderEpoch } = this.#core
    this.#core.become(state, life, this.#host.clock.nowMs())
    if (state.version !== this.#state?.version) {
      this.#state = state
      this.#haltedBy = undefined
    }
    this.#maybeTrust(state, life)
    if (this.leaderEpoch !== leaderEpoch || this.role.type !== role.type) this.#roleEnded()
    this.#moved()
  }

  /** A log that is in sync in this life has again what it had lost. */
  #maybeTrust(state: PartitionState, life: Life): void {
    if (this.#condition === 'whole' || this.#isTrusting) return
    const member = memberOf(state.isr, this.#core.self)
    if (member === undefined || member.isAwaited || !isSameLife(member, life)) return
    void this.#trust()
  }

  /** Lowers the lost log's checkpoint first: this log may be shorter, and must not look damaged. */
  async #trust(): Promise<void> {
    this.#isTrusting = true
    try {
      await this.#host.willTruncate(this, this.#core.durableEnd)
    } catch {
      return // the host was told, and stops
    }
    if (this.#isClosed) return
    try {
      forgetLoss(this.#directory)
      this.#condition = 'whole'
      this.#isTrusting = false
    } catch (error) {
      this.#failed(new LogFailedError(this.#directory.path, error as Error))
    }
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
    this.#queue.roleEnded()
    this.#leadersHighWatermark = this.#leadersLogStart = 0
    for (const watermark of [this.#durable, this.#committed, this.#low]) watermark.callOff()
    for (const watch of this.#watches) watch.roleEnded()
    this.#host.roleChanged(this)
  }

  /** For what depends on time alone: early batches that waited too long, replicas that lag. */
  tick(nowMs: number): void {
    if (this.#isClosed) return
    this.#queue.tick(nowMs)
    if (this.#queue.isHolding) this.#host.tickSoon(this)
    this.#maybeChangeIsr(nowMs)
  }

  #maybeChangeIsr(nowMs: number): void {
    const wanted = this.#core.proposeIsr(nowMs)
    if (wanted !== undefined) void this.#changeIsr(wanted)
  }

  async #changeIsr(wanted: PartitionState): Promise<void> {
    const inForce = await this.#host.writeState(this, wanted)
    if (inForce === undefined) return
    const { topic, partition } = this
    const { isr, version } = inForce
    const facts = { topic, partition, isr, version, wanted: wanted.isr }
    this.#host.log.info(facts, 'Wrote an ISR')
    if (this.#life !== undefined) this.become(inForce, this.#life)
    this.#core.isrWriteEnded(wanted.leaderEpoch, this.#host.clock.nowMs())
    this.#host.tickSoon(this)
    this.#moved()
  }

  /** The topic's assignment has changed. */
  setAssignment({ replicas, version }: Assignment): void {
    if (version === this.#assignmentVersion) return
    this.#assignmentVersion = version
    this.#core.setReplicas(replicas, this.#host.clock.nowMs())
    for (const watch of this.#watches) watch.replicasChanged()
    this.#moved()
  }

  /** The topic's configuration has changed. */
  setMinInsyncReplicas(minInsyncReplicas: number): void {
    if (minInsyncReplicas === this.#minInsyncReplicas) return
    this.#minInsyncReplicas = minInsyncReplicas
    const nowMs = this.#host.clock.nowMs()
    this.#core.setMinInsyncReplicas(minInsyncReplicas, nowMs)
    this.#moved()
    this.#maybeChangeIsr(nowMs)
  }

  // --- as leader ---------------------------------------------------------------------------------

  produce(call: ProduceCall): void {
    this.#queue.produce(call)
    if (this.#queue.isHolding) this.#host.tickSoon(this)
  }

  #append(batch: Buffer): void {
    const { logEnd, leaderEpoch } = this.#core
    placeBatch(batch, logEnd, leaderEpoch)
    this.#log.append(batch)
    this.#unsavedBytes += batch.length
    this.#core.leaderAppends(this.#host.clock.nowMs())
    this.#core.appended(readBatchHeader(batch))
    // Followers get the records with this turn's messages, before a flush that may hold it up.
    for (const watch of this.#watches) watch.appended()
    this.#host.turn.sync(this.#syncLog)
  }

  /** @returns ends the watch */
  watch(watch: ReplicaWatch): () => void {
    this.#watches.add(watch)
    return () => this.#watches.delete(watch)
  }

  /** Records a follower's progress from its fetch. */
  followerFetched(id: BrokerId, life: Life, asked: ReplicaFetchPartition): FollowerVerdict {
    const nowMs = this.#host.clock.nowMs()
    const verdict = this.#core.followerFetched(id, life, asked, nowMs)
    if (verdict.type === 'behind') {
      const { topic, partition } = this
      const facts = { topic, partition, follower: id, asked, logEnd: this.#core.logEnd }
      this.#host.log.error(facts, 'Resigned: a follower has committed records that this log lacks')
      this.#roleEnded()
    }
    this.#moved()
    this.#maybeChangeIsr(nowMs)
    return verdict
  }

  /** Whether what holds this follower back holds produce requests back. */
  waitsFor(id: BrokerId): boolean {
    return this.#core.waitsFor(id, this.#host.clock.nowMs())
  }

  followerGone(id: BrokerId): void {
    this.#core.followerGone(id)
  }

  /** The life that the ISR names is over. */
  memberGone(member: Member): void {
    this.#core.memberGone(member)
    this.#maybeChangeIsr(this.#host.clock.nowMs())
  }

  readForFollower(offset: Offset, bytesMax: number): FetchedRecords {
    return this.#read({ offset, end: this.#core.logEnd, bytesMax })
  }

  /** Calls the operation off when this replica's role, or its leader epoch, ends. */
  waitForRoleEnd(operation: Operation): void {
    operation.waitFor(this.#committed, Number.POSITIVE_INFINITY)
  }

  /** Removes the records before `offset`, which is committed, from all logs in sync. */
  deleteRecords({ offset, deadlineMs, done }: DeleteCall): void {
    this.removeBefore(offset)
    const operation = new Operation((ending) => {
      if (ending === 'reached') done(this.#low.value)
      else if (ending === 'expired') done(this.#error('REQUEST_TIMED_OUT'))
      else done(this.#error('NOT_LEADER_OR_FOLLOWER'))
    })
    operation.waitFor(this.#low, offset)
    this.#host.purgatory.expireAt(operation, deadlineMs)
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

  /**
   * The first committed record with at least this timestamp, or with the latest of all; undefined if
   * there is none.
   */
  offsetByTime(wanted: number | 'latest'): Promise<FoundByTime | undefined> {
    const timestampMs = wanted === 'latest' ? this.#log.maxTimestampMs : wanted
    const { logStart: start, highWatermark: end } = this.#core
    const found = offsetByTime(this.#log, timestampMs, { start, end }, this.#host.decompression)
    return found.catch((error: Error) => {
      if (!isUnreadable(error)) throw error
      this.#damaged(error)
      throw this.#error('KAFKA_STORAGE_ERROR')
    })
  }

  // --- as follower -------------------------------------------------------------------------------

  /**
   * What the leader is to know of this follower, which also acknowledges what is durable.
   *
   * @param isStart records are wanted from its log end on
   */
  position({ isStart }: { readonly isStart: boolean }): ReplicaFetchPartition {
    const { leaderEpoch, logEnd: offset, lastEpoch, highWatermark, logStart } = this.#core
    const { durableEnd } = this.#core
    const { topic, topicId, partition } = this
    return {
      topic,
      topicId,
      partition,
      leaderEpoch,
      offset,
      lastEpoch,
      highWatermark,
      logStart,
      durableEnd,
      isStart,
    }
  }

  /**
   * Appends what the leader sent.
   *
   * @returns whether all of it continued our log; if not, it has to start again, `later` because the
   *   gaps in it may be there only when that is on the disk
   */
  appendFetched(fetched: ReplicaFetched): 'appended' | 'later' | 'not next' {
    const { records } = fetched
    const { leaderEpoch } = this
    // With gaps, the offsets of the records alone do not show that they are next.
    if (fetched.offset !== this.#core.logEnd) return 'not next'
    const { gapsBelow } = this
    let end = 0 // of the batches accepted so far
    forEachBatch(records, (at, length) => {
      const header = readBatchHeader(records, at)
      if (at !== end || !this.#core.continuesLog(header, leaderEpoch, gapsBelow)) return
      if (!isBatchIntact(records, at, length)) return
      this.#core.appended(header)
      end = at + length
    })
    if (end > 0) {
      this.#log.append(records.subarray(0, end))
      this.#unsavedBytes += end
      this.#host.turn.sync(this.#syncLog)
    }
    this.#leadersHighWatermark = fetched.highWatermark
    this.#leadersLogStart = fetched.logStart
    this.#moved()
    if (end === records.length) return 'appended'
    if (fetched.gapsBelow <= gapsBelow) return 'not next'
    void this.#head.expectGaps(fetched.gapsBelow)
    return 'later'
  }

  /** See `LogCut.truncate`. */
  async truncate(diverging: EpochEnd, leadersStart: Offset): Promise<void> {
    try {
      await this.#cut.truncate(diverging, leadersStart)
    } catch (error) {
      if (isUnreadable(error)) this.#damaged(error)
      throw error
    }
  }

  /** See `LogCut.beginAnew`. */
  beginAnew(beginning: Beginning): Promise<void> {
    return this.#cut.beginAnew(beginning)
  }

  #halt(): void {
    this.#haltedBy = this.#state
    this.#host.reportChanged(this)
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
    operation.waitFor(this.#readable, offset + 1)
  }

  /** Committed records from the batch that holds `offset` on. */
  readCommitted(offset: Offset, bytesMax: number): FetchedRecords {
    return this.#read({ offset, end: this.#core.highWatermark, bytesMax })
  }

  #read({ offset, end, bytesMax }: { offset: Offset; end: Offset; bytesMax: number }) {
    const limit = Math.min(bytesMax, limits.fetchBytesMax)
    const records =
      offset < end ? this.#sound({ from: offset, end, bytesMax: limit }) : Buffer.alloc(0)
    const { highWatermark, logStart } = this.#core
    return { highWatermark, logStart, records }
  }

  /** Nothing that is damaged, nor what follows it, leaves this broker. */
  #sound(range: { from: Offset; end: Offset; bytesMax: number }): Buffer {
    if (this.#isDamaged) return Buffer.alloc(0)
    try {
      return this.#log.read(range)
    } catch (error) {
      if (!isUnreadable(error)) throw error
      this.#damaged(error)
      return Buffer.alloc(0)
    }
  }

  /** For observers: the same records, without consequences. @throws LogDamagedError */
  peek(offset: Offset, end: Offset): Buffer {
    return this.#log.read({ from: offset, end, bytesMax: limits.fetchBytesMax })
  }

  #damaged(error: LogDamagedError | LogVersionError): void {
    if (this.#isDamaged) return
    this.#isDamaged = true
    this.#compactor.abort()
    try {
      markSuspect(this.#directory)
    } catch (cause) {
      this.#failed(new LogFailedError(this.#directory.path, cause as Error))
    }
    this.#host.damaged(this, error)
  }

  // --- the log -----------------------------------------------------------------------------------

  /** Removes everything before `offset`, as far as it is committed, soon. */
  removeBefore(offset: Offset): void {
    if (!this.#cut.isRunning && !this.#isClosed) this.#head.removeBefore(offset)
  }

  /**
   * Begins segments and removes what is due by the topic's rules. Called now and then.
   *
   * @param nowMs see steady-time.ts
   */
  maintain(config: TopicConfig, nowMs: number): void {
    if (this.#cut.isRunning || this.#isClosed || this.#isDamaged) return
    if (this.role.type === 'idle') return
    this.#log.segmentBytes = config['segment.bytes']
    this.#log.maybeRoll(config['segment.ms'], nowMs)
    this.#log.dropBefore(this.#core.logStart)
    const policy = config['cleanup.policy']
    if (policy.includes('compact')) {
      this.#compactor.maybeBegin(config, this.#log.segments(nowMs), nowMs)
    }
    if (!policy.includes('delete')) return
    const rules = {
      retentionMs: config['retention.ms'],
      retentionBytes: config['retention.bytes'],
    }
    const { highWatermark, logStart } = this.#core
    const due = dueBefore(this.#log.segments(nowMs), rules, { highWatermark, nowMs })
    if (due > logStart) this.removeBefore(due)
  }

  /** Whether all records were read since the broker started, or appended since. */
  get isChecked(): boolean {
    return this.#isDamaged || this.#log.isChecked
  }

  /**
   * Reads some of the records that no start has read, for damage.
   *
   * @returns the number of bytes; 0: that was all
   */
  checkSome(bytesMax: number): number {
    if (this.#isDamaged || this.#isClosed || this.#cut.isRunning) return 0
    try {
      return this.#log.checkSome(bytesMax)
    } catch (error) {
      if (!isUnreadable(error)) throw error
      this.#damaged(error)
      return 0
    }
  }

  get isCompacting(): boolean {
    return this.#compactor.isRunning
  }

  /** Does a little of the compaction that is under way. */
  compactSome(): void {
    if (!this.#cut.isRunning && !this.#isClosed) this.#compactor.step()
  }

  /**
   * Writes a snapshot if much was appended since the last one.
   *
   * @param isLast the broker stops: its next start should find little to read
   */
  maybeSaveSnapshot({ isLast }: { readonly isLast: boolean }): void {
    const bytesMin = isLast ? this.#snapshotBytes / 8 : this.#snapshotBytes
    if (this.#unsavedBytes < bytesMin || this.#cut.isRunning || this.#isClosed) return
    if (this.#head.save()) this.#unsavedBytes = 0
  }

  #flush(): void {
    if (!this.#cut.isRunning && !this.#isClosed) this.#log.flush()
  }

  async close(): Promise<void> {
    this.resign()
    this.#isClosed = true
    this.#compactor.abort()
    this.#readable.callOff()
    // A failed cut was reported to the host; the log is closed anyway.
    await this.#cut.settled()
    this.#head.stop()
    await this.#head.settled()
    await this.#log.close()
  }

  #becameDurable(end: Offset): void {
    const nowMs = this.#host.clock.nowMs()
    this.#core.durable(end, nowMs)
    this.#moved()
    this.#maybeChangeIsr(nowMs)
  }

  /** Passes the core's offsets on to the operations that wait for them. */
  #moved(): void {
    this.#core.learnHighWatermark(this.#leadersHighWatermark)
    if (this.#leadersLogStart > this.#core.logStart) this.removeBefore(this.#leadersLogStart)
    const { logStart, durableEnd, highWatermark } = this.#core
    const haveMoved =
      durableEnd !== this.#durable.value ||
      highWatermark !== this.#committed.value ||
      logStart !== this.#logStartSeen
    this.#logStartSeen = logStart
    this.#low.move(this.#core.lowWatermark ?? 0)
    this.#durable.move(durableEnd)
    this.#committed.move(highWatermark)
    this.#readable.move(highWatermark)
    if (haveMoved) for (const watch of this.#watches) watch.moved()
  }

  #error(code: MqErrorCode): BrokerError {
    const found = `this replica is ${this.role.type} in epoch ${this.leaderEpoch}`
    const what = `Cannot serve ${this.topic}/${this.partition}`
    return new BrokerError(code, `${what} (${code}): ${found}`)
  }
}
