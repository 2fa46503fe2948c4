import t from 'tap'
import {
  type ResetAction,
  ResetForm,
  type ResetOutcome,
} from '../../../src/cli/browser/reset-form.ts'
import { parseResetTarget } from '../../../src/cli/browser/reset-target.ts'
import type { PlannedOffset } from '../../../src/client/mq/options.ts'

const wallMs = Date.UTC(2026, 10, 28, 21, 0)

function formOf(): ResetForm {
  return new ResetForm({ group: 'g', memberCount: 0 })
}

/** Presses keys: a single character types itself. */
function press(form: ResetForm, ...keys: readonly string[]): ResetAction | undefined {
  let last: ResetAction | undefined
  for (const key of keys) last = form.press({ key, char: key.length === 1 ? key : '', wallMs })
  return last
}

/** Presses keys that ask, and settles what they ask. */
function settle(form: ResetForm, outcome: ResetOutcome, ...keys: readonly string[]): void {
  const action = press(form, ...keys)
  if (action?.type === 'ask') form.settled(action.request, outcome)
}

const one: PlannedOffset = {
  topic: 'events',
  partition: 0,
  committed: 5,
  earliest: 0,
  latest: 9,
  to: 0,
  version: 3,
}

t.test('places to move to', async (t) => {
  const cases = [
    { text: 'start', want: { type: 'start' } },
    { text: ' end ', want: { type: 'end' } },
    { text: '0', want: { type: 'offset', offset: 0 } },
    { text: '+7', want: { type: 'shift', by: 7 } },
    { text: '-100', want: { type: 'shift', by: -100 } },
    { text: '10m', want: { type: 'time', timestampMs: wallMs - 600_000 } },
    { text: '@5', want: { type: 'time', timestampMs: 5 } },
    { text: '2026-01-31T00:00Z', want: { type: 'time', timestampMs: Date.UTC(2026, 0, 31) } },
    { text: '', want: undefined },
    { text: '3/5', want: undefined },
    { text: '1'.repeat(17), want: undefined },
    { text: '--1', want: undefined },
  ]
  for (const { text, want } of cases) t.same(parseResetTarget(text, wallMs), want, text)
})

t.test('Enter goes from field to field, and asks for the preview in the last one', async (t) => {
  const form = formOf()
  t.equal(press(form, ...'end', 'enter', ...'events', 'enter', '3'), undefined)
  t.same(press(form, 'enter'), {
    type: 'ask',
    request: {
      type: 'plan',
      group: 'g',
      reset: { to: { type: 'end' }, topic: 'events', partitions: [3] },
    },
  })
  t.equal(press(form, 'enter', 'C-s', 'y'), undefined, 'one request at a time')
})

t.test(
  'offsets move only after the preview, with y that was typed, and as they were shown',
  async (t) => {
    const form = formOf()
    t.equal(press(form, 'y'), undefined)
    settle(form, { type: 'planned', planned: [one] }, 'C-u', ...'start', 'C-s')
    for (const key of ['enter', 'C-s', 'space', 'x']) t.equal(press(form, key), undefined, key)
    t.equal(form.press({ key: 'y', char: 'y', wallMs, isBurst: true }), undefined)
    form.paste('y')
    t.equal(form.state.type, 'planned')
    t.equal(form.fields.to.text, 'start')
    t.same(press(form, 'y'), { type: 'ask', request: { type: 'move', group: 'g', planned: [one] } })
  },
)

t.test('the preview is left with Escape, and another place can be typed', async (t) => {
  const form = formOf()
  settle(form, { type: 'planned', planned: [one] }, ...'start', 'C-s')
  t.equal(press(form, 'escape'), undefined)
  t.equal(press(form, 'y'), undefined, 'it is typed again')
  t.match(press(form, 'C-u', ...'end', 'C-s'), { request: { reset: { to: { type: 'end' } } } })
  t.same(press(form, 'escape'), { type: 'close' })
})

t.test(
  'a preview that comes late, of another form, is not taken for the one asked for',
  async (t) => {
    const [form, other] = [formOf(), formOf()]
    const late = press(other, ...'start', 'C-s')
    press(form, ...'end', 'C-s')
    if (late?.type === 'ask') form.settled(late.request, { type: 'planned', planned: [one] })
    t.equal(form.state.type, 'planning')
    t.equal(press(form, 'y'), undefined)
  },
)

t.test('what cannot be asked is refused with the reason', async (t) => {
  const cases = [
    { keys: [], says: /not a place/ },
    { keys: [...'soon'], says: /not a place/ },
    { keys: [...'end', 'tab', 'tab', '1'], says: /a partition needs its topic/ },
    { keys: [...'end', 'tab', 't', 'tab', 'x'], says: /partition 'x' is no number/ },
  ]
  for (const { keys, says } of cases) {
    const form = formOf()
    t.equal(press(form, ...keys, 'C-s'), undefined)
    t.match(form.state, { type: 'refused', problem: says })
  }
  const form = formOf()
  settle(form, { type: 'planned', planned: [] }, ...'end', 'C-s')
  t.match(form.state, { type: 'refused', problem: /committed nothing/ })
})

t.test('after the move, Enter closes the form, but not once another place is typed', async (t) => {
  const form = formOf()
  settle(form, { type: 'planned', planned: [one] }, ...'end', 'C-s')
  settle(form, { type: 'moved', count: 1 }, 'y')
  t.same(press(form, 'enter'), { type: 'close' })
  t.equal(press(form, 'C-u', ...'start', 'enter'), undefined)
  t.equal(form.at, 'topic')
})
