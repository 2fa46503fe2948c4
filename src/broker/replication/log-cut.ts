// Cuts a follower's log where it parts from its leader's, or drops the whole of it. What survives a
// crash tells of it first: the checkpoint, then the snapshot, then the log, so that a cut that was
// interrupted never looks like damage.
//
//   the leader's answer ─▶ core.truncationPoint ─▶ core.mayTruncate ─▶ checkpoint ─▶ snapshot ─▶ log ─▶ core
//
// following.ts owns it. Sources: KIP-101, KIP-279.

import type { Logger } from '../../logger.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import type { EpochEnd } from '../partition/leader-epochs.ts'
import type { Beginning, Partition } from '../partition/partition.ts'
import type { PartitionLog } from '../partition/partition-log.ts'
import type { Compactor } from './compactor.ts'
import type { LogHead } from './log-head.ts'

export interface LogCutOptions {
  readonly topic: string
  readonly partition: number
  readonly core: Partition
  readonly log: PartitionLog
  readonly head: LogHead
  readonly compactor: Compactor
  readonly logger: Logger
  /** Lowers the checkpoint. */
  readonly willTruncate: (end: Offset) => Promise<void>
  /** Whether the replica follows, and its log may be cut. */
  readonly mayStart: () => boolean
  /** The leader lacks records that consumers saw: its replica does not follow it. */
  readonly onHalt: () => void
  readonly onCut: () => void
}

export class LogCut {
  readonly #options: LogCutOptions
  #running: { readonly end: Offset; readonly done: Promise<void> } | undefined

  constructor(options: LogCutOptions) {
    this.#options = options
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** Where the log will end; undefined: it is not being cut. */
  get end(): Offset | undefined {
    return this.#running?.end
  }

  /** Resolves when no cut is running; it never rejects. */
  async settled(): Promise<void> {
    // The caller of the cut gets the error.
    await this.#running?.done.catch(() => undefined)
  }

  /**
   * Cuts off the records that the leader never had.
   *
   * @param leadersStart the leader's log start
   * @throws what the checkpoint or the log throws; the host of the replica was told
   */
  async truncate(diverging: EpochEnd, leadersStart: Offset): Promise<void> {
    const { core, log, head, willTruncate } = this.#options
    if (head.isBusy && !(await this.#mayStillCut())) return
    const end = core.truncationPoint(diverging)
    if (end < core.logStart) {
      const beginning = { logStart: leadersStart, baseEpoch: -1, producers: [] }
      return this.#beginAnew(beginning)
    }
    if (!this.#isAllowed(end, { diverging })) return
    const done = willTruncate(end)
      .then(() => head.lower(end))
      .then(() => log.truncate(end))
    await this.#run(end, done)
    if (!core.truncated(log.end)) {
      const { written } = head
      core.restoreProducers(written)
      log.forEachHeader(written.end, (header) => core.rememberProducer(header))
    }
    this.#isOver()
  }

  /** Drops the whole log: what followed the records that the leader's has as well was removed there. */
  async beginAnew(beginning: Beginning): Promise<void> {
    if (this.#options.head.isBusy && !(await this.#mayStillCut())) return
    await this.#beginAnew(beginning)
  }

  async #beginAnew(beginning: Beginning): Promise<void> {
    const { core, log, head, willTruncate } = this.#options
    const { logStart: end, baseEpoch, producers } = beginning
    if (!this.#isAllowed(end, { logStart: end, baseEpoch })) return
    const { gapsBelow } = head.written
    const epochs = { baseEpoch, starts: [] }
    const snapshot = { logStart: end, end, gapsBelow, compactedTo: 0, epochs, producers }
    const done = willTruncate(end)
      .then(() => head.replace(snapshot))
      .then(() => log.beginAnew(end))
    await this.#run(end, done)
    core.beganAnew(beginning)
    this.#isOver()
  }

  async #run(end: Offset, done: Promise<void>): Promise<void> {
    this.#running = { end, done }
    this.#options.compactor.abort()
    await done
  }

  #isOver(): void {
    this.#running = undefined
    this.#options.onCut()
  }

  /** The snapshot that is being written comes first. @returns whether the log may be cut then */
  async #mayStillCut(): Promise<boolean> {
    const { core, head, mayStart } = this.#options
    const { leaderEpoch } = core
    await head.idle()
    return mayStart() && core.leaderEpoch === leaderEpoch
  }

  #isAllowed(end: Offset, leaders: object): boolean {
    const { topic, partition, core, logger, onHalt } = this.#options
    const { logEnd, highWatermark } = core
    const facts = { topic, partition, logEnd, highWatermark, end, leaders }
    if (!core.mayTruncate(end)) {
      // Records that consumers saw would be lost. The controller elects again, or an operator
      // decides.
      logger.error(facts, 'Cannot follow: the leader lacks committed records')
      onHalt()
      return false
    }
    if (end < highWatermark) {
      logger.error(facts, 'Dropping committed records: an operator chose a leader without them')
    } else logger.info(facts, 'Truncating a log that diverges from its leader')
    return true
  }
}
