// One segment of the log: records back to back in one file, named by its first position.
//
// 0000000300000001.segment, preallocated with zeros, at once or in steps, so that writes do not change
// the file size:
//
//   [record][record][record] ... [record][record][record]00000000000000000000000000000
//   0                                    │writtenBytes   │endBytes          segmentBytes │
//                                        └ in memory: the tail that the next write takes ┘
//
// A zero length marks the end of the records. Next on the path: segment-file.ts.

import { invariant } from '../invariant.ts'
import { LogDamagedError } from './log-errors.ts'
import type { Position, RecordFormat } from './record-format.ts'
import type { Done, LogDirectory, SegmentFile } from './segment-file.ts'
import { indexIntervalBytes, SparseIndex } from './sparse-index.ts'
import { Tail, type TailMemory } from './tail.ts'
import { TimeIndex } from './time-index.ts'
import { filledBy, type RecordVisitor, walkRecords } from './walk.ts'
import { chunksNotZero, zeroInBackground, zeroNow } from './zero.ts'

/**
 * A step of zeros: enough for this many more writes like the last one, within bounds, and at most as
 * much as there is already. Many quiet logs then waste little, and a busy one rarely takes a step.
 */
const stepWrites = 16
const stepBytesMin = 4096
const stepBytesMax = 1024 * 1024

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

export interface ReadRange {
  readonly from: Position
  /** Records that hold a higher position are left out. */
  readonly upTo: Position
  readonly bytesMax: number
  /** Whether to check every record's checksum. */
  readonly verify: boolean
}

export function segmentName(firstPosition: Position): string {
  return `${firstPosition.toString(16).padStart(16, '0')}.segment`
}

/** The first position in a segment's name, or undefined for another name. */
export function positionOfName(name: string): Position | undefined {
  const digits = /^([0-9a-f]{16})\.segment$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits, 16)
}

export class Segment {
  readonly firstPosition: Position
  readonly name: string
  readonly path: string
  readonly #format: RecordFormat
  readonly #index = new SparseIndex()
  readonly #times = new TimeIndex()
  #file: SegmentFile | null = null // null until the segment is placed
  #isUnread = false
  #lastPosition: Position
  readonly #tail: Tail
  #syncedBytes = 0
  #staleEndBytes = 0 // cut bytes in the file extend to here until they are zeroed
  #allocatedBytes = 0 // size of the file, as far as it is known
  #lastWriteBytes = 0

  /** @param memory for a log whose readers follow closely */
  constructor(
    directory: LogDirectory,
    format: RecordFormat,
    firstPosition: Position,
    memory?: TailMemory,
  ) {
    this.#tail = new Tail(memory)
    this.firstPosition = firstPosition
    this.name = segmentName(firstPosition)
    this.path = `${directory.path}/${this.name}`
    this.#format = format
    this.#lastPosition = firstPosition
  }

  get lastPosition(): Position {
    this.#findRecords()
    return this.#lastPosition
  }

  /** Bytes of all its records, written or not. */
  get endBytes(): number {
    this.#findRecords()
    return this.#tail.end
  }

  /** Of its first record; -1: none. */
  get firstTimestampMs(): number {
    this.#findRecords()
    return this.#times.firstMs
  }

  /** The latest of its records; -1: none. */
  get maxTimestampMs(): number {
    this.#findRecords()
    return this.#times.maxMs
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
    return this.#syncedBytes > 0 || this.#isUnread
  }

  /** Its file now has its name on the disk and may be written. */
  place(file: SegmentFile): void {
    this.#file = file
    this.#allocatedBytes = file.sizeBytes()
  }

  /** The same for a full segment of an earlier run; its records are found on the first read. */
  placeUnread(file: SegmentFile): void {
    this.#file = file
    this.#isUnread = true
  }

  /** Adds a record that recovery found in the file, durable from now on. */
  adopt(record: { first: Position; last: Position; offset: number; length: number }): void {
    this.#index.add(record.first, record.offset)
    this.#lastPosition = record.last
    this.#syncedBytes = record.offset + record.length
    this.#tail.reset(this.#syncedBytes)
  }

  /** Rewrites, unchanged, the records that hold positions above `from`, and some before. */
  rewrite({ file, from }: { readonly file: SegmentFile; readonly from: Position }): void {
    if (this.isEmpty || this.#lastPosition <= from) return
    const start = this.#index.floor(from)
    const bytes = Buffer.allocUnsafe(this.#tail.written - start)
    file.read(bytes, start)
    file.write(bytes, start)
  }

  /** Indexes the next record, which `append` will bring. */
  note(firstPosition: Position, offset: number): void {
    this.#index.add(firstPosition, offset)
  }

  /** The same by time. */
  noteTime(timestampMs: number, offset: number): void {
    this.#times.add(timestampMs, offset)
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

  /** The same before `syncNow`. */
  takeStepNow(): void {
    const step = this.#nextStep()
    if (step === undefined) return
    try {
      zeroNow(this.#placedFile(), step)
      this.#allocatedBytes = step.to
    } catch {
      this.#allocatedBytes = step.from
    }
  }

  #nextStep(): { readonly from: number; readonly to: number } | undefined {
    const from = this.#tail.written
    if (from <= this.#allocatedBytes) return undefined
    const wanted = Math.min(Math.max(stepBytesMin, stepWrites * this.#lastWriteBytes), stepBytesMax)
    return { from, to: from + Math.min(wanted, from) }
  }

  /** @returns whole records in one piece; at least one if any is in range, even a large one */
  read({ from, upTo, bytesMax, verify }: ReadRange): Buffer {
    this.#findRecords()
    const start = this.#index.floor(from)
    const end = this.#index.ceiling(upTo) ?? this.endBytes
    let held = empty // the piece in which the first record in range was found
    let first = 0
    let last = 0
    const chunkBytes = bytesMax + indexIntervalBytes
    this.#walk({ start, end, chunkBytes }, (bytes, at, length, offset) => {
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
    this.#findRecords()
    const start = this.#index.floor(from)
    return this.#walk({ start, end: this.endBytes }, (bytes, at, length, offset) =>
      this.#format.lastPosition(bytes, at) < from
        ? true
        : visit(bytes, at, length, { file: this.path, offset }),
    )
  }

  /** The same from where records of `timestampMs` or later begin. */
  scanFromTime(timestampMs: number, visit: LogVisitor): boolean {
    if (this.maxTimestampMs < timestampMs) return true
    const start = this.#times.floor(timestampMs)
    return this.#walk({ start, end: this.endBytes }, (bytes, at, length, offset) =>
      visit(bytes, at, length, { file: this.path, offset }),
    )
  }

  /**
   * Forgets every record that holds a position above `position`; `zeroStale` then clears the file.
   */
  cutAfter(position: Position): void {
    if (this.lastPosition <= position) return
    const start = this.#index.floor(position)
    const kept =
      this.#lastHeld(start, position) ?? this.#lastHeld(this.#index.before(start), position)
    const cut = kept?.endOffset ?? 0
    this.#staleEndBytes = Math.max(this.#staleEndBytes, this.#tail.written)
    this.#tail.cut(cut)
    this.#syncedBytes = Math.min(cut, this.#syncedBytes)
    this.#index.cut(cut)
    this.#lastPosition = kept?.lastPosition ?? this.firstPosition
    const { timestampMs } = this.#format
    if (timestampMs === undefined) return
    const from = this.#times.cut(cut)
    this.#walk({ start: from, end: this.endBytes }, (bytes, at, _, offset) => {
      this.noteTime(timestampMs(bytes, at), offset)
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
  }

  /** Finds the records of a segment that was placed unread. */
  #findRecords(): void {
    if (!this.#isUnread) return
    this.#isUnread = false
    const file = this.#placedFile()
    const format = this.#format
    const source = filledBy((into, at) => file.read(into, at))
    const range = { start: 0, end: file.sizeBytes() }
    const { offset } = walkRecords(source, format, range, (bytes, at, length, offset) => {
      const first = format.firstPosition(bytes, at)
      this.adopt({ first, last: format.lastPosition(bytes, at), offset, length })
      if (format.timestampMs !== undefined) this.noteTime(format.timestampMs(bytes, at), offset)
      return true
    })
    if (chunksNotZero(file, offset).next().done !== true) {
      throw new LogDamagedError(this.path, offset, 'no record, and later segments follow')
    }
  }

  /** The last record from byte `start` on that holds no position above `position`. */
  #lastHeld(start: number, position: Position) {
    let held: { readonly endOffset: number; readonly lastPosition: Position } | undefined
    this.#walk({ start, end: this.endBytes }, (bytes, at, length, offset) => {
      const lastPosition = this.#format.lastPosition(bytes, at)
      if (lastPosition <= position) held = { endOffset: offset + length, lastPosition }
      return lastPosition <= position
    })
    return held
  }

  #walk(
    range: { readonly start: number; readonly end: number; readonly chunkBytes?: number },
    visit: RecordVisitor,
  ): boolean {
    const source = (offset: number, bytes: number) => this.#piece(offset, bytes)
    const { offset, ended } = walkRecords(source, this.#format, range, visit)
    if (ended === 'end' || ended === 'told') return ended === 'end'
    throw new LogDamagedError(this.path, offset, 'a record that was valid is no longer valid')
  }

  /** Appended bytes from `offset` on: from memory, or all that are wanted from the file. */
  #piece(offset: number, bytes: number): Buffer {
    const inMemory = this.#tail.view(offset, bytes)
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
