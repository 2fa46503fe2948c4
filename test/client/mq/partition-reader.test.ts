import t from 'tap'
import { PartitionReader } from '../../../src/client/mq/partition-reader.ts'
import { crc32c } from '../../../src/protocol/crc32c.ts'
import type { Decompress } from '../../../src/protocol/mq/compression.ts'
import { encodeBatch, noProducer, placeBatch } from '../../../src/protocol/mq/record-batch.ts'

const decompress: Decompress = () => {
  throw new Error('nothing is compressed')
}
const none = { decompress, checkCrcs: true }

/** @param options as compaction and brokers leave them */
function batch(
  baseOffset: number,
  values: readonly string[],
  options: { readonly lastOffsetDelta?: number; readonly isControl?: boolean } = {},
): Buffer {
  const records = values.map((value, i) => ({
    key: null,
    value: Buffer.from(value),
    timestampMs: i,
    headers: [],
  }))
  const bytes = encodeBatch({
    producerId: noProducer,
    producerEpoch: -1,
    baseSequence: -1,
    records:
      records.length === 0 ? [{ key: null, value: null, timestampMs: 0, headers: [] }] : records,
  })
  if (records.length === 0) {
    // What compaction leaves of a batch whose last sequence is still needed.
    const empty = Buffer.from(bytes.subarray(0, 61))
    empty.writeInt32BE(empty.length - 12, 8)
    empty.writeInt32BE(0, 57)
    placeBatch(empty, baseOffset, 0)
    empty.writeInt32BE(options.lastOffsetDelta ?? 0, 23)
    return summed(empty)
  }
  placeBatch(bytes, baseOffset, 0)
  if (options.lastOffsetDelta !== undefined) bytes.writeInt32BE(options.lastOffsetDelta, 23)
  if (options.isControl) bytes.writeInt16BE(0x20, 21)
  return summed(bytes)
}

function summed(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32c(bytes, 21), 17)
  return bytes
}

function reader(start = 0): PartitionReader {
  return new PartitionReader({ topic: 'goals', partition: 0, start })
}

t.test('the position moves past a record when it is handed out', async (t) => {
  const one = reader()
  one.push(Buffer.concat([batch(0, ['a', 'b']), batch(2, ['c'])]), 3, none)
  t.same([one.position, one.fetchOffset, one.waitingCount], [0, 3, 3])
  t.equal(String(one.takeOne()?.value), 'a')
  t.same([one.position, one.waitingCount], [1, 2])
  const [rest, next] = one.take()
  t.same(
    rest?.records.map(({ value }) => String(value)),
    ['b'],
  )
  t.match(rest?.info, { baseOffset: 0, lastOffset: 1, recordCount: 2, codec: 'none' })
  t.same(
    next?.records.map(({ value }) => String(value)),
    ['c'],
  )
  t.same([one.position, one.waitingBytes], [3, 0])
  t.equal(one.takeOne(), undefined)
})

t.test('an answer may begin before the offset, and records before it are left out', async (t) => {
  const one = reader(1)
  one.push(batch(0, ['a', 'b', 'c']), 3, none)
  t.same(
    one.takeBatch()?.records.map(({ offset }) => offset),
    [1, 2],
  )
})

t.test('offsets without records are passed with the record before them', async (t) => {
  const one = reader()
  const left = [
    batch(0, ['a'], { lastOffsetDelta: 4 }),
    batch(5, [], { lastOffsetDelta: 2 }),
    batch(8, ['mark'], { isControl: true }),
  ]
  one.push(Buffer.concat(left), 9, none)
  t.same([one.position, one.fetchOffset], [0, 9])
  t.equal(String(one.takeOne()?.value), 'a')
  t.equal(one.position, 9, 'a consumer at the end sees that it is there')
  one.push(batch(9, [], { lastOffsetDelta: 0 }), 10, none)
  t.same([one.position, one.hasRecords], [10, false])
})

t.test('offsets of another batch are refused', async (t) => {
  const wrong = batch(0, ['a', 'b'], { lastOffsetDelta: 0 })
  t.throws(() => reader().push(wrong, 2, none), { name: 'ProtocolError' })
  t.throws(() => reader(7).push(batch(0, ['a']), 2, none), { message: /no record at or after/ })
})

t.test('a borrowed batch is handed out again unless it was used', async (t) => {
  const one = reader()
  one.push(Buffer.concat([batch(0, ['a', 'b']), batch(2, ['c'])]), 3, none)
  one.takeOne()
  const first = one.borrow()
  t.same(
    first?.records.map(({ value }) => String(value)),
    ['b'],
  )
  t.same([one.borrow(), one.takeOne(), one.takeBatch()], [undefined, undefined, undefined])
  if (first !== undefined) one.giveBack(first, false)
  t.equal(one.position, 1)
  const again = one.borrow()
  t.same(again?.records, first?.records)
  if (again !== undefined) one.giveBack(again, true)
  t.equal(one.position, 2)
  const last = one.borrow()
  one.seek(0)
  if (last !== undefined) one.giveBack(last, true)
  t.equal(one.position, 0, 'a seek decides')
})

t.test('a pause hands out nothing and drops nothing', async (t) => {
  const one = reader()
  one.push(batch(0, ['a']), 1, none)
  one.isPaused = true
  t.same([one.hasRecords, one.takeOne(), one.borrow()], [false, undefined, undefined])
  one.isPaused = false
  t.equal(String(one.takeOne()?.value), 'a')
})

t.test('a batch whose checksum fails is refused, and those before it are used', async (t) => {
  const damaged = batch(1, ['b'])
  damaged[damaged.length - 2] = (damaged[damaged.length - 2] ?? 0) ^ 1
  const bytes = Buffer.concat([batch(0, ['a']), damaged])
  const one = reader()
  t.throws(() => one.push(bytes, 2, none), { name: 'ProtocolError', message: /its checksum fails/ })
  t.same([one.waitingCount, one.fetchOffset], [1, 1])
  const careless = reader()
  careless.push(bytes, 2, { decompress, checkCrcs: false })
  t.equal(careless.waitingCount, 2)
})
