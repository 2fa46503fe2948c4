// The last committed batch of each producer in each partition, as replicas show them. At the end of a
// life they are sent again: retention may have removed them, and still they must be recognised.

import { noProducer, readBatchHeader } from '../../../src/protocol/mq/record-batch.ts'

export class LastBatches {
  /** Compaction may have changed batches of the log. */
  isCompacted = false
  readonly #batches = new Map<number, Map<number, Buffer>>()

  keep(partition: number, batch: Buffer): void {
    const { producerId, baseOffset, lastOffsetDelta, recordCount } = readBatchHeader(batch)
    if (producerId === noProducer || recordCount !== lastOffsetDelta + 1) return
    const known = this.#batches.get(partition) ?? new Map<number, Buffer>()
    this.#batches.set(partition, known)
    const before = known.get(producerId)
    const isLater = before === undefined || readBatchHeader(before).baseOffset < baseOffset
    if (isLater) known.set(producerId, Buffer.from(batch))
  }

  /** An operator gave up committed records: they must not be recognised. */
  forget(partition: number): void {
    this.#batches.delete(partition)
  }

  of(partition: number): Iterable<Buffer> {
    return this.#batches.get(partition)?.values() ?? []
  }
}
