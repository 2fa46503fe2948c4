// The records of a segment that the start did not read: they are checked when they are first needed,
// or before that, a few at a time. Damage among them is found before a record leaves the log.
//
// segment.ts owns it. Next on the path: succession.ts.

import { LogDamagedError } from './log-errors.ts'
import type { Position, RecordFormat } from './record-format.ts'
import { Succession } from './succession.ts'

export class Unread {
  readonly #format: RecordFormat
  /** of the segment, for errors */
  readonly #path: string
  /** Of the records before the latter, those before the former were read since the start. */
  #checkedBytes = 0
  #endBytes = 0
  #gapsBelow: Position = 0
  /** for the records from `#checkedBytes` on */
  #checks: Succession | undefined

  constructor(format: RecordFormat, path: string) {
    this.#format = format
    this.#path = path
  }

  /** @param gapsBelow see recovery.ts */
  set gapsBelow(gapsBelow: Position) {
    this.#gapsBelow = gapsBelow
  }

  /** The records before `endBytes` were not read. */
  begin(endBytes: number): void {
    this.#endBytes = endBytes
  }

  cut(endBytes: number): void {
    this.#endBytes = Math.min(endBytes, this.#endBytes)
  }

  get isOver(): boolean {
    return this.#checkedBytes >= this.#endBytes
  }

  /** What is to be read next, and up to where. */
  get rest(): { readonly start: number; readonly end: number } {
    return { start: this.#checkedBytes, end: this.#endBytes }
  }

  /** Whether some record of this range was not checked yet. */
  touches(start: number, end: number): boolean {
    return !this.isOver && start < this.#endBytes && end > this.#checkedBytes
  }

  /** To check records from one that begins with position `next` on. */
  checksFrom(next: Position): Succession {
    return new Succession(this.#format, { next, isExact: true, gapsBelow: this.#gapsBelow })
  }

  /** @throws LogDamagedError */
  check(checks: Succession, bytes: Buffer, at: number, length: number, offset: number): void {
    const verdict = checks.judge(bytes, at, length)
    if (verdict === 'good') return
    const found = verdict === 'bad' ? 'no good record' : 'a record that does not belong here'
    throw new LogDamagedError(this.#path, offset, `${found}, and later ones were durable`)
  }

  /**
   * Checks the next record of the rest.
   *
   * @param first position with which the segment begins
   * @throws LogDamagedError
   */
  checkNext(first: Position, bytes: Buffer, at: number, length: number, offset: number): void {
    this.#checks ??= this.checksFrom(first)
    this.check(this.#checks, bytes, at, length, offset)
    this.#checkedBytes = offset + length
  }
}
