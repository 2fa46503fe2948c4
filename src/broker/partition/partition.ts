// One replica of one partition, as leader, as follower or as neither, in one leader epoch after the
// other. Pure: it decides; replication/replica.ts owns the log and does what is decided.
//
// What lies in the log is told to it header by header (`appended`), at start and afterwards, so what
// it knows of epochs and producers is always what the log says.
//
//   state of the znode ─▶ become ─┬▶ leading: judgeProduce ─ appended ─ durable ─ followerFetched
//                                 └▶ following: judgeReplicated ─ appended ─ learn; truncation
//
// Next on the path: partition-log.ts. Source: Kafka's Partition and ReplicaManager (3.9).

import { invariant } from '../../invariant.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import type { BatchHeader, Offset } from '../../protocol/mq/record-batch.ts'
import { InSyncReplicas } from './high-watermark.ts'
import { type EpochEnd, LeaderEpochs } from './leader-epochs.ts'
import { ProducerStates, type SequenceVerdict } from './producer-states.ts'

/** The znode of one partition. Every write of it is conditional on `version`. */
export interface PartitionState {
  /** noBroker: none */
  readonly leader: BrokerId
  /**
   * Broker epoch (czxid of /brokers/ids/N) of the leader when it was elected. A broker that was
   * restarted may have lost a tail that others have: it must not go on leading in an old epoch, or
   * that epoch would mean two different logs.
   */
  readonly leaderBrokerEpoch: number
  readonly leaderEpoch: number
  readonly controllerEpoch: number
  readonly isr: readonly BrokerId[]
  /** of the znode */
  readonly version: number
}

export interface PartitionOptions {
  readonly self: BrokerId
  readonly replicas: readonly BrokerId[]
  readonly minInsyncReplicas: number
  readonly lagTimeMsMax: number
}

export type Role =
  /** nobody leads, or we are to lead but not in this life of the broker */
  | { readonly type: 'idle' }
  | { readonly type: 'leading' }
  | { readonly type: 'following'; readonly leader: BrokerId }

export type ProduceVerdict =
  | Exclude<SequenceVerdict, { readonly type: 'refused' }>
  | { readonly type: 'refused'; readonly code: MqErrorCode }

export type FollowerVerdict =
  | { readonly type: 'fine' }
  | { readonly type: 'refused'; readonly code: MqErrorCode }
  /** Its log has what ours never had. */
  | ({ readonly type: 'diverging' } & EpochEnd)

export class Partition {
  readonly #options: PartitionOptions
  readonly #epochs = new LeaderEpochs()
  readonly #producers = new ProducerStates()
  #role: Role = { type: 'idle' }
  #state: PartitionState | undefined
  #replicas: InSyncReplicas | undefined // while leading
  #epochStart: Offset = 0 // log end when we began to lead
  #logEnd: Offset = 0
  #durableEnd: Offset = 0
  #highWatermark: Offset = 0

  constructor(options: PartitionOptions) {
    this.#options = options
  }

  get role(): Role {
    return this.#role
  }

  get leaderEpoch(): number {
    return this.#state?.leaderEpoch ?? -1
  }

  /** Offset of the next record. */
  get logEnd(): Offset {
    return this.#logEnd
  }

  get durableEnd(): Offset {
    return this.#durableEnd
  }

  /** Offset after the last record that consumers see here; never goes back. */
  get highWatermark(): Offset {
    return this.#highWatermark
  }

  /** Epoch of the last record; -1 for an empty log. */
  get lastEpoch(): number {
    return this.#epochs.latest
  }

  /** The log was read to its end; all of it is durable. `highWatermark` is from the checkpoint. */
  opened(highWatermark: Offset): void {
    this.#durableEnd = this.#logEnd
    this.#highWatermark = Math.min(highWatermark, this.#logEnd)
  }

  // --- roles -------------------------------------------------------------------------------------

  /**
   * Takes up what the znode says. Older news than it has is ignored.
   *
   * @param brokerEpoch ours
   */
  become(state: PartitionState, brokerEpoch: number, nowMs: number): void {
    const before = this.#state
    if (before !== undefined) {
      if (state.leaderEpoch < before.leaderEpoch) return
      if (state.leaderEpoch === before.leaderEpoch && state.version < before.version) return
    }
    const { self } = this.#options
    const leads = state.leader === self && state.leaderBrokerEpoch === brokerEpoch
    const isNewEpoch = state.leaderEpoch !== before?.leaderEpoch
    this.#state = state
    if (leads && this.#replicas !== undefined && !isNewEpoch) {
      // The same news again says nothing about a write that may be in flight.
      if (state.version === before?.version) return
      this.#take(this.#replicas.settled(state.isr, nowMs))
    } else if (leads) {
      this.#lead(state, nowMs)
    } else {
      this.#replicas = undefined
      const isToFollow = state.leader !== self && state.leader !== noBroker
      this.#role = isToFollow ? { type: 'following', leader: state.leader } : { type: 'idle' }
    }
  }

  /** Our session ended: whoever led may not, until the znode says so to our next life. */
  resign(): void {
    this.#replicas = undefined
    this.#role = { type: 'idle' }
  }

  #lead(state: PartitionState, nowMs: number): void {
    const { self, replicas, minInsyncReplicas, lagTimeMsMax } = this.#options
    invariant(state.leaderEpoch >= this.#epochs.latest, 'no epoch in the log is from the future')
    this.#role = { type: 'leading' }
    this.#epochStart = this.#logEnd
    this.#replicas = new InSyncReplicas({
      self,
      replicas,
      isr: state.isr,
      highWatermark: this.#highWatermark,
      epochStart: this.#epochStart,
      minInsyncReplicas,
      lagTimeMsMax,
      nowMs,
    })
    this.#take(this.#replicas.ownLogDurable(this.#durableEnd, nowMs))
  }

  // --- the log -----------------------------------------------------------------------------------

  /** A batch was appended, or found at start. */
  appended(header: BatchHeader): void {
    invariant(header.baseOffset >= this.#logEnd, 'batches are appended at the end')
    this.#epochs.appended(header.leaderEpoch, header.baseOffset)
    this.#producers.appended(header)
    this.#logEnd = header.baseOffset + header.lastOffsetDelta + 1
  }

  /** Everything before `end` is durable here. */
  durable(end: Offset, nowMs: number): void {
    this.#durableEnd = Math.max(this.#durableEnd, Math.min(end, this.#logEnd))
    this.#take(this.#replicas?.ownLogDurable(this.#durableEnd, nowMs) ?? false)
  }

  /**
   * Everything from `end` on was removed.
   *
   * @returns whether producers are still known in full; if not, `forgetProducers` and `rememberProducer` for every batch
   */
  truncated(end: Offset): boolean {
    invariant(end >= this.#highWatermark, 'what consumers may have seen is never truncated')
    this.#logEnd = Math.min(this.#logEnd, end)
    this.#durableEnd = Math.min(this.#durableEnd, end)
    this.#epochs.truncated(end)
    return this.#producers.truncated(end)
  }

  forgetProducers(): void {
    this.#producers.clear()
  }

  rememberProducer(header: BatchHeader): void {
    this.#producers.appended(header)
  }

  endOfEpoch(epoch: number): EpochEnd | undefined {
    return this.#epochs.endOf(epoch, this.#logEnd)
  }

  // --- as leader ---------------------------------------------------------------------------------

  judgeProduce(header: BatchHeader, isForAll: boolean): ProduceVerdict {
    const replicas = this.#replicas
    if (replicas === undefined) return { type: 'refused', code: 'NOT_LEADER_OR_FOLLOWER' }
    if (isForAll && !replicas.enough) return { type: 'refused', code: 'NOT_ENOUGH_REPLICAS' }
    return this.#producers.judge(header)
  }

  /** Takes out the followers' progress; a follower that is fine has all before `offset` durable. */
  followerFetched(
    id: BrokerId,
    fetch: { readonly leaderEpoch: number; readonly offset: Offset; readonly lastEpoch: number },
    nowMs: number,
  ): FollowerVerdict {
    const refused = (code: MqErrorCode): FollowerVerdict => ({ type: 'refused', code })
    const replicas = this.#replicas
    if (replicas === undefined) return refused('NOT_LEADER_OR_FOLLOWER')
    if (fetch.leaderEpoch < this.leaderEpoch) return refused('FENCED_LEADER_EPOCH')
    if (fetch.leaderEpoch > this.leaderEpoch) return refused('UNKNOWN_LEADER_EPOCH')
    const { offset, lastEpoch } = fetch
    if (offset > 0) {
      const { epoch, endOffset } = this.endOfEpoch(lastEpoch) ?? { epoch: -1, endOffset: 0 }
      if (epoch < lastEpoch || endOffset < offset) return { type: 'diverging', epoch, endOffset }
    }
    this.#take(replicas.followerFetched(id, { end: offset, leaderEnd: this.#logEnd, nowMs }))
    return { type: 'fine' }
  }

  followerGone(id: BrokerId): void {
    this.#replicas?.followerGone(id)
  }

  /**
   * The znode's next content, if the ISR should change. Whatever becomes of the write, the znode is
   * read afterwards and given to `become`, and then `isrWriteEnded` is called.
   */
  proposeIsr(nowMs: number): PartitionState | undefined {
    const isr = this.#replicas?.propose(this.#logEnd, nowMs)
    if (isr === undefined || this.#state === undefined) return undefined
    // biome-ignore lint/plugin/noObjectSpread: each change of an ISR is a write to ZooWeeper
    return { ...this.#state, isr }
  }

  /** A write proposed in this epoch was made or never will be: what the znode said last is in force. */
  isrWriteEnded(leaderEpoch: number, nowMs: number): void {
    if (this.#state === undefined || this.leaderEpoch !== leaderEpoch) return
    this.#take(this.#replicas?.settled(this.#state.isr, nowMs) ?? false)
  }

  /** @returns undefined while a new leader does not know yet how far its predecessor committed */
  get latestOffset(): Offset | undefined {
    return this.#highWatermark >= this.#epochStart ? this.#highWatermark : undefined
  }

  // --- as follower -------------------------------------------------------------------------------

  /** Whether a batch that the leader of `leaderEpoch` sent continues our log. */
  continuesLog(header: BatchHeader, leaderEpoch: number): boolean {
    return (
      this.#role.type === 'following' &&
      leaderEpoch === this.leaderEpoch &&
      header.baseOffset === this.#logEnd &&
      header.lastOffsetDelta >= 0 &&
      header.leaderEpoch >= this.#epochs.latest &&
      header.leaderEpoch <= leaderEpoch
    )
  }

  /** The leader's high watermark; ours follows it as far as our own durable log reaches. */
  learnHighWatermark(leaders: Offset): void {
    const known = Math.min(leaders, this.#durableEnd)
    this.#highWatermark = Math.max(this.#highWatermark, known)
  }

  /**
   * The new log end that agrees with the leader, or comes nearer to it; then the leader is asked again.
   *
   * @param leaders from its answer `diverging`
   */
  truncationPoint(leaders: EpochEnd): Offset {
    const own = this.endOfEpoch(leaders.epoch)
    if (own === undefined) return 0
    const end = own.epoch === leaders.epoch ? leaders.endOffset : own.endOffset
    return Math.min(own.endOffset, end, this.#logEnd)
  }

  // --- for consumers -----------------------------------------------------------------------------

  /** Whether a consumer asked for what is neither here nor can still come. */
  isOutOfRange(offset: Offset): boolean {
    return this.#role.type === 'leading' && offset > this.#logEnd
  }

  #take(moved: boolean): void {
    if (moved && this.#replicas !== undefined) this.#highWatermark = this.#replicas.highWatermark
  }
}
