import t from 'tap'
import { RecordAccumulator } from '../../../src/client/mq/record-accumulator.ts'
import { recordBytesMax } from '../../../src/protocol/mq/records.ts'

const record = (bytes: number) => ({
  key: null,
  value: Buffer.alloc(bytes),
  timestampMs: 0,
  headers: [],
})

function add(accumulator: RecordAccumulator<string>, bytes: number, waiter: string, nowMs: number) {
  accumulator.add(record(bytes), recordBytesMax(record(bytes)), waiter, nowMs)
}

t.test('a batch is ready when its first record has lingered', async (t) => {
  const accumulator = new RecordAccumulator<string>({ batchBytes: 1000, lingerMs: 10 })
  t.equal(accumulator.readyMs(), Number.POSITIVE_INFINITY)
  add(accumulator, 10, 'a', 5)
  add(accumulator, 10, 'b', 14)
  t.equal(accumulator.readyMs(), 15)
  t.equal(accumulator.take(14, false), undefined)
  t.same(accumulator.take(15, false)?.waiters, ['a', 'b'])
  t.ok(accumulator.isEmpty)
})

t.test('a full batch is ready at once, and the rest lingers on', async (t) => {
  const accumulator = new RecordAccumulator<string>({ batchBytes: 1000, lingerMs: 10 })
  for (const waiter of ['a', 'b', 'c']) add(accumulator, 400, waiter, 5)
  t.same(accumulator.take(5, false)?.waiters, ['a', 'b'])
  t.equal(accumulator.take(5, false), undefined)
  t.same(accumulator.take(5, true)?.waiters, ['c'], 'unless it is flushed')
})

t.test('a record larger than a batch makes one of its own', async (t) => {
  const accumulator = new RecordAccumulator<string>({ batchBytes: 100, lingerMs: 0 })
  for (const waiter of ['a', 'b']) add(accumulator, 400, waiter, 0)
  t.same(
    accumulator.takeAll().map(({ waiters }) => waiters),
    [['a'], ['b']],
  )
})

t.test('records in a row of one caller are counted, not listed', async (t) => {
  const accumulator = new RecordAccumulator<string>({ batchBytes: 1000, lingerMs: 0 })
  for (const waiter of ['a', 'a', 'b', 'a', 'a', 'a']) add(accumulator, 1, waiter, 0)
  const [batch] = accumulator.takeAll()
  t.same(
    [batch?.waiters, batch?.counts],
    [
      ['a', 'b', 'a'],
      [2, 1, 3],
    ],
  )
  t.equal(batch?.builder.count, 6)
})
