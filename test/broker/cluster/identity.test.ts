import t from 'tap'
import { isBelow, nextMark, noMark } from '../../../src/broker/cluster/identity.ts'

const cases = [
  { a: [5, 1], b: [5, 2], below: true },
  { a: [5, 2], b: [5, 2], below: false },
  { a: [5, 3], b: [5, 2], below: false },
  { a: [4, 9], b: [5, 0], below: true, name: 'an earlier life is below, however far it came' },
  { a: [6, 0], b: [5, 9], below: false },
]
for (const { a, b, below, name = 'by life, then by counter' } of cases) {
  t.test(`isBelow ${a} ${b}: ${name}`, async (t) => {
    const mark = ([life = 0, counter = 0]: number[]) => ({ life, counter })
    t.equal(isBelow(mark(a), mark(b)), below)
  })
}

t.test('each mark is above all earlier ones', async (t) => {
  let mark = noMark
  for (const life of [0, 7, 7, 7, 9]) {
    const next = nextMark(mark, life)
    t.ok(isBelow(mark, next))
    mark = next
  }
})
