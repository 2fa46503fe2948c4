// The line that the user types into, and the line of the newest event in its place. Pure.

import { fit, columns as widthOf } from '../consumer/cells.ts'
import type { ScreenEvent } from '../consumer/event-list.ts'
import {
  blankLine,
  type Line,
  lineColumns,
  padded,
  type Span,
  span,
} from '../consumer/screen-lines.ts'
import type { Prompt, PromptKind } from './prompt.ts'
import type { TextField } from './text-field.ts'

export function eventLine(event: ScreenEvent | undefined, width: number): Line {
  if (event === undefined) return blankLine(width)
  const { time, text, count } = event
  const times = count === 1 ? '' : ` ×${count}`
  return padded(
    [span(` ${time} `, 'quiet'), span(fit(text + times, width - widthOf(time) - 2))],
    width,
  )
}

const promptTexts: Readonly<Record<PromptKind, readonly [label: string, note: string]>> = {
  search: ['search', 'word "two words" /regex/ key: value: header:name=value !not'],
  seek: ['read from', 'start end OFFSET PARTITION/OFFSET -COUNT 21:04 10m 2026-01-31 21:04'],
}

export function promptLine({ kind, field }: Prompt, width: number): Line {
  const [label, note] = promptTexts[kind]
  const head = span(` ${label}: `, 'strong')
  return [head, ...fieldSpans(field, width - widthOf(head.text), note)]
}

/** The cursor is a cell in reverse; long text is shown around it. The note goes once typing starts. */
export function fieldSpans(
  { before, after, text }: TextField,
  width: number,
  note: string,
): Span[] {
  const room = width - 2
  // No more characters than columns are looked at, however long the text is.
  let start = Array.from(before).slice(-Math.max(1, room))
  while (widthOf(start.join('')) > room) start = start.slice(1)
  const shown = start.join('')
  const [under = ' ', ...rest] = Array.from(after)
  const behind = text === '' ? ` ${note}` : rest.join('')
  const spans = [
    span(fit(shown, widthOf(shown))),
    span(fit(under, Math.max(1, widthOf(under))), 'selected'),
  ]
  const left = width - lineColumns(spans)
  return [...spans, span(fit(behind, left), text === '' ? 'quiet' : 'text')]
}
