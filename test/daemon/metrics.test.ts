import t from 'tap'
import { Distribution, Metrics, Summary } from '../../src/daemon/metrics.ts'

t.test('an empty summary has the value for none, and averages 0', async (t) => {
  const summary = new Summary()
  t.same(summary.range(-1), { last: -1, min: -1, max: -1 })
  t.equal(summary.average, 0)
})

t.test(
  'a distribution is exact for small values, and accurate to an eighth for large ones',
  async (t) => {
    for (let value = 0; value < 2 ** 31; value = Math.ceil(value * 1.07) + 1) {
      const distribution = new Distribution()
      distribution.observe(value)
      distribution.observe(2 ** 31)
      const found = distribution.quantile(0.5)
      t.ok(found >= value && found <= Math.max(16, value * 1.125), `${value}: ${found}`)
      if (value < 16) t.equal(found, value)
    }
  },
)

t.test('quantiles of many values, and of none', async (t) => {
  const distribution = new Distribution()
  t.equal(distribution.quantile(0.99), 0)
  for (let i = 0; i < 99; i++) distribution.observe(3)
  distribution.observe(9)
  t.equal(distribution.quantile(0.5), 3)
  t.equal(distribution.quantile(0.99), 3)
  t.equal(distribution.quantile(0.999), 9)
  t.equal(distribution.quantile(1), 9)
})

t.test('latency covers reads and updates together', async (t) => {
  const metrics = new Metrics()
  t.same(metrics.latency, { average: 0, min: 0, max: 0 })
  metrics.answered(false, 6)
  t.same(metrics.latency, { average: 6, min: 6, max: 6 })
  metrics.answered(true, 0.4)
  metrics.answered(true, 3)
  t.same(metrics.latency, { average: 3, min: 0, max: 6 })
})

t.test('a reset restores the initial state', async (t) => {
  const metrics = new Metrics()
  metrics.packetsSent = 5
  metrics.answered(true, 3)
  metrics.watchesFired.NodeDeleted.observe(2)
  metrics.reset()
  t.same(metrics, new Metrics())
  t.equal(metrics.latency.max, 0)
  t.equal(metrics.watchesFired.NodeDeleted.count, 0)
})
