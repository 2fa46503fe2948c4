// Writes messages of Kafka's protocol without copying records. A message is a list of pieces:
// written bytes, with views of records between them.

import { ByteWriter } from '../byte-writer.ts'
import { ProtocolError } from '../error-codes.ts'
import { noUuid, stringBytesMax } from './reader.ts'

/** Smaller records are copied: a separate piece costs about as much. */
const pieceBytesMin = 2048

const zeroUuid = Buffer.alloc(16)

export class KafkaWriter extends ByteWriter {
  boolean(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  /** @param value `noUuid`, or 22 characters of base64url */
  uuid(value: string): void {
    if (value === noUuid) {
      this.raw(zeroUuid)
      return
    }
    const bytes = Buffer.from(value, 'base64url')
    if (bytes.length !== 16) throw new ProtocolError(`Cannot write '${value}': it is not a UUID`)
    this.raw(bytes)
  }

  uvarint(value: number): void {
    let rest = value
    while (rest >= 128) {
      this.int8((rest & 0x7f) | 0x80)
      rest = Math.floor(rest / 128)
    }
    this.int8(rest)
  }

  string(value: string, isCompact: boolean): void {
    const length = Buffer.byteLength(value)
    if (length > stringBytesMax) {
      throw new ProtocolError(`Cannot write a string: ${length} bytes are above ${stringBytesMax}`)
    }
    if (isCompact) this.uvarint(length + 1)
    else this.int16(length)
    this.utf8(value)
  }

  bytes(value: Uint8Array, isCompact: boolean): void {
    this.count(value.length, isCompact)
    this.raw(value)
  }

  /** The bytes must not change until the message has been sent. */
  records(value: Uint8Array, isCompact: boolean): void {
    if (value.length < pieceBytesMin) {
      this.bytes(value, isCompact)
      return
    }
    this.count(value.length, isCompact)
    this.insert(value)
  }

  /** The length or count before bytes, records and arrays. */
  count(count: number, isCompact: boolean): void {
    if (isCompact) this.uvarint(count + 1)
    else this.int32(count)
  }

  /** Null, of every type but string. */
  null(isCompact: boolean): void {
    if (isCompact) this.uvarint(0)
    else this.int32(-1)
  }

  nullString(isCompact: boolean): void {
    if (isCompact) this.uvarint(0)
    else this.int16(-1)
  }
}
