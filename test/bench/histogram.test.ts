import t from 'tap'
import { Histogram } from '../../bench/histogram.ts'
import { Random } from '../../src/random.ts'

t.test('an empty histogram says 0 everywhere', async (t) => {
  const histogram = new Histogram()
  t.same([histogram.count, histogram.mean, histogram.max, histogram.percentile(50)], [0, 0, 0, 0])
})

t.test('percentiles are within 1.6 % of the sorted values, never below', async (t) => {
  const seed = 20_261_123
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  for (const scale of [50, 5_000, 5_000_000]) {
    const values = Array.from({ length: 2_000 }, () => Math.floor(random.next() ** 3 * scale))
    const histogram = new Histogram()
    for (const value of values) histogram.record(value)
    values.sort((a, b) => a - b)
    for (const percent of [1, 50, 90, 99, 99.9, 100]) {
      const exact = values[Math.ceil((percent / 100) * values.length) - 1] ?? Number.NaN
      const found = histogram.percentile(percent)
      t.ok(
        found >= exact && found <= exact * 1.016 + 1,
        `${percent} of ${scale}: ${found} ${exact}`,
      )
    }
    t.equal(histogram.max, values.at(-1))
  }
})

t.test('recording many at once is recording each', async (t) => {
  const once = new Histogram()
  const each = new Histogram()
  once.record(700, 3)
  for (let i = 0; i < 3; i++) each.record(700)
  t.same(once.toJSON(), each.toJSON())
  t.equal(once.mean, 700)
})

t.test('histograms add up, also after a trip through JSON', async (t) => {
  const a = new Histogram()
  const b = new Histogram()
  const both = new Histogram()
  for (const [histogram, value] of [
    [a, 5],
    [a, 900],
    [b, 900],
    [b, 70_000],
  ] as const) {
    histogram.record(value)
    both.record(value)
  }
  a.add(Histogram.fromJSON(JSON.parse(JSON.stringify(b))))
  t.same(a.toJSON(), both.toJSON())
  t.equal(a.count, 4)
  t.equal(a.percentile(100), 70_000)
})
