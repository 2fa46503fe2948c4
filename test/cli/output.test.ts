import t from 'tap'
import { type Content, writeForeign } from '../../src/cli/output.ts'

function written(isTTY: boolean, content: Content): Content[] {
  const all: Content[] = []
  writeForeign({ isTTY, write: (each) => all.push(each) }, content)
  return all
}

t.test('a terminal gets control characters and odd bytes escaped', async (t) => {
  t.same(written(true, 'a\x1b[31m\n'), ['a\\x1b[31m\n'])
  t.same(written(true, Buffer.from([0xff, 0x1b])), ['\\xff\\x1b'])
})

t.test('a pipe gets the exact bytes', async (t) => {
  t.same(written(false, 'a\x1b[31m\n'), ['a\x1b[31m\n'])
  t.same(written(false, Buffer.from([0xff, 0x1b])), [Buffer.from([0xff, 0x1b])])
})

t.test('the result says whether the stream accepts more', async (t) => {
  for (const isTTY of [true, false]) {
    t.equal(writeForeign({ isTTY, write: () => false }, 'x'), false)
    t.equal(writeForeign({ isTTY, write: () => true }, 'x'), true)
  }
})
