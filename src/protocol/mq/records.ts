// The records inside a RecordBatch v2, once they are decompressed. `zz` is a zigzag varint:
//
//   length zz | attributes i8 = 0 | timestampDelta zz | offsetDelta zz
//   | keyLength zz, key | valueLength zz, value | headerCount zz
//   | per header: keyLength zz, key, valueLength zz, value          length -1: null
//
// Numbers beyond 2^53 are refused, as this project never writes them.

import { ProtocolError } from '../error-codes.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

export interface MqRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** the producer's wall clock when it created the record */
  readonly timestampMs: number
  /** keys may repeat; the order is kept */
  readonly headers: readonly RecordHeader[]
}

/** A record as a consumer gets it. */
export interface StoredRecord extends MqRecord {
  readonly offset: number
}

/** What a batch's header says about its records. */
export interface RecordsPlace {
  readonly count: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly baseTimestampMs: number
  /** of every record, in place of its own */
  readonly timestampMs: number | undefined
}

const varintBytesMax = 10
const noKeys: readonly Buffer[] = []
const noHeaders: readonly RecordHeader[] = Object.freeze([])

/** An upper bound of the record's encoded size. */
export function recordBytesMax({ key, value, headers }: MqRecord): number {
  let bytes = 6 * varintBytesMax + 1 + (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) {
    bytes += 2 * varintBytesMax + header.key.length * 3 + (header.value?.length ?? 0)
  }
  return bytes
}

/** Writes one record at `at`. @returns where it ends */
export function encodeRecord(
  into: Buffer,
  at: number,
  { key, value, timestampMs, headers }: MqRecord,
  place: { readonly offsetDelta: number; readonly baseTimestampMs: number },
): number {
  const headerKeys =
    headers.length === 0 ? noKeys : headers.map((header) => Buffer.from(header.key, 'utf8'))
  const timestampDelta = timestampMs - place.baseTimestampMs
  let length =
    1 +
    varintBytes(timestampDelta) +
    varintBytes(place.offsetDelta) +
    blobBytes(key) +
    blobBytes(value) +
    varintBytes(headers.length)
  for (let i = 0; i < headerKeys.length; i++) {
    length += blobBytes(headerKeys[i] ?? null) + blobBytes(headers[i]?.value ?? null)
  }
  let end = writeVarint(into, at, length)
  into[end++] = 0
  end = writeVarint(into, end, timestampDelta)
  end = writeVarint(into, end, place.offsetDelta)
  end = writeBlob(into, end, key)
  end = writeBlob(into, end, value)
  end = writeVarint(into, end, headers.length)
  for (let i = 0; i < headerKeys.length; i++) {
    end = writeBlob(into, end, headerKeys[i] ?? null)
    end = writeBlob(into, end, headers[i]?.value ?? null)
  }
  return end
}

/** Makes a caller's record from what was read: keys and values are views. */
export type MakeRecord<T> = (
  offset: number,
  timestampMs: number,
  key: Buffer | null,
  value: Buffer | null,
  headers: readonly RecordHeader[],
) => T

/**
 * Reads the records in `bytes[start, end)`.
 *
 * @throws ProtocolError if they are malformed or leave bytes over
 */
export function decodeRecords<T>(
  bytes: Buffer,
  start: number,
  end: number,
  place: RecordsPlace,
  make: MakeRecord<T>,
): T[] {
  const reader = new RecordReader(bytes, start, end)
  const records: T[] = []
  let next = place.baseOffset
  const makeInOrder: MakeRecord<T> = (offset, timestampMs, key, value, headers) => {
    // Compaction leaves gaps. An offset of another batch would mislead a consumer's position.
    if (offset < next || offset > place.lastOffset) throw malformed()
    next = offset + 1
    return make(offset, timestampMs, key, value, headers)
  }
  for (let i = 0; i < place.count; i++) records.push(reader.record(place, makeInOrder))
  if (!reader.atEnd) throw new ProtocolError('Cannot read a record batch: it has bytes left over')
  return records
}

/**
 * Whether `bytes[start, end)` are `count` records that `decodeRecords` would accept, with offset
 * deltas 0, 1, 2 …; allocates nothing.
 */
export function areRecords(bytes: Buffer, start: number, end: number, count: number): boolean {
  const reader = new RecordReader(bytes, start, end)
  try {
    for (let i = 0; i < count; i++) if (reader.skipRecord() !== i) return false
    return reader.atEnd
  } catch {
    return false
  }
}

class RecordReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get atEnd(): boolean {
    return this.#at === this.#end
  }

  record<T>({ baseOffset, baseTimestampMs, timestampMs }: RecordsPlace, make: MakeRecord<T>): T {
    const length = this.#varint()
    const recordEnd = this.#at + length
    if (length < 0 || recordEnd > this.#end) throw malformed()
    this.#take(1) // attributes: unused
    const ownTimestampMs = baseTimestampMs + this.#varint()
    const offset = baseOffset + this.#varint()
    const key = this.#blob()
    const value = this.#blob()
    const headerCount = this.#varint()
    // A header takes at least two bytes: a count that cannot be true is refused before allocating.
    if (headerCount < 0 || headerCount * 2 > recordEnd - this.#at) throw malformed()
    const headers = headerCount === 0 ? noHeaders : this.#headers(headerCount)
    if (this.#at !== recordEnd) throw malformed()
    return make(offset, timestampMs ?? ownTimestampMs, key, value, headers)
  }

  #headers(count: number): RecordHeader[] {
    const headers: RecordHeader[] = []
    for (let i = 0; i < count; i++) {
      const key = this.#blob()
      if (key === null) throw malformed()
      headers.push({ key: key.toString('utf8'), value: this.#blob() })
    }
    return headers
  }

  /** @returns the record's offset delta */
  skipRecord(): number {
    const length = this.#varint()
    const recordEnd = this.#at + length
    if (length < 0 || recordEnd > this.#end) throw malformed()
    this.#take(1)
    this.#varint()
    const offsetDelta = this.#varint()
    this.#skipBlob()
    this.#skipBlob()
    const headerCount = this.#varint()
    if (headerCount < 0) throw malformed()
    for (let i = 0; i < headerCount; i++) {
      if (this.#skipBlob() === -1) throw malformed()
      this.#skipBlob()
    }
    if (this.#at !== recordEnd) throw malformed()
    return offsetDelta
  }

  #take(count: number): number {
    const at = this.#at
    if (at + count > this.#end) throw malformed()
    this.#at = at + count
    return at
  }

  #blob(): Buffer | null {
    const length = this.#varint()
    if (length === -1) return null
    if (length < 0) throw malformed()
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** @returns its length, -1 for null */
  #skipBlob(): number {
    const length = this.#varint()
    if (length < -1) throw malformed()
    if (length > 0) this.#take(length)
    return length
  }

  #varint(): number {
    const first = this.#bytes[this.#at]
    if (first !== undefined && first < 0x80 && this.#at < this.#end) {
      this.#at++
      return (first >>> 1) ^ -(first & 1)
    }
    let unsigned = 0
    let scale = 1
    for (let i = 0; i < varintBytesMax; i++) {
      const byte = this.#bytes[this.#take(1)] as number
      unsigned += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (unsigned > Number.MAX_SAFE_INTEGER) break
        return unsigned % 2 === 0 ? unsigned / 2 : -(unsigned + 1) / 2
      }
      scale *= 128
    }
    throw malformed()
  }
}

function malformed(): ProtocolError {
  return new ProtocolError('Cannot read a record batch: its records are malformed')
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}

function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = zigzag(value); rest >= 128; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

function writeVarint(into: Buffer, at: number, value: number): number {
  let end = at
  let rest = zigzag(value)
  while (rest >= 128) {
    into[end++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  into[end++] = rest
  return end
}

function blobBytes(blob: Uint8Array | null): number {
  return blob === null ? 1 : varintBytes(blob.length) + blob.length
}

function writeBlob(into: Buffer, at: number, blob: Uint8Array | null): number {
  if (blob === null) return writeVarint(into, at, -1)
  const start = writeVarint(into, at, blob.length)
  into.set(blob, start)
  return start + blob.length
}
