// Whether each record of a segment is intact and continues those before it: for recovery, and for what
// recovery passed over and is read later.

import type { Position, RecordFormat } from './record-format.ts'

/** `bad`: the good records end before it. `misplaced`: it is intact but does not belong here. */
export type Verdict = 'good' | 'bad' | 'misplaced'

export class Succession {
  readonly #format: RecordFormat
  readonly #gapsBelow: Position
  #next: Position
  /** The next record has exactly this position. */
  #isExact: boolean
  #epoch = -1

  /**
   * @param place the position of the next record: exactly this one, or this one as far as there are no
   *   gaps; `gapsBelow`: in a gapless format, a record up to here need not directly follow
   */
  constructor(
    format: RecordFormat,
    place: { readonly next: Position; readonly isExact: boolean; readonly gapsBelow: Position },
  ) {
    this.#format = format
    this.#next = place.next
    this.#isExact = place.isExact
    this.#gapsBelow = place.gapsBelow
  }

  /** Judges the next record, `bytes[at, at + length)`. */
  judge(bytes: Buffer, at: number, length: number): Verdict {
    const format = this.#format
    if (!format.isIntact(bytes, at, length)) return 'bad'
    const first = format.firstPosition(bytes, at)
    const last = format.lastPosition(bytes, at)
    const next = this.#next
    if (format.isGapless) {
      const epoch = format.epoch?.(bytes, at) ?? this.#epoch
      const isNext = first === next || (first > next && first <= this.#gapsBelow)
      if (!isNext || last < first || epoch < this.#epoch) return 'bad'
      this.#epoch = epoch
    }
    const fits = this.#isExact ? first === next : first >= next
    if (!fits || last < first) return 'misplaced'
    this.#isExact = false
    this.#next = last + 1
    return 'good'
  }
}
