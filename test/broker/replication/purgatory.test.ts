import t from 'tap'
import {
  type Ending,
  Operation,
  Purgatory,
  Watermark,
} from '../../../src/broker/replication/purgatory.ts'

function operation(): { operation: Operation; endings: Ending[] } {
  const endings: Ending[] = []
  return { operation: new Operation((ending) => endings.push(ending)), endings }
}

t.test('operations end in the order of their thresholds', async (t) => {
  const watermark = new Watermark()
  const order: string[] = []
  for (const [name, threshold] of [
    ['c', 9],
    ['a', 3],
    ['b', 5],
    ['b again', 5],
  ] as const) {
    new Operation(() => order.push(name)).waitFor(watermark, threshold)
  }
  watermark.move(2)
  t.same(order, [])
  watermark.move(5)
  t.same(order, ['a', 'b', 'b again'])
  t.equal(watermark.waitCount, 1)
})

t.test('an operation whose threshold is reached already does not wait', async (t) => {
  const watermark = new Watermark()
  watermark.move(5)
  const { operation: one, endings } = operation()
  one.waitFor(watermark, 5)
  t.same(endings, ['reached'])
  t.equal(watermark.waitCount, 0)
})

t.test(
  'the first of several watermarks ends an operation, which then waits for none',
  async (t) => {
    const [left, right] = [new Watermark(), new Watermark()]
    const { operation: one, endings } = operation()
    one.waitFor(left, 1)
    one.waitFor(right, 1)
    right.move(1)
    left.move(1)
    t.same(endings, ['reached'])
    t.equal(left.waitCount, 0)
  },
)

t.test('an operation ends once: reached, expired or called off', async (t) => {
  const purgatory = new Purgatory()
  const watermark = new Watermark()
  const [reached, expired, calledOff] = [operation(), operation(), operation()]
  reached.operation.waitFor(watermark, 1)
  expired.operation.waitFor(watermark, 2)
  calledOff.operation.waitFor(watermark, 3)
  for (const { operation } of [reached, expired]) purgatory.expireAt(operation, 100)
  purgatory.expireAt(calledOff.operation, 1000)
  watermark.move(1)
  purgatory.tick(99)
  t.same(expired.endings, [])
  purgatory.tick(100)
  watermark.callOff()
  purgatory.tick(2000)
  t.same(reached.endings, ['reached'])
  t.same(expired.endings, ['expired'])
  t.same(calledOff.endings, ['calledOff'])
})

t.test('an ending may start another operation', async (t) => {
  const watermark = new Watermark()
  const endings: Ending[] = []
  new Operation(() => {
    new Operation((ending) => endings.push(ending)).waitFor(watermark, 2)
  }).waitFor(watermark, 1)
  watermark.move(1)
  t.same(endings, [])
  watermark.move(2)
  t.same(endings, ['reached'])
})
