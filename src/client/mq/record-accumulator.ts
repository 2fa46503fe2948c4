// Gathers the records for one partition into batches: a batch is ready when it is full, or when its
// first record has waited for the linger time. Pure.

import { batchHeaderBytes } from '../../protocol/mq/record-batch.ts'
import { type MqRecord, recordBytesMax } from '../../protocol/mq/records.ts'

/** `W` represents the caller waiting for the record to be stored. */
export interface Gathered<W> {
  readonly records: MqRecord[]
  readonly waiters: W[]
  readonly sinceMs: number
  bytes: number
}

interface AccumulatorOptions {
  readonly batchBytes: number
  readonly lingerMs: number
}

export class RecordAccumulator<W> {
  readonly #options: AccumulatorOptions
  /** the last one is still open */
  readonly #batches: Gathered<W>[] = []

  constructor(options: AccumulatorOptions) {
    this.#options = options
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0
  }

  get bytes(): number {
    return this.#batches.reduce((sum, batch) => sum + batch.bytes, 0)
  }

  /** @returns the bytes that the record occupies */
  add(record: MqRecord, waiter: W, nowMs: number): number {
    const bytes = recordBytesMax(record)
    let batch = this.#batches.at(-1)
    if (batch === undefined || batch.bytes + bytes > this.#options.batchBytes) {
      batch = { records: [], waiters: [], sinceMs: nowMs, bytes: batchHeaderBytes }
      this.#batches.push(batch)
    }
    batch.records.push(record)
    batch.waiters.push(waiter)
    batch.bytes += bytes
    return bytes
  }

  /** When the first batch is ready; Infinity if there is none. */
  readyMs(): number {
    const [first, next] = this.#batches
    if (first === undefined) return Number.POSITIVE_INFINITY
    return next === undefined ? first.sinceMs + this.#options.lingerMs : first.sinceMs
  }

  /** Removes and returns the first batch if it is ready, or always if `isFlush`. */
  take(nowMs: number, isFlush: boolean): Gathered<W> | undefined {
    return isFlush || this.readyMs() <= nowMs ? this.#batches.shift() : undefined
  }

  takeAll(): Gathered<W>[] {
    return this.#batches.splice(0)
  }
}
