// The form that moves the offsets of a group, and below it what the move would do in each partition. Pure.

import type { PlannedOffset } from '../../client/mq/options.ts'
import { hint, type KeyHint } from '../consumer/bars.ts'
import { fit, columns as widthOf } from '../consumer/cells.ts'
import { type Line, type Size, span } from '../consumer/screen-lines.ts'
import { counted } from '../make-topic.ts'
import { type FormStatus, fieldRow, formBox } from './form-frame.ts'
import { movedText, type ResetField, type ResetForm, resetFields } from './reset-form.ts'
import { type Column, cellsText } from './table-frame.ts'

const notes: Readonly<Record<ResetField, string>> = {
  to: 'start end OFFSET +COUNT -COUNT 21:04 10m 2026-01-31 21:04',
  topic: 'all for which the group committed',
  partition: 'all of the topic',
}

export function resetBox(form: ResetForm, size: Size): Line[] {
  const { group, at, fields, state, scroll } = form
  const width = size.columns - 2
  const box = {
    label: `move the offsets of ${fit(group, Math.min(40, widthOf(group)))}`,
    rows: resetFields.map((name) =>
      fieldRow(name, fields[name], { isAt: name === at, width, note: notes[name] }),
    ),
    status: resetStatus(form),
  }
  if (state.type !== 'planned' && state.type !== 'moving') return formBox(size, box)
  return formBox(size, { ...box, lines: planLines(state.planned, width), scroll })
}

export function resetStatus({ group, state, memberCount }: ResetForm): FormStatus {
  switch (state.type) {
    case 'editing': {
      const text = 'nothing is changed yet: first you see what would be'
      if (memberCount === 0) return { tone: 'quiet', text }
      const members = counted(memberCount, 'member')
      return { tone: 'warn', text: `the group has ${members}: the move is refused until they stop` }
    }
    case 'refused':
      return { tone: 'warn', text: `nothing is changed: ${state.problem}` }
    case 'planning':
      return { tone: 'text', text: 'asking the brokers …' }
    case 'planned': {
      const count = state.planned.filter(({ committed, to }) => committed !== to).length
      const what =
        count === 0 ? 'all are there already' : `${counted(count, 'partition')} would move`
      return { tone: 'warn', text: `${what}: y moves the offsets, esc changes nothing` }
    }
    case 'moving':
      return { tone: 'text', text: 'moving …' }
    case 'moved':
      return { tone: 'good', text: movedText(group, state.count) }
    case 'failed':
      return { tone: 'bad', text: state.message }
  }
}

/** The titles first. */
function planLines(planned: readonly PlannedOffset[], width: number): Line[] {
  const isWide = width >= 60
  const heads: Column[] = [
    { title: 'topic' },
    { title: 'part', width: 4, isNumber: true },
    { title: isWide ? 'committed' : 'now', width: isWide ? 12 : 8, isNumber: true },
    { title: 'new', width: isWide ? 12 : 8, isNumber: true },
    ...(isWide ? [{ title: 'change', width: 12, isNumber: true }] : []),
    { title: 'lag', width: isWide ? 10 : 6, isNumber: true },
  ]
  const titles = heads.map(({ title }) => title)
  const rows = planned.map(({ topic, partition, committed, latest, to }): Line => {
    const change = committed === undefined ? undefined : to - committed
    const cells = [
      topic,
      String(partition),
      committed === undefined ? '-' : String(committed),
      String(to),
      ...(isWide ? [changeText(change)] : []),
      String(Math.max(0, latest - to)),
    ]
    return [span(cellsText(cells, heads, width), change === 0 ? 'quiet' : 'text')]
  })
  return [[span(cellsText(titles, heads, width), 'strong')], ...rows]
}

function changeText(change: number | undefined): string {
  if (change === undefined) return 'new'
  return change > 0 ? `+${change}` : String(change)
}

export function resetHints({ state }: ResetForm): readonly KeyHint[] {
  switch (state.type) {
    case 'planned':
      return [hint('↑↓', 'scroll'), hint('y', 'move the offsets'), hint('esc', 'change nothing')]
    case 'moved':
      return [hint('enter', 'close')]
    case 'editing':
    case 'refused':
    case 'planning':
    case 'moving':
    case 'failed':
      return [
        hint('enter', 'next field, then preview'),
        hint('^S', 'preview'),
        hint('esc', 'close'),
      ]
  }
}
