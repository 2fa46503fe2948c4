// One frame of the browser for a terminal of a given size: every line exactly as wide as the terminal.
// Pure. Text from a topic is made harmless first (cells.ts).
//
// Next on the path: terminal-screen.ts, with the colours of screen-palette.ts.

import {
  badge,
  helpLines,
  hint,
  type KeyHint,
  keyLine,
  type Piece,
  scrolledBox,
} from '../consumer/bars.ts'
import { fit, columns as widthOf, wrapWords } from '../consumer/cells.ts'
import { shortCount } from '../consumer/cluster-boxes.ts'
import { drawFrame } from '../consumer/consumer-frame.ts'
import { FrameCache } from '../consumer/frame-cache.ts'
import { findingText } from '../consumer/health.ts'
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
} from '../consumer/screen-lines.ts'
import { type Body, bodyOf, sizeMin, tabsOf } from './browser-layout.ts'
import type { BrowserModel } from './browser-model.ts'
import type { Dialog } from './dialogs.ts'
import { exportBox, exportHints, exportStatus } from './export-frame.ts'
import { statusLine } from './form-frame.ts'
import { groupsBoxes, partitionsBox, topicsBox } from './lists-frame.ts'
import { produceBox, produceHints, produceStatus } from './produce-frame.ts'
import { eventLine, promptLine } from './prompt-frame.ts'
import { detailBox, RecordsCache, recordsBox } from './records-frame.ts'
import { resetBox, resetHints, resetStatus } from './reset-frame.ts'

export class BrowserCache {
  readonly goals = new FrameCache()
  readonly records = new RecordsCache()
}

export function drawBrowser(
  model: BrowserModel,
  size: Size,
  nowMs: number,
  cache: BrowserCache,
): Frame {
  const { columns, rows } = size
  if (model.shownGoals !== undefined) return drawFrame(model.shownGoals, size, nowMs, cache.goals)
  if (columns < sizeMin.columns || rows < sizeMin.rows) return tooSmall(model, size, nowMs)
  const body = bodyOf(size, model.view)
  return [
    header(model, columns, nowMs),
    tabLine(model, columns, nowMs),
    ...bodyLines(model, body, cache),
    lineBelow(model, columns),
    keyLine(keysOf(model), columns),
  ]
}

function bodyLines(model: BrowserModel, body: Body, cache: BrowserCache): Line[] {
  const { columns, rows, side } = body
  const { cursors, dialog } = model
  if (dialog?.type === 'produce') return produceBox(dialog.form, model.topic, body)
  if (dialog?.type === 'export') return exportBox(dialog.form, body)
  if (dialog?.type === 'reset') return resetBox(dialog.form, body)
  if (model.isHelpShown) return help(model, body)
  if (model.detail !== undefined) return detailBox(model, body, cache.records)
  switch (model.view) {
    case 'records': {
      const table = recordsBox(model, { columns: columns - side, rows }, cache.records)
      if (side === 0) return table
      const place = { columns: side, rows, cursor: cursors.partitions, isFocused: false }
      return sideBySide(partitionsBox(model.partitions, place), table)
    }
    case 'partitions':
      return partitionsBox(model.partitions, {
        ...body,
        cursor: cursors.partitions,
        isFocused: true,
      })
    case 'groups':
      return groupsBoxes(model.groups, {
        ...body,
        cursor: cursors.groups,
        scroll: model.scrolls.group,
        isInGroup: model.isInGroup,
      })
    case 'topics':
      return topicsBox(model.topics, { ...body, cursor: cursors.topics })
  }
}

// --- header --------------------------------------------------------------------------------------

/** Pieces that do not fit are left out, never cut: the health first, then the rest by importance. */
function header(model: BrowserModel, width: number, nowMs: number): Line {
  const [worst, ...others] = model.health(nowMs)
  const topic = fit(model.topic, Math.min(widthOf(model.topic), width < 60 ? 10 : 24))
  const name: Piece = { at: 0, text: ` ${topic} `, tone: 'barStrong' }
  const mode = modePiece(model)
  const first = fittingPieces([badge(2, worst, width), ...mode, name], width, 0)
  const start: Span[] = first.map(({ text, tone }) => span(text, tone))
  const left = width - lineColumns(start)
  const facts: Piece[] = [
    ...groupPiece(model),
    ...headerFacts(model).map((text, i): Piece => ({ at: 1 + i, text, tone: 'bar' })),
    ...others.map((finding, i) => badge(100 + i, finding, left)),
  ]
  const pieces = fittingPieces(facts, left - 2, 2).flatMap(({ text, tone }) => [
    span('  ', 'bar'),
    span(text, tone),
  ])
  return padded([...start, ...pieces], width, 'bar')
}

function modePiece({ isPaused, missedCount, partitions }: BrowserModel): Piece[] {
  const pausedCount = partitions.filter((one) => one.isPaused).length
  if (!isPaused && pausedCount === 0) return []
  const what = isPaused ? 'PAUSED' : `PAUSED ${pausedCount} of ${partitions.length}`
  const missed = missedCount === 0 ? '' : `, ${shortCount(missedCount)} missed`
  return [{ at: 1, text: ` ${what}${missed} `, tone: 'barWarn' }]
}

/** Others that read for this group are affected: it stands out. */
function groupPiece({ group }: BrowserModel): Piece[] {
  if (group === undefined) return []
  const text = ` commits for ${fit(group, Math.min(24, widthOf(group)))} `
  return [{ at: 50, text, tone: 'barWarn' }]
}

function headerFacts(model: BrowserModel): string[] {
  const { receivedCount, lag, group, reading } = model
  return [
    `${receivedCount} record${receivedCount === 1 ? '' : 's'}`,
    `lag ${lag === undefined ? '?' : shortCount(lag)}`,
    ...(group === undefined ? ['no group'] : []),
    reading === undefined ? 'from no broker' : `from broker ${reading}`,
  ]
}

// --- tabs ----------------------------------------------------------------------------------------

const sparkColumnsMax = 40
const sparkColumnsMin = 5

/** The views at the left; at the right the rate, and its course over the last seconds. */
function tabLine(model: BrowserModel, width: number, nowMs: number): Line {
  const tabs: Span[] = tabsOf({ columns: width }).map(({ view, text }) => {
    return span(text, view === model.view ? 'selected' : 'quiet')
  })
  const { count, bytes } = model.rates.rate(nowMs)
  const rate = ` ${rateText(count)}/s ${byteText(bytes)}/s `
  const left = width - lineColumns(tabs)
  if (widthOf(rate) > left) return padded(tabs, width)
  const sparkColumns = Math.min(sparkColumnsMax, left - widthOf(rate) - 2)
  const spark = sparkColumns < sparkColumnsMin ? '' : model.rates.sparkline(sparkColumns, nowMs)
  const gap = ' '.repeat(left - widthOf(rate) - widthOf(spark))
  return [...tabs, span(gap), span(spark, 'good'), span(rate)]
}

function rateText(count: number): string {
  return count < 100 && !Number.isInteger(count) ? count.toFixed(1) : shortCount(Math.round(count))
}

/** At most seven columns: 999 B, 12.3 kB, 4.0 MB. */
export function byteText(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`
  if (bytes < 999_950) return `${(bytes / 1000).toFixed(1)} kB`
  return `${(bytes / 1e6).toFixed(1)} MB`
}

// --- below the body ------------------------------------------------------------------------------

function lineBelow({ dialog, newestEvent }: BrowserModel, width: number): Line {
  switch (dialog?.type) {
    case undefined:
      return eventLine(newestEvent, width)
    case 'prompt':
      return promptLine(dialog.prompt, width)
    case 'produce':
      return statusLine(produceStatus(dialog.form.state), width)
    case 'export':
      return statusLine(exportStatus(dialog.form.state), width)
    case 'reset':
      return statusLine(resetStatus(dialog.form), width)
  }
}

function keysInDialog(dialog: Dialog): readonly KeyHint[] {
  switch (dialog.type) {
    case 'prompt':
      return [hint('esc', 'cancel'), hint('enter', 'go')]
    case 'produce':
      return produceHints
    case 'export':
      return exportHints(dialog.form)
    case 'reset':
      return resetHints(dialog.form)
  }
}

function keysOf(model: BrowserModel): readonly KeyHint[] {
  if (model.dialog !== undefined) return keysInDialog(model.dialog)
  if (model.isHelpShown) {
    return [hint('↑↓', 'scroll'), hint('any other key', 'back'), hint('q', 'quit')]
  }
  const end = [hint('?', 'help'), hint('q', 'quit')]
  if (model.detail !== undefined) {
    return [
      hint('esc', 'back'),
      hint('v', 'form'),
      hint('←→', 'next'),
      hint('c', 'copy'),
      hint('e', 'export'),
      ...end,
    ]
  }
  const goals = model.hasGoals ? [hint('t', 'goals')] : []
  switch (model.view) {
    case 'records': {
      const { records, isPaused } = model
      return [
        hint('space', isPaused ? 'resume' : 'pause'),
        ...(records.isFollowing ? [] : [hint('f', 'follow')]),
        hint('enter', 'detail'),
        hint('/', 'search'),
        ...(records.filter === undefined ? [] : [hint('n', 'next'), hint('esc', 'all')]),
        hint('s', 'seek'),
        hint('p', 'produce'),
        hint('e', 'export'),
        ...goals,
        ...end,
      ]
    }
    case 'partitions':
      return [hint('space', 'pause'), hint('s', 'seek'), hint('enter', 'records'), ...goals, ...end]
    case 'groups':
      return model.isInGroup
        ? [hint('↑↓', 'scroll'), hint('esc', 'back'), hint('o', 'move offsets'), ...end]
        : [
            hint('enter', 'scroll below'),
            hint('o', 'move offsets'),
            hint('tab', 'next view'),
            ...end,
          ]
    case 'topics':
      return [hint('enter', 'open'), hint('↑↓', 'select'), hint('tab', 'next view'), ...end]
  }
}

// --- help ----------------------------------------------------------------------------------------

/** In the order of the page; docs/consumer.md has the same keys. */
export const browserKeys: readonly (readonly [key: string, what: string])[] = [
  ['1 2 3 4', 'records, partitions, groups, topics; Tab goes to the next view'],
  ['↑ ↓', 'select; PgUp and PgDn by a page, g and G the first and the newest'],
  [
    'enter',
    'the record in full; in the partitions: its records; in the groups: scroll its members and offsets; in the topics: read that topic',
  ],
  [
    'space P',
    'pause and resume; in the partitions, space pauses one and P all. Nothing is fetched meanwhile, and what is missed is counted',
  ],
  ['f', 'follow the newest record, or stay at this one'],
  [
    '/',
    'search: word, "two words", /regex/i, key:word, value:word, header:name=word, partition:0; ! before a term for records without it; all terms must match, and capitals count only if there are some',
  ],
  ['n N', 'the next and the previous match'],
  ['m', 'show the other records again, with the matches marked'],
  [
    's',
    'read from elsewhere: start, end, 1234, 3/1234 in partition 3, -100 for the last 100, 21:04 today, 2026-01-31 21:04, 10m ago, @1764363899000',
  ],
  [
    'p',
    'produce one record to this topic: Enter goes on to the next field and sends in the last one, Ctrl-S sends at once, Ctrl-T makes the value null',
  ],
  [
    'e',
    'export: all records that are kept, during a search its matches, in a record this one; to a file, as lines of JSON or only the values',
  ],
  [
    'o',
    'in the groups: move the offsets of the selected one, which must have no members; first you see what would change in each partition',
  ],
  ['r', 'reconnect: waits for brokers that are down are given up, and all brokers are tried now'],
  ['esc', 'back; among the records: end the search'],
  ['v', 'in a record: as text, JSON, or bytes'],
  ['← →', 'in a record: the previous and the next one'],
  ['c', 'in a record: copy its value through the terminal, as far as that allows it'],
  ['t', 'goals by minute, if all records are goals'],
  ['q', 'quit; nothing is committed without --group'],
]

function help(model: BrowserModel, { columns: width, rows: height }: Size): Line[] {
  const lines = browserKeys.flatMap((one) => helpLines(one, width - 2))
  return scrolledBox(model.scrolls.help, { width, height, label: 'keys', lines })
}

// --- no room -------------------------------------------------------------------------------------

function tooSmall(model: BrowserModel, { columns, rows }: Size, nowMs: number): Line[] {
  const [worst] = model.health(nowMs)
  const say = `make this terminal ${sizeMin.columns}x${sizeMin.rows} or larger`
  const words = [findingText(worst), say, 'q quits']
  const lines = words.flatMap((text) => wrapWords(text, columns)).slice(0, rows)
  const shown = lines.map((text) => plainLine(text, columns))
  while (shown.length < rows) shown.push(blankLine(columns))
  return shown
}
