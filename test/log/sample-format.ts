// A small record format for the log's own tests, similar to that of transactions: records are
// aligned to 8 bytes and vouch for a durable position.
//
//   length u32 (whole) | crc32c u32 of what follows | first u32 | last u32 | durable + 1 u32 | payload

import type { Log } from '../../src/log/log.ts'
import { notARecord, otherVersion, type RecordFormat } from '../../src/log/record-format.ts'
import { crc32c } from '../../src/protocol/crc32c.ts'

export const sampleHeaderBytes = 20

export const sampleFormat: RecordFormat = {
  headerBytes: sampleHeaderBytes,
  alignmentBytes: 8,
  wholeLength(bytes, at) {
    const length = bytes.readUInt32LE(at)
    if (length === 0xffffffff) return otherVersion
    return length % 8 === 0 && (length === 0 || length >= sampleHeaderBytes) ? length : notARecord
  },
  firstPosition: (bytes, at) => bytes.readUInt32LE(at + 8),
  lastPosition: (bytes, at) => bytes.readUInt32LE(at + 12),
  isIntact: (bytes, at, length) =>
    bytes.readUInt32LE(at + 4) === crc32c(bytes, at + 8, at + length),
  durablePosition(bytes, at) {
    const durable = bytes.readUInt32LE(at + 16)
    return durable === 0 ? undefined : durable - 1
  },
}

export function sampleRecord(record: {
  readonly first: number
  readonly last?: number
  readonly durable?: number | undefined
  readonly payload?: Uint8Array
}): Buffer {
  const { first, last = first, durable, payload = Buffer.from(`record ${first}`) } = record
  const length = Math.ceil((sampleHeaderBytes + payload.length) / 8) * 8
  const bytes = Buffer.alloc(length)
  bytes.writeUInt32LE(length, 0)
  bytes.writeUInt32LE(first, 8)
  bytes.writeUInt32LE(last, 12)
  bytes.writeUInt32LE(durable === undefined ? 0 : durable + 1, 16)
  bytes.set(payload, sampleHeaderBytes)
  bytes.writeUInt32LE(crc32c(bytes, 8), 4)
  return bytes
}

/** First positions of all records in `log`, or of those from `from` on. */
export function positionsOf(log: Log, from = 0): number[] {
  const positions: number[] = []
  log.scan(from, (bytes, at) => {
    positions.push(sampleFormat.firstPosition(bytes, at))
    return true
  })
  return positions
}
