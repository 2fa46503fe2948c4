// Where the parts of the browser's frame are, for drawing and for the mouse. Pure.
//
//   header     topic, health, counts
//   tabs       the views, and the rate over the last seconds
//   body       a box with the view; beside the records the partitions, if there is room
//   line       the newest event, or the prompt
//   footer     the keys

import type { Size } from '../consumer/screen-lines.ts'
import { type Hit, type View, views } from './browser-inputs.ts'
import type { BrowserModel } from './browser-model.ts'

/** Below this size only a message is drawn. */
export const sizeMin: Size = { columns: 40, rows: 10 }

const bodyTop = 2
const linesBelow = 2
/** The box's border, and the heads of its columns. */
const rowsTop = 2

const sideNeedsColumns = 118
const sideWidth = 38
/** Above this many columns, tabs have words besides their numbers. */
const wordsNeedColumns = 56

export interface Body extends Size {
  /** of the partitions beside the records; 0: there is no room */
  readonly side: number
}

export function bodyOf({ columns, rows }: Size, view: View): Body {
  const side = view === 'records' && columns >= sideNeedsColumns ? sideWidth : 0
  return { columns, rows: rows - bodyTop - linesBelow, side }
}

export interface Tab {
  readonly view: View
  readonly text: string
}

export function tabsOf({ columns }: Pick<Size, 'columns'>): readonly Tab[] {
  return views.map((view, i) => {
    return { view, text: columns >= wordsNeedColumns ? ` ${i + 1} ${view} ` : ` ${i + 1} ` }
  })
}

export function hitAt(
  model: Pick<BrowserModel, 'view'>,
  size: Size,
  { x, y }: { readonly x: number; readonly y: number },
): Hit {
  if (y === 1) return tabAt(size, x)
  const row = y - bodyTop - rowsTop
  const { rows, side } = bodyOf(size, model.view)
  if (row < 0 || row >= rows - rowsTop - 1) return { type: 'none' }
  return { type: 'row', view: x < side ? 'partitions' : model.view, row }
}

function tabAt(size: Size, x: number): Hit {
  let left = 0
  for (const { view, text } of tabsOf(size)) {
    if (x >= left && x < left + text.length) return { type: 'tab', view }
    left += text.length
  }
  return { type: 'none' }
}
