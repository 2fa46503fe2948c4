// Lines of a screen as pieces of text, each with a tone, without terminal codes. Pure. A line of a
// frame is exactly as wide as the frame, so joining lines puts boxes side by side.

import { columns, fit } from './cells.ts'

/** The meaning of a piece of text; screen-palette.ts has the colours. */
export type Tone =
  | 'text'
  | 'strong'
  | 'quiet' // unknown, or unimportant
  | 'good'
  | 'warn'
  | 'bad'
  | 'here' // being read from
  | 'selected' // the row that keys act on
  | 'match' // found by a search
  | 'border'
  | 'focus' // border of the box that keys scroll
  | 'bar' // header and footer
  | 'barStrong'
  | 'barGood' // the word of health
  | 'barWarn'
  | 'barBad'
  | 'barUnknown'

export interface Span {
  readonly text: string
  readonly tone: Tone
}

export type Line = readonly Span[]

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** As many lines as the terminal has rows, each as wide as it has columns. */
export type Frame = readonly Line[]

export function span(text: string, tone: Tone = 'text'): Span {
  return { text, tone }
}

/** One tone, exactly `width` columns. */
export function plainLine(text: string, width: number, tone: Tone = 'text'): Line {
  return [span(fit(text, width), tone)]
}

export function blankLine(width: number): Line {
  return [span(' '.repeat(Math.max(0, width)))]
}

export function lineText(line: Line): string {
  return line.map(({ text }) => text).join('')
}

export function lineColumns(line: Line): number {
  return line.reduce((sum, { text }) => sum + columns(text), 0)
}

/** Padded on the right; the pieces must fit. */
export function padded(line: Line, width: number, tone: Tone = 'text'): Line {
  const missing = width - lineColumns(line)
  return missing <= 0 ? line : [...line, span(' '.repeat(missing), tone)]
}

export interface BoxOptions {
  readonly width: number
  readonly height: number
  readonly label: string
  /** at the right end of the lower border: the number of further lines */
  readonly foot?: string
  readonly isFocused?: boolean
  /** each `width` - 2 columns; blank lines are added */
  readonly lines: readonly Line[]
}

/** `height` lines with a border around them. */
export function box({ width, height, label, foot, isFocused, lines }: BoxOptions): Line[] {
  const tone: Tone = isFocused ? 'focus' : 'border'
  const inner = width - 2
  const side = span('│', tone)
  const shown = lines.slice(0, height - 2)
  while (shown.length < height - 2) shown.push(blankLine(inner))
  return [
    [span('┌', tone), ...border(label, inner, tone, 'left'), span('┐', tone)],
    ...shown.map((line) => [side, ...line, side]),
    [span('└', tone), ...border(foot ?? '', inner, tone, 'right'), span('┘', tone)],
  ]
}

/** `─ label ─────`, or a bare border if there is no room for a label. */
function border(text: string, width: number, tone: Tone, at: 'left' | 'right'): Line {
  const room = width - 4
  if (text === '' || room < 1) return [span('─'.repeat(width), tone)]
  const cut = columns(text) > room ? fit(text, room) : text
  const words = span(` ${cut} `, tone === 'focus' ? 'focus' : 'strong')
  const rest = span('─'.repeat(width - columns(cut) - 3), tone)
  const edge = span('─', tone)
  return at === 'left' ? [edge, words, rest] : [rest, words, edge]
}

/** Joins blocks of the same height, from left to right. */
export function sideBySide(...blocks: readonly (readonly Line[])[]): Line[] {
  const [first = []] = blocks
  return first.map((_, y) => blocks.flatMap((block) => block[y] ?? []))
}

/**
 * The pieces that fit, each whole or not at all: chosen by importance, and shown in the order of
 * `at`.
 *
 * @param gap columns between two pieces
 */
export function fittingPieces<T extends { readonly text: string; readonly at: number }>(
  byImportance: readonly T[],
  width: number,
  gap: number,
): T[] {
  const chosen: T[] = []
  let left = width
  for (const piece of byImportance) {
    const wanted = columns(piece.text) + (chosen.length === 0 ? 0 : gap)
    if (wanted > left) continue
    chosen.push(piece)
    left -= wanted
  }
  return chosen.sort((a, b) => a.at - b.at)
}
