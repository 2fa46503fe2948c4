import t from 'tap'
import { LagHistory } from '../../../src/cli/browser/lag-history.ts'

function lagsOf(...lags: readonly (number | undefined)[]) {
  return lags.map((lag, partition) => ({ topic: 'events', partition, lag }))
}

t.test(
  'the trend is that from the first look to the last, in total and by partition',
  async (t) => {
    const lags = new LagHistory()
    t.equal(lags.trend.perSecond, undefined)
    lags.add(lagsOf(100, 0), 1000)
    t.equal(lags.trend.perSecond, undefined, 'one look is no trend')
    lags.add(lagsOf(90, 5), 3000)
    lags.add(lagsOf(40, 10), 6000)
    const { trend } = lags
    t.same(trend.totals, [100, 95, 50])
    t.equal(trend.spanMs, 5000)
    t.equal(trend.perSecond, -10)
    t.equal(trend.partitionPerSecond('events', 0), -12)
    t.equal(trend.partitionPerSecond('events', 1), 2)
    t.equal(trend.partitionPerSecond('other', 1), undefined)
  },
)

t.test('a look at which a lag was not known does not count for the total', async (t) => {
  const lags = new LagHistory()
  lags.add(lagsOf(100, 50), 0)
  lags.add(lagsOf(100, undefined), 1000)
  lags.add([], 2000)
  lags.add(lagsOf(100, 10), 4000)
  t.same(lags.trend.totals, [150, 110])
  t.equal(lags.trend.perSecond, -10)
  t.equal(lags.trend.partitionPerSecond('events', 0), 0)
})

t.test('looks older than a minute are forgotten, and a trend that has changed shows', async (t) => {
  const lags = new LagHistory()
  for (let second = 0; second <= 120; second += 2) {
    lags.add(lagsOf(second < 60 ? second * 100 : 6000 - (second - 60) * 100), second * 1000)
  }
  t.ok(lags.trend.spanMs < 60_000)
  t.equal(lags.trend.perSecond, -100)
  t.equal(lags.trend.totals.length, 30)
})
