// Every message of Kafka's protocol in each of its versions, with values generated from its table:
// for the tests of properties of all messages.

import fc from 'fast-check'
import { kafkaApis } from '../../../src/protocol/kafka/apis.ts'
import type { Fields, StructWritten } from '../../../src/protocol/kafka/fields.ts'
import type { KafkaApi, Message } from '../../../src/protocol/kafka/message.ts'
import { KafkaReader, noUuid, stringBytesMax } from '../../../src/protocol/kafka/reader.ts'
import type { FieldShape, Shape } from '../../../src/protocol/kafka/types.ts'
import { KafkaWriter } from '../../../src/protocol/kafka/writer.ts'

/** One message in one version. */
export interface Versioned {
  /** `Fetch request v4` */
  readonly name: string
  /** values that survive encoding and decoding: absent fields have their defaults */
  readonly values: fc.Arbitrary<unknown>
  write(value: unknown): Buffer
  /** @throws ProtocolError */
  read(bytes: Buffer): { readonly value: unknown; readonly bytesLeft: number }
}

export function allMessages(): Versioned[] {
  return kafkaApis.flatMap((api) => {
    const versions = Array.from(
      { length: api.lastVersion - api.firstVersion + 1 },
      (_, i) => api.firstVersion + i,
    )
    const anyApi = api as unknown as AnyApi
    return versions.flatMap((version) => [
      versioned(`${api.name} request v${version}`, anyApi.request, version),
      versioned(`${api.name} response v${version}`, anyApi.response, version),
    ])
  })
}

/**
 * An api whose values are generated from its tables. The types of the values come from the tables
 * too.
 */
export type AnyApi = KafkaApi<Fields, Fields>
export type RequestValue = StructWritten<Fields>

function versioned(name: string, message: Message<Fields>, version: number): Versioned {
  return {
    name,
    values: arbitraryOf(message.shape, version),
    write(value) {
      const to = new KafkaWriter(16)
      message.write(to, version, value as StructWritten<Fields>)
      return joined(to)
    },
    read(bytes) {
      const from = new KafkaReader().reset(bytes, 0, bytes.length)
      const value = message.read(from, version)
      return { value, bytesLeft: from.bytesLeft }
    },
  }
}

export function joined(writer: KafkaWriter): Buffer {
  const pieces: Uint8Array[] = []
  writer.forEachPiece((piece) => pieces.push(piece))
  return Buffer.concat(pieces)
}

const unicode = fc.string({ unit: 'grapheme', maxLength: 20 })
const long = fc.nat({ max: stringBytesMax }).map((length) => 'x'.repeat(length))

export function arbitraryOf(shape: Shape, version: number): fc.Arbitrary<unknown> {
  switch (shape.type) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -(2 ** 7), max: 2 ** 7 - 1 })
    case 'int16':
      return fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 })
    case 'int32':
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
    case 'int64':
      return fc.maxSafeInteger()
    case 'uuid':
      return fc.oneof(
        fc.constant(noUuid),
        fc
          .uint8Array({ minLength: 16, maxLength: 16 })
          .filter((bytes) => bytes.some((byte) => byte !== 0))
          .map((bytes) => Buffer.from(bytes).toString('base64url')),
      )
    case 'string':
      return fc.oneof({ weight: 20, arbitrary: unicode }, { weight: 1, arbitrary: long })
    case 'bytes':
      return fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
    case 'records':
      return fc.oneof(
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        fc.nat({ max: 10_000 }).map((length) => Buffer.alloc(length, 7)),
      )
    case 'nullable':
      return version < shape.since
        ? arbitraryOf(shape.of, version)
        : fc.option(arbitraryOf(shape.of, version))
    case 'list':
      return fc.array(arbitraryOf(shape.of, version), { maxLength: 4 })
    case 'struct':
      return fc.record(
        Object.fromEntries(shape.fields.map((field) => [field.name, fieldValue(field, version)])),
        { noNullPrototype: true },
      )
  }
}

function fieldValue(field: FieldShape, version: number): fc.Arbitrary<unknown> {
  const absent = fc.constant(field.whenAbsent)
  if (version < field.since || version > field.until) return absent
  const present = arbitraryOf(field.shape, version)
  if (field.tag === undefined) return present
  // A null tagged field is not written, and decoded as its default.
  return fc.oneof(
    absent,
    present.map((value) => value ?? field.whenAbsent),
  )
}
