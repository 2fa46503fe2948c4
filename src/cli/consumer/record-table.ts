// The table of consumed records: goals as a scoreboard, or records of any kind. Pure.
//
//   minute       home score away       player                    from about 46 columns on
//   minute score club         player                             below

import { visible } from '../../printable.ts'
import { dayOf, type Goal, minuteText } from '../goals/goal.ts'
import { columns, fit, fitCentre, fitRight } from './cells.ts'
import type { ConsumerView, Row } from './consumer-view.ts'
import type { FrameCache } from './frame-cache.ts'
import { box, type Line, plainLine, type Span, span } from './screen-lines.ts'

interface Columns {
  readonly width: number
  readonly withDay: boolean
}

export function tableBox(
  view: ConsumerView,
  { width, height }: { readonly width: number; readonly height: number },
  cache: FrameCache,
): Line[] {
  const rows = view.page(height - 3)
  const { goalsOnly, hasDays, newest, place } = view
  const table = { width: width - 2, withDay: hasDays }
  const key = `${width} ${goalsOnly} ${hasDays}`
  const shown = rows.map((row) => {
    const line = cache.rows.of(row, key, () =>
      goalsOnly ? goalLine(row, table) : recordLine(row, table.width),
    )
    return row === newest ? line.map(({ text }) => span(text, 'good')) : line
  })
  if (rows.length === 0) shown.push(plainLine(' no records yet', table.width, 'quiet'))
  const isAll = place.count <= rows.length
  return box({
    width,
    height,
    label: label(view),
    foot: isAll ? '' : `${place.top + 1}–${place.top + rows.length} of ${place.count}`,
    lines: [goalsOnly ? goalHead(table) : recordHead(table.width), ...shown],
  })
}

function label({ goalsOnly, following, hasDays, unseen, droppedCount }: ConsumerView): string {
  const what = goalsOnly ? (hasDays ? 'goals by day and minute' : 'goals by minute') : 'records'
  const below = following ? '' : `, ${unseen} below`
  const gone = droppedCount === 0 ? '' : `, ${droppedCount} older ones no longer kept`
  return `${what}${below}${gone}`
}

// --- goals ---------------------------------------------------------------------------------------

const minuteWidth = 6
const scoreWidth = 5
const dayWidth = 4

interface GoalCells {
  readonly day: string
  readonly minute: string
  readonly home: Span
  readonly score: string
  readonly away: Span
  readonly club: string
  readonly player: string
  readonly id: string
}

function goalCells(cells: GoalCells, { width, withDay }: Columns): Line {
  const day = withDay ? fitRight(cells.day, dayWidth) : ''
  const minute = fitRight(cells.minute, minuteWidth)
  const head = span(`${day}${minute} `)
  let left = width - columns(head.text)
  if (width < 46) {
    const clubWidth = 12
    left -= scoreWidth + clubWidth + 1
    const score = fitCentre(cells.score, scoreWidth)
    const name = fitPlayer(cells.player, left)
    return [head, span(score), span(`${fit(cells.club, clubWidth)} `, 'strong'), span(name)]
  }
  const clubWidth = width < 56 ? 10 : width < 90 ? 12 : 16
  const idWidth = width < 76 ? 0 : 12
  left -= 2 * clubWidth + scoreWidth + 1 + idWidth
  return [
    head,
    span(fitRight(cells.home.text, clubWidth), cells.home.tone),
    span(fitCentre(cells.score, scoreWidth)),
    span(`${fit(cells.away.text, clubWidth)} `, cells.away.tone),
    span(fitPlayer(cells.player, left)),
    span(idWidth === 0 ? '' : fitRight(cells.id, idWidth), 'quiet'),
  ]
}

/** `Ada Nakamura`, or `A. Nakamura` if there is no room for both names. */
function fitPlayer(player: string, width: number): string {
  const seen = visible(player)
  const space = seen.indexOf(' ')
  const isShort = columns(seen) <= width || space < 1
  return fit(isShort ? seen : `${Array.from(seen)[0]}.${seen.slice(space)}`, width)
}

function goalHead(table: Columns): Line {
  const cells = {
    day: 'day',
    minute: 'min',
    home: span('home'),
    score: '',
    away: span('away'),
    club: 'club',
    player: 'player',
    id: 'id',
  }
  return goalCells(cells, table).map(({ text }) => span(text, 'strong'))
}

function goalLine({ goal }: Row, table: Columns): Line {
  if (goal === undefined) return plainLine('', table.width)
  const { player, club, score, id } = goal
  const [home, away] = clubsOf(goal)
  const side = (name: string) => span(name, name === club ? 'strong' : 'text')
  const cells = {
    day: String(dayOf(goal)),
    minute: minuteText(goal),
    home: side(home),
    score,
    away: side(away),
    club,
    player,
    id,
  }
  return goalCells(cells, table)
}

/** A goal without the teams is shown with the club that scored. */
function clubsOf({ home, away, club }: Goal): readonly [string, string] {
  return home === undefined || away === undefined ? [club, ''] : [home, away]
}

// --- records -------------------------------------------------------------------------------------

function recordCells(width: number, cells: readonly [string, string, string, string]): string {
  const [time, place, key, value] = cells
  const keyWidth = width >= 90 ? 20 : width >= 60 ? 14 : 8
  const valueWidth = width - 8 - 1 - 10 - 1 - keyWidth - 1
  return `${fit(time, 8)} ${fit(place, 10)} ${fit(key, keyWidth)} ${fit(value, valueWidth)}`
}

function recordHead(width: number): Line {
  return [span(recordCells(width, ['time', 'offset', 'key', 'value']), 'strong')]
}

function recordLine({ timestampMs, partition, offset, key, value }: Row, width: number): Line {
  const place = `${partition}:${offset}`
  const cells = recordCells(width, [formatTime(timestampMs), place, key ?? '', value ?? 'null'])
  return [span(cells, value === null ? 'quiet' : 'text')]
}

/** `21:04:59`, in the local time zone. */
export function formatTime(wallMs: number): string {
  const date = new Date(wallMs)
  if (Number.isNaN(date.getTime())) return 'no date'
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}
