// Kafka's RecordBatch v2: the unit of produce requests, of segments and of fetches. The producer
// encodes it once, the leader fills in offset and epoch, and it is never encoded again.
//
//    0  i64  baseOffset            the leader writes it
//    8  i32  batchLength           bytes after this field
//   12  i32  partitionLeaderEpoch  the leader writes it
//   16  i8   magic                 2
//   17  u32  crc                   CRC32C of everything from byte 21 to the end
//   21  i16  attributes            bits 0-2 codec, 3 timestamp type, 4 transactional, 5 control
//   23  i32  lastOffsetDelta
//   27  i64  baseTimestamp         wall-clock ms
//   35  i64  maxTimestamp
//   43  i64  producerId            -1: none, and so for the next two
//   51  i16  producerEpoch
//   53  i32  baseSequence
//   57  i32  recordCount
//   61       records               compressed as one block if there is a codec: compression.ts
//
// All big-endian. The leader's fields precede the checksummed part, so the producer's checksum
// protects a batch from the producer's memory to the consumer's. Next on the path: records.ts for
// the records.

import { crc32c } from '../crc32c.ts'
import { ProtocolError } from '../error-codes.ts'
import {
  type Compressor,
  codecName,
  codecs,
  type Decompress,
  type OpenBlock,
} from './compression.ts'
import type { MqErrorCode } from './error-codes.ts'
import {
  areRecords,
  decodeRecords,
  encodeRecord,
  type MakeRecord,
  type MqRecord,
  type RecordHeader,
  recordBytesMax,
  type StoredRecord,
} from './records.ts'

export type { StoredRecord } from './records.ts'

/** A record's position in its partition, from 0; a plain number below 2^53, for arithmetic. */
export type Offset = number

/** From a block of /latest_producer_id_block; never reused in the cluster. */
export type ProducerId = number & { readonly __producerId: never }

export const noProducer = -1 as ProducerId

export const batchHeaderBytes = 61
const crcAt = 17
const checkedFrom = 21
const lengthFieldEnd = 12
const magicEnd = 17
/** What Kafka's oldest format needs behind the length field: less is no batch of any format. */
const oldOverheadBytes = 14
const magic = 2
const codecMask = 0x07
export const zstdCodec = codecs.zstd
const appendTimeBit = 0x08
const transactionalBit = 0x10
const controlBit = 0x20
/** The base timestamp is the time from which tombstones may go (KIP-534). */
const deleteHorizonBit = 0x40

export interface BatchHeader {
  readonly baseOffset: Offset
  /** header and records together */
  readonly sizeBytes: number
  readonly leaderEpoch: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestampMs: number
  readonly maxTimestampMs: number
  readonly producerId: ProducerId
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Size of the batch whose header begins at `at`; requires its first 12 bytes. */
export function batchBytes(bytes: Buffer, at: number): number {
  return lengthFieldEnd + bytes.readInt32BE(at + 8)
}

export function batchMagic(bytes: Buffer, at: number): number {
  return bytes.readInt8(at + 16)
}

export const knownMagic = magic

export function baseOffsetOf(bytes: Buffer, at: number): Offset {
  return readInt64(bytes, at)
}

export function leaderEpochOf(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + 12)
}

export function lastOffsetOf(bytes: Buffer, at: number): Offset {
  return readInt64(bytes, at) + bytes.readInt32BE(at + 23)
}

/** The latest timestamp of the batch's records. */
export function maxTimestampOf(bytes: Buffer, at: number): number {
  return readInt64(bytes, at + 27 + 8)
}

/** Gives all records of a batch the time of its append in place of their own. */
export function stampBatch(batch: Buffer, timestampMs: number): void {
  batch.writeInt16BE(batch.readInt16BE(checkedFrom) | appendTimeBit, checkedFrom)
  writeInt64(batch, timestampMs, 27 + 8)
  batch.writeUInt32BE(crc32c(batch, checkedFrom), crcAt)
}

/** From when on tombstones of the batch may be removed; undefined before its first compaction. */
export function deleteHorizonOf(batch: Buffer): number | undefined {
  const isSet = (batch.readInt16BE(checkedFrom) & deleteHorizonBit) !== 0
  return isSet ? readInt64(batch, 27) : undefined
}

/**
 * The batch with some of its records only. Its place, its offsets and its producer's sequence stay.
 *
 * @param compressor of the batch's own codec; without one the records are not compressed
 */
export function rebuiltBatch(
  batch: Buffer,
  records: readonly StoredRecord[],
  {
    horizonMs,
    compressor,
  }: { readonly horizonMs: number | undefined; readonly compressor?: Compressor | undefined },
): Buffer {
  const { baseOffset, baseTimestampMs, maxTimestampMs, attributes } = readBatchHeader(batch)
  const base = horizonMs ?? baseTimestampMs
  let bytesMax = 0
  let maxMs = -1
  for (const record of records) {
    bytesMax += recordBytesMax(record)
    maxMs = Math.max(maxMs, record.timestampMs)
  }
  const plain = Buffer.alloc(bytesMax)
  let end = 0
  for (const record of records) {
    const place = { offsetDelta: record.offset - baseOffset, baseTimestampMs: base }
    end = encodeRecord(plain, end, record, place)
  }
  const block = plain.subarray(0, end)
  const isCompressed = compressor !== undefined && records.length > 0
  const body = isCompressed ? compressor.compress(block) : block
  const rebuilt = Buffer.concat([batch.subarray(0, batchHeaderBytes), body])
  const codec = isCompressed ? codecs[compressor.name] : codecs.none
  const others = attributes & ~(codecMask | deleteHorizonBit)
  rebuilt.writeInt32BE(rebuilt.length - lengthFieldEnd, 8)
  rebuilt.writeInt16BE(
    others | codec | (horizonMs === undefined ? 0 : deleteHorizonBit),
    checkedFrom,
  )
  writeInt64(rebuilt, base, 27)
  writeInt64(rebuilt, records.length === 0 ? maxTimestampMs : maxMs, 35)
  rebuilt.writeInt32BE(records.length, 57)
  rebuilt.writeUInt32BE(crc32c(rebuilt, checkedFrom), crcAt)
  return rebuilt
}

/** Compression codec of the records; undefined if the header is cut short. */
export function batchCodec(bytes: Buffer): number | undefined {
  return bytes.length < batchHeaderBytes ? undefined : bytes.readInt16BE(checkedFrom) & codecMask
}

/** The same, of the batch at `at`, whose header is whole. */
export function batchCodecAt(bytes: Buffer, at: number): number {
  return bytes.readInt16BE(at + checkedFrom) & codecMask
}

/** Reads a header; requires all of its 61 bytes. */
export function readBatchHeader(bytes: Buffer, at = 0): BatchHeader {
  return {
    baseOffset: readInt64(bytes, at),
    sizeBytes: batchBytes(bytes, at),
    leaderEpoch: bytes.readInt32BE(at + 12),
    attributes: bytes.readInt16BE(at + checkedFrom),
    lastOffsetDelta: bytes.readInt32BE(at + 23),
    baseTimestampMs: readInt64(bytes, at + 27),
    maxTimestampMs: readInt64(bytes, at + 35),
    producerId: readInt64(bytes, at + 43) as ProducerId,
    producerEpoch: bytes.readInt16BE(at + 51),
    baseSequence: bytes.readInt32BE(at + 53),
    recordCount: bytes.readInt32BE(at + 57),
  }
}

/** Whether the checksum of the batch of `length` bytes at `at` holds. */
export function isBatchIntact(bytes: Buffer, at: number, length: number): boolean {
  return crc32c(bytes, at + checkedFrom, at + length) === bytes.readUInt32BE(at + crcAt)
}

/** Writes the leader's fields into a batch that is about to be appended. */
export function placeBatch(batch: Buffer, baseOffset: Offset, leaderEpoch: number): void {
  writeInt64(batch, baseOffset, 0)
  batch.writeInt32BE(leaderEpoch, 12)
}

export interface BatchProducer {
  readonly producerId: ProducerId
  readonly producerEpoch: number
  /** sequence of the first record; -1 without a producer id */
  readonly baseSequence: number
}

const firstRoomBytes = 512

/** Encodes records one by one as they are added, so that none has to be kept. */
export class BatchBuilder {
  #room: Buffer
  #end = batchHeaderBytes
  #count = 0
  #baseTimestampMs = 0
  #maxTimestampMs = 0

  /** @param bytes expected size; it grows beyond */
  constructor(bytes = firstRoomBytes) {
    this.#room = Buffer.allocUnsafe(Math.max(bytes, firstRoomBytes))
  }

  /** Of header and records, not compressed. */
  get bytes(): number {
    return this.#end
  }

  get count(): number {
    return this.#count
  }

  /** @param bytesMax from `recordBytesMax(record)` */
  add(record: MqRecord, bytesMax = recordBytesMax(record)): void {
    const { timestampMs } = record
    if (this.#count === 0) this.#baseTimestampMs = this.#maxTimestampMs = timestampMs
    else if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs
    this.#reserve(bytesMax)
    this.#end = encodeRecord(this.#room, this.#end, record, {
      offsetDelta: this.#count++,
      baseTimestampMs: this.#baseTimestampMs,
    })
  }

  /**
   * The batch, which has at least one record; nothing can be added afterwards. Records that
   * compression does not make smaller stay as they are.
   */
  seal(
    { producerId, producerEpoch, baseSequence }: BatchProducer,
    compressor?: Compressor,
  ): Buffer {
    const { batch, codec } = this.#packed(compressor)
    placeBatch(batch, 0, -1)
    batch.writeInt32BE(batch.length - lengthFieldEnd, 8)
    batch.writeInt8(magic, 16)
    batch.writeInt16BE(codec, checkedFrom)
    batch.writeInt32BE(this.#count - 1, 23)
    writeInt64(batch, this.#baseTimestampMs, 27)
    writeInt64(batch, this.#maxTimestampMs, 35)
    writeInt64(batch, producerId, 43)
    batch.writeInt16BE(producerEpoch, 51)
    batch.writeInt32BE(baseSequence, 53)
    batch.writeInt32BE(this.#count, 57)
    batch.writeUInt32BE(crc32c(batch, checkedFrom), crcAt)
    return batch
  }

  #packed(compressor: Compressor | undefined): { readonly batch: Buffer; readonly codec: number } {
    const plain = this.#room.subarray(0, this.#end)
    if (compressor === undefined) return { batch: plain, codec: codecs.none }
    const records = compressor.compress(plain.subarray(batchHeaderBytes))
    if (records.length >= plain.length - batchHeaderBytes)
      return { batch: plain, codec: codecs.none }
    plain.set(records, batchHeaderBytes)
    const batch = plain.subarray(0, batchHeaderBytes + records.length)
    return { batch, codec: codecs[compressor.name] }
  }

  #reserve(bytes: number): void {
    const wanted = this.#end + bytes
    if (wanted <= this.#room.length) return
    const room = Buffer.allocUnsafe(Math.max(wanted, 2 * this.#room.length))
    this.#room.copy(room, 0, 0, this.#end)
    this.#room = room
  }
}

export interface NewBatch extends BatchProducer {
  /** at least one */
  readonly records: readonly MqRecord[]
}

export function encodeBatch(batch: NewBatch, compressor?: Compressor): Buffer {
  const builder = new BatchBuilder()
  for (const record of batch.records) builder.add(record)
  return builder.seal(batch, compressor)
}

/**
 * The records of the whole batch at `at`, with keys and values as views.
 *
 * @throws ProtocolError if its records are malformed, or compressed and `decompress` is missing
 */
export function decodeBatch(bytes: Buffer, at = 0, decompress?: Decompress): StoredRecord[] {
  return decodeBatchAs(bytes, at, decompress, storedRecord)
}

function storedRecord(
  offset: Offset,
  timestampMs: number,
  key: Buffer | null,
  value: Buffer | null,
  headers: readonly RecordHeader[],
): StoredRecord {
  return { offset, timestampMs, key, value, headers }
}

/** The same, with records as `make` makes them. */
export function decodeBatchAs<T>(
  bytes: Buffer,
  at: number,
  decompress: Decompress | undefined,
  make: MakeRecord<T>,
): T[] {
  const header = readBatchHeader(bytes, at)
  const { attributes, baseOffset, baseTimestampMs } = header
  const codec = attributes & codecMask
  const [start, end] = [at + batchHeaderBytes, at + header.sizeBytes]
  const place = {
    count: header.recordCount,
    baseOffset,
    lastOffset: baseOffset + header.lastOffsetDelta,
    baseTimestampMs,
    timestampMs: isAppendTime(header) ? header.maxTimestampMs : undefined,
  }
  if (codec === codecs.none) return decodeRecords(bytes, start, end, place, make)
  if (decompress === undefined) {
    const found = `compression codec ${codecName(codec) ?? codec}`
    throw new ProtocolError(`Cannot read a record batch: ${found}`)
  }
  const records = decompress(codec, bytes.subarray(start, end))
  return decodeRecords(records, 0, records.length, place, make)
}

/** Whether the leader's clock gave all records the batch's largest timestamp. */
export function isAppendTime({ attributes }: BatchHeader): boolean {
  return (attributes & appendTimeBit) !== 0
}

/** Whether the batch holds no records of a producer, but a mark that a broker wrote. */
export function isControlBatch({ attributes }: BatchHeader): boolean {
  return (attributes & controlBit) !== 0
}

export function isTransactional({ attributes }: BatchHeader): boolean {
  return (attributes & transactionalBit) !== 0
}

export function codecOf({ attributes }: BatchHeader): number {
  return attributes & codecMask
}

/** Calls `visit` for each whole batch; the batches lie back to back in `bytes`. */
export function forEachBatch(bytes: Buffer, visit: (at: number, length: number) => void): void {
  let at = 0
  while (at + batchHeaderBytes <= bytes.length) {
    const length = batchBytes(bytes, at)
    if (length < batchHeaderBytes || at + length > bytes.length) return
    visit(at, length)
    at += length
  }
}

export interface BatchProblem {
  readonly code: MqErrorCode
  readonly message: string
}

/**
 * The errors are those of Kafka, in its order (LogValidator, DefaultRecordBatch and UnifiedLog, 3.9); only
 * for an unknown codec and for a damaged block does it have no error of its own.
 *
 * @param openBlock undefined: compressed records are not checked
 * @returns why the bytes of a produce request may not be appended; undefined if they may
 */
export function batchProblem(
  bytes: Buffer,
  batchBytesMax: number,
  openBlock?: OpenBlock,
): BatchProblem | undefined {
  const refuse = (code: MqErrorCode, found: string): BatchProblem => {
    return { code, message: `Cannot append a record batch: ${found}` }
  }
  if (bytes.length < lengthFieldEnd) return refuse('INVALID_RECORD', 'there is none')
  const sizeBytes = batchBytes(bytes, 0)
  if (sizeBytes < lengthFieldEnd + oldOverheadBytes) {
    return refuse('CORRUPT_MESSAGE', `its size is ${sizeBytes}`)
  }
  if (bytes.length < magicEnd) return refuse('INVALID_RECORD', 'it is cut short')
  const found = batchMagic(bytes, 0)
  if (found < 0 || found > magic) return refuse('CORRUPT_MESSAGE', `its magic is ${found}`)
  if (sizeBytes > bytes.length) return refuse('INVALID_RECORD', 'it is cut short')
  if (found !== magic) return refuse('INVALID_RECORD', `its magic is ${found}, wanted ${magic}`)
  if (sizeBytes < bytes.length) {
    return refuse('INVALID_RECORD', 'the request must hold exactly one batch')
  }
  if (baseOffsetOf(bytes, 0) !== 0) {
    return refuse('INVALID_RECORD', `its base offset is ${baseOffsetOf(bytes, 0)}, not 0`)
  }
  if (bytes.length > batchBytesMax) {
    const most = `at most ${batchBytesMax} are allowed`
    return refuse('MESSAGE_TOO_LARGE', `it has ${bytes.length} bytes, ${most}`)
  }
  if (sizeBytes < batchHeaderBytes) return refuse('CORRUPT_MESSAGE', 'its header is cut short')
  const header = readBatchHeader(bytes)
  if (!isBatchIntact(bytes, 0, bytes.length)) return refuse('CORRUPT_MESSAGE', 'its checksum fails')
  if (header.recordCount < 1 || header.lastOffsetDelta !== header.recordCount - 1) {
    return refuse('INVALID_RECORD', 'its record count is wrong')
  }
  if ((header.attributes & controlBit) !== 0) {
    return refuse('INVALID_RECORD', 'only a broker writes control batches')
  }
  if ((header.attributes & transactionalBit) !== 0) {
    return refuse('INVALID_TXN_STATE', 'it is transactional, and there are no transactions')
  }
  const codec = header.attributes & codecMask
  if (codecName(codec) === undefined) {
    return refuse('UNSUPPORTED_COMPRESSION_TYPE', `its codec is ${codec}`)
  }
  const { producerId, producerEpoch, baseSequence } = header
  if (!Number.isSafeInteger(producerId) || producerId < noProducer) {
    return refuse('INVALID_RECORD', 'its producer id is out of range')
  }
  if (producerId !== noProducer && (producerEpoch < 0 || baseSequence < 0)) {
    return refuse('INVALID_RECORD', 'it has a producer id but no sequence')
  }
  // A batch that cannot be decoded is refused: it would stop every consumer.
  const { recordCount } = header
  if (codec === codecs.none) {
    if (areRecords(bytes, batchHeaderBytes, bytes.length, recordCount)) return undefined
    return refuse('INVALID_RECORD', 'its records cannot be decoded')
  }
  try {
    const records = openBlock?.(codec, bytes.subarray(batchHeaderBytes))
    if (records === undefined || areRecords(records, 0, records.length, recordCount)) {
      return undefined
    }
    return refuse('INVALID_RECORD', 'its compressed records cannot be decoded')
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return refuse('INVALID_RECORD', error.message)
  }
}

function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
}

function writeInt64(bytes: Buffer, value: number, at: number): void {
  bytes.writeInt32BE(Math.floor(value / 2 ** 32), at)
  bytes.writeUInt32BE(value >>> 0, at + 4)
}
