import t from 'tap'
import { TimeIndex } from '../../src/log/time-index.ts'
import { Random } from '../../src/random.ts'

const recordBytes = 700

function indexOf(timestamps: readonly number[]): TimeIndex {
  const index = new TimeIndex()
  for (const [i, timestampMs] of timestamps.entries()) index.add(timestampMs, i * recordBytes)
  return index
}

/** Checked against all records: none before the offset is of `timestampMs` or later. */
function isFloor(index: TimeIndex, timestamps: readonly number[], timestampMs: number): boolean {
  const before = index.floor(timestampMs) / recordBytes
  return timestamps.slice(0, before).every((each) => each < timestampMs)
}

t.test('a look-up starts before the first record of its time, whatever their order', async (t) => {
  const random = new Random(7)
  for (let round = 0; round < 200; round++) {
    const timestamps = Array.from({ length: 100 }, (_, i) => i + random.below(30))
    const index = indexOf(timestamps)
    t.equal(index.maxMs, Math.max(...timestamps))
    for (let wanted = 0; wanted < 140; wanted += 7) {
      if (!isFloor(index, timestamps, wanted)) t.fail(`${wanted} in ${timestamps}`)
    }
  }
  const ascending = Array.from({ length: 1000 }, (_, i) => i)
  const distance = 900 - indexOf(ascending).floor(900) / recordBytes
  t.ok(distance >= 0 && distance < 20, `and not much before it: ${distance}`)
})

t.test('an index that was cut equals one that never had the rest', async (t) => {
  const timestamps = [5, 9, 3, 40, 12, 12, 13, 90, 2, 41, 41, 42, 43, 44, 8, 45, 46, 100]
  for (let kept = 0; kept <= timestamps.length; kept++) {
    const cut = indexOf(timestamps)
    const from = cut.cut(kept * recordBytes) / recordBytes
    for (let i = from; i < kept; i++) cut.add(timestamps[i] ?? 0, i * recordBytes)
    const fresh = indexOf(timestamps.slice(0, kept))
    t.same([cut.maxMs, cut.firstMs], [fresh.maxMs, fresh.firstMs], `${kept} kept`)
    for (let wanted = 0; wanted < 110; wanted++) {
      if (!isFloor(cut, timestamps.slice(0, kept), wanted)) t.fail(`${wanted}, ${kept} kept`)
    }
  }
})
