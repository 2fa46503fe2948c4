// One frame of a ConsumerView for a terminal of a given size: every line exactly as wide as the
// terminal. Pure. Text from a topic is made harmless first (cells.ts).
//
//   header     topic, health, number of records, lag
//   table      goals by minute                 | servers and brokers, if there is room
//   events     recent events; only the newest one, if there is no room
//   footer     the keys
//
// Next on the path: terminal-screen.ts, with the colours of screen-palette.ts.

import { badge, helpLines, hint, keyLine, type Piece, scrolledBox } from './bars.ts'
import { columns, fit, wrapWords } from './cells.ts'
import { brokersBox, clusterStrip, serversBox, shortCount } from './cluster-boxes.ts'
import type { ConsumerView, Focus } from './consumer-view.ts'
import type { ScreenEvent } from './event-list.ts'
import type { FrameCache } from './frame-cache.ts'
import { tableBox } from './goal-table.ts'
import { findingText } from './health.ts'
import {
  blankLine,
  type Frame,
  fittingPieces,
  type Line,
  lineColumns,
  padded,
  plainLine,
  type Size,
  type Span,
  sideBySide,
  span,
} from './screen-lines.ts'

/** Below this size only a message is drawn. */
const sizeMin: Size = { columns: 40, rows: 10 }

const sideNeeds: Size = { columns: 74, rows: 16 }
const sideWidths = { min: 30, max: 62, share: 0.42, narrowShare: 0.38 }
const fullSideNeedsColumns = 130
const eventsNeedRows = 20
const eventsHeights = { min: 5, max: 12, share: 0.29 }
const stripNeedsRows = 12

export function drawFrame(view: ConsumerView, size: Size, nowMs: number, cache: FrameCache): Frame {
  const { columns, rows } = size
  if (columns < sizeMin.columns || rows < sizeMin.rows) return tooSmall(view, size, nowMs)
  const head = header(view, columns, nowMs)
  const middle = { columns, rows: rows - 2 }
  const body = view.helpShown ? help(view, middle) : everything(view, middle, nowMs, cache)
  return [head, ...body, footer(view, columns)]
}

function everything(view: ConsumerView, size: Size, nowMs: number, cache: FrameCache): Line[] {
  const { columns, rows } = size
  const withSide = columns >= sideNeeds.columns && rows + 2 >= sideNeeds.rows
  const strip = withSide || rows + 2 < stripNeedsRows ? [] : clusterStrip(view, columns, nowMs)
  const eventsHeight = eventsHeightOf(view, rows, withSide)
  const height = rows - strip.length - eventsHeight
  const reachable: Focus[] = []
  let middle: Line[]
  if (withSide) {
    const width = sideWidth(columns)
    const side = sideBoxes(view, { width, height }, nowMs)
    reachable.push(...side.reachable)
    middle = sideBySide(tableBox(view, { width: columns - width, height }, cache), side.lines)
  } else {
    middle = tableBox(view, { width: columns, height }, cache)
  }
  const events =
    eventsHeight === 1
      ? [newestEvent(view, columns)]
      : eventsBox(view, { width: columns, height: eventsHeight }, reachable, cache)
  view.drawn(reachable)
  return [...strip, ...middle, ...events]
}

function sideWidth(columns: number): number {
  const { min, max, share, narrowShare } = sideWidths
  const wanted = columns < fullSideNeedsColumns ? narrowShare : share
  return Math.min(max, Math.max(min, Math.floor(columns * wanted)))
}

/** Fewer lines of events if members of the cluster would otherwise be hidden. */
function eventsHeightOf(view: ConsumerView, rows: number, withSide: boolean): number {
  if (rows + 2 < eventsNeedRows) return 1
  const { min, max, share } = eventsHeights
  const wanted = Math.max(min, Math.min(max, Math.floor(rows * share)))
  if (!withSide) return wanted
  const { servers, brokers } = view.cluster
  const sideRows = (servers.length === 0 ? 0 : servers.length + 2) + brokers.length + 3
  return Math.max(min, Math.min(wanted, rows - sideRows))
}

function sideBoxes(
  view: ConsumerView,
  { width, height }: { readonly width: number; readonly height: number },
  nowMs: number,
): { readonly lines: Line[]; readonly reachable: Focus[] } {
  const { servers, brokers } = view.cluster
  const wanted = servers.length === 0 ? 0 : servers.length + 2
  const half = Math.floor(height / 2)
  const serversHeight = Math.min(wanted, Math.max(half, height - (brokers.length + 3)))
  const upper =
    serversHeight === 0 ? undefined : serversBox(view, { width, height: serversHeight }, nowMs)
  const lower = brokersBox(view, { width, height: height - serversHeight }, nowMs)
  return {
    lines: [...(upper?.lines ?? []), ...lower.lines],
    reachable: [
      ...(upper?.isCut ? (['servers'] as const) : []),
      ...(lower.isCut ? (['brokers'] as const) : []),
    ],
  }
}

// --- header --------------------------------------------------------------------------------------

/**
 * Pieces that do not fit are left out, never cut: the health first, then the rest by importance.
 */
function header(view: ConsumerView, width: number, nowMs: number): Line {
  const [worst, ...others] = view.health(nowMs)
  const name: Piece = { at: 0, text: ` ${fitName(view.topic, width)} `, tone: 'barStrong' }
  const paused: Piece[] = view.paused ? [{ at: 1, text: ' PAUSED ', tone: 'barWarn' }] : []
  const first = fittingPieces([badge(2, worst, width), ...paused, name], width, 0)
  const start: Span[] = first.map(({ text, tone }) => span(text, tone))
  const left = width - lineColumns(start)
  const facts: Piece[] = [
    ...others.map((finding, i) => badge(3 + i, finding, left)),
    ...headerFacts(view, nowMs).map((text, i): Piece => ({ at: firstFact + i, text, tone: 'bar' })),
  ]
  const byImportance = [...facts].sort((a, b) => importance(a) - importance(b))
  const chosen = fittingPieces(byImportance, left - 2, 2)
  const pieces = chosen.flatMap(({ text, tone }) => [span('  ', 'bar'), span(text, tone)])
  return padded([...start, ...pieces], width, 'bar')
}

/** Failures first; then count and lag, then warnings. */
function importance({ at, tone }: Piece): number {
  if (tone === 'barBad') return 0
  return at === firstFact || at === firstFact + lagFact ? 1 : at
}

/** Positions in the header of `headerFacts`, and of the lag among them. */
const firstFact = 100
const lagFact = 2

function headerFacts(view: ConsumerView, nowMs: number): string[] {
  const { receivedCount, reading, lag, group } = view
  const noun = `goal${receivedCount === 1 ? '' : 's'}`
  const rate = view.rate(nowMs)
  return [
    `${receivedCount} ${noun}`,
    `${rate < 1000 ? rate.toFixed(1) : shortCount(Math.round(rate))}/s`,
    `lag ${lag === undefined ? '?' : shortCount(lag)}`,
    reading === undefined ? 'from no broker' : `from broker ${reading}`,
    group === undefined ? 'no group' : `group ${fit(group, Math.min(24, columns(group)))}`,
  ]
}

function fitName(topic: string, width: number): string {
  return fit(topic, Math.min(columns(topic), width < 60 ? 10 : 24))
}

// --- footer --------------------------------------------------------------------------------------

function footer(view: ConsumerView, width: number): Line {
  if (view.helpShown) {
    return keyLine([hint('↑↓', 'scroll'), hint('any other key', 'back'), hint('q', 'quit')], width)
  }
  const actions = view.actions.flatMap(({ key, short }) =>
    short === undefined ? [] : [hint(key, short)],
  )
  return keyLine(
    [
      ...actions,
      hint('space', view.paused ? 'resume' : 'pause'),
      view.following ? hint('↑↓', 'scroll') : hint('f', 'follow'),
      ...(view.hasOtherFocus ? [hint('tab', 'next box')] : []),
      hint('?', 'help'),
      hint('q', 'quit'),
    ],
    width,
  )
}

// --- events --------------------------------------------------------------------------------------

const timeWidth = 9

function eventsBox(
  view: ConsumerView,
  { width, height }: { readonly width: number; readonly height: number },
  reachable: Focus[],
  cache: FrameCache,
): Line[] {
  const inner = width - 2
  const lines = view.events.flatMap((event) =>
    cache.events.of(event, String(inner), () => eventLines(event, inner)),
  )
  if (lines.length > height - 2) reachable.push('events')
  const isFocused = view.focus === 'events'
  return scrolledBox(view.scrolls.events, { width, height, label: 'events', isFocused, lines })
}

/** The time, the event on as many lines as it needs, and its number of repetitions. */
function eventLines(event: ScreenEvent, width: number): Line[] {
  return wrapWords(eventText(event), width - timeWidth).map((words, i) => [
    span(fit(i === 0 ? event.time : '', timeWidth), 'quiet'),
    span(fit(words, width - timeWidth)),
  ])
}

function eventText({ text, count }: ScreenEvent): string {
  return count === 1 ? text : `${text} ×${count}`
}

/** The text matters more than the time, if one line cannot hold both. */
function newestEvent({ events }: ConsumerView, width: number): Line {
  const event = events.at(-1)
  if (event === undefined) return blankLine(width)
  const [line, more] = eventLines(event, width - 1)
  if (line !== undefined && more === undefined) return padded([span(' '), ...line], width)
  return plainLine(` ${eventText(event)}`, width)
}

// --- help ----------------------------------------------------------------------------------------

function help(view: ConsumerView, { columns: width, rows: height }: Size): Line[] {
  const inner = width - 2
  const keys: readonly (readonly [string, string])[] = [
    ...view.actions.map(({ key, label }) => [key, label] as const),
    ['space', 'pause and resume reading'],
    ['↑ ↓', 'scroll by a line; PgUp and PgDn by a page, g and G to the first and the last'],
    ['f', 'follow the newest row, or stay here'],
    ['tab', 'scroll the next box: servers, brokers, events'],
    ['q', 'quit'],
  ]
  const meanings: readonly (readonly [string, string])[] = [
    ['L F O S', 'leader, follower, observer, standalone server'],
    ['X', 'lost: it does not answer'],
    ['?', 'has no leader, is joining, or its state is no longer known'],
    ['C ▸', 'the controller of the brokers; the broker being read from'],
    ['! -', 'not in sync with its leader; no replica of this topic'],
    ['lag', 'stored records that it does not have yet'],
  ]
  const lines = [
    ...keys.flatMap((one) => helpLines(one, inner)),
    blankLine(inner),
    ...meanings.flatMap((one) => helpLines(one, inner)),
  ]
  const label = 'keys and symbols'
  return scrolledBox(view.scrolls.help, { width, height, label, lines })
}

// --- no room -------------------------------------------------------------------------------------

function tooSmall(view: ConsumerView, { columns, rows }: Size, nowMs: number): Line[] {
  const [worst] = view.health(nowMs)
  const say = `make this terminal ${sizeMin.columns}x${sizeMin.rows} or larger`
  const words = [findingText(worst), say, 'q quits']
  const lines = words.flatMap((text) => wrapWords(text, columns)).slice(0, rows)
  const shown = lines.map((text) => plainLine(text, columns))
  while (shown.length < rows) shown.push(blankLine(columns))
  return shown
}
