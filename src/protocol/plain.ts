// Messages that are not hot, as values that msgpackr packs and unpacks. Incoming bytes are scanned
// first, so that the cost of unpacking is bounded by their length, and every failure is a
// ProtocolError.
// Next on the path: fields.ts, which defines the values of a message.

import { Packr, RESET_BUFFER_MODE, Unpackr } from 'msgpackr'
import { limits } from '../limits.ts'
import type { ByteWriter } from './byte-writer.ts'
import { ProtocolError } from './error-codes.ts'
import { MsgpackReader } from './msgpack.ts'

/** The values in our messages. There are no maps, so no key can reach a prototype. */
export type Plain = null | boolean | number | string | Uint8Array | readonly Plain[]

const packr = new Packr({ useRecords: false })
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' })

/**
 * Without its native addon, msgpackr decodes longer texts with a TextDecoder, which drops a leading
 * byte order mark; a znode's name may begin with one.
 */
const shortTextBytes = 64
const byteOrderMark = 0xefbbbf

export function writePlain(out: ByteWriter, value: Plain): void {
  // The packed bytes are copied immediately, so msgpackr may reuse its buffer.
  out.raw(packr.pack(value, RESET_BUFFER_MODE))
}

/** Writes the values one after the other, without an array header. */
export function writePlains(out: ByteWriter, values: readonly Plain[]): void {
  for (const value of values) writePlain(out, value)
}

/**
 * Reads the rest of a message as exactly `count` values. Bytes in them are views.
 *
 * @throws ProtocolError
 */
export function readPlains(reader: MsgpackReader, count: number): readonly Plain[] {
  const bytes = reader.takeRest()
  const { hasMark } = scan(bytes, count)
  if (count === 0) return []
  if (hasMark) {
    const values = new MsgpackReader().reset(bytes, 0, bytes.length)
    return Array.from({ length: count }, () => readValue(values))
  }
  try {
    return unpackr.unpackMultiple(bytes)
  } catch (cause) {
    throw new ProtocolError('Cannot decode a msgpack value: it is malformed', { cause })
  }
}

/**
 * Walks `count` values without building them. Refuses deep nesting, arrays longer than the
 * remaining bytes, missing or extra bytes, and types that our messages do not use: maps, extensions
 * and short floats.
 *
 * @returns whether a text begins with a byte order mark and is long enough to lose it
 */
function scan(bytes: Buffer, count: number): { readonly hasMark: boolean } {
  let at = 0
  let hasMark = false
  /** How many values remain at each depth. */
  const left: number[] = [count]
  const skip = (length: number): number => {
    const start = at
    at += length
    if (at > bytes.length) throw malformed('it ends too early')
    return start
  }
  const text = (length: number): void => {
    const start = skip(length)
    if (length > shortTextBytes && bytes.readUIntBE(start, 3) === byteOrderMark) hasMark = true
  }
  const open = (length: number): void => {
    // Each value takes at least one byte, so a larger count is refused before allocating.
    if (length > bytes.length - at) throw malformed(`${length} elements do not fit the message`)
    if (left.length > limits.msgpackDepthMax) throw malformed('it is nested too deeply')
    left.push(length)
  }
  while (left.length > 0) {
    const depth = left.length - 1
    const remaining = left[depth] ?? 0
    if (remaining === 0) {
      left.pop()
      continue
    }
    left[depth] = remaining - 1
    const byte = bytes.readUInt8(skip(1))
    if (byte < 0x80 || byte >= 0xe0 || byte === 0xc0 || byte === 0xc2 || byte === 0xc3) continue
    if (byte >= 0x90 && byte < 0xa0) open(byte & 0x0f)
    else if (byte >= 0xa0 && byte < 0xc0) skip(byte & 0x1f)
    else if (byte === 0xc4) skip(bytes.readUInt8(skip(1)))
    else if (byte === 0xc5) skip(bytes.readUInt16BE(skip(2)))
    else if (byte === 0xc6) skip(bytes.readUInt32BE(skip(4)))
    else if (byte === 0xd9) text(bytes.readUInt8(skip(1)))
    else if (byte === 0xda) text(bytes.readUInt16BE(skip(2)))
    else if (byte === 0xdb) text(bytes.readUInt32BE(skip(4)))
    else if (byte === 0xcc || byte === 0xd0) skip(1)
    else if (byte === 0xcd || byte === 0xd1) skip(2)
    else if (byte === 0xce || byte === 0xd2) skip(4)
    else if (byte === 0xcf || byte === 0xd3 || byte === 0xcb) skip(8)
    else if (byte === 0xdc) open(bytes.readUInt16BE(skip(2)))
    else if (byte === 0xdd) open(bytes.readUInt32BE(skip(4)))
    else throw malformed(`byte 0x${byte.toString(16)} begins no value of a message`)
  }
  if (at !== bytes.length) throw malformed(`${bytes.length - at} bytes too many`)
  return { hasMark }
}

/** Reads a value as msgpackr does, but keeps the mark. */
function readValue(reader: MsgpackReader): Plain {
  const byte = reader.peek()
  if (byte === 0xc2 || byte === 0xc3) return reader.boolean()
  if (byte === 0xc0 || (byte >= 0xc4 && byte <= 0xc6)) return reader.bytes()
  if ((byte >= 0xa0 && byte < 0xc0) || (byte >= 0xd9 && byte <= 0xdb)) return reader.string()
  if ((byte >= 0x90 && byte < 0xa0) || byte === 0xdc || byte === 0xdd) {
    return Array.from({ length: reader.arrayHeader() }, () => readValue(reader))
  }
  return reader.number()
}

function malformed(found: string): ProtocolError {
  return new ProtocolError(`Cannot decode a msgpack value: ${found}`)
}
