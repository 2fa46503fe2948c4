// The latest records, bounded by number and by bytes: the oldest ones leave. Positions count all
// records ever added, so that a position keeps its meaning while others leave. Pure.

import { limits } from '../../limits.ts'
import { recordBytes, type ShownRecord } from './shown-record.ts'

export class RecordRing {
  readonly #records: (ShownRecord | undefined)[]
  #first = 0
  #end = 0
  #bytes = 0
  readonly #bytesMax: number

  constructor({
    countMax = limits.browserRecordsMax,
    bytesMax = limits.browserRecordBytesMax,
  }: { readonly countMax?: number; readonly bytesMax?: number } = {}) {
    this.#records = new Array<ShownRecord | undefined>(countMax)
    this.#bytesMax = bytesMax
  }

  /** Position of the oldest record that is kept. */
  get first(): number {
    return this.#first
  }

  /** Position after the newest record. */
  get end(): number {
    return this.#end
  }

  get count(): number {
    return this.#end - this.#first
  }

  at(position: number): ShownRecord | undefined {
    if (position < this.#first || position >= this.#end) return undefined
    return this.#records[position % this.#records.length]
  }

  push(record: ShownRecord): void {
    if (this.count === this.#records.length) this.#dropFirst()
    this.#records[this.#end % this.#records.length] = record
    this.#end += 1
    this.#bytes += recordBytes(record)
    // The newest record stays, however large it is.
    while (this.#bytes > this.#bytesMax && this.count > 1) this.#dropFirst()
  }

  /** Positions go on where they were. */
  clear(): void {
    while (this.count > 0) this.#dropFirst()
  }

  #dropFirst(): void {
    const at = this.#first % this.#records.length
    const record = this.#records[at]
    if (record !== undefined) this.#bytes -= recordBytes(record)
    this.#records[at] = undefined
    this.#first += 1
  }
}
