import t from 'tap'
import {
  columns,
  fit,
  fitAddress,
  fitCentre,
  fitRight,
  toAscii,
  wrapWords,
} from '../../../src/cli/consumer/cells.ts'
import { Random } from '../../../src/random.ts'

const cells = [
  { name: 'short text is padded', text: 'ab', width: 4, want: 'ab  ' },
  { name: 'text that fits stays', text: 'abcd', width: 4, want: 'abcd' },
  { name: 'long text is cut with an ellipsis', text: 'abcde', width: 4, want: 'abc…' },
  { name: 'a wide character takes two columns', text: '試合', width: 5, want: '試合 ' },
  { name: 'a wide character is not cut in half', text: '試合中', width: 4, want: '試… ' },
  { name: 'an emoji takes two columns', text: '⚽🫠', width: 5, want: '⚽🫠 ' },
  { name: 'a mark takes none', text: 'ดี', width: 2, want: 'ดี ' },
  { name: 'width 0 is empty', text: 'ab', width: 0, want: '' },
]
for (const { name, text, width, want } of cells) {
  t.test(`fit: ${name}`, async (t) => {
    t.equal(fit(text, width), want)
  })
}

t.test('whatever the text, a cell has its width and nothing that moves the cursor', async (t) => {
  const seed = Math.floor(performance.now() * 1000)
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  for (let i = 0; i < 2000; i++) {
    const codes = Array.from({ length: random.below(12) }, () => random.below(0x11000))
    const text = String.fromCodePoint(...codes)
    const width = 1 + random.below(10)
    for (const cell of [fit(text, width), fitRight(text, width)]) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the test searches for them
      if (columns(cell) === width && !/[\x00-\x1f\x7f-\x9f\u202a-\u202e]/.test(cell)) continue
      t.fail(`${JSON.stringify(text)} in ${width} columns is ${JSON.stringify(cell)}`)
    }
  }
  t.equal(fitRight('7', 3), '  7')
})

const others = [
  { name: 'the middle', found: fitCentre('1:0', 6), want: ' 1:0  ' },
  { name: 'the middle, cut', found: fitCentre('12345', 4), want: '123…' },
  { name: 'an address', found: fitAddress('h:2181', 8), want: 'h:2181  ' },
  {
    name: 'an address keeps its port',
    found: fitAddress('zoo-1.example:2181', 10),
    want: 'zoo-…:2181',
  },
  { name: 'IPv6 with a port', found: fitAddress('[2001:db8::1]:2181', 10), want: '[200…:2181' },
  { name: 'no room for the port', found: fitAddress('host:2181', 4), want: 'hos…' },
]
for (const { name, found, want } of others) {
  t.test(`fit: ${name}`, async (t) => {
    t.equal(found, want)
  })
}

const wraps = [
  { name: 'what fits', text: 'a b', width: 5, want: ['a b'] },
  { name: 'between words', text: 'goals are stored', width: 10, want: ['goals are', 'stored'] },
  { name: 'after commas', text: 'a:1,b:2,c:3', width: 8, want: ['a:1,b:2,', 'c:3'] },
  { name: 'a long word', text: 'abcdefgh', width: 3, want: ['abc', 'def', 'gh'] },
  { name: 'wide characters', text: '試合試合', width: 5, want: ['試合', '試合'] },
  { name: 'nothing', text: '', width: 3, want: [''] },
]
for (const { name, text, width, want } of wraps) {
  t.test(`wrap: ${name}`, async (t) => {
    t.same(wrapWords(text, width), want)
  })
}

const ascii = [
  { text: '┌─│┘ … ▸ ×', want: '+-|+ ~ > x' },
  { text: 'Müller, Łódź, Traoré', want: 'Muller, Lodz, Traore' },
  { text: '試合 ⚽', want: '???? ??' },
  { text: 'ดี ␛ □', want: '? ? ?' },
]
for (const { text, want } of ascii) {
  t.test(`in ASCII: ${text}`, async (t) => {
    t.equal(toAscii(text), want)
    t.equal(want.length, columns(text), 'the width is the same')
  })
}
