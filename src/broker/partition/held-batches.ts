// Batches that arrived early: earlier ones of the same producer, perhaps sent through other
// brokers, have not arrived yet. The partition's leader holds an early batch until the gap closes
// or its deadline passes. Bounded per producer in number and per partition in bytes.

import { limits } from '../../limits.ts'
import type { BatchHeader, ProducerId } from '../../protocol/mq/record-batch.ts'

/** `W` is the produce request that waits for the batch. */
interface HeldBatch<W> {
  readonly header: BatchHeader
  readonly bytes: Buffer
  readonly waiter: W
  readonly deadlineMs: number
}

export class HeldBatches<W> {
  /**
   * In order of arrival; a batch is held twice if its retry arrives while the first copy is held.
   */
  readonly #producers = new Map<ProducerId, HeldBatch<W>[]>()
  #bytes = 0

  get count(): number {
    let count = 0
    for (const held of this.#producers.values()) count += held.length
    return count
  }

  get bytes(): number {
    return this.#bytes
  }

  /** @returns whether there was room */
  hold(batch: HeldBatch<W>): boolean {
    const { producerId } = batch.header
    const held = this.#producers.get(producerId) ?? []
    if (held.length >= limits.heldBatchesMax) return false
    if (this.#bytes + batch.bytes.length > limits.heldBytesMax) return false
    this.#bytes += batch.bytes.length
    this.#producers.set(producerId, [...held, batch])
    return true
  }

  /** Takes out the producer's batches for which `isDue` holds, in the order of their arrival. */
  take(producerId: ProducerId, isDue: (header: BatchHeader) => boolean): HeldBatch<W>[] {
    const held = this.#producers.get(producerId)
    if (held === undefined) return []
    return this.#remove(producerId, held, (batch) => isDue(batch.header))
  }

  /** Takes out the batches whose deadline has passed. */
  takeExpired(nowMs: number): HeldBatch<W>[] {
    if (this.#producers.size === 0) return [] // asked of every partition, many times a second
    return [...this.#producers].flatMap(([producerId, held]) =>
      this.#remove(producerId, held, (batch) => batch.deadlineMs <= nowMs),
    )
  }

  takeAll(): HeldBatch<W>[] {
    return this.takeExpired(Number.POSITIVE_INFINITY)
  }

  #remove(
    producerId: ProducerId,
    held: readonly HeldBatch<W>[],
    isTaken: (batch: HeldBatch<W>) => boolean,
  ): HeldBatch<W>[] {
    const taken = held.filter(isTaken)
    if (taken.length === 0) return taken
    const kept = held.filter((batch) => !taken.includes(batch))
    if (kept.length === 0) this.#producers.delete(producerId)
    else this.#producers.set(producerId, kept)
    for (const batch of taken) this.#bytes -= batch.bytes.length
    return taken
  }
}
