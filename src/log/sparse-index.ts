// The index of one segment: position → byte offset, for about one record in every 4 KiB, in memory
// only. Recovery reads every record anyway and rebuilds it, so no index file has to be verified.
//
//   positions:   100        131               178          a lookup of 140 starts at byte 4210
//                 │          │                 │           and walks at most 4 KiB of records
//   segment:     [100][104]…[131][135]…[171]…[178]…00000
//                 0          4210              8377

import type { Position } from './record-format.ts'

/** At 64 MiB a segment this is 16,384 entries; a lookup reads at most this and one record. */
export const indexIntervalBytes = 4096

export class SparseIndex {
  readonly #positions: number[] = []
  readonly #offsets: number[] = []

  /** Adds the record at byte `offset`, in ascending order; skipped if close to the last entry. */
  add(firstPosition: Position, offset: number): void {
    const last = this.#offsets.at(-1)
    if (last !== undefined && offset - last < indexIntervalBytes) return
    this.#positions.push(firstPosition)
    this.#offsets.push(offset)
  }

  /** Byte offset of the closest indexed record that begins at or before `position`. */
  floor(position: Position): number {
    return this.#offsets[this.#after(position) - 1] ?? 0
  }

  /** Byte offset of the closest indexed record that begins after `position`, if there is one. */
  ceiling(position: Position): number | undefined {
    return this.#offsets[this.#after(position)]
  }

  /** Byte offset of the entry before the one at byte `offset`. */
  before(offset: number): number {
    return this.#offsets[this.#offsets.lastIndexOf(offset) - 1] ?? 0
  }

  /** Forgets the records from byte `offset` on. */
  cut(offset: number): void {
    while ((this.#offsets.at(-1) ?? -1) >= offset) {
      this.#offsets.pop()
      this.#positions.pop()
    }
  }

  /** How many entries begin at or before `position`. */
  #after(position: Position): number {
    let low = 0
    let high = this.#positions.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#positions[middle] ?? 0) <= position) low = middle + 1
      else high = middle
    }
    return low
  }
}
