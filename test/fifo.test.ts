import t from 'tap'
import { Fifo } from '../src/fifo.ts'
import { Random } from '../src/random.ts'

t.test('a queue does what an array would, however it grows and empties', async (t) => {
  const random = new Random(1)
  const fifo = new Fifo<number>()
  const model: number[] = []
  let next = 0
  for (let step = 0; step < 20_000; step++) {
    // Long runs of either, so that the ring wraps at many sizes.
    const grows = Math.floor(step / 500) % 2 === 0
    if (random.chance(grows ? 0.8 : 0.2)) {
      fifo.push(next)
      model.push(next++)
    } else t.equal(fifo.shift(), model.shift())
    if (step % 4999 === 0) t.same(fifo.takeAll(), model.splice(0))
    if (fifo.length !== model.length || fifo.head !== model[0]) {
      t.fail(`step ${step}: ${fifo.length} queued, ${fifo.head} first; want ${model.length}`)
    }
  }
  t.same(fifo.takeAll(), model)
})

t.test('an empty queue has no head and gives nothing', async (t) => {
  const fifo = new Fifo<string>()
  fifo.push('a')
  fifo.clear()
  t.equal(fifo.head, undefined)
  t.equal(fifo.shift(), undefined)
  t.same(fifo.takeAll(), [])
})

t.test('items are in order after a burst beyond what is kept', async (t) => {
  const fifo = new Fifo<number>()
  const many = [...Array(5000).keys()]
  for (let round = 0; round < 2; round++) {
    for (const i of many) fifo.push(i)
    t.same(fifo.takeAll(), many)
  }
})
