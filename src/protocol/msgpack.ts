// Msgpack written and read field by field, directly in a frame, for transactions and hot messages.
// All other messages go through msgpackr (plain.ts), which writes the same bytes: the shortest
// integer for numbers below 2^32, float64 for all others.

import { ByteWriter, writeUtf8 } from './byte-writer.ts'
import { ProtocolError } from './error-codes.ts'

/** A copy of fewer bytes costs less than one more piece in a write. */
const insertedBytesMin = 2048

/** Appends msgpack values to frames; `raw` appends bytes that are already msgpack. */
export class MsgpackWriter extends ByteWriter {
  arrayHeader(count: number): void {
    this.reserve(5)
    const buffer = this.buffer
    if (count < 16) {
      buffer[this.length++] = 0x90 | count
    } else if (count < 0x10000) {
      buffer[this.length++] = 0xdc
      this.length = buffer.writeUInt16BE(count, this.length)
    } else {
      buffer[this.length++] = 0xdd
      this.length = buffer.writeUInt32BE(count, this.length)
    }
  }

  /** A safe integer. */
  int(value: number): void {
    this.reserve(9)
    const buffer = this.buffer
    let at = this.length
    if (value >= 0) {
      if (value < 0x80) {
        buffer[at++] = value
      } else if (value < 0x100) {
        buffer[at++] = 0xcc
        buffer[at++] = value
      } else if (value < 0x10000) {
        buffer[at++] = 0xcd
        buffer[at++] = value >>> 8
        buffer[at++] = value & 0xff
      } else if (value < 0x1_0000_0000) {
        buffer[at++] = 0xce
        this.numbers.setUint32(at, value)
        at += 4
      } else {
        buffer[at++] = 0xcb
        this.numbers.setFloat64(at, value)
        at += 8
      }
    } else if (value >= -32) {
      buffer[at++] = value & 0xff
    } else if (value >= -0x80) {
      buffer[at++] = 0xd0
      buffer[at++] = value & 0xff
    } else if (value >= -0x8000) {
      buffer[at++] = 0xd1
      at = buffer.writeInt16BE(value, at)
    } else if (value >= -0x8000_0000) {
      buffer[at++] = 0xd2
      at = buffer.writeInt32BE(value, at)
    } else {
      buffer[at++] = 0xcb
      this.numbers.setFloat64(at, value)
      at += 8
    }
    this.length = at
  }

  /** Any number. */
  number(value: number): void {
    if (Number.isSafeInteger(value)) {
      this.int(value)
      return
    }
    this.reserve(9)
    this.buffer[this.length] = 0xcb
    this.numbers.setFloat64(this.length + 1, value)
    this.length += 9
  }

  nil(): void {
    this.reserve(1)
    this.buffer[this.length++] = 0xc0
  }

  boolean(value: boolean): void {
    this.reserve(1)
    this.buffer[this.length++] = value ? 0xc3 : 0xc2
  }

  string(value: string): void {
    this.reserve(value.length * 3 + 5)
    const buffer = this.buffer
    const at = this.length
    // The header's size depends on the byte length, which is known only after writing; short
    // strings of ASCII, nearly all of ours, are written in place.
    const guess = stringHeaderBytes(value.length)
    const bytes = writeUtf8(buffer, value, at + guess)
    const header = stringHeaderBytes(bytes)
    if (header !== guess) buffer.copyWithin(at + header, at + guess, at + guess + bytes)
    this.length = writeStringHeader(buffer, at, bytes) + bytes
  }

  /** Bytes, copied; or nil. */
  bytes(value: Uint8Array | null): void {
    if (value === null) {
      this.nil()
      return
    }
    this.bytesHeader(value.length)
    this.raw(value)
  }

  /** The same, not copied if they are many: they must not change until they have been sent. */
  bytesInPlace(value: Uint8Array): void {
    if (value.length < insertedBytesMin) {
      this.bytes(value)
      return
    }
    this.bytesHeader(value.length)
    this.insert(value)
  }

  /** Announces `count` bytes that follow with `raw`. */
  bytesHeader(count: number): void {
    this.reserve(5)
    const buffer = this.buffer
    if (count < 0x100) {
      buffer[this.length++] = 0xc4
      buffer[this.length++] = count
    } else if (count < 0x10000) {
      buffer[this.length++] = 0xc5
      this.length = buffer.writeUInt16BE(count, this.length)
    } else {
      buffer[this.length++] = 0xc6
      this.length = buffer.writeUInt32BE(count, this.length)
    }
  }

  strings(values: readonly string[]): void {
    this.arrayHeader(values.length)
    for (const value of values) this.string(value)
  }
}

/** The size of the header of a text of `bytes`. */
export function stringHeaderBytes(bytes: number): number {
  if (bytes < 32) return 1
  if (bytes < 0x100) return 2
  return bytes < 0x10000 ? 3 : 5
}

/** @returns where the text begins */
export function writeStringHeader(buffer: Buffer, at: number, bytes: number): number {
  if (bytes < 32) {
    buffer[at] = 0xa0 | bytes
    return at + 1
  }
  if (bytes < 0x100) {
    buffer[at] = 0xd9
    buffer[at + 1] = bytes
    return at + 2
  }
  if (bytes < 0x10000) {
    buffer[at] = 0xda
    return buffer.writeUInt16BE(bytes, at + 1)
  }
  buffer[at] = 0xdb
  return buffer.writeUInt32BE(bytes, at + 1)
}

/**
 * Reads one msgpack value field by field. A value of another type than the caller asks for is a
 * ProtocolError. `bytes` are views of the buffer: copy them to keep them.
 */
export class MsgpackReader {
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0
  #end = 0

  /** Starts over on `buffer` between `start` and `end`. */
  reset(buffer: Buffer, start: number, end: number): this {
    this.#buffer = buffer
    this.#at = start
    this.#end = end
    return this
  }

  /** Whether everything was read. */
  get atEnd(): boolean {
    return this.#at === this.#end
  }

  /** Reads all remaining bytes, as a view. */
  takeRest(): Buffer {
    const at = this.#at
    this.#at = this.#end
    return this.#buffer.subarray(at, this.#end)
  }

  /** The next byte, without reading it. */
  peek(): number {
    const byte = this.#byte()
    this.#at--
    return byte
  }

  arrayHeader(): number {
    const byte = this.#byte()
    if ((byte & 0xf0) === 0x90) return byte & 0x0f
    if (byte === 0xdc) return this.#uint16()
    if (byte === 0xdd) return this.#count(this.#uint32())
    throw unexpected('an array', byte)
  }

  /** Any safe integer. */
  int(): number {
    return this.#safe(this.number())
  }

  /**
   * Any number: for values whose bounds are checked later, so that the answer can give the reason.
   */
  number(): number {
    const byte = this.#byte()
    if (byte < 0x80) return byte
    if (byte >= 0xe0) return byte - 0x100
    switch (byte) {
      case 0xcc:
        return this.#byte()
      case 0xcd:
        return this.#uint16()
      case 0xce:
        return this.#uint32()
      case 0xd0:
        return (this.#byte() << 24) >> 24
      case 0xd1:
        return (this.#uint16() << 16) >> 16
      case 0xd2:
        return this.#uint32() | 0
      case 0xcb:
        return this.#buffer.readDoubleBE(this.#take(8))
      case 0xcf:
        return Number(this.#buffer.readBigUInt64BE(this.#take(8)))
      case 0xd3:
        return Number(this.#buffer.readBigInt64BE(this.#take(8)))
    }
    throw unexpected('an integer', byte)
  }

  /** An integer from 0 up; `what` names it in the error. */
  natural(what: string): number {
    const value = this.int()
    if (value < 0) throw new ProtocolError(`Cannot read ${what}: ${value} is negative`)
    return value
  }

  /** An integer of 32 bits; `what` names it in the error. */
  int32(what: string): number {
    const value = this.int()
    if (value !== (value | 0)) throw new ProtocolError(`Cannot read ${what}: ${value} is no int32`)
    return value
  }

  boolean(): boolean {
    const byte = this.#byte()
    if (byte === 0xc3) return true
    if (byte === 0xc2) return false
    throw unexpected('a boolean', byte)
  }

  string(): string {
    const byte = this.#byte()
    let count: number
    if ((byte & 0xe0) === 0xa0) count = byte & 0x1f
    else if (byte === 0xd9) count = this.#byte()
    else if (byte === 0xda) count = this.#uint16()
    else if (byte === 0xdb) count = this.#uint32()
    else throw unexpected('a string', byte)
    const start = this.#take(count)
    return this.#buffer.toString('utf8', start, start + count)
  }

  /** A view, or null for nil. */
  bytes(): Buffer | null {
    const byte = this.#byte()
    if (byte === 0xc0) return null
    let count: number
    if (byte === 0xc4) count = this.#byte()
    else if (byte === 0xc5) count = this.#uint16()
    else if (byte === 0xc6) count = this.#uint32()
    else throw unexpected('bytes or nil', byte)
    const start = this.#take(count)
    return this.#buffer.subarray(start, start + count)
  }

  /** Nil, as undefined, or what `read` reads. */
  nilOr<T>(read: () => T): T | undefined {
    if (this.#at < this.#end && this.#buffer[this.#at] === 0xc0) {
      this.#at++
      return undefined
    }
    return read()
  }

  strings(): string[] {
    const count = this.arrayHeader()
    const values: string[] = []
    for (let i = 0; i < count; i++) values.push(this.string())
    return values
  }

  /** Must be called last: trailing bytes mean that the two sides disagree about the message. */
  expectEnd(): void {
    if (!this.atEnd) {
      throw new ProtocolError(`Cannot decode a message: ${this.#end - this.#at} bytes too many`)
    }
  }

  #take(count: number): number {
    const at = this.#at
    if (at + count > this.#end) {
      throw new ProtocolError('Cannot decode a msgpack value: it ends too early')
    }
    this.#at = at + count
    return at
  }

  #byte(): number {
    return this.#buffer[this.#take(1)] as number
  }

  #uint16(): number {
    return this.#buffer.readUInt16BE(this.#take(2))
  }

  #uint32(): number {
    return this.#buffer.readUInt32BE(this.#take(4))
  }

  /** Each element takes at least one byte, so a larger count is refused before allocating. */
  #count(count: number): number {
    if (count > this.#end - this.#at) {
      throw new ProtocolError(`Cannot decode an array: ${count} elements do not fit the message`)
    }
    return count
  }

  #safe(value: number): number {
    if (Number.isSafeInteger(value)) return value
    throw new ProtocolError(`Cannot read an integer: ${value} is not a safe one`)
  }
}

function unexpected(wanted: string, byte: number): ProtocolError {
  const found = `0x${byte.toString(16).padStart(2, '0')}`
  return new ProtocolError(`Cannot decode a msgpack value: wanted ${wanted}, found byte ${found}`)
}
