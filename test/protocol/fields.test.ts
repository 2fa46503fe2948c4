import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { ProtocolError } from '../../src/protocol/error-codes.ts'
import {
  boolean,
  buffer,
  bytes,
  choice,
  constant,
  defaulted,
  describe,
  describeFields,
  type Field,
  int,
  int32,
  listOf,
  type MessageOf,
  Messages,
  named,
  natural,
  nullable,
  number,
  oneOf,
  optional,
  packed,
  packFields,
  record,
  refined,
  text,
  UnknownCodeError,
  unpackFields,
} from '../../src/protocol/fields.ts'
import { MsgpackReader, MsgpackWriter } from '../../src/protocol/msgpack.ts'
import { type Plain, readPlains, writePlains } from '../../src/protocol/plain.ts'
import { messagesOf, valuesOf } from './field-arbitraries.ts'

type Weight = number & { readonly __weight: never }

const colours = { red: 1, blue: -200 } as const
const parts = new Messages('part', {
  put: { code: 1, fields: { at: text(), data: nullable(bytes()) } },
  stop: { code: -1, fields: {} },
})
const asks = new Messages('ask', {
  weigh: {
    code: 7,
    fields: {
      weight: natural<Weight>({ max: 500 }),
      colour: oneOf(colours),
      note: optional(text()),
      twice: defaulted(boolean(), false),
    },
  },
  many: { code: 8, fields: { parts: listOf(choice(parts), { max: 3 }) } },
  stop: { code: 9, fields: {} },
})
type Ask = MessageOf<typeof asks>

t.test('the types of messages are those of their rows', async (t) => {
  // The compiler refuses the same in the program.
  const stop: Ask = { type: 'stop' }
  const weigh: MessageOf<typeof asks, 'weigh'> = {
    type: 'weigh',
    weight: 3 as Weight,
    colour: 'red',
    note: undefined,
  }
  // @ts-expect-error a plain number is no weight
  const plain: Ask = { type: 'weigh', weight: 3, colour: 'red', note: undefined }
  // @ts-expect-error a colour that is in no table
  const green: Ask = { type: 'weigh', weight: 3 as Weight, colour: 'green', note: undefined }
  // @ts-expect-error the note must be given, if as undefined
  const none: Ask = { type: 'weigh', weight: 3 as Weight, colour: 'red' }
  // @ts-expect-error a field of another message
  const other: Ask = { type: 'stop', note: 'x' }
  t.ok([stop, weigh, plain, green, none, other])
})

t.test('a message is packed field by field, and unpacked again', async (t) => {
  const weigh = { type: 'weigh', weight: 3 as Weight, colour: 'blue', note: 'n' } as const
  t.same(asks.pack(weigh), [3, -200, 'n', false])
  t.same(asks.unpack('weigh', [3, -200, 'n', true]), { ...weigh, twice: true })
  const many: Ask = {
    type: 'many',
    parts: [{ type: 'put', at: '/', data: null }, { type: 'stop' }],
  }
  t.same(asks.pack(many), [[[1, '/', null], [-1]]])
  t.same(asks.unpack('many', asks.pack(many)), many)
  t.equal(asks.type(9), 'stop')
  t.equal(asks.type(1), undefined)
  t.equal(asks.code('many'), 8)
})

t.test('no two messages of a table have one code', async (t) => {
  const twice = { a: { code: 1, fields: {} }, b: { code: 1, fields: {} } }
  t.throws(() => new Messages('ask', twice), /a code of its own/)
})

const refusals: readonly (readonly [string, Field<unknown>, Plain, string])[] = [
  ['a negative natural', natural(), -1, 'wanted int from 0, found -1'],
  ['a fraction', int(), 1.5, 'wanted int, found 1.5'],
  ['an unsafe integer', int(), 2 ** 53, 'wanted int, found 9007199254740992'],
  ['a number above its bound', natural({ max: 9 }), 10, 'wanted int from 0 to 9, found 10'],
  ['a number beyond 32 bits', int32(), 2 ** 31, 'wanted int32, found 2147483648'],
  ['text for a number', number(), '1', 'wanted number, found a string'],
  ['a number for a boolean', boolean(), 1, 'wanted bool, found 1'],
  ['bytes for text', text(), new Uint8Array(1), 'wanted string, found bytes'],
  ['text for bytes', bytes(), 'secret', 'wanted bytes, found a string'],
  ['nil for bytes', buffer(), null, 'wanted bytes, found nil'],
  ['another constant', constant('client'), 'peer', 'wanted "client", found a string'],
  [
    'a code that is not a number',
    oneOf(colours),
    'red',
    'wanted 1 (red), -200 (blue), found a string',
  ],
  ['an optional of another type', optional(text()), 1, 'wanted string, found 1'],
  ['a list too long', listOf(int(), { max: 1 }), [1, 2], 'at most 1, found a list of 2'],
  ['a number for a list', listOf(int()), 3, 'wanted list of int, found 3'],
  ['a list of others', listOf(int()), [true], 'wanted int, found true'],
  ['a number for a record', record({ a: int() }), 3, 'wanted [a: int], found 3'],
  ['a record too short', record({ a: int() }), [], 'it has 0 fields, not 1'],
  ['a part without a code', choice(parts), [], 'wanted [code, …], found a list of 0'],
  ['a part that is not a list', choice(parts), 1, 'wanted [code, …], found 1'],
  ['a part too long', choice(parts), [-1, 1], 'stop part: it has 1 fields, not 0'],
  ['packed text', packed(int()), 'x', 'wanted bytes of int, found a string'],
  ['packed bytes too many', packed(int()), Uint8Array.of(1, 1), '1 bytes too many'],
  ['a named type', named('zxid', natural()), -1, 'wanted int from 0, found -1'],
]
for (const [name, field, plain, found] of refusals) {
  t.test(`refused: ${name}`, async (t) => {
    t.throws(() => field.unpack(plain, 'it'), ProtocolError)
    t.throws(() => field.unpack(plain, 'it'), { message: new RegExp(escaped(found)) })
  })
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

t.test(
  'an unknown code is distinguished from a malformed field, or has a name of its own',
  async (t) => {
    t.throws(() => oneOf(colours).unpack(5, 'colour'), UnknownCodeError)
    t.throws(() => choice(parts).unpack([5], 'part'), UnknownCodeError)
    const lenient = oneOf(colours, { name: 'other', code: -1 })
    t.equal(lenient.unpack(5, 'colour'), 'other')
    t.equal(lenient.pack('other'), -1)
  },
)

t.test('a refined field refuses values that break its condition', async (t) => {
  const ascending = refined(listOf(int()), 'that ascends', (all) =>
    all.every((value, i) => i === 0 || value > (all[i - 1] ?? 0)),
  )
  t.same(ascending.unpack([1, 2], 'ids'), [1, 2])
  t.throws(
    () => ascending.unpack([2, 1], 'ids'),
    /Cannot read ids: wanted list of int that ascends/,
  )
})

t.test('copied bytes outlive their frame, others are views of it', async (t) => {
  const frame = Buffer.from('abc')
  const [view, copy] = [
    bytes().unpack(frame, 'data'),
    bytes({ copied: true }).unpack(frame, 'data'),
  ]
  frame.fill(0)
  t.same([...view], [0, 0, 0])
  t.same([...copy], [97, 98, 99])
  t.ok(Buffer.isBuffer(buffer({ copied: true }).unpack(Uint8Array.of(1), 'data')))
})

t.test('a lone surrogate becomes the replacement character', async (t) => {
  t.equal(text().pack('a\uD800b'), 'a\uFFFDb')
  t.equal(text().pack('😀'), '😀')
})

t.test('types are described in the words of the docs', async (t) => {
  t.equal(
    describeFields(asks.rows.weigh.fields),
    'weight: int from 0 to 500, colour: 1 (red), -200 (blue), note: string or nil, twice: bool',
  )
  t.equal(describe(named('zxid', natural()).shape), 'zxid')
  t.equal(describe(choice(parts).shape), '[1, at: string, data: bytes or nil] or [-1]')
})

t.test('messages generated from a row survive the wire', async () => {
  const hello = { version: natural(), role: constant('client'), id: packed(listOf(text())) }
  fc.assert(
    fc.property(
      valuesOf(record(hello)),
      messagesOf(asks, 'many'),
      messagesOf(asks, 'weigh'),
      (greeting, many, weigh) => {
        assert.deepEqual(
          unpackFields('hello', hello, carried(packFields(hello, greeting))),
          greeting,
        )
        assert.deepEqual(asks.unpack('many', carried(asks.pack(many))), many)
        assert.deepEqual(asks.unpack('weigh', carried(asks.pack(weigh))), weigh)
      },
    ),
  )
})

function carried(plains: readonly Plain[]): readonly Plain[] {
  const out = new MsgpackWriter()
  writePlains(out, plains)
  const frame = Buffer.from(out.view())
  return readPlains(new MsgpackReader().reset(frame, 0, frame.length), plains.length)
}
