import t from 'tap'
import { percentilesOf, percentilesText } from '../../src/cli/percentiles.ts'

t.test('percentiles are values that were measured', async (t) => {
  const thousand = Float64Array.from({ length: 1000 }, (_, i) => ((i * 7) % 1000) + 1)
  const found = percentilesOf(thousand)
  t.same(found, { count: 1000, p50: 500, p95: 950, p99: 990, p999: 999, max: 1000 })
  t.equal(thousand[1], 8, 'the values keep their order')
  t.same(percentilesOf(Float64Array.of(3)), { count: 1, p50: 3, p95: 3, p99: 3, p999: 3, max: 3 })
})

t.test('small times have more digits', async (t) => {
  const text = percentilesText({
    count: 2,
    p50: 0.123,
    p95: 9.996,
    p99: 10,
    p999: 123.45,
    max: 1000,
  })
  t.equal(text, 'p50 0.12, p95 10.00, p99 10.0, p99.9 123.5, max 1000.0')
})
