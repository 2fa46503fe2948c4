import t from 'tap'
import { oneLine, printable, printableBytes, visible } from '../src/printable.ts'

const texts = [
  {
    name: 'text in any script',
    text: 'Köln 東京 שלום 👩‍👧\n\tمی‌خواهم',
    want: 'Köln 東京 שלום 👩‍👧\n\tمی‌خواهم',
  },
  {
    name: 'a backslash, so that JSON stays JSON',
    text: '{"a":"\\u001b"}',
    want: '{"a":"\\u001b"}',
  },
  { name: 'a sequence that clears the screen', text: 'a\x1b[2Jb', want: 'a\\x1b[2Jb' },
  { name: 'C0 and delete', text: '\x00\x07\b\r\x7f', want: '\\x00\\x07\\x08\\x0d\\x7f' },
  { name: 'C1, which some terminals obey', text: '\u0085\u009b2J', want: '\\u0085\\u009b2J' },
  {
    name: 'bidi overrides, embeddings, isolates and marks',
    text: '\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c',
    want: '\\u202a\\u202b\\u202c\\u202d\\u202e\\u2066\\u2067\\u2068\\u2069\\u200e\\u200f\\u061c',
  },
  {
    name: 'what cannot be seen at all',
    text: '\u200b\u2060\ufeff\u00ad\u2028\u2029\u{e0041}',
    want: '\\u200b\\u2060\\ufeff\\u00ad\\u2028\\u2029\\u{e0041}',
  },
]
for (const { name, text, want } of texts) {
  t.test(`${name} becomes ${JSON.stringify(want)}`, async (t) => {
    t.equal(printable(text), want)
    t.equal(printableBytes(Buffer.from(text)), want)
  })
}

const bytes = [
  { name: 'bytes that are never UTF-8', bytes: [0x61, 0xff, 0xfe, 0x62], want: 'a\\xff\\xfeb' },
  { name: 'a raw C1 byte', bytes: [0x9b, 0x32, 0x4a], want: '\\x9b2J' },
  { name: 'a character cut short', bytes: [0xe2, 0x82], want: '\\xe2\\x82' },
  {
    name: 'text between them',
    bytes: [0xff, 0xc3, 0xbc, 0xf0, 0x9f, 0x98, 0x80, 0xc3],
    want: '\\xffü😀\\xc3',
  },
  { name: 'an overlong ESC', bytes: [0xc0, 0x9b], want: '\\xc0\\x9b' },
  { name: 'a surrogate', bytes: [0xed, 0xa0, 0x80], want: '\\xed\\xa0\\x80' },
  { name: 'nothing', bytes: [], want: '' },
]
for (const { name, bytes: raw, want } of bytes) {
  t.test(`${name} is printed as ${JSON.stringify(want)}`, async (t) => {
    t.equal(printableBytes(Uint8Array.from(raw)), want)
  })
}

t.test('of all single bytes and pairs, none that a terminal obeys comes through', async (t) => {
  const isQuiet = (text: string) => /^[\n\t\x20-\x7e\u00a0-\uffff]*$/.test(text)
  const loud: string[] = []
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < 256; b++) {
      if (!isQuiet(printableBytes(Uint8Array.of(a, b)))) loud.push(`${a} ${b}`)
    }
  }
  t.same(loud, [])
})

t.test('one line stays one line', async (t) => {
  t.equal(oneLine('a\nb\r\nc'), 'a\\nb\\r\\nc')
})

const seen = [
  { name: 'plain text stays', text: 'Ada 2:1', want: 'Ada 2:1' },
  { name: 'letters with marks stay', text: 'Müller, Yılmaz', want: 'Müller, Yılmaz' },
  { name: 'a mark on its own joins its letter', text: 'Mu\u0308ller', want: 'Müller' },
  { name: 'an escape sequence is shown, not obeyed', text: '\x1b[2Jx', want: '␛[2Jx' },
  { name: 'line ends and tabs are shown', text: 'a\r\n\tb', want: 'a␍␊␉b' },
  { name: 'DEL and C1 controls are shown', text: 'a\x7f\x9bb', want: 'a␡·b' },
  { name: 'text cannot be turned round', text: 'a\u202eb', want: 'a·b' },
  { name: 'joined emoji are taken apart', text: '⚽ 👨‍👩‍👧', want: '⚽ 👨👩👧' },
  { name: 'emoji have no skin tone and no variant', text: '👍🏽 ❤️', want: '👍 ❤' },
  { name: 'a joiner elsewhere is shown', text: 'a\u200db', want: 'a·b' },
  { name: 'marks stay with their letter', text: 'สวัสดี', want: 'สวัสดี' },
  { name: 'marks do not climb', text: `a${'\u0336'.repeat(9)}b`, want: 'a\u0336\u0336·b' },
  { name: 'a mark without a letter is shown', text: '\u0336x', want: '·x' },
  { name: 'hidden text is shown', text: 'a\u200b\u2060\ufeff\u00ad\u{e0041}b', want: 'a·····b' },
  { name: 'lines and paragraphs end nowhere else', text: 'a\u2028\u2029\x85b', want: 'a···b' },
  { name: 'unassigned and private', text: '\ue000\u{10ffff}\u0378', want: '□□□' },
  { name: 'half a surrogate pair is shown', text: 'a\ud83d', want: 'a·' },
]
for (const { name, text, want } of seen) {
  t.test(`visible: ${name}`, async (t) => {
    t.equal(visible(text), want)
  })
}

t.test('what is escaped in text comes into no cell, whatever the character', async (t) => {
  const came: string[] = []
  for (let code = 0; code <= 0x10ffff; code++) {
    const char = String.fromCodePoint(code)
    if (printable(char) !== char && visible(`a${char}`).includes(char)) came.push(code.toString(16))
  }
  t.same(came, [])
})
