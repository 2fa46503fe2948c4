import t from 'tap'
import { HeldBatches } from '../../../src/broker/partition/held-batches.ts'
import { ProducerStates } from '../../../src/broker/partition/producer-states.ts'
import { limits } from '../../../src/limits.ts'
import type { BatchHeader, ProducerId } from '../../../src/protocol/mq/record-batch.ts'

function batch(baseSequence: number, more: Partial<BatchHeader> = {}): BatchHeader {
  return {
    baseOffset: 0,
    sizeBytes: 100,
    leaderEpoch: 0,
    attributes: 0,
    lastOffsetDelta: 0,
    baseTimestampMs: 0,
    maxTimestampMs: 0,
    producerId: 7 as ProducerId,
    producerEpoch: 1,
    baseSequence,
    recordCount: 1,
    ...more,
  }
}

/** Three batches: sequences 0 to 1, 2, 3 to 5. */
function known(): ProducerStates {
  const states = new ProducerStates()
  states.appended(batch(0, { lastOffsetDelta: 1, baseOffset: 10 }))
  states.appended(batch(2, { baseOffset: 12 }))
  states.appended(batch(3, { lastOffsetDelta: 2, baseOffset: 20 }))
  return states
}

/** Batches of one record each, with the sequences and offsets from 0 on. */
function many(count: number): ProducerStates {
  const states = new ProducerStates()
  for (let i = 0; i < count; i++) states.appended(batch(i, { baseOffset: i }))
  return states
}

const cases = [
  { name: 'the next sequence is next', of: batch(6), want: { type: 'next' } },
  {
    name: 'a retry is a duplicate with its old offset',
    of: batch(3, { lastOffsetDelta: 2 }),
    want: { type: 'duplicate', baseOffset: 20, lastOffset: 22 },
  },
  { name: 'a gap makes it early', of: batch(7), want: { type: 'early' } },
  {
    name: 'an old batch that was never appended is refused',
    of: batch(3, { lastOffsetDelta: 1 }),
    want: { type: 'refused', code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' },
  },
  {
    name: 'an older producer epoch is refused',
    of: batch(6, { producerEpoch: 0 }),
    want: { type: 'refused', code: 'INVALID_PRODUCER_EPOCH' },
  },
  {
    name: 'a newer producer epoch starts over at 0',
    of: batch(0, { producerEpoch: 2 }),
    want: { type: 'next' },
  },
  {
    name: 'a newer producer epoch can come early too',
    of: batch(6, { producerEpoch: 2 }),
    want: { type: 'early' },
  },
  {
    name: 'an unknown producer starts at 0',
    of: batch(0, { producerId: 8 as ProducerId }),
    want: { type: 'next' },
  },
  {
    name: 'an unknown producer that starts later is early',
    of: batch(5, { producerId: 8 as ProducerId }),
    want: { type: 'early' },
  },
  {
    name: 'a batch without a producer is always next',
    of: batch(-1, { producerId: -1 as ProducerId }),
    want: { type: 'next' },
  },
]
for (const { name, of, want } of cases) {
  t.test(`ProducerStates: ${name}`, async (t) => {
    t.match(known().judge(of), want)
  })
}

t.test('sequences wrap after 2147483647', async (t) => {
  const states = new ProducerStates()
  states.appended(batch(2_147_483_646, { lastOffsetDelta: 2, baseOffset: 0 }))
  t.equal(states.expectedSequence(7 as ProducerId, 1), 1)
  t.match(states.judge(batch(1)), { type: 'next' })
  t.match(states.judge(batch(2)), { type: 'early' })
  t.match(states.judge(batch(2_147_483_646, { lastOffsetDelta: 2 })), { type: 'duplicate' })
})

t.test('as many batches are remembered as may be in flight', async (t) => {
  const states = many(limits.rememberedBatchesMax + 1)
  t.match(states.judge(batch(1)), { type: 'duplicate', baseOffset: 1 })
  t.match(states.judge(batch(0)), { type: 'refused' })
})

t.test('truncation restores the state of what the log still holds', async (t) => {
  const states = known()
  t.ok(states.truncated(20), 'nothing older was forgotten')
  t.equal(states.expectedSequence(7 as ProducerId, 1), 3)
  t.ok(states.truncated(0))
  t.equal(states.producerCount, 0)
})

t.test(
  'after a truncation of all batches in flight, as many earlier ones are recognised',
  async (t) => {
    const { rememberedBatchesMax } = limits
    const left = 2 * rememberedBatchesMax
    const states = many(left + rememberedBatchesMax)
    t.ok(states.truncated(left))
    const first = left - rememberedBatchesMax
    t.match(states.judge(batch(left - 1)), { type: 'duplicate', baseOffset: left - 1 })
    t.match(states.judge(batch(first)), { type: 'duplicate', baseOffset: first })
    t.match(states.judge(batch(first - 1)), { type: 'refused' }, 'older ones are not')
  },
)

t.test('truncation reports when older batches had been forgotten', async (t) => {
  const { rememberedBatchesMax } = limits
  const count = 2 * rememberedBatchesMax + 1
  t.ok(many(count - 1).truncated(1), 'nothing was forgotten')
  t.ok(many(count).truncated(1 + rememberedBatchesMax), 'batch 0 is not recognised any more')
  t.notOk(many(count).truncated(rememberedBatchesMax), 'batch 0 is recognised again')
  t.notOk(many(count).truncated(1))
})

t.test('truncation reports when only an earlier epoch of a producer is left', async (t) => {
  const states = many(1)
  states.appended(batch(0, { producerEpoch: 2, baseOffset: 1 }))
  states.appended(batch(1, { producerEpoch: 2, baseOffset: 2 }))
  t.ok(states.truncated(2), 'the later epoch is still there')
  t.notOk(states.truncated(1))
})

t.test(
  'a bounded number of producers is kept; the longest silent ones are forgotten',
  async (t) => {
    const states = new ProducerStates()
    for (let i = 0; i <= limits.producersPerPartitionMax; i++) {
      states.appended(batch(0, { producerId: i as ProducerId }))
      states.appended(batch(i, { producerId: 0 as ProducerId }))
    }
    t.equal(states.producerCount, limits.producersPerPartitionMax)
    t.match(states.judge(batch(1, { producerId: 1 as ProducerId })), { type: 'early' })
  },
)

t.test('held batches are released when they are due, and when their deadline passes', async (t) => {
  const held = new HeldBatches<string>()
  const hold = (sequence: number, waiter: string, deadlineMs = 100) =>
    held.hold({ header: batch(sequence), bytes: Buffer.alloc(10), waiter, deadlineMs })
  hold(3, 'three')
  hold(2, 'two', 50)
  hold(2, 'two again')
  const due = held.take(7 as ProducerId, (header) => header.baseSequence === 2)
  t.same(
    due.map((batch) => batch.waiter),
    ['two', 'two again'],
  )
  t.equal(held.bytes, 10)
  hold(4, 'four', 50)
  t.same(
    held.takeExpired(60).map((batch) => batch.waiter),
    ['four'],
  )
  t.same(
    held.takeAll().map((batch) => batch.waiter),
    ['three'],
  )
  t.same([held.count, held.bytes], [0, 0])
})

t.test('held batches are bounded per producer and in bytes', async (t) => {
  const held = new HeldBatches<number>()
  const hold = (producer: number, bytes: number) => {
    const header = batch(1, { producerId: producer as ProducerId })
    return held.hold({ header, bytes: Buffer.alloc(bytes), waiter: 0, deadlineMs: 1 })
  }
  for (let i = 0; i < limits.heldBatchesMax; i++) t.ok(hold(1, 1))
  t.notOk(hold(1, 1), 'one producer')
  t.ok(hold(2, limits.heldBytesMax - limits.heldBatchesMax))
  t.notOk(hold(3, 1), 'the partition')
})

t.test(
  'states restored as of an offset, and told the later batches, equal the ones they were',
  async (t) => {
    const count = limits.rememberedBatchesMax + 20
    const states = many(count)
    const { entries, isExact } = states.before(count - 10)
    t.ok(isExact)
    const restored = new ProducerStates()
    restored.restore(entries)
    t.equal(restored.expectedSequence(7 as ProducerId, 1), count - 10)
    for (let i = count - 10; i < count; i++) restored.appended(batch(i, { baseOffset: i }))
    for (let i = 0; i <= count; i++)
      t.same(restored.judge(batch(i)), states.judge(batch(i)), `${i}`)
  },
)

t.test('states as of an offset are not exact once batches before it were forgotten', async (t) => {
  const kept = 2 * limits.rememberedBatchesMax
  const states = many(kept + 50)
  t.ok(states.before(kept + 50).isExact)
  t.notOk(states.before(51).isExact, 'only the first of those kept lies before it')
  const other = known()
  other.appended(batch(0, { producerEpoch: 2, baseOffset: 30 }))
  t.ok(other.before(31).isExact)
  t.notOk(other.before(30).isExact, 'the earlier epoch is forgotten')
})
