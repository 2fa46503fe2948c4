// The index of one segment: for about one record in every 4 KiB its position, its byte offset, and the
// latest timestamp of all records before it, so that records are found by position and by time.
//
//   entries:   (100, 0, –)  (131, 4210, 20)  (178, 8377, 35)    position 140 is looked for from byte
//                │            │                │                4210 on; time 30 too: before that byte
//   segment:   [100][104]…[131][135]…[171]…[178]…00000          no record is later than 20
//
// Timestamps need not ascend from record to record; the latest so far does. Entries that are in the
// segment's index file (index-file.ts) may leave the memory, and are read again when they are needed.

import type { Position } from './record-format.ts'

/** A lookup reads at most this and one record. */
export const indexIntervalBytes = 4096

/** In place of a timestamp: there is none. */
export const noTimestamp = -1

/** Numbers of one entry, back to back. */
export const entryNumbers = 3
const positionAt = 0
const offsetAt = 1
const latestAt = 2

const entriesMin = 8
const none = new Float64Array(0)

export class SegmentIndex {
  readonly #memory: IndexMemory | undefined
  /** the entries from the one numbered `#base` on */
  #numbers: Float64Array = none
  #base = 0
  #count = 0
  /** as many of the first entries are in the file */
  #saved = 0
  #lastOffset = 0
  #firstMs = noTimestamp
  #maxMs = noTimestamp
  /** reads entries that left the memory */
  #load: ((count: number) => Float64Array) | undefined

  constructor(memory?: IndexMemory) {
    this.#memory = memory
  }

  get count(): number {
    return this.#count
  }

  /** Entries that are in no file. */
  get unsavedCount(): number {
    return this.#count - this.#saved
  }

  /** Timestamp of the first record. */
  get firstMs(): number {
    return this.#firstMs
  }

  /** The latest timestamp of all records. */
  get maxMs(): number {
    return this.#maxMs
  }

  /** Notes the record at byte `offset`, in ascending order; most need no entry. */
  add(position: Position, offset: number, timestampMs: number): void {
    if (offset === 0) this.#firstMs = timestampMs
    if (this.#count === 0 || offset - this.#lastOffset >= indexIntervalBytes) {
      this.#push(position, offset, this.#maxMs)
    }
    if (timestampMs > this.#maxMs) this.#maxMs = timestampMs
  }

  /** The entry of the closest indexed record at or before `position`; 0 if there is none. */
  floor(position: Position): number {
    return this.#floor(positionAt, position)
  }

  /** The last entry before which every record is older than `timestampMs`; 0 if there is none. */
  floorByTime(timestampMs: number): number {
    // Of equal times the earliest entry says the same of fewer records: the last one is wanted.
    return this.#floor(latestAt, timestampMs, { isBelow: true })
  }

  position(entry: number): Position {
    return this.#number(entry, positionAt)
  }

  /** Byte offset of the record; 0 in an empty index. */
  offset(entry: number): number {
    return this.#count === 0 ? 0 : this.#number(entry, offsetAt)
  }

  /** Byte offset of an indexed record after `position`; undefined: there is none. */
  ceiling(position: Position): number | undefined {
    const next = this.floor(position) + 1
    return next < this.#count ? this.offset(next) : undefined
  }

  /** The latest timestamp before the record. */
  latestBefore(entry: number): number {
    return this.#number(entry, latestAt)
  }

  /**
   * Forgets the records from byte `offset` on. @returns where the records begin that are to be noted
   * again, for their timestamps
   */
  cut(offset: number): number {
    this.keepAll()
    while (this.#count > 0 && this.offset(this.#count - 1) >= offset) this.#count--
    const last = this.#count - 1
    this.#lastOffset = last < 0 ? 0 : this.offset(last)
    this.#maxMs = last < 0 ? noTimestamp : this.latestBefore(last)
    if (last < 0) this.#firstMs = noTimestamp
    return this.#lastOffset
  }

  /** The file will be gone. */
  keepAll(): void {
    this.#ensure(0)
    this.#saved = 0
    this.#memory?.forget(this)
  }

  /** The entries from the first unsaved one on, up to `count` of all. */
  unsaved(count: number): Float64Array {
    const from = (this.#saved - this.#base) * entryNumbers
    return this.#numbers.subarray(from, (count - this.#base) * entryNumbers)
  }

  /**
   * The first `count` entries are in a file now.
   *
   * @param load reads them: from the file, or else from the records @throws LogDamagedError
   */
  saved(count: number, load: (count: number) => Float64Array): void {
    this.#saved = count
    this.#load = load
    if (this.#base < count) this.#memory?.holds(this, this.#numbers.byteLength)
  }

  /** An index of which only a file has the entries. */
  restore(known: {
    readonly count: number
    readonly lastOffset: number
    readonly firstMs: number
    readonly maxMs: number
    readonly load: (count: number) => Float64Array
  }): void {
    this.#base = this.#count = this.#saved = known.count
    this.#numbers = none
    this.#lastOffset = known.lastOffset
    this.#firstMs = known.firstMs
    this.#maxMs = known.maxMs
    this.#load = known.load
  }

  /** An index of which no file has these first entries. */
  adopt(numbers: Float64Array, times: { readonly firstMs: number; readonly maxMs: number }): void {
    this.#base = this.#saved = 0
    this.#numbers = numbers
    this.#count = numbers.length / entryNumbers
    this.#lastOffset = this.#count === 0 ? 0 : this.offset(this.#count - 1)
    this.#firstMs = times.firstMs
    this.#maxMs = times.maxMs
  }

  /** Forgets what is in the file. For `IndexMemory`. */
  release(): void {
    if (this.#saved <= this.#base) return
    const from = (this.#saved - this.#base) * entryNumbers
    const end = (this.#count - this.#base) * entryNumbers
    this.#numbers = this.#numbers.slice(from, end)
    this.#base = this.#saved
  }

  /** The segment is closed. */
  forget(): void {
    this.#memory?.forget(this)
  }

  #push(position: Position, offset: number, latestMs: number): void {
    const at = (this.#count - this.#base) * entryNumbers
    if (at + entryNumbers > this.#numbers.length) {
      const grown = new Float64Array(Math.max(entriesMin * entryNumbers, 2 * at))
      grown.set(this.#numbers.subarray(0, at))
      this.#numbers = grown
    }
    this.#numbers[at + positionAt] = position
    this.#numbers[at + offsetAt] = offset
    this.#numbers[at + latestAt] = latestMs
    this.#count++
    this.#lastOffset = offset
  }

  /** The last entry whose number at `field` is at most `wanted`, or below it; 0 if there is none. */
  #floor(field: number, wanted: number, { isBelow = false } = {}): number {
    const isIn = (entry: number): boolean => {
      const found = this.#number(entry, field)
      return isBelow ? found < wanted : found <= wanted
    }
    if (this.#count === 0) return 0
    let low = this.#base < this.#count && isIn(this.#base) ? this.#base + 1 : 0
    let high = this.#count
    if (low === 0) this.#ensure(0)
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isIn(middle)) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  #number(entry: number, field: number): number {
    this.#ensure(entry)
    return this.#numbers[(entry - this.#base) * entryNumbers + field] ?? 0
  }

  /** Brings the entries from this one on into memory. */
  #ensure(entry: number): void {
    if (entry >= this.#base || this.#load === undefined) return
    const found = this.#load(this.#base)
    const own = this.#numbers.subarray(0, (this.#count - this.#base) * entryNumbers)
    const all = new Float64Array(found.length + own.length)
    all.set(found)
    all.set(own, found.length)
    this.#numbers = all
    this.#base = 0
    this.#memory?.holds(this, all.byteLength)
  }
}

/** Bounds what the indexes of all logs of a program keep in memory although files have it. */
export class IndexMemory {
  readonly #bytesMax: number
  /** in the order in which they were loaded or saved, the latest last */
  readonly #held = new Map<SegmentIndex, number>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** For indexes. */
  holds(index: SegmentIndex, bytes: number): void {
    this.forget(index)
    this.#held.set(index, bytes)
    this.#bytes += bytes
    for (const oldest of this.#held.keys()) {
      if (this.#bytes <= this.#bytesMax || oldest === index) return
      this.forget(oldest)
      oldest.release()
    }
  }

  /** For indexes. */
  forget(index: SegmentIndex): void {
    this.#bytes -= this.#held.get(index) ?? 0
    this.#held.delete(index)
  }
}
