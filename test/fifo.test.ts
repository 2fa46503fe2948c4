import fc from 'fast-check'
import t from 'tap'
import { Fifo } from '../src/fifo.ts'

t.test('any order of pushing and taking is that of an array', async (t) => {
  const steps = fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ type: fc.constant('push'), count: fc.nat(20) }) },
      { weight: 5, arbitrary: fc.record({ type: fc.constant('shift'), count: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('takeAll'), count: fc.constant(1) }) },
    ),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(steps, (steps) => {
      const fifo = new Fifo<number>()
      const model: number[] = []
      let next = 0
      for (const { type, count } of steps) {
        for (let i = 0; i < count; i++) {
          if (type === 'push') {
            fifo.push(next)
            model.push(next++)
          } else if (type === 'shift') {
            if (fifo.shift() !== model.shift()) return false
          } else if (fifo.takeAll().join() !== model.splice(0).join()) return false
          if (fifo.length !== model.length) return false
          if (fifo.head !== model[0] || fifo.last !== model.at(-1)) return false
        }
      }
      return fifo.takeAll().join() === model.join()
    }),
    { numRuns: 500 },
  )
  t.pass('as an array does')
})

t.test(
  'a long queue that wraps around is taken in order, and used again when it was empty',
  async (t) => {
    const fifo = new Fifo<number>()
    const taken: (number | undefined)[] = []
    for (let i = 0; i < 100_000; i++) {
      fifo.push(i)
      if (i % 3 === 2) taken.push(fifo.shift())
    }
    while (fifo.length > 0) taken.push(fifo.shift())
    t.equal(taken.length, 100_000)
    t.ok(taken.every((item, i) => item === i))
    t.equal(fifo.shift(), undefined)
    t.equal(fifo.head, undefined)
    fifo.push(7)
    t.same(fifo.takeAll(), [7])
  },
)

t.test('an empty queue has no head and gives nothing', async (t) => {
  const fifo = new Fifo<string>()
  fifo.push('a')
  fifo.clear()
  t.equal(fifo.head, undefined)
  t.equal(fifo.shift(), undefined)
  t.same(fifo.takeAll(), [])
})
