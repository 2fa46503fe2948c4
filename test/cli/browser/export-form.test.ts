import t from 'tap'
import {
  type ExportAction,
  type Exported,
  ExportForm,
} from '../../../src/cli/browser/export-form.ts'
import { recordsOf } from './records.ts'

function formOf(): ExportForm {
  return new ExportForm({ topic: 'events', records: recordsOf(3), what: '3 records', name: 'e' })
}

/** Presses keys: a single character types itself. */
function press(form: ExportForm, ...keys: readonly string[]): ExportAction | undefined {
  let last: ExportAction | undefined
  for (const key of keys) last = form.press({ key, char: key.length === 1 ? key : '', wallMs: 0 })
  return last
}

/** Presses keys that write, and settles what they write. */
function settle(form: ExportForm, outcome: Exported, ...keys: readonly string[]): void {
  const action = press(form, ...keys)
  if (action?.type === 'write') form.settled(action.request, outcome)
}

t.test('Enter goes from the path to the format, and writes there', async (t) => {
  const form = formOf()
  t.equal(press(form, 'enter'), undefined)
  t.match(press(form, 'enter'), {
    type: 'write',
    request: { path: 'e.jsonl', format: 'json', mayReplace: false, records: { length: 3 } },
  })
  t.equal(press(form, 'enter', 'C-s', 'x'), undefined, 'one file at a time')
  t.equal(form.path.text, 'e.jsonl')
})

t.test('the format is chosen with space, and the usual extension follows it', async (t) => {
  const form = formOf()
  press(form, 'down', 'space')
  t.equal(form.path.text, 'e.txt')
  press(form, 'left')
  t.equal(form.path.text, 'e.jsonl')
  press(form, 'up', 'backspace', 'down', 'space')
  t.equal(form.path.text, 'e.json', 'another extension stays')
  t.match(press(form, 'C-s'), { request: { path: 'e.json', format: 'values' } })
})

t.test('a file that exists is replaced only with y', async (t) => {
  for (const key of ['n', 'enter', 'C-s', 'escape', 'space']) {
    const form = formOf()
    settle(form, { type: 'exists', path: '/x/e.jsonl' }, 'C-s')
    const action = press(form, key)
    t.not(action?.type === 'write' && action.request.mayReplace, true, key)
    t.not(action?.type, 'close', 'the form stays')
  }
  const form = formOf()
  settle(form, { type: 'exists', path: '/x/e.jsonl' }, 'C-s')
  t.equal(form.press({ key: 'y', char: 'y', wallMs: 0, isBurst: true }), undefined, 'not pasted')
  settle(form, { type: 'exists', path: '/x/e.jsonl' }, 'C-s')
  t.match(press(form, 'y'), { type: 'write', request: { mayReplace: true } })
})

t.test('without a path, or pasted, nothing is written', async (t) => {
  const form = formOf()
  t.equal(press(form, 'C-u', ' ', 'C-s'), undefined)
  t.match(form.state, { type: 'refused', problem: 'the path is missing' })
  form.paste('/tmp/two\nlines\n')
  t.equal(form.path.text, ' /tmp/two lines')
  t.equal(form.press({ key: 'C-s', char: '', wallMs: 0, isBurst: true }), undefined)
  t.match(press(form, 'C-s'), { request: { path: '/tmp/two lines' } })
})

t.test('after a failure the path can be corrected', async (t) => {
  const form = formOf()
  settle(form, { type: 'failed', message: 'Cannot write /x: permission denied' }, 'C-s')
  t.match(press(form, 'backspace', 'C-s'), { request: { path: 'e.json' } })
})

t.test('the outcome of another form changes nothing', async (t) => {
  const [form, other] = [formOf(), formOf()]
  const action = press(other, 'C-s')
  press(form, 'C-s')
  if (action?.type === 'write') form.settled(action.request, { type: 'exists', path: '/x' })
  t.equal(form.state.type, 'writing')
})
