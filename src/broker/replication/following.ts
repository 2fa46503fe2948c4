// What a replica does as follower: it tells its leader how far it is, appends what the leader sends,
// and cuts its log where that parts from the leader's.
//
//   replica-fetcher.ts ─▶ position ─▶ the leader's answer ─▶ core.continuesLog ─▶ append ─▶ one flush
//   per turn ─▶ durable ─▶ our ack, in the next position
//
// replica.ts owns it, beside leading.ts; log-cut.ts cuts for it. Next on the path:
// partition/in-sync-replicas.ts, where the leader counts our ack.

import { isUnreadable, type LogDamagedError, type LogVersionError } from '../../log/log-errors.ts'
import {
  forEachBatch,
  isBatchIntact,
  type Offset,
  readBatchHeader,
} from '../../protocol/mq/record-batch.ts'
import type { ReplicaFetched, ReplicaFetchPartition } from '../../protocol/mq/replica-fetch.ts'
import type { EpochEnd } from '../partition/leader-epochs.ts'
import type { Beginning, Partition } from '../partition/partition.ts'
import { LogCut, type LogCutOptions } from './log-cut.ts'
import type { LogHead } from './log-head.ts'

interface FollowingOptions extends Omit<LogCutOptions, 'mayStart'> {
  readonly topicId: string
  /** Appends batches to the log, which are written at the end of this turn. */
  readonly append: (batches: Buffer) => void
  readonly removeBefore: (offset: Offset) => void
  readonly isClosed: () => boolean
  /** The core's offsets may have moved. */
  readonly moved: () => void
  readonly onDamage: (error: LogDamagedError | LogVersionError) => void
}

export class Following {
  readonly #options: FollowingOptions
  readonly #core: Partition
  readonly #head: LogHead
  readonly #cut: LogCut
  #leadersHighWatermark: Offset = 0
  #leadersLogStart: Offset = 0
  /** the leader of this state could be followed only by dropping committed records */
  #isHalted = false

  constructor(options: FollowingOptions) {
    this.#options = options
    const { topic, partition, core, log, head, compactor, logger, willTruncate } = options
    this.#core = core
    this.#head = head
    this.#cut = new LogCut({
      topic,
      partition,
      core,
      log,
      head,
      compactor,
      logger,
      willTruncate,
      mayStart: () => this.mayStart && !options.isClosed(),
      onHalt: () => {
        this.#isHalted = true
        options.onHalt()
      },
      onCut: options.onCut,
    })
  }

  get isHalted(): boolean {
    return this.#isHalted
  }

  get isCutting(): boolean {
    return this.#cut.isRunning
  }

  /** Where the log will end that is being cut; undefined: it is not. */
  get cutEnd(): Offset | undefined {
    return this.#cut.end
  }

  /** Whether it takes records from its leader now. */
  get mayFollow(): boolean {
    return this.#core.role.type === 'following' && !this.#cut.isRunning && !this.#isHalted
  }

  /** Whether it may ask its leader for records now: a log that may have to be cut is durable. */
  get mayStart(): boolean {
    return this.mayFollow && this.#core.durableEnd === this.#core.logEnd && !this.#head.isBusy
  }

  /**
   * What the leader is to know of this follower, which also acknowledges what is durable.
   *
   * @param isStart records are wanted from its log end on
   */
  position({ isStart }: { readonly isStart: boolean }): ReplicaFetchPartition {
    const { leaderEpoch, logEnd: offset, lastEpoch, highWatermark, logStart } = this.#core
    const { durableEnd } = this.#core
    const { topic, topicId, partition } = this.#options
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
    const { leaderEpoch } = this.#core
    // With gaps, the offsets of the records alone do not show that they are next.
    if (fetched.offset !== this.#core.logEnd) return 'not next'
    const { gapsBelow } = this.#head.written
    let end = 0 // of the batches accepted so far
    forEachBatch(records, (at, length) => {
      const header = readBatchHeader(records, at)
      if (at !== end || !this.#core.continuesLog(header, leaderEpoch, gapsBelow)) return
      if (!isBatchIntact(records, at, length)) return
      this.#core.appended(header)
      end = at + length
    })
    if (end > 0) this.#options.append(records.subarray(0, end))
    this.#leadersHighWatermark = fetched.highWatermark
    this.#leadersLogStart = fetched.logStart
    this.#options.moved()
    if (end === records.length) return 'appended'
    if (fetched.gapsBelow <= gapsBelow) return 'not next'
    void this.#head.expectGaps(fetched.gapsBelow)
    return 'later'
  }

  /**
   * Follows the leader's high watermark and log start, as far as the log goes. While it is cut, what
   * becomes durable may be gone already.
   */
  followOffsets(): void {
    if (this.#cut.isRunning) return
    this.#core.learnHighWatermark(this.#leadersHighWatermark)
    const { removeBefore } = this.#options
    if (this.#leadersLogStart > this.#core.logStart) removeBefore(this.#leadersLogStart)
  }

  /** See `LogCut.truncate`. */
  async truncate(diverging: EpochEnd, leadersStart: Offset): Promise<void> {
    try {
      await this.#cut.truncate(diverging, leadersStart)
    } catch (error) {
      if (isUnreadable(error)) this.#options.onDamage(error)
      throw error
    }
  }

  /** See `LogCut.beginAnew`. */
  beginAnew(beginning: Beginning): Promise<void> {
    return this.#cut.beginAnew(beginning)
  }

  /** The partition has another state, with perhaps another leader. */
  stateChanged(): void {
    this.#isHalted = false
  }

  /** The replica no longer follows, or follows in another epoch. */
  roleEnded(): void {
    this.#leadersHighWatermark = this.#leadersLogStart = 0
  }

  /** Resolves when no cut is running; it never rejects. */
  settled(): Promise<void> {
    return this.#cut.settled()
  }
}
