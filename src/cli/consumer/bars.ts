// What the screens have in common: pieces of the header and the footer, boxes that scroll, and the
// lines of a help page. Pure.

import { columns, fit, wrapWords } from './cells.ts'
import { type Finding, findingText, type Severity } from './health.ts'
import {
  type BoxOptions,
  box,
  fittingPieces,
  type Line,
  padded,
  type Span,
  span,
  type Tone,
} from './screen-lines.ts'
import type { Scroll } from './scroll.ts'

const badgeTones: Readonly<Record<Severity, Tone>> = {
  good: 'barGood',
  warn: 'barWarn',
  bad: 'barBad',
  unknown: 'barUnknown',
}

/** A piece of a bar. */
export interface Piece {
  /** its place among the others, from the left */
  readonly at: number
  readonly text: string
  readonly tone: Tone
}

/** The word alone if there is no room for the detail. */
export function badge(at: number, finding: Finding, room: number): Piece {
  const whole = ` ${findingText(finding)} `
  const text = columns(whole) <= room ? whole : ` ${finding.word} `
  return { at, text, tone: badgeTones[finding.severity] }
}

export interface KeyHint {
  readonly key: string
  readonly does: string
}

export function hint(key: string, does: string): KeyHint {
  return { key, does }
}

/** Hints that do not fit are left out; help and quit go last. */
export function keyLine(hints: readonly KeyHint[], width: number): Line {
  const pieces = hints.map(({ key, does }, at) => ({ at, key, does, text: `${key} ${does}` }))
  const byImportance = [...pieces.slice(-2).reverse(), ...pieces.slice(0, -2)]
  const chosen = fittingPieces(byImportance, width - 2, 3)
  const spans = chosen.flatMap(({ key, does }, i): Span[] => [
    span(i === 0 ? ' ' : '   ', 'bar'),
    span(key, 'barStrong'),
    span(` ${does}`, 'bar'),
  ])
  return padded(spans, width, 'bar')
}

/** The lines that fit, from the scroll position on. */
export function scrolledBox(scroll: Scroll, options: Omit<BoxOptions, 'foot'>): Line[] {
  const { width, height, label, isFocused = false, lines } = options
  const room = height - 2
  const top = scroll.show(lines.length, room)
  const below = lines.length - top - room
  const foot = below > 0 ? `${below} below` : ''
  return box({ width, height, label, foot, isFocused, lines: lines.slice(top, top + room) })
}

/** A key or a symbol, and on as many lines as needed what it stands for. */
export function helpLines([key, what]: readonly [string, string], width: number): Line[] {
  const keyWidth = 10
  return wrapWords(what, width - keyWidth - 1).map((words, i) => [
    span(` ${fit(i === 0 ? key : '', keyWidth)}`, 'strong'),
    span(fit(words, width - keyWidth - 1)),
  ])
}
