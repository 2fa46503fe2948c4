import t from 'tap'
import { Patience } from '../../../src/daemon/zab/patience.ts'

function patience(): Patience {
  return new Patience({ leastMs: 600, mostMs: 2000 })
}

t.test('quick peers get the smallest allowance', async (t) => {
  const p = patience()
  for (let ms = 0; ms < 60_000; ms += 100) p.heard(ms, 100)
  t.equal(p.allowedMs(60_000), 600)
})

for (const [silentMs, wantedMs] of [
  [200, 600],
  [250, 750],
  [550, 1650],
  [1900, 2000],
] as const) {
  t.test(
    `a peer that was silent for ${silentMs} ms is allowed ${wantedMs} ms the next time`,
    async (t) => {
      const p = patience()
      p.heard(1000, silentMs)
      p.heard(1100, 100)
      t.equal(p.allowedMs(1200), wantedMs)
    },
  )
}

t.test('a silence is remembered for a while, then forgotten', async (t) => {
  const p = patience()
  p.heard(20_000, 500)
  t.equal(p.allowedMs(34_000), 1500)
  t.equal(p.allowedMs(35_000), 1500, 'still: its memory is a quarter of a minute at least')
  t.equal(p.allowedMs(50_001), 600)
})

t.test('after a long time without events, nothing is remembered', async (t) => {
  const p = patience()
  p.heard(1000, 500)
  t.equal(p.allowedMs(1_000_000), 600)
})

t.test('a time-out above the largest allowance stays as it is', async (t) => {
  const p = new Patience({ leastMs: 3000, mostMs: 2000 })
  p.heard(0, 2500)
  t.equal(p.allowedMs(1), 3000)
})
