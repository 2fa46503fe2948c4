import t from 'tap'

process.env['TZ'] = 'Europe/Amsterdam'
const { parseSeek } = await import('../../../src/cli/browser/seek-target.ts')

/** A Saturday, 21:30 in Amsterdam. */
const wallMs = Date.parse('2026-11-28T20:30:00Z')

function timeOf(text: string): string | undefined {
  const to = parseSeek(text, wallMs)?.to
  return to?.type === 'time' ? new Date(to.timeMs).toISOString() : undefined
}

t.test('places without a time', async (t) => {
  const all = { partition: undefined }
  t.same(parseSeek('start', wallMs), { to: { type: 'beginning' }, ...all })
  t.same(parseSeek(' end ', wallMs), { to: { type: 'end' }, ...all })
  t.same(parseSeek('0', wallMs), { to: { type: 'offset', offset: 0 }, ...all })
  t.same(parseSeek('1234', wallMs), { to: { type: 'offset', offset: 1234 }, ...all })
  t.same(parseSeek('-100', wallMs), { to: { type: 'last', count: 100 }, ...all })
})

t.test('a place in one partition', async (t) => {
  const of3 = { partition: 3 }
  t.same(parseSeek('3/1234', wallMs), { to: { type: 'offset', offset: 1234 }, ...of3 })
  t.same(parseSeek('3/start', wallMs), { to: { type: 'beginning' }, ...of3 })
  t.same(parseSeek('3/-5', wallMs), { to: { type: 'last', count: 5 }, ...of3 })
  t.same(parseSeek('3/@5', wallMs), { to: { type: 'time', timeMs: 5 }, ...of3 })
})

const times: readonly (readonly [string, string | undefined])[] = [
  ['21:04', '2026-11-28T20:04:00.000Z'],
  ['9:04:59', '2026-11-28T08:04:59.000Z'],
  ['21:31', '2026-11-27T20:31:00.000Z'],
  ['10m', '2026-11-28T20:20:00.000Z'],
  ['30s', '2026-11-28T20:29:30.000Z'],
  ['2h', '2026-11-28T18:30:00.000Z'],
  ['1d', '2026-11-27T20:30:00.000Z'],
  ['2026-11-28', '2026-11-27T23:00:00.000Z'],
  ['2026-11-28 21:04', '2026-11-28T20:04:00.000Z'],
  ['2026-11-28T21:04:05', '2026-11-28T20:04:05.000Z'],
  ['2026-11-28T21:04:05Z', '2026-11-28T21:04:05.000Z'],
  ['2026-11-28 21:04+05:00', '2026-11-28T16:04:00.000Z'],
  ['@1795897800000', '2026-11-28T20:30:00.000Z'],
  ['24:00', undefined],
  ['21:60', undefined],
  ['2026-13-01', undefined],
]
for (const [text, want] of times) {
  t.test(`${text} is ${want ?? 'no time'}`, async (t) => {
    t.equal(timeOf(text), want)
  })
}

t.test('other text names no place', async (t) => {
  for (const text of ['', 'x', '1.5', '-', '3/', '/5', '3/4/5', ':5', '3:5', '1e3', '10x']) {
    t.equal(parseSeek(text, wallMs), undefined, text)
  }
})
