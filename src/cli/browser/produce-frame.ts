// The form that produces a record, and below it what came of the last one. Pure.

import { hint, type KeyHint } from '../consumer/bars.ts'
import { fit, columns as widthOf, wrapWords } from '../consumer/cells.ts'
import { box, type Line, plainLine, type Size, span, type Tone } from '../consumer/screen-lines.ts'
import {
  type ProduceField,
  type ProduceForm,
  type ProduceState,
  producedText,
  produceFields,
} from './produce-form.ts'
import { fieldSpans } from './prompt-frame.ts'

const labelColumns = 11

const notes: Readonly<Record<ProduceField, string>> = {
  key: 'none',
  value: 'empty; Ctrl-T for null',
  partition: 'by the key',
  headers: 'name=value name="two words"',
}

export function produceBox(form: ProduceForm, topic: string, { columns, rows }: Size): Line[] {
  const inner = columns - 2
  const { tone, text } = statusOf(form.state)
  // The line below the box has it, too, but only as much as fits.
  const status = wrapWords(text, inner - 1).map((words) => plainLine(` ${words}`, inner, tone))
  return box({
    width: columns,
    height: rows,
    label: `produce to ${fit(topic, Math.min(40, widthOf(topic)))}`,
    isFocused: true,
    lines: [
      ...produceFields.map((name) => fieldLine(form, name, inner)),
      plainLine('', inner),
      ...status,
    ],
  })
}

function fieldLine(form: ProduceForm, name: ProduceField, width: number): Line {
  const label = span(fit(` ${name}`, labelColumns), name === form.at ? 'strong' : 'quiet')
  const field = form.fields[name]
  const room = width - labelColumns
  if (name === 'value' && form.isNull) {
    const tone = name === form.at ? 'selected' : 'warn'
    return [label, span(fit('null: a tombstone, which deletes its key', room), tone)]
  }
  if (name === form.at) return [label, ...fieldSpans(field, room, notes[name])]
  const { text } = field
  const shown = text === '' ? notes[name] : text
  return [label, span(fit(shown, room), text === '' ? 'quiet' : 'text')]
}

/** In the place of the newest event: it is there at any size. */
export function produceLine({ state }: ProduceForm, width: number): Line {
  const { tone, text } = statusOf(state)
  return plainLine(` ${text}`, width, tone)
}

function statusOf(state: ProduceState): { readonly tone: Tone; readonly text: string } {
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
