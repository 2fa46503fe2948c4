import t from 'tap'
import { limits } from '../../../src/limits.ts'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import { KafkaReader, noUuid } from '../../../src/protocol/kafka/reader.ts'
import {
  boolean,
  bytes,
  int8,
  int16,
  int32,
  int64,
  type KafkaType,
  listOf,
  nullable,
  records,
  string,
  uuid,
} from '../../../src/protocol/kafka/types.ts'
import { KafkaWriter } from '../../../src/protocol/kafka/writer.ts'
import { joined } from './all-messages.ts'

const plain = { version: 0, isFlexible: false }
const flexible = { version: 0, isFlexible: true }

function read<T>(type: KafkaType<T, never>, hex: string, form = plain): T {
  const buffer = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const from = new KafkaReader().reset(buffer, 0, buffer.length)
  const value = type.codec(form).read(from)
  if (from.bytesLeft > 0) throw new RangeError(`${from.bytesLeft} bytes are left`)
  return value
}

function written<T>(type: KafkaType<unknown, T>, value: T, form = plain): string {
  const to = new KafkaWriter(4)
  type.codec(form).write(to, value)
  return joined(to).toString('hex')
}

function checks<T>(type: KafkaType<T, T>, hex: string, value: T, form = plain) {
  return { hex, read: () => read(type, hex, form), write: () => written(type, value, form), value }
}

const someId = 'UDpsz5oTRHaBuIZhW0V9yA'
const someIdHex = Buffer.from(someId, 'base64url').toString('hex')

const values = [
  checks(boolean, '00', false),
  checks(boolean, '01', true),
  checks(int8, '80', -128),
  checks(int16, 'fffe', -2),
  checks(int16, '7fff', 32_767),
  checks(int32, '80000000', -(2 ** 31)),
  checks(int64, 'ffffffffffffffff', -1),
  checks(int64, '001fffffffffffff', Number.MAX_SAFE_INTEGER),
  checks(uuid, '00000000000000000000000000000000', noUuid),
  checks(uuid, someIdHex, someId),
  checks(string, '0002 c3a9', 'é'),
  checks(string, '03 c3a9', 'é', flexible),
  checks(string, `ac02 ${'78'.repeat(299)}`, 'x'.repeat(299), flexible),
  checks(nullable(string), 'ffff', null),
  checks(nullable(string), '00', null, flexible),
  checks(nullable(string), '0000', ''),
  checks(nullable(string), '01', '', flexible),
  checks<Uint8Array>(bytes, '00000002 0102', Buffer.of(1, 2)),
  checks<Uint8Array>(bytes, '03 0102', Buffer.of(1, 2), flexible),
  checks<Uint8Array | null>(nullable(records), 'ffffffff', null),
  checks<Uint8Array | null>(nullable(records), '00', null, flexible),
  checks(listOf(int16), '00000002 0001 0002', [1, 2]),
  checks(listOf(int16), '03 0001 0002', [1, 2], flexible),
  checks(nullable(listOf(int16)), 'ffffffff', null),
  checks(nullable(listOf(int16)), '00', null, flexible),
]
for (const { hex, read, write, value } of values) {
  const shown = hex.length > 40 ? `${hex.slice(0, 40)}…` : hex
  t.test(`${shown} is decoded and encoded`, async (t) => {
    t.same(read(), value)
    t.equal(write(), hex.replaceAll(' ', ''))
  })
}

t.test('encodings that only other programs write are decoded', async (t) => {
  t.equal(read(boolean, '80'), true, 'any byte but 0 is true')
  t.equal(read(nullable(string), 'fff0'), null, 'any negative length is null')
  t.equal(read(nullable(listOf(int16)), '80000000'), null)
  t.equal(read(string, '0003 61ff62'), 'a\ufffdb', 'bytes that are no UTF-8')
  t.equal(read(string, '83 00 c3a9', flexible), 'é', 'a varint with redundant bytes')
})

t.test('an int64 beyond 2^53 is read as the nearest safe integer', async (t) => {
  t.equal(read(int64, '7fffffffffffffff'), Number.MAX_SAFE_INTEGER)
  t.equal(read(int64, '0020000000000000'), Number.MAX_SAFE_INTEGER)
  t.equal(read(int64, '8000000000000000'), Number.MIN_SAFE_INTEGER)
})

const refused = [
  { name: 'a null string that must not be null', type: string, hex: 'ffff' },
  { name: 'a null list that must not be null', type: listOf(int8), hex: 'ffffffff' },
  { name: 'null bytes that must not be null', type: bytes, hex: '00', form: flexible },
  { name: 'a string longer than the message', type: string, hex: '0003 6161' },
  { name: 'bytes longer than the message', type: bytes, hex: '7fffffff 00' },
  { name: 'a string longer than Kafka allows', type: string, hex: '81 80 02', form: flexible },
  { name: 'a varint of 32 bits', type: bytes, hex: 'ffffffff0f', form: flexible },
  { name: 'a varint without an end', type: bytes, hex: 'ffffffffffffffff', form: flexible },
  { name: 'more elements than bytes', type: listOf(int8), hex: '00000003 0101' },
  { name: 'two billion elements', type: listOf(int8), hex: '7fffffff 0101' },
  { name: 'fewer bytes than elements need', type: listOf(int64), hex: '00000002 0000000000000001' },
]
for (const { name, type, hex, form } of refused) {
  t.test(`refused: ${name}`, async (t) => {
    t.throws(() => read<unknown>(type, hex, form), ProtocolError)
  })
}

t.test('a message of more objects than the limit is refused before they are made', async (t) => {
  const list = listOf(string)
  const most = Array.from({ length: limits.kafkaObjectsMax }, () => '')
  const fits = written(list, most, flexible)
  t.equal(read(list, fits, flexible).length, most.length)
  const tooMany = written(list, ['', ...most], flexible)
  t.throws(() => read(list, tooMany, flexible), /at most 100000 are allowed/)
})

t.test('the limit applies to a message, not to a list', async (t) => {
  const lists = listOf(listOf(string))
  const half = Array.from({ length: limits.kafkaObjectsMax / 2 }, () => '')
  t.throws(() => read(lists, written(lists, [half, half], flexible), flexible), ProtocolError)
})

t.test('numbers do not count as objects', async (t) => {
  const count = limits.kafkaObjectsMax + 1
  const list = written(listOf(int8), new Array<number>(count).fill(1), flexible)
  t.equal(read(listOf(int8), list, flexible).length, count)
})

t.test('bytes are views of the message', async (t) => {
  const buffer = Buffer.from('000000020102', 'hex')
  const value = bytes.codec(plain).read(new KafkaReader().reset(buffer, 0, buffer.length))
  t.equal(value.buffer, buffer.buffer)
  t.equal(value.byteOffset, buffer.byteOffset + 4)
})

t.test('a string longer than its length field can express is refused', async (t) => {
  const long = 'x'.repeat(0x8000)
  t.throws(() => written(string, long), ProtocolError)
  t.throws(() => written(string, long, flexible), ProtocolError)
})

t.test('an invalid UUID is refused', async (t) => {
  t.throws(() => written(uuid, 'short'), ProtocolError)
})
