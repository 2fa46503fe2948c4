import { pack, unpack } from 'msgpackr'
import t from 'tap'
import { ProtocolError } from '../../src/protocol/error-codes.ts'
import { MsgpackReader, MsgpackWriter } from '../../src/protocol/msgpack.ts'

function written(write: (out: MsgpackWriter) => void): Buffer {
  const out = new MsgpackWriter(8)
  write(out)
  return Buffer.from(out.view())
}

function reader(bytes: Uint8Array): MsgpackReader {
  return new MsgpackReader().reset(Buffer.from(bytes), 0, bytes.length)
}

const integers = [
  0,
  1,
  127,
  128,
  255,
  256,
  65535,
  65536,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  -1,
  -32,
  -33,
  -128,
  -129,
  -(2 ** 31),
  -(2 ** 31) - 1,
  -(2 ** 53) + 1,
]

t.test('integers round trip, and msgpackr reads and writes the same', async (t) => {
  for (const value of integers) {
    const bytes = written((out) => out.int(value))
    t.equal(reader(bytes).int(), value)
    t.equal(unpack(bytes), value)
    t.equal(reader(pack(value)).int(), value, 'as msgpackr writes it')
  }
  for (const hex of ['cf0000000000000005', 'd30000000000000005', 'd105', 'd005']) {
    if (hex.length > 4) t.equal(reader(Buffer.from(hex.padEnd(2, '0'), 'hex')).int(), 5)
  }
})

t.test('unsafe integers and other numbers are refused', async (t) => {
  const bad = [
    'cfffffffffffffffff',
    'cb3ff8000000000000',
    'cb7ff8000000000000',
    'ca3f800000',
    'a161',
  ]
  for (const hex of bad) t.throws(() => reader(Buffer.from(hex, 'hex')).int(), ProtocolError)
  t.throws(() => reader(Buffer.from('ff', 'hex')).natural('the count'), ProtocolError)
})

t.test('any number can be read as a number', async (t) => {
  const number = (hex: string) => reader(Buffer.from(hex, 'hex')).number()
  t.equal(number('ff'), -1)
  t.equal(number('cb4340000000000000'), 2 ** 53)
  t.equal(number('cb3ff8000000000000'), 1.5)
  t.equal(number('cfffffffffffffffff'), 2 ** 64)
  t.throws(() => number('a161'), ProtocolError)
})

t.test('strings of every header size round trip', async (t) => {
  for (const length of [
    0, 1, 10, 11, 31, 32, 85, 86, 255, 256, 21845, 21846, 65535, 65536, 70000,
  ]) {
    for (const letter of ['a', 'é', '漢', '😀']) {
      const value = letter.repeat(Math.ceil(length / letter.length))
      const bytes = written((out) => out.string(value))
      t.equal(reader(bytes).string(), value)
      t.equal(unpack(bytes), value)
    }
  }
})

t.test('bytes of every header size round trip; nil stays nil', async (t) => {
  for (const length of [0, 1, 255, 256, 65535, 65536]) {
    const value = Buffer.alloc(length, 7)
    const bytes = written((out) => out.bytes(value))
    t.same(reader(bytes).bytes(), value)
  }
  t.equal(reader(written((out) => out.bytes(null))).bytes(), null)
  t.equal(
    reader(written((out) => out.nil())).nilOr(() => 1),
    undefined,
  )
  t.equal(
    reader(written((out) => out.int(3))).nilOr(() => 4),
    4,
  )
})

t.test('frames carry their length, and an unfinished one can be abandoned', async (t) => {
  const out = new MsgpackWriter(8)
  out.beginFrame()
  out.string('hello')
  out.endFrame()
  out.beginFrame()
  out.int(1)
  out.abandonFrame()
  t.same(Buffer.from(out.view()), Buffer.from('00000006a568656c6c6f', 'hex'))
})
