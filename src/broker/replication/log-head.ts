// The beginning of a replica's log: its snapshot, and its log start, which moves up as records are
// removed. One at a time: the new start is durable in the snapshot before segments before it are
// removed, and before any consumer or follower learns of it, so that it never goes back.
//
//   removeBefore ─▶ write snapshot ─▶ core.logStartMoved ─▶ log.dropBefore ─▶ onMoved
//
// replica.ts owns it. Next on the path: partition/log-snapshot.ts.

import type { LogFailedError } from '../../log/log-errors.ts'
import type { LogDirectory } from '../../log/segment-file.ts'
import type { Logger } from '../../logger.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import type { LogSnapshot } from '../partition/log-snapshot.ts'
import type { Beginning, Partition } from '../partition/partition.ts'
import type { PartitionLog } from '../partition/partition-log.ts'
import { type ProducerEntry, ProducerStates } from '../partition/producer-states.ts'
import { SnapshotKeeper } from './snapshot-keeper.ts'

interface LogHeadOptions {
  readonly directory: LogDirectory
  readonly core: Partition
  readonly onMoved: () => void
  readonly onFailure: (error: LogFailedError) => void
}

export class LogHead {
  readonly #keeper: SnapshotKeeper
  readonly #core: Partition
  readonly #onMoved: () => void
  #log: PartitionLog | undefined
  /** everything before it is to be removed */
  #wanted: Offset = 0
  /** the log is about to be closed, or has failed: nothing more is done to it */
  #isStopped = false

  /** @throws SnapshotVersionError, or what the file system throws */
  constructor({ directory, core, onMoved, onFailure }: LogHeadOptions) {
    this.#core = core
    this.#onMoved = onMoved
    this.#keeper = new SnapshotKeeper(directory, onFailure)
  }

  /** The snapshot on the disk. */
  get written(): LogSnapshot {
    return this.#keeper.written
  }

  get isBusy(): boolean {
    return this.#keeper.pending !== undefined
  }

  /** Resolves when no snapshot is being written; it never rejects. */
  async idle(): Promise<void> {
    while (this.#keeper.pending !== undefined) await this.#keeper.pending
  }

  /**
   * Brings the core to the end of the log, which was opened with the snapshot.
   *
   * @returns how much was read, and what is committed: the batch in which the log starts, as a whole
   * @throws LogDamagedError
   */
  restore(
    log: PartitionLog,
    logger: Logger,
  ): { readonly bytes: number; readonly committed: Offset } {
    this.#log = log
    const { written, isDamaged } = this.#keeper
    const { logStart, end, epochs, producers } = written
    if (isDamaged) {
      const { firstOffset = 0 } = log
      logger.error({ logStart: firstOffset }, 'The snapshot of a log is damaged: reading the log')
      log.dropBefore(firstOffset)
      this.#core.restored(snapshotOf({ logStart: firstOffset, baseEpoch: -1, producers: [] }))
    } else if (end <= log.end) {
      this.#core.restored(written)
    } else {
      // The log has lost records: the snapshot tells of what is gone, and what is left is read.
      const { baseEpoch } = epochs
      const known = producersBefore(logStart, producers)
      this.#core.restored(snapshotOf({ logStart, baseEpoch, producers: known }))
    }
    let bytes = 0
    let committed = this.#core.logEnd
    log.forEachHeader(this.#core.logEnd, (header) => {
      this.#core.appended(header)
      if (header.baseOffset < this.#core.logStart) committed = this.#core.logEnd
      bytes += header.sizeBytes
    })
    return { bytes, committed }
  }

  /** Removes everything before `offset`, as far as it is committed, soon. */
  removeBefore(offset: Offset): void {
    this.#wanted = Math.max(this.#wanted, Math.min(offset, this.#core.highWatermark))
    if (!this.isBusy) void this.#move()
  }

  /** A later start must not take gaps before this offset for damage. Durable before the first one. */
  expectGaps(gapsBelow: Offset): Promise<void> {
    return this.#change((written) => {
      // biome-ignore lint/plugin/noObjectSpread: once per cleaning of the leader's log
      return { ...written, gapsBelow: Math.max(gapsBelow, written.gapsBelow) }
    })
  }

  /** A later start need not compact again what is before this offset. */
  compacted(compactedTo: Offset): Promise<void> {
    // biome-ignore lint/plugin/noObjectSpread: once per cleaning of the log
    return this.#change((written) => ({ ...written, compactedTo }))
  }

  /** Awaited before the log is cut at `end`: afterwards the snapshot tells of nothing behind it. */
  async lower(end: Offset): Promise<void> {
    if (end < this.written.end) {
      await this.#keeper.write(this.#core.snapshotAtStart(this.written.gapsBelow))
    }
  }

  /** Awaited before the log is emptied to begin anew. */
  async replace(snapshot: LogSnapshot): Promise<void> {
    this.#wanted = 0
    await this.#keeper.write(snapshot)
  }

  /**
   * Writes a snapshot of everything committed, if that is more than what the last one has.
   *
   * @returns whether it is being written
   */
  save(): boolean {
    const { highWatermark: end, logStart } = this.#core
    const { written } = this
    if (this.isBusy || end <= written.end) return false
    const { gapsBelow, compactedTo } = written
    const place = { logStart, end, gapsBelow, compactedTo }
    const { snapshot, isExact } = this.#core.snapshotAt(place)
    if (isExact) void this.#write(snapshot)
    return isExact
  }

  /** Nothing more is written, nor removed from the log. */
  stop(): void {
    this.#isStopped = true
  }

  /** Resolves when nothing is being written. */
  settled(): Promise<void> {
    return this.#keeper.settled()
  }

  async #write(snapshot: LogSnapshot): Promise<void> {
    if (this.#isStopped) return
    if (await this.#keeper.write(snapshot)) await this.#move()
  }

  /**
   * Writes what is on the disk with a change. What is on the disk is known only when nothing is being
   * written: an earlier one must not take back what a later one wrote, such as the log start.
   */
  async #change(changed: (written: LogSnapshot) => LogSnapshot): Promise<void> {
    while (this.#keeper.pending !== undefined) await this.#keeper.pending
    await this.#write(changed(this.written))
  }

  async #move(): Promise<void> {
    for (;;) {
      while (this.#keeper.pending !== undefined) await this.#keeper.pending
      const logStart = this.#wanted
      if (this.#isStopped || logStart <= this.#core.logStart) return
      if (!(await this.#keeper.write(this.#snapshotFrom(logStart)))) return
      if (this.#isStopped) return // a later start removes what is before the log start
      this.#core.logStartMoved(logStart)
      this.#log?.dropBefore(logStart)
      this.#onMoved()
    }
  }

  /** With the log start that is wanted. */
  #snapshotFrom(logStart: Offset): LogSnapshot {
    const { written } = this
    const { gapsBelow, compactedTo, producers } = written
    const place = { logStart, end: this.#core.highWatermark, gapsBelow, compactedTo }
    const { snapshot, isExact } = this.#core.snapshotAt(place)
    if (isExact || written.end < logStart) return snapshot
    const { end } = written
    const { epochs } = this.#core.snapshotAt({ logStart, end, gapsBelow, compactedTo }).snapshot
    return { logStart, end, gapsBelow, compactedTo, epochs, producers }
  }
}

/** Everything from the log start on is still to be read. */
function snapshotOf({ logStart, baseEpoch, producers }: Beginning): LogSnapshot {
  const epochs = { baseEpoch, starts: [] }
  return { logStart, end: logStart, gapsBelow: 0, compactedTo: 0, epochs, producers }
}

/** What is left of `entries` at an earlier end of the log. */
function producersBefore(end: Offset, entries: readonly ProducerEntry[]): readonly ProducerEntry[] {
  const states = new ProducerStates()
  states.restore(entries)
  return states.before(end).entries
}
