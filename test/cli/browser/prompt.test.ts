import t from 'tap'
import { Prompt } from '../../../src/cli/browser/prompt.ts'

/** Presses keys: a single character types itself. */
function typed(keys: readonly string[], start = ''): Prompt {
  const prompt = new Prompt('search', start)
  for (const key of keys) t.equal(prompt.press(key, key.length === 1 ? key : ''), undefined)
  return prompt
}

t.test('keys edit the line at the cursor', async (t) => {
  t.equal(typed(['a', 'b', 'left', 'c']).text, 'acb')
  t.equal(typed(['home', 'x'], 'ab').text, 'xab')
  t.equal(typed(['home', 'end', 'x'], 'ab').text, 'abx')
  t.equal(typed(['backspace'], '試合').text, '試')
  t.equal(typed(['left', 'delete'], 'a⚽').text, 'a')
  t.equal(typed(['C-w'], 'two words').text, 'two ')
  t.equal(typed(['left', 'C-u'], 'abc').text, 'c')
  t.equal(typed(['left', 'left', 'left', 'left', 'right', 'x'], 'ab').text, 'axb')
})

t.test('control characters are not typed', async (t) => {
  const prompt = typed(['a'])
  prompt.press('C-x', '\x18')
  prompt.press('up', '\x1b[A')
  t.equal(prompt.text, 'a')
})

t.test('Enter ends it with its text, Escape without', async (t) => {
  t.same(typed(['a']).press('enter', '\r'), { type: 'entered', text: 'a' })
  t.same(typed(['a']).press('escape', ''), { type: 'cancelled' })
})
