import t from 'tap'
import { agoText, durationOf, timeOf } from '../../src/cli/times.ts'

const times = [
  { text: '1764363899000', want: '2025-11-28T21:04:59.000Z' },
  { text: '2026-01-31', want: '2026-01-31T00:00:00.000Z' },
  { text: '2026-01-31T21:04', want: '2026-01-31T21:04:00.000Z' },
  { text: '2026-01-31 21:04:59', want: '2026-01-31T21:04:59.000Z' },
  { text: '2026-01-31T21:04:59.250', want: '2026-01-31T21:04:59.250Z' },
  { text: '2026-01-31T21:04:59,250Z', want: '2026-01-31T21:04:59.250Z' },
  { text: '2026-01-31T21:04:59+01:00', want: '2026-01-31T20:04:59.000Z' },
  { text: '2026-01-31T21:04:59-0530', want: '2026-02-01T02:34:59.000Z' },
  { text: '2026-01-31T21:04:59+01', want: '2026-01-31T20:04:59.000Z' },
  { text: '2024-02-29', want: '2024-02-29T00:00:00.000Z' },
]
for (const { text, want } of times) {
  t.test(`the time ${text}, without a zone in UTC`, async (t) => {
    t.equal(new Date(timeOf('--to-datetime', text)).toISOString(), want)
  })
}

for (const text of ['', 'x', '2026-02-29', '2026-13-01', '2026-01-31T25:00', '1969-12-31', '10m']) {
  t.test(`'${text}' is no time`, async (t) => {
    t.throws(() => timeOf('--to-datetime', text), {
      name: 'BadUsage',
      message: /^Cannot use --to-d/,
    })
  })
}

const durations = [
  { text: 'PT1H30M', want: 5_400_000 },
  { text: 'P1DT2H', want: 93_600_000 },
  { text: 'PT0.5S', want: 500 },
  { text: 'P2D', want: 172_800_000 },
  { text: '90s', want: 90_000 },
  { text: '0s', want: 0 },
]
for (const { text, want } of durations) {
  t.test(`the duration ${text}`, async (t) => {
    t.equal(durationOf('--by-duration', text), want)
  })
}

for (const text of ['', 'P', 'PT', 'P1DT', 'P1M', '10', '-1d', '2026-01-31']) {
  t.test(`'${text}' is no duration`, async (t) => {
    t.throws(() => durationOf('--by-duration', text), { name: 'BadUsage' })
  })
}

t.test('how long ago is told in at most two units', async (t) => {
  const seconds = [0, 0.9, 59, 60, 192, 3600, 7500, 86_399, 86_400, 273_600]
  const want = '0 s,0 s,59 s,1 min 0 s,3 min 12 s,1 h 0 min,2 h 5 min,23 h 59 min,1 d 0 h,3 d 4 h'
  t.equal(seconds.map((second) => agoText(second * 1000)).join(','), want)
})
