import t from 'tap'
import { entryJson, entryLine, recordLine } from '../../../src/cli/log/batch-lines.ts'
import { scanSegment } from '../../../src/cli/log/segment-scan.ts'
import {
  decodeBatch,
  encodeBatch,
  noProducer,
  type ProducerId,
  placeBatch,
} from '../../../src/protocol/mq/record-batch.ts'

function batch(baseOffset: number, values: readonly string[], producerId = noProducer): Buffer {
  const isNone = producerId === noProducer
  const bytes = encodeBatch({
    producerId,
    producerEpoch: isNone ? -1 : 2,
    baseSequence: isNone ? -1 : 2 ** 31 - 1,
    records: values.map((value, i) => ({
      key: null,
      value: Buffer.from(value),
      timestampMs: 1_700_000_000_000 + i,
      headers: [{ key: 'h', value: null }],
    })),
  })
  placeBatch(bytes, baseOffset, 3)
  return bytes
}

function scan(...parts: readonly Buffer[]) {
  const bytes = Buffer.concat(parts)
  const read = (at: number, length: number) => bytes.subarray(at, at + length)
  return [...scanSegment({ sizeBytes: bytes.length, read })]
}

const first = batch(100, ['a', 'b'], 17 as ProducerId)
const second = batch(102, ['c'])

t.test('batches are listed with what their headers say, up to the prepared zeros', async (t) => {
  const entries = scan(first, second, Buffer.alloc(5000))
  const [at, end] = [first.length, first.length + second.length]
  t.same(entries.map(entryLine), [
    `100-101 at 0: 2 records, ${first.length} bytes, not compressed, 2023-11-14T22:13:20.000Z to ` +
      '2023-11-14T22:13:20.001Z, leader epoch 3, producer 17 epoch 2 sequence 2147483647-0',
    `102-102 at ${at}: 1 record, ${second.length} bytes, not compressed, 2023-11-14T22:13:20.000Z, ` +
      'leader epoch 3, no producer id',
    `at ${end}: the end, before 5000 bytes of zeros`,
  ])
  const [entry] = entries
  t.match(entry && JSON.parse(entryJson('f', entry)), {
    file: 'f',
    at: 0,
    baseOffset: 100,
    lastOffset: 101,
    codec: 'none',
    producerId: 17,
    problems: [],
  })
  t.equal(
    recordLine(decodeBatch(first)[1] as never),
    '    101 2023-11-14T22:13:20.001Z null: b [h=null]',
  )
  t.same(scan(first).at(-1), { type: 'end', at: first.length, zeroBytes: 0 })
  t.same(scan(), [{ type: 'end', at: 0, zeroBytes: 0 }])
})

const flipped = Buffer.from(second)
flipped[second.length - 3] = (flipped[second.length - 3] ?? 0) ^ 1
const oldMagic = Buffer.from(second)
oldMagic[16] = 1
const tooShort = Buffer.from(second)
tooShort.writeInt32BE(10, 8)
const damages = [
  {
    name: 'a flipped bit',
    parts: [first, flipped, batch(103, ['d'])],
    found: /102-102 .*checksum/,
  },
  { name: 'an old format', parts: [first, oldMagic], found: /DAMAGED: no batch: its magic is 1/ },
  {
    name: 'a wrong length',
    parts: [first, tooShort],
    found: /DAMAGED: no batch: its length is 22/,
  },
  { name: 'a torn batch', parts: [first, second.subarray(0, 70)], found: /of which 70 are there/ },
  {
    name: 'a torn header',
    parts: [first, second.subarray(0, 30)],
    found: /cut short, of 30 bytes/,
  },
  { name: 'offsets again', parts: [second, first], found: /offsets before 103 are repeated/ },
  {
    name: 'bytes behind zeros',
    parts: [first, Buffer.alloc(100), second],
    found: /zeros, and other/,
  },
]
for (const { name, parts, found } of damages) {
  t.test(`${name} is named`, async (t) => {
    const lines = scan(...parts).map(entryLine)
    t.equal(lines.filter((line) => line.includes('DAMAGED')).length, 1)
    t.match(lines.join('\n'), found)
  })
}

t.test('after a bad checksum the next batch is still found', async (t) => {
  const types = scan(first, flipped, batch(103, ['d'])).map(({ type }) => type)
  t.same(types, ['batch', 'batch', 'batch', 'end'])
})
