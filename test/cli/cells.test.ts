import t from 'tap'
import { columns, escapeTags, fit, fitRight, visible } from '../../src/cli/cells.ts'
import { Random } from '../../src/random.ts'

const seen = [
  { name: 'plain text stays', text: 'Ada 2:1', want: 'Ada 2:1' },
  { name: 'letters with marks stay', text: 'Müller, Yılmaz', want: 'Müller, Yılmaz' },
  { name: 'a mark on its own joins its letter', text: 'Mu\u0308ller', want: 'Müller' },
  { name: 'an escape sequence is shown, not obeyed', text: '\x1b[2Jx', want: '␛[2Jx' },
  { name: 'line ends and tabs are shown', text: 'a\r\n\tb', want: 'a␍␊␉b' },
  { name: 'DEL and C1 controls are shown', text: 'a\x7f\x9bb', want: 'a␡·b' },
  { name: 'text cannot be turned round', text: 'a\u202eb', want: 'a·b' },
  { name: 'emoji get one width', text: '⚽ 👨‍👩‍👧', want: '□ □·□·□' },
  { name: 'half a surrogate pair is shown', text: 'a\ud83d', want: 'a·' },
]
for (const { name, text, want } of seen) {
  t.test(`visible: ${name}`, async (t) => {
    t.equal(visible(text), want)
  })
}

const cells = [
  { name: 'short text is padded', text: 'ab', width: 4, want: 'ab  ' },
  { name: 'text that fits stays', text: 'abcd', width: 4, want: 'abcd' },
  { name: 'long text is cut with an ellipsis', text: 'abcde', width: 4, want: 'abc…' },
  { name: 'a wide character takes two columns', text: '試合', width: 5, want: '試合 ' },
  { name: 'a wide character is not cut in half', text: '試合中', width: 4, want: '試… ' },
  { name: 'nothing fits into nothing', text: 'ab', width: 0, want: '' },
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
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it must find them
      if (columns(cell) === width && !/[\x00-\x1f\x7f-\x9f\u202a-\u202e]/.test(cell)) continue
      t.fail(`${JSON.stringify(text)} in ${width} columns is ${JSON.stringify(cell)}`)
    }
  }
  t.equal(fitRight('7', 3), '  7')
})

t.test('braces are not markup', async (t) => {
  t.equal(escapeTags('{bold}{/}'), '{open}bold{close}{open}/{close}')
})
