// Random values of a field and random messages of a table, generated from its types and bounds.

import fc from 'fast-check'
import { asBuffer } from '../../src/as-buffer.ts'
import {
  describe,
  type Field,
  type FieldRow,
  type Messages,
  type RowMessage,
  type Rows,
  type Shape,
  type TypeOf,
} from '../../src/protocol/fields.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack.ts'
import { type Plain, writePlains } from '../../src/protocol/plain.ts'

/** Generators of plain values for refined types, by the name of the type in the docs. */
export type Special = Readonly<Record<string, fc.Arbitrary<Plain>>>

/** Values as they come off the wire. */
export function valuesOf<T>(field: Field<T>, special: Special = {}): fc.Arbitrary<T> {
  return plainOf(field.shape, special).map((plain) => field.unpack(plain, 'a generated field'))
}

/** Messages of one type. */
export function messagesOf<R extends Rows, N extends TypeOf<R>>(
  messages: Messages<R>,
  type: N,
  special: Special = {},
): fc.Arbitrary<RowMessage<R, N>> {
  return rowOf(messages.fields(type), special).map((plains) => messages.unpack(type, plains))
}

function rowOf(fields: FieldRow, special: Special): fc.Arbitrary<readonly Plain[]> {
  return fc.tuple(...Object.values(fields).map((field) => plainOf(field.shape, special)))
}

function plainOf(shape: Shape, special: Special): fc.Arbitrary<Plain> {
  const given = special[describe(shape)]
  if (given !== undefined) return given
  switch (shape.type) {
    case 'int':
      return fc.oneof(
        fc.integer({ min: shape.min, max: shape.max }),
        ...landmarks
          .filter((value) => value >= shape.min && value <= shape.max)
          .map((value) => fc.constant(value)),
      )
    case 'number':
      return fc.oneof(fc.double({ noNaN: true }), fc.maxSafeInteger())
    case 'boolean':
      return fc.boolean()
    case 'text':
      return fc.oneof(
        fc.string({ unit: 'binary', maxLength: 80 }),
        fc.constantFrom('', '/a/b', '\uFEFF'.repeat(3), `\uFEFF${'é'.repeat(40)}`, 'x'.repeat(300)),
      )
    case 'bytes':
      return fc.oneof(
        fc.uint8Array({ maxLength: 40 }).map(asBuffer),
        fc.constant(Buffer.alloc(300)),
      )
    case 'constant':
      return fc.constant(shape.value)
    case 'oneOf':
      return fc.constantFrom(...Object.values(shape.codes))
    case 'optional':
      return fc.oneof(fc.constant(null), plainOf(shape.of, special))
    case 'packed':
      return plainOf(shape.of, special).map((plain) => {
        const out = new MsgpackWriter()
        writePlains(out, [plain])
        return asBuffer(Uint8Array.from(out.view()))
      })
    case 'list':
      return fc.array(plainOf(shape.of, special), { maxLength: Math.min(shape.max, 20) })
    case 'record':
      return rowOf(shape.fields, special)
    case 'choice':
      return fc.oneof(
        ...Object.values(shape.rows).map(({ code, fields }) =>
          rowOf(fields, special).map((plains) => [code, ...plains]),
        ),
      )
    case 'named':
      return plainOf(shape.of, special)
    case 'refined':
      throw new RangeError(`There is no generator for ${describe(shape)}`)
  }
}

/** Where the format of an integer changes, and the bounds. */
const landmarks = [7, 8, 15, 16, 31, 32, 53].flatMap((bits) =>
  [-1, 0].flatMap((more) => [2 ** bits + more, -(2 ** bits) - more]),
)
