// One replica of one partition, as leader, follower or neither, through successive leader epochs.
// Pure: it decides; replication/replica.ts owns the log and carries the decisions out.
//
// A start passes the log's snapshot to `restored`, and the header of every later batch to
// `appended`, as all do that are appended afterwards: what the partition knows of epochs and producers
// always equals what was ever in the log.
//
//   state of the znode ─▶ become ─┬▶ leading: judgeProduce ─ appended ─ durable ─ followerFetched
//                                 └▶ following: continuesLog ─ appended ─ learnHighWatermark; truncation
//
// Next on the path: partition-log.ts. Source: Kafka's Partition and ReplicaManager (3.9).

import { invariant } from '../../invariant.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { type BrokerId, type Life, noBroker } from '../../protocol/mq/messages.ts'
import type { BatchHeader, Offset, ProducerId } from '../../protocol/mq/record-batch.ts'
import { InSyncReplicas } from './in-sync-replicas.ts'
import { type EpochEnd, LeaderEpochs } from './leader-epochs.ts'
import type { LogSnapshot } from './log-snapshot.ts'
import {
  isSameLife,
  leaderOf,
  type Member,
  neverUnclean,
  type PartitionState,
  withIsr,
  withoutLeader,
} from './partition-state.ts'
import { type ProducerEntry, ProducerStates, type SequenceVerdict } from './producer-states.ts'

export interface PartitionOptions {
  readonly self: BrokerId
  readonly replicas: readonly BrokerId[]
  readonly minInsyncReplicas: number
  readonly lagTimeMsMax: number
}

export type Role =
  /** the partition has no leader, or the znode names us, but in another life of this broker */
  | { readonly type: 'idle' }
  | { readonly type: 'leading' }
  | { readonly type: 'following'; readonly leader: BrokerId }

type ProduceVerdict =
  | Exclude<SequenceVerdict, { readonly type: 'refused' }>
  | { readonly type: 'refused'; readonly code: MqErrorCode }

/** The follower's state of its log, sent with each fetch. */
interface FollowerPosition {
  readonly leaderEpoch: number
  /** its log end */
  readonly offset: Offset
  /** epoch of the last batch before `offset`; -1 for an empty log */
  readonly lastEpoch: number
  readonly highWatermark: Offset
  /** everything before it is removed there */
  readonly logStart: Offset
  /** everything before it is on the follower's disk */
  readonly durableEnd: Offset
}

export type FollowerVerdict =
  | { readonly type: 'fine' }
  /** The follower knows of committed records that we lack: we stop leading. */
  | { readonly type: 'behind' }
  | { readonly type: 'refused'; readonly code: MqErrorCode }
  /** The follower's log holds records that ours never had. */
  | ({ readonly type: 'diverging' } & EpochEnd)
  /** What follows the records that the logs have in common was removed here. */
  | { readonly type: 'below start'; readonly beginning: Beginning }

/** For a replica whose log begins anew: what it cannot learn from the records it will fetch. */
export interface Beginning {
  readonly logStart: Offset
  /** of the record before the log start; -1 if that is unknown */
  readonly baseEpoch: number
  /** as known at the log start */
  readonly producers: readonly ProducerEntry[]
}

export class Partition {
  readonly #options: PartitionOptions
  #minInsyncReplicas: number
  #replicaIds: readonly BrokerId[]
  readonly #epochs = new LeaderEpochs()
  readonly #producers = new ProducerStates()
  #role: Role = { type: 'idle' }
  #state: PartitionState | undefined
  #replicas: InSyncReplicas | undefined // while leading
  #epochStart: Offset = 0 // log end when we began to lead
  #logStart: Offset = 0 // never decreases, except when the log begins anew
  #logEnd: Offset = 0
  #durableEnd: Offset = 0
  #highWatermark: Offset = 0
  /** our log lacks committed records, which end at `committed`: we may not lead in this epoch */
  #lacking: { readonly leaderEpoch: number; readonly committed: Offset } | undefined
  #isResigning = false // the write that gives up leadership is in flight

  constructor(options: PartitionOptions) {
    this.#options = options
    this.#minInsyncReplicas = options.minInsyncReplicas
    this.#replicaIds = options.replicas
  }

  get self(): BrokerId {
    return this.#options.self
  }

  get role(): Role {
    return this.#role
  }

  get leaderEpoch(): number {
    return this.#state?.leaderEpoch ?? -1
  }

  /** Everything before it was removed, by retention or on request; never above `highWatermark`. */
  get logStart(): Offset {
    return this.#logStart
  }

  /** The idempotent producers of records in the log. */
  get producers(): readonly ProducerEntry[] {
    return this.#producers.before(this.logEnd).entries
  }

  /** Offset of the next record. */
  get logEnd(): Offset {
    return this.#logEnd
  }

  get durableEnd(): Offset {
    return this.#durableEnd
  }

  /** Offset after the last record that consumers see here; never decreases. */
  get highWatermark(): Offset {
    return this.#highWatermark
  }

  /** Epoch of the last record; -1 for an empty log. */
  get lastEpoch(): number {
    return this.#epochs.latest
  }

  /** The log's snapshot; the batches from its end on follow. */
  restored({ logStart, end, epochs, producers }: LogSnapshot): void {
    this.#epochs.restore(epochs)
    this.#producers.restore(producers)
    this.#logStart = logStart
    this.#logEnd = this.#highWatermark = end
  }

  /** The log has been read to its end and all of it is durable. */
  opened(highWatermark: Offset): void {
    this.#durableEnd = this.#logEnd
    this.#highWatermark = Math.max(this.#highWatermark, Math.min(highWatermark, this.#logEnd))
  }

  // --- roles -------------------------------------------------------------------------------------

  /**
   * Adopts the state of the znode. A state older than the current one is ignored.
   *
   * @param life this broker's current life
   */
  become(state: PartitionState, life: Life, nowMs: number): void {
    const before = this.#state
    if (before !== undefined) {
      if (state.leaderEpoch < before.leaderEpoch) return
      if (state.leaderEpoch === before.leaderEpoch && state.version < before.version) return
    }
    const { self } = this.#options
    const isNewEpoch = state.leaderEpoch !== before?.leaderEpoch
    this.#state = state
    if (state.leaderEpoch !== this.#lacking?.leaderEpoch) this.#lacking = undefined
    if (this.#mayLead(state, life) && this.#replicas !== undefined && !isNewEpoch) {
      // The same version again does not settle a write that may be in flight.
      if (state.version === before?.version) return
      this.#take(this.#replicas.settled(state, nowMs))
    } else if (this.#mayLead(state, life)) {
      this.#lead(state, life, nowMs)
    } else {
      this.#replicas = undefined
      const isToFollow = state.leader !== self && state.leader !== noBroker
      this.#role = isToFollow ? { type: 'following', leader: state.leader } : { type: 'idle' }
    }
  }

  /**
   * A restarted broker may have lost a tail that other replicas have: it must not continue to lead
   * in the old epoch, or that epoch would stand for two different logs.
   */
  #mayLead(state: PartitionState, life: Life): boolean {
    const leader = leaderOf(state)
    if (leader?.broker !== this.#options.self || this.#lacking !== undefined) return false
    return isSameLife(leader, life)
  }

  /** Our session ended: this replica leads again only when the znode names our next life. */
  resign(): void {
    this.#replicas = undefined
    this.#role = { type: 'idle' }
  }

  #lead(state: PartitionState, life: Life, nowMs: number): void {
    const { self: broker, lagTimeMsMax } = this.#options
    invariant(state.leaderEpoch >= this.#epochs.latest, 'no epoch in the log is from the future')
    this.#role = { type: 'leading' }
    this.#epochStart = this.#logEnd
    const { directory, brokerEpoch } = life
    this.#replicas = new InSyncReplicas({
      self: { broker, directory, brokerEpoch, isAwaited: false },
      replicas: this.#replicaIds,
      isr: state.isr,
      hasEligible: state.eligible.length > 0,
      highWatermark: this.#highWatermark,
      epochStart: this.#epochStart,
      minInsyncReplicas: this.#minInsyncReplicas,
      lagTimeMsMax,
      nowMs,
    })
    this.#replicas.ownLogStarts(this.#logStart)
    this.#take(this.#replicas.ownLogDurable(this.#durableEnd, nowMs))
  }

  // --- the log -----------------------------------------------------------------------------------

  /** A batch was appended, or was found in the log at start. */
  appended(header: BatchHeader): void {
    const { baseOffset, lastOffsetDelta, leaderEpoch } = header
    invariant(this.#mayFollow(baseOffset, lastOffsetDelta), 'batches are appended at the end')
    this.#epochs.appended(leaderEpoch, Math.max(baseOffset, this.#logStart))
    this.#producers.appended(header)
    this.#logEnd = baseOffset + lastOffsetDelta + 1
  }

  /** The log start may lie within the first batch. */
  #mayFollow(baseOffset: Offset, lastOffsetDelta: number): boolean {
    if (baseOffset >= this.#logEnd) return true
    return this.#logEnd === this.#logStart && baseOffset + lastOffsetDelta >= this.#logEnd
  }

  /** Everything before `end` is durable here. */
  durable(end: Offset, nowMs: number): void {
    this.#durableEnd = Math.max(this.#durableEnd, Math.min(end, this.#logEnd))
    this.#take(this.#replicas?.ownLogDurable(this.#durableEnd, nowMs) ?? false)
  }

  /**
   * Everything from `end` on was removed.
   *
   * @returns whether the producer states are still complete; if not, call `restoreProducers`, then
   *   `rememberProducer` for every batch in the log after the snapshot
   */
  truncated(end: Offset): boolean {
    invariant(this.mayTruncate(end), 'what consumers may have seen is never truncated')
    this.#highWatermark = Math.min(this.#highWatermark, end)
    this.#logEnd = Math.min(this.#logEnd, end)
    this.#durableEnd = Math.min(this.#durableEnd, end)
    this.#epochs.truncated(end)
    return this.#producers.truncated(end)
  }

  /**
   * Whether everything from `end` on may be removed: none of it is committed, or an operator chose
   * a leader that lacks it, in a later epoch than that of our last record.
   */
  mayTruncate(end: Offset): boolean {
    return end >= this.#highWatermark || !this.#isBinding(this.lastEpoch)
  }

  /**
   * Whether a high watermark from a log that ends in this epoch still binds: see `uncleanEpoch`.
   */
  #isBinding(lastEpoch: number): boolean {
    return lastEpoch >= (this.#state?.uncleanEpoch ?? neverUnclean)
  }

  /** Whether the producer's last record is at this offset. */
  isLastOfProducer(producerId: ProducerId, lastOffset: Offset): boolean {
    return this.#producers.isLast(producerId, lastOffset)
  }

  restoreProducers({ producers }: LogSnapshot): void {
    this.#producers.restore(producers)
  }

  rememberProducer(header: BatchHeader): void {
    this.#producers.appended(header)
  }

  endOfEpoch(epoch: number): EpochEnd | undefined {
    return this.#epochs.endOf(epoch, this.#logEnd)
  }

  /** Everything before `logStart`, which is committed, is being removed. */
  logStartMoved(logStart: Offset): void {
    invariant(logStart >= this.#logStart, 'a log start never goes back')
    invariant(logStart <= this.#highWatermark, 'only what is committed is removed')
    this.#logStart = logStart
    this.#epochs.startMoved(logStart)
    this.#replicas?.ownLogStarts(logStart)
  }

  /** The log was emptied and begins anew where its leader's log begins. */
  beganAnew({ logStart, baseEpoch, producers }: Beginning): void {
    this.#epochs.restore({ baseEpoch, starts: [] })
    this.#producers.restore(producers)
    this.#logStart = this.#logEnd = this.#durableEnd = this.#highWatermark = logStart
  }

  /**
   * What a start restores instead of reading the log before `end`.
   *
   * @param place `end` is committed; the log start may be about to move
   * @returns also whether it has all that is known of producers: see `ProducerStates.before`
   */
  snapshotAt(place: Pick<LogSnapshot, 'logStart' | 'end' | 'gapsBelow' | 'compactedTo'>): {
    readonly snapshot: LogSnapshot
    readonly isExact: boolean
  } {
    const { logStart, end, gapsBelow, compactedTo } = place
    const { entries: producers, isExact } = this.#producers.before(end)
    const epochs = this.#epochs.between(logStart, end)
    const snapshot = { logStart, end, gapsBelow, compactedTo, epochs, producers }
    return { snapshot, isExact }
  }

  /**
   * A snapshot that leaves everything from the log start on to be read; what is known of producers from
   * before it can be read nowhere.
   */
  snapshotAtStart(gapsBelow: Offset): LogSnapshot {
    const [logStart, { baseEpoch }] = [this.#logStart, this.#epochs]
    const { entries: producers } = this.#producers.before(logStart)
    const epochs = { baseEpoch, starts: [] }
    return { logStart, end: logStart, gapsBelow, compactedTo: 0, epochs, producers }
  }

  // --- as leader ---------------------------------------------------------------------------------

  judgeProduce(header: BatchHeader, isForAll: boolean): ProduceVerdict {
    const replicas = this.#replicas
    if (replicas === undefined) return { type: 'refused', code: 'NOT_LEADER_OR_FOLLOWER' }
    if (isForAll && !replicas.enough) return { type: 'refused', code: 'NOT_ENOUGH_REPLICAS' }
    return this.#producers.judge(header)
  }

  /** It was configured anew. */
  setMinInsyncReplicas(minInsyncReplicas: number, nowMs: number): void {
    this.#minInsyncReplicas = minInsyncReplicas
    this.#take(this.#replicas?.setMinInsyncReplicas(minInsyncReplicas, nowMs) ?? false)
  }

  /** The partition is being reassigned, or has been. */
  setReplicas(replicas: readonly BrokerId[], nowMs: number): void {
    this.#replicaIds = replicas
    this.#take(this.#replicas?.setReplicas(replicas, nowMs) ?? false)
  }

  /** To be called before the leader appends. */
  leaderAppends(nowMs: number): void {
    this.#replicas?.leaderAppends(this.#logEnd, nowMs)
  }

  /** Records a follower's progress: with verdict `fine`, all before `durableEnd` is durable there. */
  followerFetched(
    id: BrokerId,
    life: Life,
    { leaderEpoch, offset, lastEpoch, highWatermark, logStart, durableEnd }: FollowerPosition,
    nowMs: number,
  ): FollowerVerdict {
    const refused = (code: MqErrorCode): FollowerVerdict => ({ type: 'refused', code })
    const replicas = this.#replicas
    if (replicas === undefined) return refused('NOT_LEADER_OR_FOLLOWER')
    if (leaderEpoch < this.leaderEpoch) return refused('FENCED_LEADER_EPOCH')
    if (leaderEpoch > this.leaderEpoch) return refused('UNKNOWN_LEADER_EPOCH')
    const common = this.#commonEnd(lastEpoch)
    if (highWatermark > common.endOffset && this.#isBinding(lastEpoch)) {
      this.#lacking = { leaderEpoch, committed: highWatermark }
      this.#replicas = undefined
      this.#role = { type: 'idle' }
      return { type: 'behind' }
    }
    const { epoch, endOffset } = common
    if (offset < this.#logStart || (epoch < 0 && lastEpoch >= 0 && this.#logStart > 0)) {
      return { type: 'below start', beginning: this.#beginning() }
    }
    if (epoch < lastEpoch || endOffset < offset) return { type: 'diverging', epoch, endOffset }
    const end = Math.min(durableEnd, offset)
    const fetched = { life, end, logStart, leaderEnd: this.#logEnd, nowMs }
    this.#take(replicas.followerFetched(id, fetched))
    return { type: 'fine' }
  }

  /** Where a follower's log that ends in that epoch parts from ours at the latest. */
  #commonEnd(lastEpoch: number): EpochEnd {
    // Nothing here contradicts a log without a record.
    if (lastEpoch < 0) return { epoch: lastEpoch, endOffset: this.#logEnd }
    // The epoch ended before our log start, or never was: all that we know is our log start, which
    // is committed.
    return this.endOfEpoch(lastEpoch) ?? { epoch: -1, endOffset: this.#logStart }
  }

  #beginning(): Beginning {
    const { entries: producers } = this.#producers.before(this.#logStart)
    return { logStart: this.#logStart, baseEpoch: this.#epochs.baseEpoch, producers }
  }

  /** See `InSyncReplicas.waitsFor`. */
  waitsFor(id: BrokerId, nowMs: number): boolean {
    return this.#replicas?.waitsFor(id, nowMs) ?? false
  }

  followerGone(id: BrokerId, nowMs: number): void {
    this.#replicas?.followerGone(id, this.#logEnd, nowMs)
  }

  memberGone(member: Member): void {
    this.#replicas?.memberGone(member)
  }

  /**
   * The znode's next content, if the ISR should change or we must give up leadership. Whether or
   * not the write succeeds, the caller then reads the znode, passes it to `become`, and calls
   * `isrWriteEnded`.
   */
  proposeIsr(nowMs: number): PartitionState | undefined {
    const state = this.#state
    if (state === undefined) return undefined
    const { self } = this.#options
    const minInsyncReplicas = this.#minInsyncReplicas
    if (this.#lacking !== undefined) {
      if (this.#isResigning || state.leader !== self) return undefined
      this.#isResigning = true
      return withoutLeader(state, { shown: this.#lacking.committed, minInsyncReplicas })
    }
    const isr = this.#replicas?.propose(this.#logEnd, nowMs)
    return isr === undefined ? undefined : withIsr(state, isr, { minInsyncReplicas })
  }

  /** A write proposed in this epoch was made or never will be: the state last read is in force. */
  isrWriteEnded(leaderEpoch: number, nowMs: number): void {
    this.#isResigning = false
    if (this.#state === undefined || this.leaderEpoch !== leaderEpoch) return
    this.#take(this.#replicas?.settled(this.#state, nowMs) ?? false)
  }

  /** Everything before it is removed from all logs in sync; undefined unless we lead. */
  get lowWatermark(): Offset | undefined {
    return this.#replicas?.lowWatermark
  }

  /** @returns undefined while a new leader does not yet know how far its predecessor committed */
  get latestOffset(): Offset | undefined {
    return this.#highWatermark >= this.#epochStart ? this.#highWatermark : undefined
  }

  // --- as follower -------------------------------------------------------------------------------

  /**
   * Whether a batch that the leader of `leaderEpoch` sent continues our log.
   *
   * @param gapsBelow a gap before this offset is no loss: compaction removed batches there
   */
  continuesLog(header: BatchHeader, leaderEpoch: number, gapsBelow: Offset): boolean {
    const { baseOffset, lastOffsetDelta } = header
    return (
      this.#role.type === 'following' &&
      leaderEpoch === this.leaderEpoch &&
      lastOffsetDelta >= 0 &&
      this.#mayFollow(baseOffset, lastOffsetDelta) &&
      (baseOffset <= this.#logEnd || baseOffset <= gapsBelow) &&
      header.leaderEpoch >= this.#epochs.latest &&
      header.leaderEpoch <= leaderEpoch
    )
  }

  /** Raises our high watermark to the leader's, as far as our own log is durable. */
  learnHighWatermark(leaders: Offset): void {
    const known = Math.min(leaders, this.#durableEnd)
    this.#highWatermark = Math.max(this.#highWatermark, known)
  }

  /**
   * The log end to truncate to: it agrees with the leader's log, or at least comes closer to it.
   * The next fetch shows which. It may be below our log start: then our log has nothing in common
   * with the leader's, and begins anew.
   *
   * @param leaders from the leader's verdict `diverging`
   */
  truncationPoint(leaders: EpochEnd): Offset {
    const own = this.endOfEpoch(leaders.epoch)
    if (own === undefined) return 0
    const end = own.epoch === leaders.epoch ? leaders.endOffset : own.endOffset
    return Math.min(own.endOffset, end, this.#logEnd)
  }

  // --- for consumers -----------------------------------------------------------------------------

  /** Whether a consumer asked for an offset past the leader's log end. */
  isOutOfRange(offset: Offset): boolean {
    return this.#role.type === 'leading' && offset > this.#logEnd
  }

  #take(moved: boolean): void {
    if (moved && this.#replicas !== undefined) this.#highWatermark = this.#replicas.highWatermark
  }
}
