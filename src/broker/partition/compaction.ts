// Compaction of a partition's log: of each key, the last record is kept. Pure; compactor.ts reads
// the log and replaces its segments.
//
//   before   k1:a  k2:b  k1:c │ k3:d  k2:–  k1:e │ active …        k2:– is a tombstone
//   after                     │ k3:d  k2:–  k1:e │ active …        offsets stay, with gaps
//
// A tombstone stays for `delete.retention.ms` after its first compaction, so that every consumer that
// reads from the beginning meanwhile learns of the deletion. That time is written into its batch, as
// in KIP-534. A batch without records goes, unless it is the last of its producer: a reader of the
// log learns the producer's sequence from its header. Records without a key go, as in Kafka.

import type { Compressor, Decompress } from '../../protocol/mq/compression.ts'
import {
  decodeBatch,
  deleteHorizonOf,
  type Offset,
  type ProducerId,
  readBatchHeader,
  rebuiltBatch,
  type StoredRecord,
} from '../../protocol/mq/record-batch.ts'

/** The last offset of each key in the part of a log that is new since its last compaction. */
export class LatestOffsets {
  readonly #offsets = new Map<string, Offset>()

  get keyCount(): number {
    return this.#offsets.size
  }

  add(records: readonly StoredRecord[]): void {
    for (const { key, offset } of records) {
      if (key !== null) this.#offsets.set(nameOf(key), offset)
    }
  }

  /** Whether no later record has its key, as far as known. */
  isLatest({ key, offset }: StoredRecord): boolean {
    return key !== null && offset >= (this.#offsets.get(nameOf(key)) ?? offset)
  }
}

export interface CompactionRules {
  readonly latest: LatestOffsets
  /** in the time of the records' timestamps */
  readonly nowMs: number
  readonly deleteRetentionMs: number
  /** Whether this is the last batch of its producer in the log. */
  isLastOf(producerId: ProducerId, lastOffset: Offset): boolean
}

/** The libraries that a batch's codec needs. */
export interface BatchCodec {
  readonly decompress: Decompress
  /** undefined: the batch is not compressed */
  readonly compressor: Compressor | undefined
}

/**
 * @param batch whole, at the start of the buffer
 * @returns what is left of it: all of it, a smaller batch, or undefined for nothing
 * @throws ProtocolError if its records cannot be decoded
 */
export function compacted(
  batch: Buffer,
  rules: CompactionRules,
  { decompress, compressor }: BatchCodec,
): Buffer | undefined {
  const header = readBatchHeader(batch)
  const lastOffset = header.baseOffset + header.lastOffsetDelta
  const records = header.recordCount === 0 ? [] : decodeBatch(batch, 0, decompress)
  const horizonMs = deleteHorizonOf(batch)
  const isOver = horizonMs !== undefined && rules.nowMs > horizonMs
  const kept = records.filter(
    (each) => rules.latest.isLatest(each) && !(each.value === null && isOver),
  )
  if (kept.length === 0) {
    if (!rules.isLastOf(header.producerId, lastOffset)) return undefined
    return records.length === 0 ? batch : rebuiltBatch(batch, [], { horizonMs: undefined })
  }
  const hasTombstone = kept.some(({ value }) => value === null)
  const newHorizonMs = hasTombstone
    ? (horizonMs ?? rules.nowMs + rules.deleteRetentionMs)
    : undefined
  if (kept.length === records.length && newHorizonMs === horizonMs) return batch
  return rebuiltBatch(batch, kept, { horizonMs: newHorizonMs, compressor })
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}
