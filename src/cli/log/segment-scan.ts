// The batches of one segment file of a partition, in order, with what is wrong with them: for `zw
// log dump`, which reads a log without opening it. Pure, over a source of bytes.
//
//   [batch][batch][batch]0000000000000        zeros: space that is prepared for the next batches

import { crc32c } from '../../protocol/crc32c.ts'
import {
  type BatchHeader,
  batchBytes,
  batchHeaderBytes,
  batchMagic,
  isControlBatch,
  isTransactional,
  knownMagic,
  readBatchHeader,
} from '../../protocol/mq/record-batch.ts'

export interface ByteSource {
  readonly sizeBytes: number
  /** Fewer bytes than requested only at the end. */
  read(at: number, length: number): Buffer
}

export type SegmentEntry =
  | {
      readonly type: 'batch'
      /** byte in the file */
      readonly at: number
      readonly header: BatchHeader
      readonly problems: readonly string[]
    }
  /** The bytes from here on are no batch; what follows them is not read. */
  | { readonly type: 'damage'; readonly at: number; readonly found: string }
  | { readonly type: 'end'; readonly at: number; readonly zeroBytes: number }

const chunkBytes = 1024 * 1024

export function* scanSegment(source: ByteSource): Generator<SegmentEntry> {
  let at = 0
  let nextOffset = Number.NEGATIVE_INFINITY
  for (;;) {
    const head = source.read(at, batchHeaderBytes)
    if (isZero(head)) {
      const dirty = firstNotZero(source, at)
      if (dirty === undefined) yield { type: 'end', at, zeroBytes: source.sizeBytes - at }
      else yield { type: 'damage', at, found: `zeros, and other bytes from byte ${dirty} on` }
      return
    }
    const found = problemOf(head, source.sizeBytes - at)
    if (found !== undefined) {
      yield { type: 'damage', at, found }
      return
    }
    const header = readBatchHeader(head)
    const problems: string[] = []
    if (!isIntact(source, at, header.sizeBytes, head)) problems.push('its checksum fails')
    if (header.baseOffset < nextOffset) problems.push(`offsets before ${nextOffset} are repeated`)
    if (header.recordCount > header.lastOffsetDelta + 1) problems.push('more records than offsets')
    yield { type: 'batch', at, header, problems }
    nextOffset = header.baseOffset + header.lastOffsetDelta + 1
    at += header.sizeBytes
  }
}

/** @returns why the bytes are no batch */
function problemOf(head: Buffer, leftBytes: number): string | undefined {
  if (head.length < batchHeaderBytes) return `a header that is cut short, of ${head.length} bytes`
  const magic = batchMagic(head, 0)
  if (magic !== knownMagic) return `no batch: its magic is ${magic}, wanted ${knownMagic}`
  const bytes = batchBytes(head, 0)
  if (bytes < batchHeaderBytes) return `no batch: its length is ${bytes}`
  if (bytes > leftBytes) return `a batch of ${bytes} bytes, of which ${leftBytes} are there`
  return undefined
}

/** Checksums begin behind the fields that the leader writes. */
const checkedFrom = 21
const crcAt = 17

function isIntact(source: ByteSource, at: number, length: number, head: Buffer): boolean {
  let crc = 0
  for (let from = checkedFrom; from < length; from += chunkBytes) {
    const chunk = source.read(at + from, Math.min(chunkBytes, length - from))
    crc = crc32c(chunk, 0, chunk.length, crc)
  }
  return crc === head.readUInt32BE(crcAt)
}

function firstNotZero(source: ByteSource, start: number): number | undefined {
  for (let at = start; at < source.sizeBytes; at += chunkBytes) {
    const chunk = source.read(at, chunkBytes)
    const found = chunk.findIndex((byte) => byte !== 0)
    if (found >= 0) return at + found
  }
  return undefined
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0)
}

/** `control`, `transactional` */
export function flagsOf(header: BatchHeader): readonly string[] {
  const flags: string[] = []
  if (isControlBatch(header)) flags.push('control')
  if (isTransactional(header)) flags.push('transactional')
  return flags
}
