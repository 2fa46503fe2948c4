import t from 'tap'
import { lookOf, styleOf } from '../../../src/cli/consumer/screen-palette.ts'

const input = { isTTY: true }
const output = { isTTY: true, getColorDepth: () => 8 }
const terminal = { TERM: 'xterm-256color', LANG: 'de_DE.UTF-8' }

const looks = [
  { name: 'a modern terminal', env: terminal, want: { colours: true, unicode: true } },
  {
    name: 'NO_COLOR turns colours off',
    env: { ...terminal, NO_COLOR: '1' },
    want: { colours: false, unicode: true },
  },
  {
    name: 'an empty NO_COLOR has no effect',
    env: { ...terminal, NO_COLOR: '' },
    want: { colours: true, unicode: true },
  },
  {
    name: 'a locale without UTF-8',
    env: { ...terminal, LANG: 'C' },
    want: { colours: true, unicode: false },
  },
  { name: 'no locale', env: { TERM: 'xterm' }, want: { colours: true, unicode: false } },
  {
    name: 'LC_ALL overrides LANG',
    env: { ...terminal, LC_ALL: 'POSIX' },
    want: { colours: true, unicode: false },
  },
  {
    name: 'LC_CTYPE overrides LANG, and an empty LC_ALL has no effect',
    env: { ...terminal, LANG: 'C', LC_CTYPE: 'C.utf8', LC_ALL: '' },
    want: { colours: true, unicode: true },
  },
  { name: 'a dumb terminal gets lines', env: { ...terminal, TERM: 'dumb' }, want: undefined },
  { name: 'an unknown terminal gets lines', env: { ...terminal, TERM: '' }, want: undefined },
  { name: 'TERM is not set', env: { LANG: 'C.UTF-8' }, want: undefined },
]
for (const { name, env, want } of looks) {
  t.test(`look: ${name}`, async (t) => {
    t.same(lookOf(env, { input, output }), want && { isLight: false, ...want })
  })
}

t.test('look: lines if standard output or standard input is not a terminal', async (t) => {
  t.equal(lookOf(terminal, { input, output: { ...output, isTTY: false } }), undefined)
  t.equal(lookOf(terminal, { input: {}, output }), undefined)
})

t.test('look: a terminal of two colours is used without colours', async (t) => {
  const mono = { isTTY: true, getColorDepth: () => 1 }
  t.same(lookOf(terminal, { input, output: mono }), {
    colours: false,
    isLight: false,
    unicode: true,
  })
})

t.test('without colours, bad still looks different from good', async (t) => {
  for (const [bad, good] of [
    ['bad', 'text'],
    ['warn', 'text'],
    ['bad', 'good'],
  ] as const) {
    t.notSame(styleOf(bad, { colours: false }), styleOf(good, { colours: false }))
  }
  const style = styleOf('barBad', { colours: false })
  t.equal(style.foreground ?? style.background, undefined)
})

t.test('on a light background, no text is yellow or cyan', async (t) => {
  for (const COLORFGBG of ['0;15', '0;default;15', '0;7']) {
    t.match(lookOf({ ...terminal, COLORFGBG }, { input, output }), { isLight: true }, COLORFGBG)
  }
  for (const COLORFGBG of ['15;0', '7;8', '15;default', '']) {
    t.match(lookOf({ ...terminal, COLORFGBG }, { input, output }), { isLight: false }, COLORFGBG)
  }
  const [yellow, cyan] = [3, 6]
  for (const tone of [
    'text',
    'quiet',
    'good',
    'warn',
    'bad',
    'here',
    'match',
    'border',
    'focus',
  ] as const) {
    const { foreground } = styleOf(tone, { colours: true, isLight: true })
    t.not(foreground, yellow, tone)
    t.not(foreground, cyan, tone)
  }
  t.same(styleOf('warn', { colours: false, isLight: true }), styleOf('warn', { colours: false }))
})
