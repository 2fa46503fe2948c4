import t from 'tap'
import {
  batchProblem,
  decodeBatch,
  encodeBatch,
  forEachBatch,
  isBatchIntact,
  noProducer,
  type ProducerId,
  placeBatch,
  readBatchHeader,
} from '../../../src/protocol/mq/record-batch.ts'
import type { MqRecord } from '../../../src/protocol/mq/records.ts'
import { Random } from '../../../src/random.ts'

const batchBytesMax = 1_048_588
const timestampMs = 1_700_000_000_123
const plain = (value: string): MqRecord => ({
  key: null,
  value: Buffer.from(value),
  timestampMs,
  headers: [],
})

// Written by another program, from the specification of the format.
const golden =
  '0000000000000000000000a2ffffffff02ea42c9890000000000020000018bcfe5687b0000018bcfe57c03' +
  '0000001cbe991a1400037fffffff00000003' +
  `c00100000008676f616c8c01${'78'.repeat(70)}0408636c75620646435a086e6f6e6501` +
  '0e00904e020100000c000204000100'

const goldenRecords: MqRecord[] = [
  {
    key: Buffer.from('goal'),
    value: Buffer.from('x'.repeat(70)),
    timestampMs,
    headers: [
      { key: 'club', value: Buffer.from('FCZ') },
      { key: 'none', value: null },
    ],
  },
  { key: null, value: Buffer.alloc(0), timestampMs: timestampMs + 5000, headers: [] },
  { key: Buffer.alloc(0), value: null, timestampMs: timestampMs + 1, headers: [] },
]

t.test('an encoded batch has the bytes of Kafka’s format', async (t) => {
  const batch = encodeBatch({
    producerId: 123_456_789_012 as ProducerId,
    producerEpoch: 3,
    baseSequence: 2_147_483_647,
    records: goldenRecords,
  })
  t.equal(batch.toString('hex'), golden)
  t.equal(batchProblem(batch, batchBytesMax), undefined)
})

t.test('a batch survives encoding and decoding', async (t) => {
  const bytes = Buffer.from(golden, 'hex')
  placeBatch(bytes, 2 ** 40 + 5, 9)
  const header = readBatchHeader(bytes)
  t.match(header, { baseOffset: 2 ** 40 + 5, leaderEpoch: 9, producerId: 123_456_789_012 })
  t.match(header, { baseSequence: 2_147_483_647, lastOffsetDelta: 2, recordCount: 3 })
  t.ok(isBatchIntact(bytes, 0, bytes.length), 'assigning an offset keeps the checksum valid')
  const want = goldenRecords.map((record, i) => ({ ...record, offset: 2 ** 40 + 5 + i }))
  t.strictSame(decodeBatch(bytes), want)
})

t.test('consecutive batches are found, and a truncated one is not', async (t) => {
  const one = encodeBatch({
    producerId: noProducer,
    producerEpoch: -1,
    baseSequence: -1,
    records: [plain('a')],
  })
  const found: number[] = []
  forEachBatch(Buffer.concat([one, one, one.subarray(0, -1)]), (at) => found.push(at))
  t.same(found, [0, one.length])
})

const damaged: { name: string; change: (batch: Buffer) => Buffer; code: string }[] = [
  { name: 'truncated in its header', change: (b) => b.subarray(0, 60), code: 'INVALID_RECORD' },
  { name: 'truncated in its records', change: (b) => b.subarray(0, -1), code: 'INVALID_RECORD' },
  { name: 'two batches', change: (b) => Buffer.concat([b, b]), code: 'INVALID_RECORD' },
  { name: 'another magic', change: (b) => set(b, 16, 1), code: 'INVALID_RECORD' },
  { name: 'a flipped bit', change: (b) => set(b, 70, 0xff), code: 'CORRUPT_MESSAGE' },
  {
    name: 'too large',
    change: () => plainBatch('x'.repeat(batchBytesMax)),
    code: 'MESSAGE_TOO_LARGE',
  },
]
for (const { name, change, code } of damaged) {
  t.test(`batchProblem: ${name} is ${code}`, async (t) => {
    t.equal(batchProblem(change(Buffer.from(golden, 'hex')), batchBytesMax)?.code, code)
  })
}

t.test('damaged batches with a valid checksum are refused or decoded', async (t) => {
  const seed = 11
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  let refused = 0
  for (let i = 0; i < 3000; i++) {
    const batch = Buffer.from(golden, 'hex')
    batch[21 + random.below(batch.length - 21)] = random.below(256)
    resum(batch)
    if (batchProblem(batch, batchBytesMax) !== undefined) refused += 1
    else if ((batch.readInt16BE(21) & 7) === 0) t.ok(decodeBatch(batch).length === 3)
  }
  t.ok(refused > 500, 'many of them are refused')
})

function plainBatch(value: string): Buffer {
  const none = { producerId: noProducer, producerEpoch: -1, baseSequence: -1 }
  return encodeBatch({ ...none, records: [plain(value)] })
}

function set(bytes: Buffer, at: number, value: number): Buffer {
  bytes[at] = value
  return bytes
}

function resum(batch: Buffer): void {
  // Computed bit by bit, independently of the table under test.
  let crc = 0xffffffff
  for (const byte of batch.subarray(21)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  batch.writeUInt32BE(~crc >>> 0, 17)
}
