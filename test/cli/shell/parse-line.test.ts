import t from 'tap'
import { parseWords, splitWords, UsageError } from '../../../src/cli/shell/parse-line.ts'

const lines = [
  { line: '', words: [] },
  { line: '  ls  /a\t-s ', words: ['ls', '/a', '-s'] },
  { line: 'create /a ""', words: ['create', '/a', ''] },
  { line: "set /a 'two words'", words: ['set', '/a', 'two words'] },
  { line: 'set /a {"minute":1}', words: ['set', '/a', '{"minute":1}'] },
  { line: 'set /a "say \\"hi\\" \\\\ \\n"', words: ['set', '/a', 'say "hi" \\ \\n'] },
  { line: "set /a 'back\\slash'", words: ['set', '/a', 'back\\slash'] },
  { line: "set /a it's", words: ['set', '/a', "it's"] },
]
for (const { line, words } of lines) {
  t.test(`'${line}' is ${JSON.stringify(words)}`, async (t) => {
    t.same(splitWords(line), words)
  })
}

for (const line of ['set /a "open', "set /a 'open", 'set /a "open\\"']) {
  t.test(`'${line}' is refused`, async (t) => {
    t.throws(() => splitWords(line), UsageError)
  })
}

const spec = { s: 'flag', e: 'flag', v: 'value' } as const
const parsed = [
  { words: ['/a', '-s'], flags: ['s'], values: [], rest: ['/a'] },
  { words: ['-se', '/a', 'x'], flags: ['s', 'e'], values: [], rest: ['/a', 'x'] },
  { words: ['-v', '-1', '/a'], flags: [], values: [['v', '-1']], rest: ['/a'] },
  { words: ['/a', '-5'], flags: [], values: [], rest: ['/a', '-5'] },
  { words: ['--', '-s', '--'], flags: [], values: [], rest: ['-s', '--'] },
  { words: ['/a', '-'], flags: [], values: [], rest: ['/a', '-'] },
]
for (const { words, flags, values, rest } of parsed) {
  t.test(`${words.join(' ')} leaves ${rest.join(' ')}`, async (t) => {
    const found = parseWords(words, spec)
    t.same([...found.flags], flags)
    t.same([...found.values], values)
    t.same(found.rest, rest)
  })
}

for (const words of [['-x'], ['-sx'], ['-v'], ['-sv', '1'], ['-constructor']]) {
  t.test(`${words.join(' ')} is refused`, async (t) => {
    t.throws(() => parseWords(words, spec), UsageError)
  })
}
