// The table of records, and one record in full. Pure. The text of a record is fitted once per width:
// it stays the same from frame to frame.
//
//   time          part   offset  key             value
//   21:04:59.123     0       17  user-1          {"type":"login", …

import { visible } from '../../printable.ts'
import { scrolledBox } from '../consumer/bars.ts'
import { codeColumns, fit, fitRight, wrapWords } from '../consumer/cells.ts'
import { LineCache } from '../consumer/frame-cache.ts'
import { box, type Line, plainLine, type Size, span, type Tone } from '../consumer/screen-lines.ts'
import { formatTime } from '../consumer/time-text.ts'
import type { BrowserModel } from './browser-model.ts'
import { clockTime, detailBody, detailFacts } from './record-detail.ts'
import type { RecordList } from './record-list.ts'
import { type ShownRecord, startText } from './shown-record.ts'

export class RecordsCache {
  readonly rows = new LineCache<ShownRecord, string>()
  readonly details = new LineCache<ShownRecord, readonly Line[]>()
}

export function recordsBox(
  { records, isPaused }: Pick<BrowserModel, 'records' | 'isPaused'>,
  { columns, rows }: Size,
  cache: RecordsCache,
): Line[] {
  const inner = columns - 2
  const page = records.page(rows - 3)
  const lines = page.records.map((record, i): Line => {
    const text = cache.rows.of(record, String(inner), () => rowText(record, inner))
    return [span(text, i === page.selected ? 'selected' : toneOf(record, records))]
  })
  if (lines.length === 0) {
    const isSearch = records.isHiding
    const text = isSearch
      ? 'no match among the records so far'
      : isPaused
        ? 'paused'
        : 'no records yet'
    lines.push(plainLine(` ${text}`, inner, 'quiet'))
  }
  const isAll = page.count <= page.records.length
  return box({
    width: columns,
    height: rows,
    label: label(records, page.below),
    foot: isAll ? '' : `${page.top + 1}–${page.top + page.records.length} of ${page.count}`,
    isFocused: true,
    lines: [[span(cellsText(headCells, inner), 'strong')], ...lines],
  })
}

/** `records, 12 new below`, `records with /error/, 3 matches` */
function label({ filter, isHiding, isFollowing, matchCount }: RecordList, below: number): string {
  const search =
    filter === undefined
      ? ''
      : ` ${isHiding ? 'with' : 'marked'} ${fit(filter.text, Math.min(30, filter.text.length))}, ${matchCount} ${matchCount === 1 ? 'match' : 'matches'}`
  const more = isFollowing || below === 0 ? '' : `, ${below} new below`
  return `records${search}${more}`
}

function toneOf(record: ShownRecord, { filter, isHiding }: RecordList): Tone {
  if (!isHiding && filter?.matches(record)) return 'match'
  return record.value === null ? 'quiet' : 'text'
}

interface Cells {
  readonly time: string
  readonly partition: string
  readonly offset: string
  readonly headers: string
  readonly key: string
  readonly value: string
}

const headCells: Cells = {
  time: 'time',
  partition: 'part',
  offset: 'offset',
  headers: 'h',
  key: 'key',
  value: 'value',
}

/** From this width on, times have milliseconds. */
const longTimeNeeds = 90

function cellsText({ time, partition, offset, headers, key, value }: Cells, width: number): string {
  const timeWidth = width >= longTimeNeeds ? 12 : 8
  const offsetWidth = width >= 70 ? 9 : 7
  const keyWidth = width >= 110 ? 24 : width >= 70 ? 14 : 8
  const withHeaders = width >= 90
  const start = `${fit(time, timeWidth)} ${fitRight(partition, 4)} ${fitRight(offset, offsetWidth)} `
  const middle = withHeaders ? `${fitRight(headers, 2)} ` : ''
  const used = start.length + middle.length + keyWidth + 1
  return `${start}${middle}${fit(key, keyWidth)} ${fit(value, width - used)}`
}

function rowText(record: ShownRecord, width: number): string {
  const { timestampMs, partition, offset, key, value, headers } = record
  return cellsText(
    {
      time: width >= longTimeNeeds ? clockTime(timestampMs) : formatTime(timestampMs),
      partition: String(partition),
      offset: String(offset),
      headers: headers.length === 0 ? '' : String(headers.length),
      key: startText(key, width) ?? '',
      value: startText(value, width) ?? 'null',
    },
    width,
  )
}

// --- one record ----------------------------------------------------------------------------------

const labelWidth = 9

export function detailBox(
  model: Pick<BrowserModel, 'detail' | 'scrolls'>,
  { columns, rows }: Size,
  cache: RecordsCache,
): Line[] {
  const { detail } = model
  if (detail === undefined) return []
  const inner = columns - 2
  const { record, form } = detail
  const lines = cache.details.of(record, `${form} ${inner}`, () => [
    ...detailFacts(record).flatMap(({ label, text }) => labelled(label, text, inner)),
    ...labelled('value', `as ${form}`, inner),
    ...detailBody(record, form, inner - 1).flatMap((line) => bodyLines(line, inner)),
  ])
  const label = `partition ${record.partition}, offset ${record.offset}`
  return scrolledBox(model.scrolls.detail, {
    width: columns,
    height: rows,
    label,
    isFocused: true,
    lines,
  })
}

function labelled(label: string, text: string, width: number): Line[] {
  return wrapWords(text, width - labelWidth - 1).map((words, i) => [
    span(` ${fit(i === 0 ? label : '', labelWidth)}`, 'quiet'),
    span(fit(words, width - labelWidth - 1)),
  ])
}

/** A long line goes on below, cut anywhere: its indentation and blanks stay. */
function bodyLines(line: string, width: number): Line[] {
  return chunks(visible(line.replaceAll('\t', '  ')), width - 1).map((piece) => [
    span(` ${fit(piece, width - 1)}`),
  ])
}

function chunks(text: string, width: number): string[] {
  const found: string[] = []
  let piece = ''
  let used = 0
  for (const char of text) {
    const wide = codeColumns(char.codePointAt(0) ?? 0)
    if (used + wide > width) {
      found.push(piece)
      piece = ''
      used = 0
    }
    piece += char
    used += wide
  }
  return [...found, piece]
}
