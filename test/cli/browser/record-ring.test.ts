import t from 'tap'
import { RecordRing } from '../../../src/cli/browser/record-ring.ts'
import { recordOf, recordsOf } from './records.ts'

function offsetsIn(ring: RecordRing): (number | undefined)[] {
  return Array.from({ length: ring.count }, (_, i) => ring.at(ring.first + i)?.offset)
}

t.test('it keeps the newest, and a position keeps its meaning', async (t) => {
  const ring = new RecordRing({ countMax: 3 })
  for (const record of recordsOf(5)) ring.push(record)
  t.same(offsetsIn(ring), [2, 3, 4])
  t.equal(ring.first, 2)
  t.equal(ring.end, 5)
  t.equal(ring.at(3)?.offset, 3)
  t.equal(ring.at(1), undefined)
  t.equal(ring.at(5), undefined)
})

t.test('bytes bound it, too, but the newest record always stays', async (t) => {
  const ring = new RecordRing({ countMax: 10, bytesMax: 100 })
  const large = (offset: number, bytes: number) =>
    ring.push(recordOf({ offset, value: 'x'.repeat(bytes), headers: { h: 'y'.repeat(9) } }))
  large(0, 40)
  large(1, 40)
  t.same(offsetsIn(ring), [0, 1])
  large(2, 40)
  t.same(offsetsIn(ring), [1, 2])
  large(3, 500)
  t.same(offsetsIn(ring), [3])
  large(4, 1)
  t.same(offsetsIn(ring), [4])
})

t.test('cleared, it is empty, and positions go on', async (t) => {
  const ring = new RecordRing({ countMax: 3 })
  for (const record of recordsOf(4)) ring.push(record)
  ring.clear()
  t.equal(ring.count, 0)
  ring.push(recordOf({ offset: 9 }))
  t.equal(ring.at(4)?.offset, 9)
  t.same(offsetsIn(ring), [9])
})
