// Reads one message of Kafka's protocol, primitive by primitive: big-endian integers, each length
// before the bytes that it counts. The bytes are untrusted: every length and count is checked
// against the remaining bytes before anything is allocated, and one that does not fit is a
// ProtocolError.
//
//   string         i16 length, UTF-8           compact: uvarint of length + 1
//   bytes, records i32 length, bytes           compact: uvarint of length + 1
//   array          i32 count, elements         compact: uvarint of count + 1
//   uvarint        7 bits per byte, low bits first; the high bit is set in all bytes but the last
//
// The length of null is -1, or 0 in compact form. The version of the message decides between the
// two forms (types.ts).

import { limits } from '../../limits.ts'
import { ProtocolError } from '../error-codes.ts'

const uvarintBytesMax = 5
const int32Max = 0x7fff_ffff

/**
 * Applies to both forms: Kafka refuses longer strings although the compact form could carry them.
 */
export const stringBytesMax = 0x7fff

/** 16 zero bytes stand for no id. */
export const noUuid = ''

export class KafkaReader {
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0
  #end = 0
  #objectsLeft = 0

  /** Restarts on the bytes of `buffer` from `start` to `end`. */
  reset(buffer: Buffer, start: number, end: number): this {
    this.#buffer = buffer
    this.#at = start
    this.#end = end
    this.#objectsLeft = limits.kafkaObjectsMax
    return this
  }

  /** Position of the next byte. */
  get at(): number {
    return this.#at
  }

  get bytesLeft(): number {
    return this.#end - this.#at
  }

  /** Any byte but 0 is true. */
  boolean(): boolean {
    return this.#buffer[this.take(1)] !== 0
  }

  int8(): number {
    return ((this.#buffer[this.take(1)] as number) << 24) >> 24
  }

  int16(): number {
    const at = this.take(2)
    const buffer = this.#buffer
    return (((buffer[at] as number) << 24) >> 16) | (buffer[at + 1] as number)
  }

  int32(): number {
    const at = this.take(4)
    const buffer = this.#buffer
    return (
      ((buffer[at] as number) << 24) |
      ((buffer[at + 1] as number) << 16) |
      ((buffer[at + 2] as number) << 8) |
      (buffer[at + 3] as number)
    )
  }

  /**
   * Clamped to the nearest safe integer. Offsets, timestamps and producer ids of ours are always
   * safe integers, so a larger value in a request is out of range either way.
   */
  int64(): number {
    const value = this.int32() * 2 ** 32 + (this.int32() >>> 0)
    if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER
    if (value < Number.MIN_SAFE_INTEGER) return Number.MIN_SAFE_INTEGER
    return value
  }

  /** In Kafka's text form: 22 characters of base64url, or `noUuid`. */
  uuid(): string {
    const at = this.take(16)
    const buffer = this.#buffer
    for (let i = at; i < at + 16; i++) {
      if (buffer[i] !== 0) return buffer.toString('base64url', at, at + 16)
    }
    return noUuid
  }

  /** At most 2^31 - 1. */
  uvarint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < uvarintBytesMax; i++) {
      const byte = this.#buffer[this.take(1)] as number
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (value > int32Max) break
        return value
      }
      scale *= 128
    }
    throw new ProtocolError('Cannot read a varint: it has more than 31 bits')
  }

  /** The length before a string. @returns -1 for null */
  stringLength(isCompact: boolean): number {
    const length = isCompact ? this.uvarint() - 1 : this.int16()
    if (length <= stringBytesMax) return length < 0 ? -1 : length
    throw new ProtocolError(`Cannot read a string: ${length} bytes are above ${stringBytesMax}`)
  }

  /** The length or count before bytes, records and arrays. @returns -1 for null */
  length(isCompact: boolean): number {
    const length = isCompact ? this.uvarint() - 1 : this.int32()
    return length < 0 ? -1 : length
  }

  /** Invalid UTF-8 becomes U+FFFD, which our names never contain. */
  text(length: number): string {
    const start = this.take(length)
    return this.#buffer.toString('utf8', start, start + length)
  }

  /** A view of the next `length` bytes. */
  view(length: number): Buffer {
    const start = this.take(length)
    return this.#buffer.subarray(start, start + length)
  }

  /**
   * Checks the count of an array before its elements are read.
   *
   * @param elementBytesMin minimum size of an element
   * @param areObjects whether elements are decoded to objects rather than numbers
   */
  checkCount(count: number, elementBytesMin: number, areObjects: boolean): void {
    if (count * elementBytesMin > this.bytesLeft) {
      const found = `${this.bytesLeft} bytes are left`
      throw new ProtocolError(`Cannot read an array of ${count} elements: ${found}`)
    }
    if (!areObjects) return
    this.#objectsLeft -= count
    if (this.#objectsLeft >= 0) return
    const most = `at most ${limits.kafkaObjectsMax} are allowed in a message`
    throw new ProtocolError(`Cannot read an array of ${count} elements: ${most}`)
  }

  skip(count: number): void {
    this.take(count)
  }

  /** Skips tagged fields that this version does not define. */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint()
      this.skip(this.uvarint())
    }
  }

  /** @returns the start of the next `count` bytes */
  take(count: number): number {
    const at = this.#at
    if (count < 0 || count > this.#end - at) {
      throw new ProtocolError(`Cannot read ${count} bytes: ${this.#end - at} are left`)
    }
    this.#at = at + count
    return at
  }
}
