// Tables: rows of cells under their titles, and such a table in a box with a cursor. Pure.

import { fit, fitRight } from '../consumer/cells.ts'
import { box, type Line, plainLine, type Size, span, type Tone } from '../consumer/screen-lines.ts'
import type { ListCursor } from './list-cursor.ts'

export interface Column {
  readonly title: string
  /** undefined: takes what the others leave */
  readonly width?: number
  readonly isNumber?: boolean
}

export interface Row {
  readonly cells: readonly string[]
  readonly tone: Tone
}

interface Table extends Size {
  readonly label: string
  readonly columns: number
  readonly heads: readonly Column[]
  readonly rows: number
  readonly items: readonly Row[]
  readonly cursor: ListCursor
  readonly isFocused: boolean
  /** instead of rows, if there are none */
  readonly empty: string
}

export function tableBox({
  label,
  columns,
  rows,
  heads,
  items,
  cursor,
  isFocused,
  empty,
}: Table): Line[] {
  const inner = columns - 2
  const room = rows - 3
  const top = cursor.show(items.length, room)
  const lines = items.slice(top, top + room).map(({ cells, tone }, i): Line => {
    const isSelected = isFocused && top + i === cursor.at
    return [span(cellsText(cells, heads, inner), isSelected ? 'selected' : tone)]
  })
  if (items.length === 0) lines.push(plainLine(` ${empty}`, inner, 'quiet'))
  const head: Line = [
    span(
      cellsText(
        heads.map(({ title }) => title),
        heads,
        inner,
      ),
      'strong',
    ),
  ]
  const isAll = items.length <= room
  const foot = isAll ? '' : `${top + 1}–${top + lines.length} of ${items.length}`
  return box({ width: columns, height: rows, label, foot, isFocused, lines: [head, ...lines] })
}

/** One blank before each column; the one without a width takes the rest. */
export function cellsText(
  cells: readonly string[],
  heads: readonly Column[],
  width: number,
): string {
  const fixed = heads.reduce((sum, head) => sum + 1 + (head.width ?? 0), 0)
  const rest = Math.max(0, width - fixed)
  const text = heads.map((head, i) => {
    const cell = cells[i] ?? ''
    const room = head.width ?? rest
    // A column of one character has no room for an ellipsis.
    if (room === 1) return ` ${fit(Array.from(cell)[0] ?? '', 1)}`
    return ` ${head.isNumber ? fitRight(cell, room) : fit(cell, room)}`
  })
  return fit(text.join(''), width)
}
