// What a replica does as leader: it appends what is produced, learns from its followers' fetches how
// far they are, and has the ISR changed.
//
//   produce ─▶ produce-queue.ts ─▶ append ─▶ core, log, followers' sessions ─▶ one flush per turn
//   a follower's fetch, a broker that has gone, time ─▶ core.proposeIsr ─▶ the partition's znode
//
// replica.ts owns it, beside following.ts. Next on the path: produce-queue.ts, partition/partition.ts.

import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { BrokerError, MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { BrokerId, Life } from '../../protocol/mq/messages.ts'
import { type Offset, placeBatch, readBatchHeader } from '../../protocol/mq/record-batch.ts'
import type { ReplicaFetchPartition } from '../../protocol/mq/replica-fetch.ts'
import type { FollowerVerdict, Partition } from '../partition/partition.ts'
import type { Member, PartitionState } from '../partition/partition-state.ts'
import { type ProduceCall, ProduceQueue } from './produce-queue.ts'
import type { Progress } from './progress.ts'
import { Operation, type Purgatory } from './purgatory.ts'

interface LeadingOptions {
  readonly topic: string
  readonly partition: number
  readonly core: Partition
  readonly progress: Progress
  readonly clock: Clock
  readonly purgatory: Purgatory
  readonly logger: Logger
  /** Appends batches to the log, which are written at the end of this turn. */
  readonly append: (batches: Buffer) => void
  readonly removeBefore: (offset: Offset) => void
  /** See `ReplicaHost.writeState`. */
  readonly writeState: (state: PartitionState) => Promise<PartitionState | undefined>
  /** The znode has this state: the replica adopts it, if it still may lead. */
  readonly adopt: (inForce: PartitionState) => void
  readonly tickSoon: () => void
  /** The core's offsets may have moved. */
  readonly moved: () => void
  /** The core has resigned. */
  readonly roleEnded: () => void
  /** The error for a code, with a message about this partition. */
  readonly error: (code: MqErrorCode) => BrokerError
}

/** A request to delete records. */
export interface DeleteCall {
  readonly offset: Offset
  readonly deadlineMs: number
  /** Called once, with the smallest log start of the logs in sync, or the error. */
  readonly done: (result: Offset | BrokerError) => void
}

export class Leading {
  readonly #options: LeadingOptions
  readonly #core: Partition
  readonly #progress: Progress
  readonly #clock: Clock
  readonly #queue: ProduceQueue

  constructor(options: LeadingOptions) {
    this.#options = options
    const { core, progress, clock, purgatory, error } = options
    this.#core = core
    this.#progress = progress
    this.#clock = clock
    const { durable, committed } = progress
    const append = (batch: Buffer) => this.#append(batch)
    this.#queue = new ProduceQueue({ core, purgatory, durable, committed, append, error })
  }

  produce(call: ProduceCall): void {
    this.#queue.produce(call)
    if (this.#queue.isHolding) this.#options.tickSoon()
  }

  #append(batch: Buffer): void {
    const { logEnd, leaderEpoch } = this.#core
    placeBatch(batch, logEnd, leaderEpoch)
    this.#options.append(batch)
    this.#core.leaderAppends(this.#clock.nowMs())
    this.#core.appended(readBatchHeader(batch))
    // Followers get the records with this turn's messages, before a flush that may hold it up.
    this.#progress.appended()
  }

  /** Records a follower's progress from its fetch. */
  followerFetched(id: BrokerId, life: Life, asked: ReplicaFetchPartition): FollowerVerdict {
    const nowMs = this.#clock.nowMs()
    const verdict = this.#core.followerFetched(id, life, asked, nowMs)
    if (verdict.type === 'behind') {
      const { topic, partition, logger, roleEnded } = this.#options
      const facts = { topic, partition, follower: id, asked, logEnd: this.#core.logEnd }
      logger.error(facts, 'Resigned: a follower has committed records that this log lacks')
      roleEnded()
    }
    this.#options.moved()
    this.maybeChangeIsr(nowMs)
    return verdict
  }

  /** Whether what holds this follower back holds produce requests back. */
  waitsFor(id: BrokerId): boolean {
    return this.#core.waitsFor(id, this.#clock.nowMs())
  }

  followerGone(id: BrokerId): void {
    this.#core.followerGone(id, this.#clock.nowMs())
  }

  /** The life that the ISR names is over. */
  memberGone(member: Member): void {
    this.#core.memberGone(member)
    this.maybeChangeIsr(this.#clock.nowMs())
  }

  /** Removes the records before `offset`, which is committed, from all logs in sync. */
  deleteRecords({ offset, deadlineMs, done }: DeleteCall): void {
    const { removeBefore, error, purgatory } = this.#options
    removeBefore(offset)
    const { low } = this.#progress
    const operation = new Operation((ending) => {
      if (ending === 'reached') done(low.value)
      else if (ending === 'expired') done(error('REQUEST_TIMED_OUT'))
      else done(error('NOT_LEADER_OR_FOLLOWER'))
    })
    operation.waitFor(low, offset)
    purgatory.expireAt(operation, deadlineMs)
  }

  /** For what depends on time alone: early batches that waited too long, replicas that lag. */
  tick(nowMs: number): void {
    this.#queue.tick(nowMs)
    if (this.#queue.isHolding) this.#options.tickSoon()
    this.maybeChangeIsr(nowMs)
  }

  maybeChangeIsr(nowMs: number): void {
    const wanted = this.#core.proposeIsr(nowMs)
    if (wanted !== undefined) void this.#changeIsr(wanted)
  }

  async #changeIsr(wanted: PartitionState): Promise<void> {
    const { topic, partition, logger, writeState, adopt, tickSoon, moved } = this.#options
    const inForce = await writeState(wanted)
    if (inForce === undefined) return
    const { isr, version } = inForce
    const facts = { topic, partition, isr, version, wanted: wanted.isr }
    logger.info(facts, 'Wrote an ISR')
    adopt(inForce)
    this.#core.isrWriteEnded(wanted.leaderEpoch, this.#clock.nowMs())
    tickSoon()
    moved()
  }

  /** The replica no longer leads, or leads in another epoch. */
  roleEnded(): void {
    this.#queue.roleEnded()
  }
}
