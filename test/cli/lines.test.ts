import fc from 'fast-check'
import t from 'tap'
import { type Line, LineTooLongError, linesOf } from '../../src/cli/lines.ts'

async function* chunks(parts: readonly (Buffer | string)[]) {
  yield* parts
}

async function read(parts: readonly (Buffer | string)[], bytesMax = 100): Promise<string[]> {
  const lines: Line[] = []
  for await (const line of linesOf(chunks(parts), bytesMax)) lines.push(line)
  t.same(
    lines.map(({ number }) => number),
    lines.map((_, i) => i + 1),
  )
  return lines.map(({ bytes }) => bytes.toString('latin1'))
}

const cases = [
  { name: 'a last line without a line feed counts', input: 'a\nb', want: ['a', 'b'] },
  { name: 'a final line feed does not begin another line', input: 'a\nb\n', want: ['a', 'b'] },
  { name: 'empty lines count', input: '\n\na', want: ['', '', 'a'] },
  { name: 'empty input has no lines', input: '', want: [] },
  { name: 'a carriage return is part of the line', input: 'a\r\nb\rc\r', want: ['a\r', 'b\rc\r'] },
  {
    name: 'other Unicode line ends are text',
    input: 'a\u0085b\x0bc\x0cd',
    want: ['a\u0085b\x0bc\x0cd'],
  },
]
for (const { name, input, want } of cases) {
  t.test(name, async (t) => {
    const bytes = Buffer.from(input, 'latin1')
    t.same(await read([bytes]), want)
    t.same(await read([...bytes].map((byte) => Buffer.of(byte))), want, 'one byte at a time')
  })
}

t.test('U+2028 does not end a line', async (t) => {
  t.same(await read(['a\u2028b']), [Buffer.from('a\u2028b').toString('latin1')])
})

t.test('joined lines equal the input, whatever the chunks', async () => {
  const bytes = fc.uint8Array({ maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(fc.array(bytes), async (parts) => {
      const input = Buffer.concat(parts).toString('latin1')
      const joined = (
        await read(
          parts.map((part) => Buffer.from(part)),
          10_000,
        )
      ).join('\n')
      return joined === input || `${joined}\n` === input
    }),
  )
})

const long = [
  { name: 'in the middle', input: ['ab\n', 'x'.repeat(6), '\nc\n'], line: 2, bytes: '6' },
  { name: 'at the end, without a line feed', input: ['123456'], line: 1, bytes: '6' },
  { name: 'without an end', input: ['a\n', 'x'.repeat(400), 'y'], line: 2, bytes: 'more than 400' },
]
for (const { name, input, line, bytes } of long) {
  t.test(`an error names the line that is too long, its size and the limit: ${name}`, async (t) => {
    const error = await read(input, 5).catch((reason: unknown) => reason)
    t.ok(error instanceof LineTooLongError)
    t.match(error, { line, bytes, bytesMax: 5 })
  })
}

t.test('a line of exactly the limit is accepted', async (t) => {
  t.same(await read(['12345\n12', '345\n'], 5), ['12345', '12345'])
})
