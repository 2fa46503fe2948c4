// The time index of one segment: timestamp → byte offset, in memory, for about one record in every
// 4 KiB, as in sparse-index.ts. Timestamps need not ascend from record to record: an entry says that
// all records before its byte offset are older than its timestamp, or as old.
//
//   entries:    (20, 4100)        (35, 8300)         a lookup of 30 starts at byte 4100: before it
//                │                 │                  no record is of 21 or later
//   segment:  [7][20]…[12]│[35][30]…[8]│[36]…

import { indexIntervalBytes } from './sparse-index.ts'

/** In place of a timestamp: there is none. */
export const noTimestamp = -1

export class TimeIndex {
  readonly #timestamps: number[] = []
  readonly #offsets: number[] = []
  #firstMs = noTimestamp
  #maxMs = noTimestamp

  /** Of the first record. */
  get firstMs(): number {
    return this.#firstMs
  }

  get maxMs(): number {
    return this.#maxMs
  }

  /** Adds the record at byte `offset`, in ascending order of the offsets. */
  add(timestampMs: number, offset: number): void {
    if (offset === 0) this.#firstMs = timestampMs
    if (offset - (this.#offsets.at(-1) ?? 0) >= indexIntervalBytes) {
      // An entry that says the same of more records replaces the last one.
      if (this.#timestamps.at(-1) === this.#maxMs) {
        this.#timestamps.pop()
        this.#offsets.pop()
      }
      this.#timestamps.push(this.#maxMs)
      this.#offsets.push(offset)
    }
    if (timestampMs > this.#maxMs) this.#maxMs = timestampMs
  }

  /** Byte offset before which every record is older than `timestampMs`. */
  floor(timestampMs: number): number {
    let low = 0
    let high = this.#timestamps.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#timestamps[middle] ?? 0) < timestampMs) low = middle + 1
      else high = middle
    }
    return this.#offsets[low - 1] ?? 0
  }

  /**
   * Forgets the records from byte `offset` on. @returns where the records begin that are to be added
   * again
   */
  cut(offset: number): number {
    while ((this.#offsets.at(-1) ?? -1) >= offset) {
      this.#offsets.pop()
      this.#timestamps.pop()
    }
    this.#maxMs = this.#timestamps.at(-1) ?? noTimestamp
    if (offset === 0) this.#firstMs = noTimestamp
    return this.#offsets.at(-1) ?? 0
  }
}
