import t from 'tap'
import { TypedInput } from '../../../src/cli/consumer/typed-input.ts'
import { VirtualClock } from '../../virtual-clock.ts'

function inputOf() {
  const seen: string[] = []
  const clock = new VirtualClock()
  const input = new TypedInput({
    clock,
    onKey: (key, char, isBurst) =>
      seen.push(`${key}${char === '' ? '' : `(${char})`}${isBurst ? ' burst' : ''}`),
    onPaste: (text) => seen.push(`pasted ${JSON.stringify(text)}`),
  })
  return { clock, input, seen }
}

/** All keys that were read at once are passed on after the turn. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

t.test('Enter is passed on once, however blessed names it', async (t) => {
  const { input, seen } = inputOf()
  // blessed emits both for a carriage return.
  input.key('enter', '\r')
  input.key('return', '\r')
  await turn()
  input.key('linefeed', '\n')
  await turn()
  t.same(seen, ['enter(\r)', 'enter(\n)'])
})

t.test('keys that are read at once are a burst, those read one by one are not', async (t) => {
  const { input, seen } = inputOf()
  input.key('a', 'a')
  await turn()
  input.key('b', 'b')
  input.key('enter', '\r')
  await turn()
  t.same(seen, ['a(a)', 'b(b) burst', 'enter(\r) burst'])
})

t.test('what the terminal marks as pasted is text, and presses no key', async (t) => {
  const { input, seen } = inputOf()
  input.key('x', 'x')
  input.pasteBegins()
  for (const key of ['q', 'enter', 'return', 'tab']) {
    input.key(key, key === 'q' ? 'q' : key === 'tab' ? '\t' : '\r')
  }
  t.equal(input.isPasting, true)
  await turn()
  input.key('é', 'é')
  input.pasteEnds()
  input.key('y', 'y')
  await turn()
  t.same(seen, ['x(x)', 'pasted "q\\n\\té"', 'y(y)'])
  input.pasteEnds()
  t.equal(seen.length, 3, 'an end without a beginning is nothing')
})

t.test('a paste whose end is lost is over after a while', async (t) => {
  const { clock, input, seen } = inputOf()
  input.pasteBegins()
  input.key('a', 'a')
  await clock.advance(299)
  input.key('b', 'b')
  await clock.advance(299)
  t.equal(input.isPasting, true)
  await clock.advance(2)
  t.same(seen, ['pasted "ab"'])
})

t.test('once closed, nothing is passed on', async (t) => {
  const { input, seen } = inputOf()
  input.key('a', 'a')
  input.pasteBegins()
  input.close()
  input.key('b', 'b')
  input.pasteEnds()
  t.same(seen, ['a(a)'])
})
