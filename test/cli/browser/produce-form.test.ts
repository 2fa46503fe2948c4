import t from 'tap'
import { type ProduceAction, ProduceForm } from '../../../src/cli/browser/produce-form.ts'
import type { TypedKey } from '../../../src/cli/browser/typed-key.ts'

function typed(key: string, isBurst = false): TypedKey {
  return { key, char: key.length === 1 ? key : '', wallMs: 0, isBurst }
}

/** Presses keys: a single character types itself. */
function press(form: ProduceForm, ...keys: readonly string[]): ProduceAction | undefined {
  let last: ProduceAction | undefined
  for (const key of keys) last = form.press(typed(key))
  return last
}

t.test('Enter goes from field to field, and sends in the last one', async (t) => {
  const form = new ProduceForm()
  t.equal(press(form, ...'k1', 'enter', ...'v 1', 'enter', '2', 'enter', ...'a=b'), undefined)
  t.equal(form.state.type, 'editing')
  t.same(press(form, 'enter'), {
    type: 'send',
    record: { key: 'k1', value: 'v 1', partition: 2, headers: [{ key: 'a', value: 'b' }] },
  })
})

t.test('the arrows and Tab go round', async (t) => {
  const form = new ProduceForm()
  const seen = ['up', 'down', 'tab', 'S-tab', 'S-tab'].map((key) => {
    press(form, key)
    return form.at
  })
  t.equal(seen.join(' '), 'headers key value key headers')
})

t.test('a null value is chosen, not typed, and typing ends it', async (t) => {
  const form = new ProduceForm()
  t.match(press(form, 'k', 'C-t', 'C-s'), { record: { key: 'k', value: null } })
  form.settled({ type: 'stored', partition: 0, offset: 0 })
  t.match(press(form, 'tab', 'left', 'C-s'), { record: { value: null } }, 'a move types nothing')
  form.settled({ type: 'stored', partition: 0, offset: 1 })
  t.match(press(form, 'v', 'C-s'), { record: { value: 'v' } })
})

t.test('one record is in flight: a second press sends nothing', async (t) => {
  const form = new ProduceForm()
  press(form, 'a', 'C-s')
  t.equal(press(form, 'b', 'C-s'), undefined)
  t.equal(form.fields.key.text, 'a')
  t.same(press(form, 'escape'), { type: 'close' })
  form.settled({ type: 'failed', message: 'no broker is alive' })
  t.match(press(form, 'b', 'C-s'), { record: { key: 'ab' } }, 'it can be sent again')
})

t.test(
  'a partition that does not exist is refused with the reason, and can be corrected',
  async (t) => {
    const form = new ProduceForm()
    press(form, 'up', 'up', 'x', 'C-s')
    t.match(form.state, { type: 'refused', problem: /^partition 'x' is no number from 0 to \d+$/ })
    t.match(press(form, 'backspace', '1', 'C-s'), { record: { partition: 1 } })
  },
)

t.test(
  'keys that come in one go are typed, and send nothing: perhaps they were pasted',
  async (t) => {
    const form = new ProduceForm()
    for (const key of ['a', 'enter', 'b', 'enter', 'enter', 'c', 'enter', 'C-s']) {
      t.equal(form.press(typed(key, true)), undefined, key)
    }
    t.match(form.state, { type: 'refused', problem: /in one go/ })
    t.match(form.press(typed('enter')), {
      record: { key: 'a', value: 'b', headers: [{ key: 'c' }] },
    })
  },
)

t.test('while a record is in flight, nothing is pasted', async (t) => {
  const form = new ProduceForm()
  press(form, 'a', 'C-s')
  form.paste('b')
  t.equal(form.fields.key.text, 'a')
})

t.test('a pasted text is cut where the field is full', async (t) => {
  const form = new ProduceForm()
  form.paste('😀'.repeat(9000))
  t.equal(form.fields.key.text, '😀'.repeat(5000))
})
