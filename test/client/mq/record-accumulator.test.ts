import t from 'tap'
import { RecordAccumulator } from '../../../src/client/mq/record-accumulator.ts'

const record = (bytes: number) => ({
  key: null,
  value: Buffer.alloc(bytes),
  timestampMs: 0,
  headers: [],
})

t.test('a batch is ready when its first record has lingered', async (t) => {
  const accumulator = new RecordAccumulator<string>({ batchBytes: 1000, lingerMs: 10 })
  t.equal(accumulator.readyMs(), Number.POSITIVE_INFINITY)
  accumulator.add(record(10), 'a', 5)
  accumulator.add(record(10), 'b', 14)
  t.equal(accumulator.readyMs(), 15)
  t.equal(accumulator.take(14, false), undefined)
  t.same(accumulator.take(15, false)?.waiters, ['a', 'b'])
  t.ok(accumulator.isEmpty)
})

t.test('a full batch is ready at once, and the rest lingers on', async (t) => {
  const accumulator = new RecordAccumulator<string>({ batchBytes: 1000, lingerMs: 10 })
  for (const waiter of ['a', 'b', 'c']) accumulator.add(record(400), waiter, 5)
  t.same(accumulator.take(5, false)?.waiters, ['a', 'b'])
  t.equal(accumulator.take(5, false), undefined)
  t.same(accumulator.take(5, true)?.waiters, ['c'], 'unless it is flushed')
})

t.test('a record larger than a batch makes one of its own', async (t) => {
  const accumulator = new RecordAccumulator<string>({ batchBytes: 100, lingerMs: 0 })
  for (const waiter of ['a', 'b']) accumulator.add(record(400), waiter, 0)
  t.same(
    accumulator.takeAll().map(({ waiters }) => waiters),
    [['a'], ['b']],
  )
})
