// Gathers the records for one partition into batches: a batch is ready when it is full, or when its
// first record has waited for the linger time. Records are encoded as they come. Pure.

import { BatchBuilder } from '../../protocol/mq/record-batch.ts'
import type { MqRecord } from '../../protocol/mq/records.ts'

/** `W` represents a caller waiting for records to be stored. */
export interface Gathered<W> {
  readonly builder: BatchBuilder
  /** in the order of their records, which may be several in a row for each */
  readonly waiters: W[]
  /** of each waiter's records */
  readonly counts: number[]
  readonly sinceMs: number
  /** of all its records, as they were given to `add` */
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
  /** size of the last batch taken: the next one is probably similar */
  #expectedBytes = 0

  constructor(options: AccumulatorOptions) {
    this.#options = options
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0
  }

  /** @param bytes `recordBytesMax(record)` */
  add(record: MqRecord, bytes: number, waiter: W, nowMs: number): void {
    let batch = this.#batches.at(-1)
    if (batch === undefined || batch.builder.bytes + bytes > this.#options.batchBytes) {
      const builder = new BatchBuilder(this.#expectedBytes)
      batch = { builder, waiters: [], counts: [], sinceMs: nowMs, bytes: 0 }
      this.#batches.push(batch)
    }
    batch.builder.add(record, bytes)
    batch.bytes += bytes
    const last = batch.waiters.length - 1
    if (last >= 0 && batch.waiters[last] === waiter) {
      batch.counts[last] = (batch.counts[last] ?? 0) + 1
      return
    }
    batch.waiters.push(waiter)
    batch.counts.push(1)
  }

  /** When the first batch is ready; Infinity if there is none. */
  readyMs(): number {
    const [first, next] = this.#batches
    if (first === undefined) return Number.POSITIVE_INFINITY
    return next === undefined ? first.sinceMs + this.#options.lingerMs : first.sinceMs
  }

  /** Removes and returns the first batch if it is ready, or always if `isFlush`. */
  take(nowMs: number, isFlush: boolean): Gathered<W> | undefined {
    if (!isFlush && this.readyMs() > nowMs) return undefined
    const taken = this.#batches.shift()
    if (taken !== undefined) this.#expectedBytes = taken.builder.bytes
    return taken
  }

  takeAll(): Gathered<W>[] {
    return this.#batches.splice(0)
  }
}
