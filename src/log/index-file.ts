// The file with a segment's index, beside the segment: what a start would otherwise read all of the
// segment for. It is only ever about records that are durable, and saves time, nothing else: it is not
// synced, and where it is missing or fails its checksums, the segment itself is read.
//
//   0000000300000001.index
//
//   +--------+-------+---------+-------+-----------------+---------+----------+----------+
//   | ‹ZWIX› | crc32c| version | count | crc32c, entries | isFull  | first …  | … entries|
//   +--------+-------+---------+-------+-----------------+---------+----------+----------+
//   0        4       8         12      16                20        24         72
//
// The header is replaced in place once further entries are behind it, so that a crash leaves an older
// header, a newer one, or one that fails. A file is removed, durably, before its segment is cut or
// replaced: otherwise a crash could leave the index of other records.

import { crc32c } from '../protocol/crc32c.ts'
import type { Position } from './record-format.ts'
import type { LogDirectory, SegmentFile } from './segment-file.ts'
import { entryNumbers } from './segment-index.ts'

const magic = 0x5a574958
const formatVersion = 1
const headerBytes = 72
const entryBytes = entryNumbers * Float64Array.BYTES_PER_ELEMENT
const suffix = '.index'

/** What the file says of the segment up to a record's end. */
export interface IndexHeader {
  readonly count: number
  readonly entriesCrc: number
  /** byte offset of the last entry's record */
  readonly lastOffset: number
  /** The segment ends here. */
  readonly isFull: boolean
  readonly firstPosition: Position
  readonly lastPosition: Position
  readonly endBytes: number
  readonly firstMs: number
  readonly maxMs: number
}

export function indexName(segmentName: string): string {
  return segmentName.replace(/\.segment$/, suffix)
}

export function isIndexName(name: string): boolean {
  return name.endsWith(suffix)
}

/** @returns undefined if there is none that can be used */
export function readIndexHeader(directory: LogDirectory, name: string): IndexHeader | undefined {
  return reading(directory, name, (file) => {
    const bytes = Buffer.alloc(headerBytes)
    return file.read(bytes, 0) === headerBytes ? decodeHeader(bytes) : undefined
  })
}

/** The entries of that header. @returns undefined if they fail their checksum */
export function readIndexEntries(
  directory: LogDirectory,
  name: string,
  { count, entriesCrc }: Pick<IndexHeader, 'count' | 'entriesCrc'>,
): Float64Array | undefined {
  return reading(directory, name, (file) => {
    const numbers = new Float64Array(count * entryNumbers)
    const bytes = bytesOf(numbers)
    const isWhole = file.read(bytes, headerBytes) === bytes.length
    return isWhole && crc32c(bytes) === entriesCrc ? numbers : undefined
  })
}

/**
 * Adds entries behind those that the file has, and replaces its header.
 *
 * @param known the header of the file; undefined: it begins anew
 * @throws what the file system throws
 */
export function writeIndex(
  directory: LogDirectory,
  name: string,
  known: Pick<IndexHeader, 'count' | 'entriesCrc' | 'lastOffset'> | undefined,
  more: Float64Array,
  facts: Omit<IndexHeader, 'count' | 'entriesCrc' | 'lastOffset'>,
): IndexHeader {
  const { count: before, entriesCrc: seed } = known ?? { count: 0, entriesCrc: 0 }
  const bytes = bytesOf(more)
  const { isFull, firstPosition, lastPosition, endBytes, firstMs, maxMs } = facts
  const header = {
    count: before + more.length / entryNumbers,
    entriesCrc: crc32c(bytes, 0, bytes.length, seed),
    lastOffset: more.at(1 - entryNumbers) ?? known?.lastOffset ?? 0,
    isFull,
    firstPosition,
    lastPosition,
    endBytes,
    firstMs,
    maxMs,
  }
  const file = known === undefined ? directory.create(name) : directory.open(name)
  try {
    if (bytes.length > 0) file.write(bytes, headerBytes + before * entryBytes)
    file.write(encodeHeader(header), 0)
  } finally {
    file.close()
  }
  return header
}

function encodeHeader(header: IndexHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes)
  bytes.writeUInt32BE(magic, 0)
  bytes.writeUInt32LE(formatVersion, 8)
  bytes.writeUInt32LE(header.count, 12)
  bytes.writeUInt32LE(header.entriesCrc, 16)
  bytes.writeUInt32LE(header.isFull ? 1 : 0, 20)
  bytes.writeDoubleLE(header.firstPosition, 24)
  bytes.writeDoubleLE(header.lastPosition, 32)
  bytes.writeDoubleLE(header.endBytes, 40)
  bytes.writeDoubleLE(header.firstMs, 48)
  bytes.writeDoubleLE(header.maxMs, 56)
  bytes.writeDoubleLE(header.lastOffset, 64)
  bytes.writeUInt32LE(crc32c(bytes, 8), 4)
  return bytes
}

function decodeHeader(bytes: Buffer): IndexHeader | undefined {
  if (bytes.readUInt32BE(0) !== magic || bytes.readUInt32LE(8) !== formatVersion) return undefined
  if (bytes.readUInt32LE(4) !== crc32c(bytes, 8)) return undefined
  return {
    count: bytes.readUInt32LE(12),
    entriesCrc: bytes.readUInt32LE(16),
    isFull: bytes.readUInt32LE(20) === 1,
    firstPosition: bytes.readDoubleLE(24),
    lastPosition: bytes.readDoubleLE(32),
    endBytes: bytes.readDoubleLE(40),
    firstMs: bytes.readDoubleLE(48),
    maxMs: bytes.readDoubleLE(56),
    lastOffset: bytes.readDoubleLE(64),
  }
}

/** A file that cannot be read is as good as none. */
function reading<T>(
  directory: LogDirectory,
  name: string,
  read: (file: SegmentFile) => T | undefined,
): T | undefined {
  let file: SegmentFile | undefined
  try {
    file = directory.open(name)
    return read(file)
  } catch {
    return undefined
  } finally {
    file?.close()
  }
}

/** Little-endian, as on every machine that Node runs on. */
function bytesOf(numbers: Float64Array): Buffer {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength)
}
