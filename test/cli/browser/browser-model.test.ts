import t from 'tap'
import type { PartitionFacts } from '../../../src/cli/browser/browser-facts.ts'
import type { BrowserEffect } from '../../../src/cli/browser/browser-inputs.ts'
import { BrowserModel } from '../../../src/cli/browser/browser-model.ts'
import { GoalSource } from '../../../src/cli/goals/goal-source.ts'
import { Random } from '../../../src/random.ts'
import { recordOf, recordsOf } from './records.ts'

const wallMs = Date.UTC(2026, 10, 28, 21, 0)

function modelOf(group?: string): BrowserModel {
  return new BrowserModel({ topic: 'events', group })
}

function press(model: BrowserModel, ...keys: readonly string[]): BrowserEffect[] {
  return keys.flatMap((key) => [
    ...model.step({ type: 'key', key, char: key.length === 1 ? key : '', wallMs }),
  ])
}

function promptOf({ dialog }: BrowserModel) {
  return dialog?.type === 'prompt' ? dialog.prompt : undefined
}

function formOf({ dialog }: BrowserModel) {
  return dialog?.type === 'produce' ? dialog.form : undefined
}

function exportOf({ dialog }: BrowserModel) {
  return dialog?.type === 'export' ? dialog.form : undefined
}

function receive(model: BrowserModel, count: number, from = 0): void {
  model.step({ type: 'records', records: recordsOf(count, from), nowMs: 0 })
}

/** Two partitions, with these ends. */
function partitionsOf(ends: readonly number[], paused: readonly number[] = []): PartitionFacts[] {
  return ends.map((end, partition) => {
    const isPaused = paused.includes(partition)
    return { partition, position: 10, start: 0, end, leader: 1, isPaused }
  })
}

function goals(count: number) {
  const source = new GoalSource(new Random(7), 100)
  return Array.from({ length: count }, (_, offset) =>
    recordOf({ offset, value: JSON.stringify(source.next()) }),
  )
}

t.test('partitions stand in their order, in whichever order a group gave them', async (t) => {
  const model = modelOf('fans')
  model.step({ type: 'partitions', partitions: partitionsOf([20, 30, 40]).reverse() })
  t.same(
    model.partitions.map(({ partition }) => partition),
    [0, 1, 2],
  )
})

t.test('keys and Tab change the view', async (t) => {
  const model = modelOf()
  const seen = ['2', '3', '4', '1', 'tab', 'tab', 'S-tab', 'S-tab', 'S-tab'].map((key) => {
    press(model, key)
    return model.view
  })
  const want = 'partitions groups topics records partitions groups partitions records topics'
  t.equal(seen.join(' '), want)
})

t.test('the detail shows the selected record, and goes on to its neighbours', async (t) => {
  const model = modelOf()
  t.same(press(model, 'enter'), [], 'nothing is selected yet')
  receive(model, 10)
  press(model, 'enter')
  t.equal(model.detail?.record.offset, 9)
  receive(model, 5, 10)
  t.equal(model.detail?.record.offset, 9, 'newer records leave it alone')
  press(model, 'left', 'left')
  t.equal(model.detail?.record.offset, 7)
  press(model, 'right')
  t.equal(model.detail?.record.offset, 8)
  press(model, 'v')
  t.equal(model.detail?.form, 'hex')
  press(model, 'right')
  t.equal(model.detail?.form, 'hex', 'bytes stay chosen')
  press(model, 'escape')
  t.equal(model.detail, undefined)
  t.equal(model.records.selected?.offset, 9)
})

t.test('space pauses all, and what is missed is counted', async (t) => {
  const model = modelOf()
  model.step({ type: 'partitions', partitions: partitionsOf([20, 30]) })
  t.same(press(model, 'space'), [{ type: 'pause', isPaused: true, partition: undefined }])
  model.step({ type: 'partitions', partitions: partitionsOf([20, 30], [0, 1]) })
  t.equal(model.isPaused, true)
  t.equal(model.missedCount, 0)
  model.step({ type: 'partitions', partitions: partitionsOf([25, 37], [0, 1]) })
  t.equal(model.missedCount, 12)
  t.equal(model.lag, 42)
  t.same(press(model, 'S-p'), [{ type: 'pause', isPaused: false, partition: undefined }])
  model.step({ type: 'partitions', partitions: partitionsOf([25, 37]) })
  t.equal(model.missedCount, 0)
  t.equal(model.isPaused, false)
})

t.test('in the partitions, space pauses the selected one', async (t) => {
  const model = modelOf()
  model.step({ type: 'partitions', partitions: partitionsOf([20, 30]) })
  model.cursors.partitions.show(2, 10)
  press(model, '2', 'down')
  t.same(press(model, 'space'), [{ type: 'pause', isPaused: true, partition: 1 }])
  model.step({ type: 'partitions', partitions: partitionsOf([20, 30], [1]) })
  t.equal(model.isPaused, false)
  t.same(press(model, 'space'), [{ type: 'pause', isPaused: false, partition: 1 }])
})

t.test('Enter in the partitions shows the records of that one', async (t) => {
  const model = modelOf()
  model.step({ type: 'partitions', partitions: partitionsOf([20, 30]) })
  receive(model, 3)
  model.step({ type: 'records', records: [recordOf({ partition: 1, offset: 99 })], nowMs: 0 })
  model.cursors.partitions.show(2, 10)
  press(model, '2', 'down', 'enter')
  t.equal(model.view, 'records')
  t.same(
    model.records.page(10).records.map(({ offset }) => offset),
    [99],
  )
})

t.test('a search is typed; a bad one is told, and can be corrected', async (t) => {
  const model = modelOf()
  receive(model, 20)
  press(model, '/', ...'q1', 'backspace', 'backspace', ...'m1')
  t.equal(promptOf(model)?.text, 'm1', 'q is text here')
  press(model, 'enter')
  t.equal(model.records.matchCount, 11)
  const effects = press(model, '/', 'C-u', ...'/(/', 'enter')
  t.match(effects, [{ type: 'tell', text: /cannot search/ }])
  t.equal(promptOf(model)?.text, '/(/')
  t.equal(model.records.filter?.text, 'm1')
  press(model, 'escape', 'escape')
  t.equal(model.records.filter, undefined)
  press(model, '/')
  t.equal(promptOf(model)?.text, 'm1', 'the last search is offered again')
})

t.test('n and N look for matches, and tell when there are no more', async (t) => {
  const model = modelOf()
  receive(model, 20)
  t.match(press(model, 'n'), [{ type: 'tell' }])
  press(model, '/', ...'/m[37]$/', 'enter', 'm', 'S-n')
  t.equal(model.records.selected?.offset, 7)
  t.same(press(model, 'S-n'), [])
  t.match(press(model, 'S-n'), [{ type: 'tell', text: 'no older match' }])
  press(model, 'n')
  t.match(press(model, 'n'), [{ type: 'tell', text: 'no newer match' }])
})

t.test('a place to read from is typed; the list begins anew once it is read', async (t) => {
  const model = modelOf()
  receive(model, 5)
  model.step({ type: 'partitions', partitions: partitionsOf([20, 30]) })
  const to = { type: 'offset', offset: 12 }
  t.same(press(model, 's', ...'12', 'enter'), [{ type: 'seek', to, partition: undefined }])
  t.match(press(model, 's', ...'?', 'enter'), [{ type: 'tell', text: /^not a place/ }])
  press(model, 'escape')
  model.cursors.partitions.show(2, 10)
  t.same(press(model, '2', 'down', 's', ...'12', 'enter'), [{ type: 'seek', to, partition: 1 }])
  t.same(press(model, 's', 'C-u', 'enter'), [], 'an empty line leaves all as it is')
  t.equal(model.records.page(10).count, 5)
  model.step({ type: 'sought' })
  t.equal(model.records.page(10).count, 0)
})

t.test('Enter in the groups scrolls what is known of the selected one', async (t) => {
  const model = modelOf()
  press(model, '3', 'enter')
  t.equal(model.isInGroup, false, 'no groups are known yet')
  const group = (name: string) => ({
    group: name,
    state: 'Empty',
    details: undefined,
    trend: undefined,
  })
  model.step({ type: 'groups', groups: { groups: [group('a'), group('b')], problem: '' } })
  model.cursors.groups.show(2, 5)
  model.scrolls.group.show(10, 4)
  press(model, 'down', 'enter', 'down', 'down')
  t.equal(model.selectedGroup, 'b')
  t.equal(model.scrolls.group.top, 2)
  press(model, 'escape', 'up')
  t.equal(model.cursors.groups.at, 0)
  t.equal(model.scrolls.group.top, 0)
  press(model, 'enter', 'tab', '3')
  t.equal(model.isInGroup, false)
})

t.test('another topic is opened, unless this one is read for a group', async (t) => {
  const topic = (name: string) => {
    return {
      topic: name,
      partitions: 1,
      replicas: 1,
      leaderless: 0,
      behind: 0,
      records: 0,
      problem: undefined,
    }
  }
  const topics = [topic('events'), topic('other')]
  for (const group of [undefined, 'g']) {
    const model = modelOf(group)
    t.same(press(model, '4', 'enter'), [], 'no topics are known yet')
    model.step({ type: 'topics', topics })
    model.cursors.topics.show(2, 10)
    const effects = press(model, 'down', 'enter')
    if (group === undefined) t.same(effects, [{ type: 'open', topic: 'other' }])
    else t.match(effects, [{ type: 'tell', text: /commits for group g/ }])
    t.same(press(model, 'up', 'enter'), [])
    t.equal(model.view, 'records')
  }
})

t.test('a topic of goals begins with the goals, until another record comes', async (t) => {
  const model = modelOf()
  t.equal(model.shownGoals, undefined)
  model.step({ type: 'records', records: goals(4), nowMs: 0 })
  t.equal(model.shownGoals?.receivedCount, 4)
  press(model, 't')
  t.equal(model.shownGoals, undefined)
  t.equal(model.view, 'records')
  press(model, 't')
  t.ok(model.shownGoals)
  t.same(press(model, 'space'), [{ type: 'pause', isPaused: true, partition: undefined }])
  press(model, 't')
  t.equal(model.isPaused, true, 'a pause is the same in both')
  t.same(press(model, 'S-p'), [{ type: 'pause', isPaused: false, partition: undefined }])
  press(model, 't')
  t.equal(model.shownGoals?.paused, false)
  receive(model, 1)
  t.equal(model.shownGoals, undefined)
  press(model, 't')
  t.equal(model.shownGoals, undefined)
  t.equal(model.hasGoals, false)
})

t.test('e exports and r reconnects among the goals, too', async (t) => {
  const model = modelOf()
  model.step({ type: 'records', records: goals(4), nowMs: 0 })
  t.same(press(model, 'r'), [{ type: 'reconnect' }])
  t.ok(model.shownGoals)
  press(model, 't', '/', 'n', 'o', 'n', 'e', 'enter', 't')
  t.same(press(model, 'e'), [])
  const form = exportOf(model)
  t.equal(form?.what, '4 records', 'a search of the records is no matter here')
  t.equal(model.shownGoals, undefined, 'the form is shown')
  const [effect] = press(model, 'C-s')
  t.match(effect, { type: 'export', request: { topic: 'events', format: 'json' } })
  t.equal(effect?.type === 'export' && effect.request.records.length, 4)
  press(model, 'escape')
  t.ok(model.shownGoals, 'and the goals again')
  for (const key of ['e', 'r']) {
    t.ok(
      model.shownGoals?.actions.some((action) => action.key === key),
      'the help has the key',
    )
  }
})

t.test('the form of an export outlasts the goals that it was opened from', async (t) => {
  const model = modelOf()
  model.step({ type: 'records', records: goals(4), nowMs: 0 })
  press(model, 'e')
  receive(model, 1)
  t.equal(exportOf(model)?.records.length, 4)
  press(model, 'escape')
  t.equal(model.shownGoals, undefined)
  t.equal(model.view, 'records')
})

t.test('a view that the user chose stays when goals come', async (t) => {
  const model = modelOf()
  press(model, '2')
  model.step({ type: 'records', records: goals(4), nowMs: 0 })
  t.equal(model.shownGoals, undefined)
  t.equal(model.view, 'partitions')
})

t.test('help closes with any key, and scrolls with the arrows', async (t) => {
  const model = modelOf()
  press(model, '?', 'down')
  t.equal(model.isHelpShown, true)
  press(model, '2')
  t.equal(model.isHelpShown, false)
  t.equal(model.view, 'records', 'that key did nothing else')
})

t.test('q and Ctrl-C quit from everywhere but a line that is typed', async (t) => {
  const ways = [[], ['2'], ['4'], ['?'], ['enter']]
  for (const way of ways) {
    for (const key of ['q', 'C-c']) {
      const model = modelOf()
      receive(model, 1)
      press(model, ...way)
      t.same(press(model, key), [{ type: 'quit' }], `${way} ${key}`)
    }
  }
  const model = modelOf()
  press(model, '/', 'C-c')
  t.equal(model.dialog, undefined)
})

t.test('a value is copied, if it is not too large', async (t) => {
  const model = modelOf()
  receive(model, 1)
  const [copy] = press(model, 'enter', 'c')
  t.same(copy, { type: 'copy', bytes: Buffer.from('m0') })
  const records = [recordOf({ offset: 1, value: 'x'.repeat(80_000) })]
  model.step({ type: 'records', records, nowMs: 0 })
  t.match(press(model, 'right', 'c'), [{ type: 'tell', text: /too many/ }])
})

t.test('the wheel scrolls what the arrow keys scroll', async (t) => {
  const model = modelOf()
  receive(model, 20)
  model.records.page(5)
  const none = { type: 'none' } as const
  model.step({ type: 'mouse', event: 'wheelUp', hit: none })
  t.equal(model.records.selected?.offset, 16)
  model.step({ type: 'mouse', event: 'wheelDown', hit: none })
  t.equal(model.records.isFollowing, true)
  model.step({ type: 'mouse', event: 'click', hit: { type: 'tab', view: 'groups' } })
  t.equal(model.view, 'groups')
})

t.test('p produces a record, and tells where it is stored, from any view', async (t) => {
  const record = { key: 'q', value: 'p/', partition: undefined, headers: [] }
  for (const way of [[], ['2'], ['3'], ['4'], ['enter']]) {
    const model = modelOf()
    receive(model, 1)
    press(model, ...way, 'p', 'q', 'tab', ...'p/')
    t.same(press(model, 'C-s'), [{ type: 'produce', record }], `${way}`)
    const outcome = { type: 'stored', partition: 1, offset: 7 } as const
    const told = model.step({ type: 'produced', outcome })
    t.same(told, [{ type: 'tell', text: 'stored in partition 1 at offset 7' }])
    press(model, 'escape')
    t.equal(model.dialog, undefined)
    press(model, 'p')
    t.equal(formOf(model)?.fields.key.text, 'q', 'what was typed is kept')
  }
})

t.test('while the form is shown, Ctrl-C closes it, and the mouse does nothing', async (t) => {
  const model = modelOf()
  receive(model, 9)
  press(model, 'p')
  model.step({ type: 'mouse', event: 'click', hit: { type: 'tab', view: 'topics' } })
  model.step({ type: 'mouse', event: 'wheelUp', hit: { type: 'none' } })
  t.equal(model.view, 'records')
  t.equal(formOf(model)?.at, 'key')
  t.same(press(model, 'C-c'), [])
  t.equal(model.dialog, undefined)
})

t.test('the form opens again at its first field', async (t) => {
  const model = modelOf()
  press(model, 'p', 'down', 'down', 'escape', 'p')
  t.equal(formOf(model)?.at, 'key')
})

t.test('pasted text goes into what is typed into, and presses no keys', async (t) => {
  const model = modelOf()
  receive(model, 3)
  const paste = (text: string) => model.step({ type: 'paste', text })
  t.same(paste('q\nq'), [])
  t.equal(model.dialog, undefined)
  press(model, '/')
  t.same(paste('two\r\nwords\r'), [])
  t.equal(promptOf(model)?.text, 'two words', 'a line break does not search')
  press(model, 'escape', 'p', 'down')
  t.same(paste('{\n\t"n": 1\n}\n\x13\n\n'), [])
  t.equal(formOf(model)?.fields.value.text, '{\n\t"n": 1\n}\n\n', 'a value keeps its lines')
  press(model, 'down', 'down')
  t.same(paste('a=1\nb=2\n\n\n'), [])
  t.equal(formOf(model)?.at, 'headers')
  t.equal(formOf(model)?.state.type, 'editing')
  t.match(press(model, 'C-s'), [{ type: 'produce', record: { headers: [{}, {}] } }])
})

t.test('e exports what is kept: all, what a search finds, or the record in full', async (t) => {
  const model = modelOf()
  t.match(press(model, 'e'), [{ type: 'tell', text: 'no records to export' }])
  receive(model, 20)
  const offsets = () => exportOf(model)?.records.map(({ offset }) => offset)
  press(model, 'e')
  t.equal(offsets()?.length, 20)
  receive(model, 5, 20)
  t.equal(offsets()?.length, 20, 'the records of that moment')
  press(model, 'escape', '/', ...'/m1[12]$/', 'enter', 'e')
  t.same(offsets(), [11, 12])
  press(model, 'escape', 'm', 'e')
  t.same(offsets(), [11, 12], 'the matches, although the others are shown, too')
  press(model, 'escape', '/', 'C-u', ...'none', 'enter')
  t.match(press(model, 'e'), [{ type: 'tell', text: 'no match to export' }])
  press(model, 'escape', 'g', 'down', 'enter', 'e')
  t.same(offsets(), [1])
  t.equal(exportOf(model)?.path.text, 'events-0-1.jsonl')
  const [effect] = press(model, 'enter', 'enter')
  t.match(effect, { type: 'export', request: { topic: 'events', path: 'events-0-1.jsonl' } })
  const outcome = { type: 'written', path: '/x/events-0-1.jsonl', count: 1, bytes: 1234 } as const
  t.ok(effect?.type === 'export')
  if (effect?.type !== 'export') return
  const { request } = effect
  t.match(model.step({ type: 'exported', request, outcome }), [
    { type: 'tell', text: /^1 record, 1,234 B/ },
  ])
  press(model, 'enter')
  t.equal(model.dialog, undefined)
  t.equal(model.detail?.record.offset, 1, 'the record is still there')
})

t.test(
  'o in the groups moves the offsets of the selected one, once the preview is confirmed',
  async (t) => {
    const model = modelOf()
    press(model, '3', 'o')
    t.equal(model.dialog, undefined, 'no groups are known yet')
    const group = (name: string) => ({
      group: name,
      state: 'Empty',
      details: undefined,
      trend: undefined,
    })
    model.step({ type: 'groups', groups: { groups: [group('a'), group('b')], problem: '' } })
    model.cursors.groups.show(2, 5)
    const [plan] = press(model, 'down', 'o', ...'start', 'C-s')
    t.match(plan, { type: 'reset', request: { type: 'plan', group: 'b', reset: { to: {} } } })
    t.ok(plan?.type === 'reset')
    if (plan?.type !== 'reset') return
    const offset = { topic: 'events', partition: 0, earliest: 0, latest: 9, to: 0, version: 3 }
    const planned = [{ ...offset, committed: 5 }]
    t.same(
      model.step({
        type: 'resetAnswered',
        request: plan.request,
        outcome: { type: 'planned', planned },
      }),
      [],
    )
    const [move] = press(model, 'y')
    t.match(move, {
      type: 'reset',
      request: { type: 'move', group: 'b', planned: [{ version: 3 }] },
    })
    t.ok(move?.type === 'reset')
    if (move?.type !== 'reset') return
    press(model, 'escape')
    const outcome = { type: 'moved', count: 1 } as const
    t.same(model.step({ type: 'resetAnswered', request: move.request, outcome }), [
      { type: 'tell', text: 'the offsets of group b are moved in 1 partition' },
    ])
  },
)

t.test('r reconnects, from any view', async (t) => {
  for (const way of [[], ['2'], ['3'], ['4'], ['enter']]) {
    const model = modelOf()
    receive(model, 1)
    press(model, ...way)
    t.same(press(model, 'r'), [{ type: 'reconnect' }], `${way}`)
  }
})
