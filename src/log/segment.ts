// One segment of the log: records back to back in one file, named by its first position.
//
// 0000000300000001.segment, filled with zeros before it is used or in steps ahead of its end, so that
// writes do not change the file size:
//
//   [record][record][record] ... [record][record][record]00000000000000000000000000000
//   0                                    │tail.written   │endBytes          segmentBytes │
//                                        └ in memory: the tail that the next write takes ┘
//
// A zero length marks the end of the records. Next on the path: segment-file.ts.

import { invariant } from '../invariant.ts'
import { indexName, readIndexEntries, readIndexHeader } from './index-file.ts'
import { type Covered, IndexKeeper } from './index-keeper.ts'
import { LogDamagedError, LogVersionError } from './log-errors.ts'
import type { Position, RecordFormat } from './record-format.ts'
import type { Done, LogDirectory, SegmentFile } from './segment-file.ts'
import {
  entryNumbers,
  type IndexMemory,
  indexIntervalBytes,
  noTimestamp,
  SegmentIndex,
} from './segment-index.ts'
import { type LogReading, Tail, type TailMemory } from './tail.ts'
import { Unread } from './unread.ts'
import { type RecordVisitor, walkRecords } from './walk.ts'
import { zeroInBackground } from './zero.ts'

/**
 * A step of zeros: enough for this many more writes like the last one, or a share of what there is
 * already, within bounds, and at most as much as there is. Many quiet logs then waste little, and one
 * that grows by many small writes rarely takes a step: a write behind it needs the file system's
 * journal, which takes several times as long, and holds up those of other logs. A large step holds up
 * the sync that it is part of.
 */
const stepWrites = 16
const stepShare = 1 / 4
const stepBytesMin = 4096
const stepBytesMax = 256 * 1024

const empty: Buffer = Buffer.alloc(0)

/**
 * Receives one whole record, `bytes[at, at + length)`, and its place; returns whether to continue.
 */
export type LogVisitor = (
  bytes: Buffer,
  at: number,
  length: number,
  place: { readonly file: string; readonly offset: number },
) => boolean

interface WalkOptions {
  readonly chunkBytes?: number | undefined
  readonly isBrief?: boolean | undefined
}

export interface ReadRange {
  readonly from: Position
  /** Records that hold a higher position are left out. */
  readonly upTo: Position
  readonly bytesMax: number
  /** Whether to check every record's checksum. */
  readonly verify: boolean
  /** The caller is done with the piece before anything is appended to any log. */
  readonly isBrief: boolean
}

export function segmentName(firstPosition: Position): string {
  return `${firstPosition.toString(16).padStart(16, '0')}.segment`
}

/** The first position in a segment's name, or undefined for another name. */
export function positionOfName(name: string): Position | undefined {
  const digits = /^([0-9a-f]{16})\.segment$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits, 16)
}

/** What the segments of a log share, most of it with those of a program's other logs. */
export interface SegmentMemory {
  /** for a log whose readers follow closely */
  readonly tails?: TailMemory | undefined
  /** of this log alone; undefined: they always do */
  readonly reading?: LogReading | undefined
  /** for a log whose indexes are kept in files */
  readonly indexes?: IndexMemory | undefined
}

export class Segment {
  readonly firstPosition: Position
  readonly name: string
  readonly path: string
  readonly #directory: LogDirectory
  readonly #format: RecordFormat
  readonly #index: SegmentIndex
  readonly #indexFile: IndexKeeper
  readonly #unread: Unread
  #file: SegmentFile | null = null // null until the segment is placed
  #lastPosition: Position
  readonly #tail: Tail
  #syncedBytes = 0
  /** by the last write, if the index is to be saved after its sync */
  #covered: Covered | undefined
  #staleEndBytes = 0 // cut bytes in the file extend to here until they are zeroed
  #allocatedBytes = 0 // size of the file, as far as it is known
  #lastWriteBytes = 0

  constructor(
    directory: LogDirectory,
    format: RecordFormat,
    firstPosition: Position,
    { tails, reading, indexes }: SegmentMemory = {},
  ) {
    this.#directory = directory
    this.#tail = new Tail(tails, reading)
    this.#index = new SegmentIndex(indexes)
    this.firstPosition = firstPosition
    this.name = segmentName(firstPosition)
    this.path = `${directory.path}/${this.name}`
    this.#format = format
    this.#lastPosition = firstPosition
    this.#unread = new Unread(format, this.path)
    this.#indexFile = new IndexKeeper({
      directory,
      segment: this.name,
      firstPosition,
      index: this.#index,
      isWanted: indexes !== undefined,
      rebuild: (count) => this.#rebuiltEntries(count),
    })
  }

  get lastPosition(): Position {
    return this.#lastPosition
  }

  /** Bytes of all its records, written or not. */
  get endBytes(): number {
    return this.#tail.end
  }

  /** Of its first record; -1: none. */
  get firstTimestampMs(): number {
    return this.#index.firstMs
  }

  /** The latest of its records; -1: none. */
  get maxTimestampMs(): number {
    return this.#index.maxMs
  }

  get isEmpty(): boolean {
    return this.endBytes === 0
  }

  get isPlaced(): boolean {
    return this.#file !== null
  }

  get isWritten(): boolean {
    return this.#tail.written === this.#tail.end
  }

  get isSynced(): boolean {
    return this.#syncedBytes === this.#tail.end
  }

  /** Whether some of its records survive a power cut, and so do all segments before it. */
  get hasSynced(): boolean {
    return this.#syncedBytes > 0
  }

  /** Its file now has its name on the disk and may be written. */
  place(file: SegmentFile): void {
    this.#file = file
    this.#allocatedBytes = file.sizeBytes()
  }

  /** Adds a record that recovery found in the file, durable from now on. */
  adopt(bytes: Buffer, at: number, offset: number, length: number): void {
    const format = this.#format
    const timestampMs = format.timestampMs?.(bytes, at) ?? noTimestamp
    this.#index.add(format.firstPosition(bytes, at), offset, timestampMs)
    this.#lastPosition = format.lastPosition(bytes, at)
    this.#syncedBytes = offset + length
    this.#tail.reset(this.#syncedBytes)
  }

  /** Rewrites, unchanged, the records that hold positions above `from`, and some before. */
  rewrite({ file, from }: { readonly file: SegmentFile; readonly from: Position }): void {
    if (this.isEmpty || this.#lastPosition <= from) return
    const start = this.#index.offset(this.#index.floor(from))
    const bytes = Buffer.allocUnsafe(this.#tail.written - start)
    file.read(bytes, start)
    file.write(bytes, start)
  }

  /** Indexes the next record, which `append` will bring. */
  note(firstPosition: Position, offset: number, timestampMs: number): void {
    this.#index.add(firstPosition, offset, timestampMs)
  }

  /** Copies whole records that were announced by `note`. */
  append(records: Uint8Array, lastPosition: Position): void {
    this.#tail.append(records)
    this.#lastPosition = lastPosition
  }

  /** Hands the tail to the operating system in one write. */
  write(): void {
    if (this.isWritten) return
    const bytes = this.#tail.unwritten()
    this.#placedFile().write(bytes, this.#tail.written)
    this.#lastWriteBytes = bytes.length
    this.#tail.wrote()
    this.#covered = this.#indexFile.isDue ? this.#coversAll() : undefined
  }

  /** Makes all written records durable; `done` is called after `isSynced` reflects it. */
  sync(done: Done): void {
    const covered = this.#tail.written
    this.#placedFile().sync((error) => {
      if (error === null) this.#syncedBytes = Math.min(covered, this.#tail.written)
      done(error)
    })
  }

  syncNow(): void {
    this.#placedFile().syncNow()
    this.#syncedBytes = this.#tail.written
  }

  /**
   * Called before `sync`: a file that was just enlarged is enlarged by one more step of zeros, so that
   * the next writes change no metadata, and their fdatasyncs need no journal. It only improves speed:
   * a step that fails, probably for lack of space, is done without.
   */
  takeStep(done: () => void): void {
    const step = this.#nextStep()
    if (step === undefined) {
      done()
      return
    }
    zeroInBackground(this.#placedFile(), step, (error) => {
      this.#allocatedBytes = error === null ? step.to : step.from
      done()
    })
  }

  #nextStep(): { readonly from: number; readonly to: number } | undefined {
    const from = this.#tail.written
    if (from <= this.#allocatedBytes) return undefined
    const wanted = Math.max(stepBytesMin, stepWrites * this.#lastWriteBytes, stepShare * from)
    return { from, to: from + Math.min(Math.ceil(wanted), stepBytesMax, from) }
  }

  /** @returns whole records in one piece; at least one if any is in range, even a large one */
  read({ from, upTo, bytesMax, verify, isBrief }: ReadRange): Buffer {
    const entry = this.#index.floor(from)
    const end = this.#index.ceiling(upTo) ?? this.endBytes
    let held = empty // the piece in which the first record in range was found
    let first = 0
    let last = 0
    const chunkBytes = bytesMax + indexIntervalBytes
    this.#walk({ entry, end, chunkBytes, isBrief }, (bytes, at, length, offset) => {
      const lastPosition = this.#format.lastPosition(bytes, at)
      if (lastPosition < from) return true
      if (lastPosition > upTo) return false
      if (last === 0) {
        held = bytes
        first = at
      } else if (bytes !== held || at + length - first > bytesMax) {
        return false
      }
      if (verify && !this.#format.isIntact(bytes, at, length)) {
        throw new LogDamagedError(this.path, offset, 'the checksum of a record is wrong')
      }
      last = at + length
      return last - first < bytesMax
    })
    return held.subarray(first, last)
  }

  /** Visits records from the one that holds or follows `from` on, until the visitor stops it. */
  scan(from: Position, visit: LogVisitor): boolean {
    if (from > this.#lastPosition) return true
    const entry = this.#index.floor(from)
    return this.#walk({ entry, end: this.endBytes }, (bytes, at, length, offset) =>
      this.#format.lastPosition(bytes, at) < from
        ? true
        : visit(bytes, at, length, { file: this.path, offset }),
    )
  }

  /** The same from where records of `timestampMs` or later begin. */
  scanFromTime(timestampMs: number, visit: LogVisitor): boolean {
    if (this.maxTimestampMs < timestampMs) return true
    const entry = this.#index.floorByTime(timestampMs)
    return this.#walk({ entry, end: this.endBytes }, (bytes, at, length, offset) =>
      visit(bytes, at, length, { file: this.path, offset }),
    )
  }

  /**
   * Forgets every record that holds a position above `position`; `zeroStale` then clears the file.
   */
  cutAfter(position: Position): void {
    this.forgetIndexFile()
    if (this.lastPosition <= position) return
    const entry = this.#index.floor(position)
    const kept = this.#lastHeld(entry, position) ?? this.#lastHeld(Math.max(0, entry - 1), position)
    const cut = kept?.endOffset ?? 0
    this.#staleEndBytes = Math.max(this.#staleEndBytes, this.#tail.written)
    this.#tail.cut(cut)
    this.#syncedBytes = Math.min(cut, this.#syncedBytes)
    this.#unread.cut(cut)
    this.#lastPosition = kept?.lastPosition ?? this.firstPosition
    this.#covered = undefined
    const from = this.#index.cut(cut)
    const { timestampMs } = this.#format
    if (timestampMs === undefined) return
    this.#walkFrom({ start: from, end: this.endBytes }, (bytes, at, _, offset) => {
      this.note(this.#format.firstPosition(bytes, at), offset, timestampMs(bytes, at))
      return true
    })
  }

  /** Clears the bytes that `cutAfter` left in the file. */
  zeroStale(done: Done): void {
    const range = { from: this.#tail.written, to: this.#staleEndBytes }
    zeroInBackground(this.#placedFile(), range, (error) => {
      if (error === null) this.#staleEndBytes = 0
      done(error)
    })
  }

  close(): void {
    this.#file?.close()
    this.#file = null
    this.#tail.reset(this.#tail.written)
    this.#index.forget()
  }

  // --- what was not read at start --------------------------------------------------------------

  /**
   * Takes the records from the segment's index file, unread, as far as `durableTo` or the file goes:
   * they are checked when they are read. Recovery reads on from `endBytes`.
   *
   * @param gapsBelow see recovery.ts
   * @returns the position of the next record: exactly that, or that as far as there are no gaps
   */
  takeIndexed(
    file: SegmentFile,
    { durableTo, gapsBelow }: { readonly durableTo: Position; readonly gapsBelow: Position },
  ): { readonly next: Position; readonly isExact: boolean } {
    const begin = { next: this.firstPosition, isExact: true }
    this.#unread.gapsBelow = gapsBelow
    const header = readIndexHeader(this.#directory, indexName(this.name))
    if (header?.firstPosition !== this.firstPosition || header.count === 0) return begin
    if (file.sizeBytes() < header.endBytes) return begin
    const { endBytes, lastPosition, firstMs, maxMs } = header
    if (lastPosition <= durableTo) {
      this.#indexFile.adopt(header)
      this.#take(lastPosition, endBytes)
      return { next: lastPosition + 1, isExact: false }
    }
    const numbers = readIndexEntries(this.#directory, indexName(this.name), header)
    if (numbers === undefined) return begin
    const all = new SegmentIndex()
    all.adopt(numbers, { firstMs, maxMs })
    const entry = all.floor(durableTo + 1)
    const [next, start] = [all.position(entry), all.offset(entry)]
    if (next > durableTo + 1 || start === 0) return begin
    const before = numbers.subarray(0, entry * entryNumbers)
    this.#index.adopt(before, { firstMs, maxMs: all.latestBefore(entry) })
    this.#take(next - 1, start)
    return { next, isExact: true }
  }

  #take(lastPosition: Position, endBytes: number): void {
    this.#lastPosition = lastPosition
    this.#syncedBytes = endBytes
    this.#unread.begin(endBytes)
    this.#tail.reset(endBytes)
  }

  /** Whether all records were read in this life, or written in it. */
  get isChecked(): boolean {
    return this.#unread.isOver
  }

  /**
   * Reads some of what was not read at start.
   *
   * @returns the number of bytes
   * @throws LogDamagedError
   */
  checkSome(bytesMax: number): number {
    const { start, end } = this.#unread.rest
    if (start >= end) return 0
    const chunkBytes = Math.max(bytesMax, this.#format.headerBytes)
    let checked = start
    this.#walkFrom({ start, end, chunkBytes }, (bytes, at, length, offset) => {
      this.#unread.checkNext(this.firstPosition, bytes, at, length, offset)
      checked = offset + length
      return checked - start < bytesMax
    })
    return checked >= Math.min(start + bytesMax, end) ? checked - start : this.#damaged(checked)
  }

  // --- the index file ----------------------------------------------------------------------------

  /** Whether the index file, if there has to be one, tells of all records and of the segment's end. */
  get isIndexFull(): boolean {
    return !this.#indexFile.isKept || this.#indexFile.isFullTo(this.endBytes)
  }

  /** The index file, which its owner removes, says what will not be so. */
  forgetIndexFile(): void {
    this.#indexFile.forget()
    this.#covered = undefined
  }

  maybeSaveIndex(): void {
    if (this.#indexFile.isDue) this.saveIndex({ isFull: false })
  }

  /** Writes what is durable to the index file. */
  saveIndex(state: { readonly isFull: boolean }): void {
    if (!this.#indexFile.isKept || this.isEmpty) return
    const covered = this.isSynced ? this.#coversAll() : this.#covered
    if (covered?.endBytes === this.#syncedBytes) this.#indexFile.save(covered, state)
  }

  /** The records are about to change; the owner makes the removal durable first. */
  removeIndex(): void {
    this.#indexFile.remove()
  }

  /** Whether there is an index file that may be used. */
  get isIndexed(): boolean {
    return this.#indexFile.isUsable
  }

  #coversAll(): Covered {
    const { lastPosition, endBytes } = this
    return { lastPosition, endBytes, maxMs: this.#index.maxMs, entryCount: this.#index.count }
  }

  /** The first entries of the index, from the records. */
  #rebuiltEntries(count: number): Float64Array {
    const rebuilt = new SegmentIndex()
    const { timestampMs } = this.#format
    // What is not read yet is checked by its place after an entry: the entries have to be right.
    const unread = this.#unread
    const checks = unread.isOver ? undefined : unread.checksFrom(this.firstPosition)
    this.#walkFrom({ start: 0, end: this.endBytes }, (bytes, at, length, offset) => {
      if (checks !== undefined && offset < unread.rest.end) {
        unread.check(checks, bytes, at, length, offset)
      }
      const timeMs = timestampMs?.(bytes, at) ?? noTimestamp
      rebuilt.add(this.#format.firstPosition(bytes, at), offset, timeMs)
      return rebuilt.count < count
    })
    return rebuilt.unsaved(count)
  }

  // --- walking -----------------------------------------------------------------------------------

  /** The last record from an entry on that holds no position above `position`. */
  #lastHeld(entry: number, position: Position) {
    let held: { readonly endOffset: number; readonly lastPosition: Position } | undefined
    this.#walk({ entry, end: this.endBytes }, (bytes, at, length, offset) => {
      const lastPosition = this.#format.lastPosition(bytes, at)
      if (lastPosition <= position) held = { endOffset: offset + length, lastPosition }
      return lastPosition <= position
    })
    return held
  }

  /** From an entry of the index on. What was not read at start is checked on the way. */
  #walk(
    range: { readonly entry: number; readonly end: number } & WalkOptions,
    visit: RecordVisitor,
  ): boolean {
    const { entry, end, chunkBytes, isBrief } = range
    const start = this.#index.offset(entry)
    const bytes = { start, end, chunkBytes, isBrief }
    if (!this.#unread.touches(start, end)) return this.#walkFrom(bytes, visit)
    const checks = this.#unread.checksFrom(this.#index.position(entry))
    return this.#walkFrom(bytes, (bytes, at, length, offset) => {
      this.#unread.check(checks, bytes, at, length, offset)
      return visit(bytes, at, length, offset)
    })
  }

  #walkFrom(
    { start, end, chunkBytes, isBrief }: { start: number; end: number } & WalkOptions,
    visit: RecordVisitor,
  ): boolean {
    const source = (offset: number, bytes: number) => this.#piece(offset, bytes, isBrief)
    const range = chunkBytes === undefined ? { start, end } : { start, end, chunkBytes }
    const { offset, ended } = walkRecords(source, this.#format, range, visit)
    if (ended === 'end' || ended === 'told') return ended === 'end'
    if (ended === 'other version') throw new LogVersionError(this.path, offset)
    return this.#damaged(offset)
  }

  #damaged(offset: number): never {
    throw new LogDamagedError(this.path, offset, 'a record that was valid is no longer valid')
  }

  /** Appended bytes from `offset` on: from memory, or all that are wanted from the file. */
  #piece(offset: number, bytes: number, isBrief = false): Buffer {
    const inMemory = this.#tail.view(offset, bytes, isBrief)
    if (inMemory !== undefined) return inMemory
    const piece = Buffer.allocUnsafe(Math.min(bytes, this.#tail.end - offset))
    const inFile = Math.min(piece.length, this.#tail.written - offset)
    if (this.#placedFile().read(piece.subarray(0, inFile), offset) < inFile) {
      throw new LogDamagedError(this.path, offset, 'the file became shorter')
    }
    if (inFile < piece.length)
      piece.set(this.#tail.unwritten().subarray(0, piece.length - inFile), inFile)
    return piece
  }

  #placedFile(): SegmentFile {
    invariant(this.#file !== null, 'a segment is placed before its file is used')
    return this.#file
  }
}
