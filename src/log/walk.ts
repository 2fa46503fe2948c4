// Walks from record to record, by their lengths, over bytes that are read one chunk at a time.

import { notARecord, otherVersion, type RecordFormat } from './record-format.ts'

const chunkBytesDefault = 256 * 1024

/**
 * Receives one whole record: `bytes[at, at + length)`, at byte `offset` of its segment.
 *
 * @returns whether to continue. `bytes` is reused for the next chunk only if `read` does that.
 */
export type RecordVisitor = (bytes: Buffer, at: number, length: number, offset: number) => boolean

/**
 * Why a walk ended: no room for another header, a zero length, no record, or the visitor stopped
 * it.
 */
export type WalkEnd = 'end' | 'zero' | 'not a record' | 'other version' | 'told'

/**
 * Visits the records in bytes [start, end).
 *
 * @param read returns the bytes from an offset on: `bytes` of them, or another number as long as it is
 *   not less than a header or a record that was asked for; fewer than that at the end
 * @returns the offset of the record at which the walk ended
 */
export function walkRecords(
  read: (offset: number, bytes: number) => Buffer,
  format: RecordFormat,
  range: { readonly start: number; readonly end: number; readonly chunkBytes?: number },
  visit: RecordVisitor,
): { readonly offset: number; readonly ended: WalkEnd } {
  const { start, end, chunkBytes = chunkBytesDefault } = range
  const chunkAt = (offset: number, bytes: number) =>
    read(offset, Math.max(0, Math.min(bytes, end - offset)))
  let chunk = chunkAt(start, chunkBytes)
  let chunkOffset = start
  for (let offset = start; ; ) {
    if (offset + format.headerBytes > chunkOffset + chunk.length) {
      chunk = chunkAt(offset, chunkBytes)
      chunkOffset = offset
      if (chunk.length < format.headerBytes) return { offset, ended: 'end' }
    }
    const length = format.wholeLength(chunk, offset - chunkOffset)
    if (length === 0) return { offset, ended: 'zero' }
    if (length === otherVersion) return { offset, ended: 'other version' }
    if (length === notARecord || offset + length > end) return { offset, ended: 'not a record' }
    if (offset + length > chunkOffset + chunk.length) {
      chunk = chunkAt(offset, Math.max(chunkBytes, length))
      chunkOffset = offset
      if (chunk.length < length) return { offset, ended: 'not a record' }
    }
    if (!visit(chunk, offset - chunkOffset, length, offset)) return { offset, ended: 'told' }
    offset += length
  }
}
