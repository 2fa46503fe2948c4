// The form that produces a record, and below it what came of the last one. Pure.

import { hint, type KeyHint } from '../consumer/bars.ts'
import { fit, columns as widthOf } from '../consumer/cells.ts'
import type { Line, Size } from '../consumer/screen-lines.ts'
import { choiceRow, type FormStatus, fieldRow, formBox } from './form-frame.ts'
import {
  type ProduceField,
  type ProduceForm,
  type ProduceState,
  producedText,
  produceFields,
} from './produce-form.ts'

const notes: Readonly<Record<ProduceField, string>> = {
  key: 'none',
  value: 'empty; Ctrl-T for null',
  partition: 'by the key',
  headers: 'name=value name="two words"',
}

export function produceBox(form: ProduceForm, topic: string, size: Size): Line[] {
  return formBox(size, {
    label: `produce to ${fit(topic, Math.min(40, widthOf(topic)))}`,
    rows: produceFields.map((name) => rowOf(form, name, size.columns - 2)),
    status: produceStatus(form.state),
  })
}

function rowOf(form: ProduceForm, name: ProduceField, width: number): Line {
  const isAt = name === form.at
  if (name === 'value' && form.isNull) {
    return choiceRow(name, 'null: a tombstone, which deletes its key', {
      isAt,
      width,
      tone: 'warn',
    })
  }
  return fieldRow(name, form.fields[name], { isAt, width, note: notes[name] })
}

export function produceStatus(state: ProduceState): FormStatus {
  switch (state.type) {
    case 'editing':
      return { tone: 'quiet', text: 'nothing is sent yet' }
    case 'refused':
      return { tone: 'warn', text: `not sent: ${state.problem}` }
    case 'sending':
      return { tone: 'text', text: 'sending …' }
    case 'stored':
      return { tone: 'good', text: producedText(state) }
    case 'failed':
      return { tone: 'bad', text: producedText(state) }
  }
}

export const produceHints: readonly KeyHint[] = [
  hint('enter', 'next field, then send'),
  hint('^T', 'null value'),
  hint('^S', 'send'),
  hint('esc', 'close'),
]
