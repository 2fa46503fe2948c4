import t from 'tap'
import { canDraw, hasColors, hasUnicode } from '../src/terminal.ts'

const xterm = { TERM: 'xterm-256color' }
const cases = [
  { name: 'a terminal', env: xterm, colors: true, draws: true },
  { name: 'no terminal', isTTY: false, env: xterm, colors: false, draws: false },
  { name: 'NO_COLOR', env: { ...xterm, NO_COLOR: '1' }, colors: false, draws: true },
  { name: 'an empty NO_COLOR', env: { ...xterm, NO_COLOR: '' }, colors: true, draws: true },
  { name: 'a terminal of two colours', depth: 1, env: xterm, colors: false, draws: true },
  { name: 'TERM=dumb', env: { TERM: 'dumb' }, colors: false, draws: false },
  { name: 'TERM=unknown', env: { TERM: 'unknown' }, colors: false, draws: false },
  { name: 'an empty TERM', env: { TERM: '' }, colors: false, draws: false },
  { name: 'no TERM', env: {}, colors: false, draws: false },
]
for (const { name, isTTY = true, depth = 8, env, colors, draws } of cases) {
  t.test(`${name}: colours ${colors}, drawing ${draws}`, async (t) => {
    const output = { isTTY, getColorDepth: () => depth }
    t.equal(hasColors(output, env), colors)
    t.equal(canDraw(output, env), draws)
  })
}

t.test(
  'node decides about colours without seeing an empty NO_COLOR, which it would obey',
  async (t) => {
    let asked: object | undefined
    const output = {
      isTTY: true,
      getColorDepth(environment?: object) {
        asked = environment
        return 8
      },
    }
    t.ok(hasColors(output, { ...xterm, NO_COLOR: '' }))
    t.same(asked, xterm)
  },
)

const locales = [
  { env: { LANG: 'de_DE.UTF-8' }, want: true },
  { env: { LANG: 'C' }, want: false },
  { env: {}, want: false },
  { env: { LANG: 'C.UTF-8', LC_ALL: 'POSIX' }, want: false },
  { env: { LANG: 'C', LC_CTYPE: 'C.utf8', LC_ALL: '' }, want: true },
]
for (const { env, want } of locales) {
  t.test(`${JSON.stringify(env)} is ${want ? '' : 'not '}UTF-8`, async (t) => {
    t.equal(hasUnicode(env), want)
  })
}
