import t from 'tap'
import { RateHistory } from '../../../src/cli/browser/rate-history.ts'

t.test('the rate is that of the last three whole seconds', async (t) => {
  const rates = new RateHistory()
  rates.add(300, 3000, 1000)
  rates.add(30, 300, 2500)
  rates.add(3, 30, 3999)
  rates.add(1000, 1000, 4000)
  t.same(rates.rate(4100), { count: 111, bytes: 1110 })
  t.same(rates.rate(5000), { count: (30 + 3 + 1000) / 3, bytes: 1330 / 3 })
  t.same(rates.rate(60_000), { count: 0, bytes: 0 })
})

t.test('the line has a bar per second, the highest one full', async (t) => {
  const rates = new RateHistory()
  t.equal(rates.sparkline(4, 9000), '    ')
  rates.add(10, 0, 10_000)
  rates.add(70, 0, 11_200)
  rates.add(35, 0, 13_000)
  t.equal(rates.sparkline(6, 14_000), '  ▂█▁▅')
  t.equal(rates.sparkline(3, 14_900), '█▁▅')
  t.equal(rates.sparkline(3, 16_000), '█▁▁', 'what left the line does not scale it')
})

t.test('old seconds are forgotten', async (t) => {
  const rates = new RateHistory()
  for (let second = 0; second < 1000; second++) rates.add(1, 1, second * 1000)
  t.equal(rates.sparkline(200, 1_000_000).replaceAll('▁', '').length, 120)
})
