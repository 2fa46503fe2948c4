import t from 'tap'
import { entryNumbers, IndexMemory, SegmentIndex } from '../../src/log/segment-index.ts'
import { Random } from '../../src/random.ts'

const recordBytes = 700

function indexOf(timestamps: readonly number[], memory?: IndexMemory): SegmentIndex {
  const index = new SegmentIndex(memory)
  for (const [i, timestampMs] of timestamps.entries())
    index.add(2 * i, i * recordBytes, timestampMs)
  return index
}

/** Checked against all records: none before the offset is of `timestampMs` or later. */
function isFloor(index: SegmentIndex, timestamps: readonly number[], timestampMs: number): boolean {
  const before = index.offset(index.floorByTime(timestampMs)) / recordBytes
  return timestamps.slice(0, before).every((each) => each < timestampMs)
}

t.test('a look-up by time starts before the first record of its time', async (t) => {
  const random = new Random(7)
  for (let round = 0; round < 200; round++) {
    const timestamps = Array.from({ length: 100 }, (_, i) => i + random.below(30))
    const index = indexOf(timestamps)
    t.equal(index.maxMs, Math.max(...timestamps))
    for (let wanted = 0; wanted < 140; wanted += 7) {
      if (!isFloor(index, timestamps, wanted)) t.fail(`${wanted} in ${timestamps}`)
    }
  }
  const index = indexOf(Array.from({ length: 1000 }, (_, i) => i))
  const distance = 900 - index.offset(index.floorByTime(900)) / recordBytes
  t.ok(distance >= 0 && distance < 20, `and not much before it: ${distance}`)
})

t.test('a look-up by position starts at or before it, and little before it', async (t) => {
  const index = indexOf(Array.from({ length: 1000 }, (_, i) => i))
  for (let wanted = 0; wanted < 2100; wanted += 13) {
    const found = index.floor(wanted)
    t.ok(index.position(found) <= wanted && index.position(found) > Math.min(wanted, 1998) - 20)
    t.equal(index.offset(found), (index.position(found) / 2) * recordBytes)
    const after = index.ceiling(wanted)
    if (after !== undefined) t.ok(after > (wanted / 2) * recordBytes)
  }
})

t.test('an index that was cut equals one that never had the rest', async (t) => {
  const timestamps = [5, 9, 3, 40, 12, 12, 13, 90, 2, 41, 41, 42, 43, 44, 8, 45, 46, 100]
  for (let kept = 0; kept <= timestamps.length; kept++) {
    const cut = indexOf(timestamps)
    const from = cut.cut(kept * recordBytes) / recordBytes
    for (let i = from; i < kept; i++) cut.add(2 * i, i * recordBytes, timestamps[i] ?? 0)
    const fresh = indexOf(timestamps.slice(0, kept))
    t.same([cut.maxMs, cut.firstMs, cut.count], [fresh.maxMs, fresh.firstMs, fresh.count])
    t.same([...cut.unsaved(cut.count)], [...fresh.unsaved(fresh.count)], `${kept} kept`)
  }
})

t.test(
  'what is in a file leaves the memory at its bound, and comes back when needed',
  async (t) => {
    const memory = new IndexMemory(1000)
    const indexes = [0, 1, 2].map(() => indexOf([...Array(300).keys()], memory))
    let loads = 0
    for (const index of indexes) {
      const { count } = index
      const numbers = index.unsaved(count).slice()
      index.saved(count, (wanted) => {
        loads++
        return numbers.subarray(0, wanted * entryNumbers)
      })
    }
    t.ok(memory.bytes <= 2000, `${memory.bytes}: the latest may exceed it alone`)
    const whole = indexOf([...Array(300).keys()])
    for (const index of indexes) {
      index.add(600, 300 * recordBytes, 7)
      for (const wanted of [0, 100, 599]) t.equal(index.floor(wanted), whole.floor(wanted))
    }
    t.equal(loads, 3, 'once for each: only one fits')
  },
)
