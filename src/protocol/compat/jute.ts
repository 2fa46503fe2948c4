// Jute, the encoding of ZooKeeper's messages: fields one after another, big-endian, nothing
// between.
//
//   boolean    1 byte                     buffer, ustring   int length, bytes; length -1 is null
//   int, long  4, 8 bytes                 vector            int count, elements; count -1 is null
//
// A long is a JS number here: zxids, times and our session ids are safe integers, and a value
// outside that range is clamped to it. Text is UTF-8.

import type { ByteWriter } from '../byte-writer.ts'
import { ProtocolError } from '../error-codes.ts'

const lowRange = 2 ** 32

/** Reads one message field by field. A field beyond the message's end is a ProtocolError. */
export class JuteReader {
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
    return this.#at >= this.#end
  }

  /** Anything but 0 is true. */
  boolean(): boolean {
    return this.#buffer[this.#take(1)] !== 0
  }

  int(): number {
    const at = this.#take(4)
    const buffer = this.#buffer
    return (
      ((buffer[at] as number) << 24) |
      ((buffer[at + 1] as number) << 16) |
      ((buffer[at + 2] as number) << 8) |
      (buffer[at + 3] as number)
    )
  }

  /** The nearest safe integer. */
  long(): number {
    const value = this.int() * lowRange + (this.int() >>> 0)
    if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER
    if (value < Number.MIN_SAFE_INTEGER) return Number.MIN_SAFE_INTEGER
    return value
  }

  /** From 0, rounded above 2^53. */
  unsignedLong(): number {
    return (this.int() >>> 0) * lowRange + (this.int() >>> 0)
  }

  /** A view, or null. */
  buffer(): Buffer | null {
    const length = this.int()
    if (length === -1) return null
    const start = this.#take(length)
    return this.#buffer.subarray(start, start + length)
  }

  string(): string | null {
    const length = this.int()
    if (length === -1) return null
    const start = this.#take(length)
    const text = this.#buffer.toString('utf8', start, start + length)
    return text.includes('\ufffd') ? joinSurrogates(this.#buffer, start, start + length) : text
  }

  /** @returns undefined for null */
  vector<T>(read: () => T): T[] | undefined {
    const count = this.int()
    if (count < 0) return undefined
    const elements: T[] = []
    for (let i = 0; i < count; i++) elements.push(read())
    return elements
  }

  /** Skips these bytes if they come next. @returns whether it did */
  maybeSkip(expected: Uint8Array): boolean {
    const at = this.#at
    if (expected.length > this.#end - at) return false
    const buffer = this.#buffer
    for (let i = 0; i < expected.length; i++) if (buffer[at + i] !== expected[i]) return false
    this.#at = at + expected.length
    return true
  }

  #take(count: number): number {
    const at = this.#at
    if (count < 0 || count > this.#end - at) {
      throw new ProtocolError(`Cannot read ${count} bytes: ${this.#end - at} are left`)
    }
    this.#at = at + count
    return at
  }
}

const surrogatePair = /\xed([\xa0-\xaf])([\x80-\xbf])\xed([\xb0-\xbf])([\x80-\xbf])/g

/** Java encodes each half of a surrogate pair as three bytes of its own, which is invalid UTF-8. */
function joinSurrogates(buffer: Buffer, start: number, end: number): string {
  const bytes = buffer.toString('latin1', start, end).replace(surrogatePair, (pair) => {
    const half = (at: number) =>
      0xd000 | ((pair.charCodeAt(at) & 0x3f) << 6) | (pair.charCodeAt(at + 1) & 0x3f)
    return Buffer.from(String.fromCharCode(half(1), half(4)), 'utf8').toString('latin1')
  })
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

export function writeBoolean(out: ByteWriter, value: boolean): void {
  out.int8(value ? 1 : 0)
}

export function writeBuffer(out: ByteWriter, value: Uint8Array | null): void {
  if (value === null) {
    out.int32(-1)
    return
  }
  out.int32(value.length)
  out.raw(value)
}

export function writeString(out: ByteWriter, value: string): void {
  const at = out.length
  out.int32(0)
  out.patchInt32(at, out.utf8(value))
}

export function writeVector<T>(
  out: ByteWriter,
  elements: readonly T[],
  write: (out: ByteWriter, element: T) => void,
): void {
  out.int32(elements.length)
  for (const element of elements) write(out, element)
}
