// The table of goals: a scoreboard. Pure.
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
  const { hasDays, newest, place } = view
  const table = { width: width - 2, withDay: hasDays }
  const key = `${width} ${hasDays}`
  const shown = rows.map((row) => {
    const line = cache.rows.of(row, key, () => goalLine(row, table))
    return row === newest ? line.map(({ text }) => span(text, 'good')) : line
  })
  if (rows.length === 0) shown.push(plainLine(' no goals yet', table.width, 'quiet'))
  const isAll = place.count <= rows.length
  return box({
    width,
    height,
    label: label(view),
    foot: isAll ? '' : `${place.top + 1}–${place.top + rows.length} of ${place.count}`,
    lines: [goalHead(table), ...shown],
  })
}

function label({ following, hasDays, unseen, droppedCount }: ConsumerView): string {
  const what = hasDays ? 'goals by day and minute' : 'goals by minute'
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
