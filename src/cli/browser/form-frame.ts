// A form in a box: a row for each field, and below them the status. Pure. What the forms have in common;
// the line below the box has the status, too, at any size.

import { fit, wrapWords } from '../consumer/cells.ts'
import { box, type Line, plainLine, type Size, span, type Tone } from '../consumer/screen-lines.ts'
import type { Scroll } from '../consumer/scroll.ts'
import { fieldSpans } from './prompt-frame.ts'
import type { TextField } from './text-field.ts'

export interface FormStatus {
  readonly tone: Tone
  readonly text: string
}

export const labelColumns = 11

/** Below the rows the status, and below that the lines, of which the first one stays when they scroll. */
export function formBox(
  { columns, rows: height }: Size,
  form: {
    readonly label: string
    readonly rows: readonly Line[]
    readonly status: FormStatus
    readonly lines?: readonly Line[]
    readonly scroll?: Scroll
  },
): Line[] {
  const inner = columns - 2
  const { label, rows, status, lines: [head, ...lines] = [], scroll } = form
  const words = wrapWords(status.text, inner - 1).map((text) =>
    plainLine(` ${text}`, inner, status.tone),
  )
  const above = [...rows, plainLine('', inner), ...words, ...(head === undefined ? [] : [head])]
  const room = Math.max(0, height - 2 - above.length)
  const top = scroll?.show(lines.length, room) ?? 0
  const below = lines.length - top - room
  return box({
    width: columns,
    height,
    label,
    foot: below > 0 ? `${below} below` : '',
    isFocused: true,
    lines: [...above, ...lines.slice(top, top + room)],
  })
}

/** @param note what an empty field means */
export function fieldRow(
  name: string,
  field: TextField,
  { isAt, width, note }: { readonly isAt: boolean; readonly width: number; readonly note: string },
): Line {
  const room = width - labelColumns
  if (isAt) return [nameSpan(name, isAt), ...fieldSpans(field, room, note)]
  const { text } = field
  const isEmpty = text === ''
  return [nameSpan(name, isAt), span(fit(isEmpty ? note : text, room), isEmpty ? 'quiet' : 'text')]
}

/** A field whose text is chosen, not typed. */
export function choiceRow(
  name: string,
  text: string,
  { isAt, width, tone = 'text' }: { readonly isAt: boolean; readonly width: number; tone?: Tone },
): Line {
  return [nameSpan(name, isAt), span(fit(text, width - labelColumns), isAt ? 'selected' : tone)]
}

function nameSpan(name: string, isAt: boolean) {
  return span(fit(` ${name}`, labelColumns), isAt ? 'strong' : 'quiet')
}

/** In the place of the newest event. */
export function statusLine({ tone, text }: FormStatus, width: number): Line {
  return plainLine(` ${text}`, width, tone)
}
