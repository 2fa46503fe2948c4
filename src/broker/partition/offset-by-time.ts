// The first record of a log with at least a given timestamp. The log finds its batch by the time index
// (log/segment-index.ts); the records in it are decoded, and decompressed if they have to be.

import type { Compression, Compressor, Decompress } from '../../protocol/mq/compression.ts'
import { codecName } from '../../protocol/mq/compression.ts'
import {
  batchCodecAt,
  decodeBatch,
  lastOffsetOf,
  type Offset,
  readBatchHeader,
} from '../../protocol/mq/record-batch.ts'
import type { PartitionLog } from './partition-log.ts'

/** The libraries that decompress; one that is missing fails to load. */
export interface Decompression {
  load(name: Compression): Promise<Compressor>
  readonly decompress: Decompress
}

export interface FoundByTime {
  readonly offset: Offset
  readonly timestampMs: number
}

/**
 * @param range the record lies at or after `start`, and before `end`
 * @returns for a batch that cannot be decompressed, its beginning, as consumers then skip nothing
 */
export async function offsetByTime(
  log: Pick<PartitionLog, 'scanFromTime'>,
  timestampMs: number,
  { start, end }: { readonly start: Offset; readonly end: Offset },
  decompression: Decompression,
): Promise<FoundByTime | undefined> {
  for (let from = start; from < end; ) {
    const batch = nextBatch(log, timestampMs, from)
    if (batch === undefined) return undefined
    const records = await recordsOf(batch, decompression)
    const found = records.find((each) => each.timestampMs >= timestampMs && each.offset >= from)
    if (found !== undefined) {
      const { offset } = found
      return offset < end ? { offset, timestampMs: found.timestampMs } : undefined
    }
    from = lastOffsetOf(batch, 0) + 1
  }
  return undefined
}

/** A copy: the log may change while the batch is decompressed. */
function nextBatch(
  log: Pick<PartitionLog, 'scanFromTime'>,
  timestampMs: number,
  from: Offset,
): Buffer | undefined {
  let found: Buffer | undefined
  log.scanFromTime(timestampMs, (batch) => {
    if (lastOffsetOf(batch, 0) < from) return true
    found = Buffer.from(batch)
    return false
  })
  return found
}

async function recordsOf(batch: Buffer, decompression: Decompression) {
  const codec = codecName(batchCodecAt(batch, 0))
  try {
    if (codec !== undefined && codec !== 'none') await decompression.load(codec)
    return decodeBatch(batch, 0, decompression.decompress)
  } catch {
    // Not a failure of the look-up: the library is optional, and the producer chose the codec.
    const { baseOffset: offset, maxTimestampMs: timestampMs } = readBatchHeader(batch)
    return [{ offset, timestampMs }]
  }
}
