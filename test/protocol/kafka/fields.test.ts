import t from 'tap'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import {
  between,
  defaulted,
  since,
  struct,
  structs,
  tagged,
  until,
} from '../../../src/protocol/kafka/fields.ts'
import { KafkaReader } from '../../../src/protocol/kafka/reader.ts'
import { int8, int16, nullable, string } from '../../../src/protocol/kafka/types.ts'
import { KafkaWriter } from '../../../src/protocol/kafka/writer.ts'
import { joined } from './all-messages.ts'

const table = struct({
  always: int8,
  young: since(2, int8, -2),
  old: until(1, int8, -3),
  middle: between(1, 2, int8, -4),
  usual: defaulted(int8, 5),
  name: nullable(string, 2),
})

function form(version: number, flexibleFrom = 9) {
  return { version, isFlexible: version >= flexibleFrom }
}

const given = { always: 1, young: 2, old: 3, middle: 4, usual: 5, name: 'x' }
const versions = [
  { version: 0, hex: '01 03 05 0001 78', found: { ...given, young: -2, middle: -4 } },
  { version: 1, hex: '01 03 04 05 0001 78', found: { ...given, young: -2 } },
  { version: 2, hex: '01 02 04 05 0001 78', found: { ...given, old: -3 } },
  { version: 3, hex: '01 02 05 0001 78', found: { ...given, old: -3, middle: -4 } },
  { version: 9, hex: '01 02 05 02 78 00', found: { ...given, old: -3, middle: -4 } },
]
for (const { version, hex, found } of versions) {
  t.test(`version ${version} has its fields, and defaults in place of the others`, async (t) => {
    const { read, write } = table.codec(form(version))
    const to = new KafkaWriter()
    write(to, given)
    const bytes = joined(to)
    t.equal(bytes.toString('hex'), hex.replaceAll(' ', ''))
    const value = read(new KafkaReader().reset(bytes, 0, bytes.length))
    t.same(value, found)
    t.same(Object.keys(value), Object.keys(given), 'objects of all versions have one shape')
  })
}

t.test('a field with a default may be left out', async (t) => {
  const to = new KafkaWriter()
  table.codec(form(2)).write(to, { always: 1, name: null })
  t.equal(joined(to).toString('hex'), '01fefc05ffff')
})

t.test('in versions without null, null is written as an empty value', async (t) => {
  const to = new KafkaWriter()
  table.codec(form(0)).write(to, { always: 1, name: null })
  t.equal(joined(to).toString('hex'), '01fd050000')
})

const withTags = struct({
  always: int8,
  second: tagged(1, 9, int16, -1),
  first: tagged(0, 9, struct({ inner: int8 }), null),
  third: tagged(7, 10, structs({ each: int8 }), []),
})

function readTagged(hex: string) {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const from = new KafkaReader().reset(bytes, 0, bytes.length)
  const value = withTags.codec(form(10)).read(from)
  t.equal(from.bytesLeft, 0)
  return value
}

function writeTagged(value: Parameters<ReturnType<typeof withTags.codec>['write']>[1], at = 10) {
  const to = new KafkaWriter()
  withTags.codec(form(at)).write(to, value)
  return joined(to).toString('hex')
}

t.test(
  'tagged fields are written in the order of their tags, except those with their default',
  async (t) => {
    const all = { always: 1, second: 2, first: { inner: 3 }, third: [{ each: 4 }] }
    const hex = '01 03 00 02 0300 01 02 0002 07 03 020400'
    t.equal(writeTagged(all), hex.replaceAll(' ', ''))
    t.same(readTagged(hex), all)
    t.equal(writeTagged({ always: 1 }), '0100')
    t.equal(writeTagged({ always: 1, second: -1, first: null, third: [] }), '0100')
    t.same(readTagged('0100'), { always: 1, second: -1, first: null, third: [] })
  },
)

t.test('a tagged field is not written in versions that do not have it', async (t) => {
  t.equal(writeTagged({ always: 1, third: [{ each: 4 }] }, 9), '0100')
  t.equal(writeTagged({ always: 1, second: 2 }, 8), '01')
})

t.test('an unknown tagged field is skipped', async (t) => {
  const value = readTagged('01 02 01 02 0002 b801 03 ffffff')
  t.same(value, { always: 1, second: 2, first: null, third: [] })
})

for (const { name, hex } of [
  { name: 'longer than its value', hex: '01 01 01 03 000200' },
  { name: 'shorter than its value', hex: '01 01 01 01 0002' },
  { name: 'longer than the message, for an unknown tag', hex: '01 01 44 03 ff' },
]) {
  t.test(`refused: the length of a tagged field is ${name}`, async (t) => {
    t.throws(() => readTagged(hex), ProtocolError)
  })
}

t.test('a count of a billion tagged fields is refused at the end of the bytes', async (t) => {
  t.throws(() => readTagged('01 ffffffff07 44 00 44 00'), ProtocolError)
})
