// A partition's record batches in a src/log: a batch is a record there, its offsets are the
// positions.
//
// Next on the path: log/log.ts.

import type { Log, LogSegment } from '../../log/log.ts'
import { openLog as openRecords } from '../../log/log.ts'
import type { LogFailedError } from '../../log/log-errors.ts'
import { notARecord, otherVersion, type RecordFormat } from '../../log/record-format.ts'
import type { TornTail } from '../../log/recovery.ts'
import type { Replacement } from '../../log/replacement.ts'
import type { SegmentMemory } from '../../log/segment.ts'
import type { LogDirectory } from '../../log/segment-file.ts'
import type { LogReading } from '../../log/tail.ts'
import {
  type BatchHeader,
  baseOffsetOf,
  batchBytes,
  batchHeaderBytes,
  batchMagic,
  isBatchIntact,
  knownMagic,
  lastOffsetOf,
  leaderEpochOf,
  maxTimestampOf,
  type Offset,
  readBatchHeader,
} from '../../protocol/mq/record-batch.ts'
import type { SegmentFacts } from './retention.ts'

export const recordBatchFormat: RecordFormat = {
  headerBytes: batchHeaderBytes,
  alignmentBytes: 1,
  wholeLength(bytes, at) {
    const length = batchBytes(bytes, at)
    const magic = batchMagic(bytes, at)
    if (length === batchBytes(zeros, 0) && magic === 0) return 0
    if (length < batchHeaderBytes) return notARecord
    return magic > knownMagic ? otherVersion : magic < knownMagic ? notARecord : length
  },
  firstPosition: baseOffsetOf,
  lastPosition: lastOffsetOf,
  isIntact: isBatchIntact,
  timestampMs: maxTimestampOf,
  // A batch's checksum covers neither its offset nor its epoch.
  isGapless: true,
  epoch: leaderEpochOf,
}

const zeros = Buffer.alloc(batchHeaderBytes)

export interface PartitionLogOptions {
  readonly directory: LogDirectory
  readonly segmentBytes: number
  /** `os`: a batch counts as durable once the operating system has it, as in Kafka */
  readonly flush: 'group' | 'os'
  /** everything before it was durable when the broker last ran: a bad batch below it is damage */
  readonly durableBefore?: Offset
  /** shared by the logs of a broker */
  readonly memory?: SegmentMemory
  /** Damage was found that the last start did not: everything is read. */
  readonly readsAll?: boolean
  /** everything before it was removed */
  readonly start?: Offset
  /** see `LogSnapshot.gapsBelow` */
  readonly gapsBelow?: Offset
  readonly nowMs: () => number
  /** Everything before `end` is durable. */
  readonly onDurable: (end: Offset) => void
  readonly onFailure: (error: LogFailedError) => void
}

interface BatchRange {
  readonly from: Offset
  readonly end: Offset
  readonly bytesMax: number
  readonly isBrief?: boolean
}

export class PartitionLog {
  readonly #log: Log
  readonly #reading: LogReading = { isClose: false }
  #start: Offset
  #lookedAtEnd: Offset = -1
  #quietSinceMs = 0
  /** by first offset of a segment: when it was first seen */
  readonly #seenMs = new Map<Offset, number>()
  /** What a crash left after the last good batch, if anything; it has been cut off. */
  readonly torn: TornTail | null

  /**
   * Owns the directory from here on, and closes it when it throws.
   *
   * @throws LogDamagedError, LogVersionError, or what the file system throws
   */
  constructor(options: PartitionLogOptions) {
    const { directory, segmentBytes, flush, durableBefore = 0, start = 0, nowMs } = options
    const { memory, readsAll, gapsBelow, onDurable, onFailure } = options
    try {
      const { log, torn } = openRecords({
        directory,
        format: recordBatchFormat,
        segmentBytes,
        sync: flush,
        // A broker has many partitions, most of them small.
        preallocate: 'in steps',
        knownDurable: durableBefore > start ? durableBefore - 1 : undefined,
        keepsTail: true,
        memory: { tails: memory?.tails, indexes: memory?.indexes, reading: this.#reading },
        readsAll,
        gapsBelow,
        nowMs,
        onDurable: (position) => onDurable(position + 1),
        onFailure,
      })
      this.#log = log
      this.#start = start
      this.torn = torn
      // A crash may have come between the move of the start and the removal of what lies before it.
      this.dropBefore(start)
    } catch (error) {
      directory.close()
      throw error
    }
  }

  /** Offset of the next batch. */
  get end(): Offset {
    return Math.max(this.#start, (this.#log.lastPosition ?? -1) + 1)
  }

  /** First offset of the oldest batch that is still there; undefined for an empty log. */
  get firstOffset(): Offset | undefined {
    return this.#log.firstPosition
  }

  /** Whether followers and consumers read what is appended: it stays in memory for them. */
  set isReadClosely(isClose: boolean) {
    this.#reading.isClose = isClose
  }

  /** Copies whole batches; the next `flush` writes them to the disk. */
  append(batches: Uint8Array): void {
    this.#log.append(batches)
  }

  flush(): void {
    this.#log.flush()
  }

  /**
   * Whole batches, from the one that holds `from`, all before `end`; at least one if there is any.
   *
   * @param range `isBrief`: they are valid until anything is appended to any log of the broker
   */
  read({ from, end, bytesMax, isBrief = false }: BatchRange): Buffer {
    return this.#log.read({ from, upTo: end - 1, bytesMax, isBrief })
  }

  /** Of all batches. */
  get bytes(): number {
    return this.#log.segments.reduce((sum, { endBytes }) => sum + endBytes, 0)
  }

  /** What retention decides by. */
  segments(nowMs: number): SegmentFacts[] {
    this.#look(nowMs)
    return this.#log.segments.map((segment, i, all) => {
      const successor = all[i + 1]
      const { firstPosition: start, lastPosition, endBytes: bytes, maxTimestampMs } = segment
      const until = successor === undefined ? this.#quietSinceMs : this.#beganMs(successor)
      return { start, end: lastPosition + 1, bytes, maxTimestampMs, appendedByMs: until }
    })
  }

  /** Begins a segment with the next batch if the active one has become too old by now. */
  maybeRoll(segmentMs: number, nowMs: number): void {
    this.#look(nowMs)
    const active = this.#log.segments.at(-1)
    if (active !== undefined && nowMs - this.#beganMs(active) > segmentMs) this.#log.roll()
  }

  /** From now on. */
  set segmentBytes(bytes: number) {
    this.#log.segmentBytes = bytes
  }

  /** Notes since when there was no append, and when new segments began. */
  #look(nowMs: number): void {
    const { end } = this
    if (this.#lookedAtEnd !== end) {
      this.#lookedAtEnd = end
      this.#quietSinceMs = nowMs
    }
    for (const { firstPosition } of this.#log.segments) {
      if (!this.#seenMs.has(firstPosition)) this.#seenMs.set(firstPosition, nowMs)
    }
  }

  /** By its first record's timestamp, which may be wrong, or when it was first seen. */
  #beganMs({ firstPosition, firstTimestampMs }: LogSegment): number {
    const seenMs = this.#seenMs.get(firstPosition) ?? Number.POSITIVE_INFINITY
    return firstTimestampMs < 0 ? seenMs : Math.min(seenMs, firstTimestampMs)
  }

  /** See `Log.prepareReplacement`. */
  prepareReplacement(start: Offset): Replacement | undefined {
    return this.#log.prepareReplacement(start)
  }

  /** See `Log.replace`. */
  replace(replacement: Replacement, done: (isReplaced: boolean) => void): void {
    this.#log.replace(replacement, done)
  }

  /** See `Log.remove`. */
  remove(start: Offset, done: (isRemoved: boolean) => void): void {
    this.#log.remove(start, done)
  }

  /** Visits the batches that have records of `timestampMs` or later. */
  scanFromTime(timestampMs: number, visit: (batch: Buffer) => boolean): void {
    this.#log.scanFromTime(timestampMs, (bytes, at, length) => {
      if (maxTimestampOf(bytes, at) < timestampMs) return true
      return visit(bytes.subarray(at, at + length))
    })
  }

  /** Latest timestamp of any record; -1: there is none. */
  get maxTimestampMs(): number {
    return Math.max(-1, ...this.#log.segments.map((segment) => segment.maxTimestampMs))
  }

  /** Whether all batches were read since the log was opened, or appended since. */
  get isChecked(): boolean {
    return this.#log.isChecked
  }

  /** See `Log.checkSome`. */
  checkSome(bytesMax: number): number {
    return this.#log.checkSome(bytesMax)
  }

  /** Visits the header of every batch, from the one that holds or follows `from` on. */
  forEachHeader(from: Offset, visit: (header: BatchHeader) => void): void {
    this.#log.scan(from, (bytes, at) => {
      visit(readBatchHeader(bytes, at))
      return true
    })
  }

  /** Removes everything from `end` on; nothing may be appended until the promise resolves. */
  truncate(end: Offset): Promise<void> {
    return new Promise((resolve) => this.#log.truncateAfter(end - 1, resolve))
  }

  /** Removes everything; the log continues at `start`, which is durable in the log's snapshot. */
  beginAnew(start: Offset): Promise<void> {
    this.#start = start
    return this.truncate(0)
  }

  /** Removes segments that end before `start`, which is durable in the log's snapshot. */
  dropBefore(start: Offset): void {
    this.#start = start
    this.#log.dropBefore(start, { mayEmpty: true })
    const { firstOffset = start } = this
    for (const first of this.#seenMs.keys()) if (first < firstOffset) this.#seenMs.delete(first)
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#log.close(resolve))
  }
}
