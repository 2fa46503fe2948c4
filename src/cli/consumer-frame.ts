// One picture of a ConsumerView for a terminal of a given size: which boxes, where, with which text.
// Pure. Text is blessed's markup; whatever came from a topic is made harmless first (cells.ts).
//
//   header     topic, group, LIVE or PAUSED, broker, rate, lag
//   table      goals by minute                 | servers and brokers, where there is room
//   events     what happened lately, where there is room
//   footer     the keys

import { escapeTags, fit, fitRight } from './cells.ts'
import type { BrokerLine, ConsumerView, Row, ServerLine } from './consumer-view.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

export interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  readonly label: string
  readonly lines: readonly string[]
}

export interface Frame {
  readonly header: string
  readonly table: Box
  readonly servers: Box | undefined
  readonly brokers: Box | undefined
  readonly events: Box | undefined
  readonly help: Box | undefined
  readonly footer: string
}

/** Below it there is no use in drawing anything but a word. */
export const sizeMin: Size = { columns: 40, rows: 10 }

/** The second one holds the longest line there is: a broker that leads, controls and is read from. */
const sideWidths = { narrow: 30, wide: 36 }
const sideNeedsColumns = 74
const wideSideNeedsColumns = 96
const eventsNeedRows = 20
const eventsHeightMax = 12

/** Lines of rows already drawn; one row is drawn once per width. */
export class RowLines {
  #lines = new WeakMap<Row, string>()
  #key = ''

  of(row: Row, width: number, goalsOnly: boolean): string {
    const key = `${width} ${goalsOnly}`
    if (key !== this.#key) {
      this.#key = key
      this.#lines = new WeakMap()
    }
    let line = this.#lines.get(row)
    if (line === undefined) {
      line = escapeTags(goalsOnly ? goalLine(row, width) : recordLine(row, width))
      this.#lines.set(row, line)
    }
    return line
  }
}

export function drawFrame(view: ConsumerView, size: Size, nowMs: number, lines: RowLines): Frame {
  const { columns, rows } = size
  const eventsHeight = rows < eventsNeedRows ? 0 : Math.min(eventsHeightMax, Math.floor(rows / 3.4))
  const bodyHeight = rows - 2 - eventsHeight
  const withSide = columns >= sideNeedsColumns
  const sideWidth = columns < wideSideNeedsColumns ? sideWidths.narrow : sideWidths.wide
  const tableWidth = withSide ? columns - sideWidth : columns
  const { servers, brokers } = view.cluster
  const serversHeight = Math.min(servers.length + 2, Math.floor(bodyHeight / 2))
  const side = { left: tableWidth, width: sideWidth }
  return {
    header: header(view, columns, nowMs),
    table: tableBox(view, { width: tableWidth, height: bodyHeight }, lines),
    servers: withSide
      ? box(
          { ...side, top: 1, height: serversHeight },
          'servers',
          servers.map((server) => serverLine(server, sideWidth - 2)),
        )
      : undefined,
    brokers: withSide
      ? box(
          { ...side, top: 1 + serversHeight, height: bodyHeight - serversHeight },
          'brokers',
          brokers.map((broker) => brokerLine(broker, view.reading, sideWidth - 2)),
        )
      : undefined,
    events:
      eventsHeight === 0
        ? undefined
        : box(
            { left: 0, top: 1 + bodyHeight, width: columns, height: eventsHeight },
            'events',
            view.events(eventsHeight - 2).map((line) => escapeTags(fit(line, columns - 2))),
          ),
    help: view.helpShown ? helpBox(view, size) : undefined,
    footer: escapeTags(fit(footerText(view), columns)),
  }
}

type Place = Omit<Box, 'label' | 'lines'>

function box(place: Place, label: string, lines: readonly string[]): Box {
  return { ...place, label: ` ${label} `, lines: lines.slice(0, Math.max(0, place.height - 2)) }
}

// --- header and footer ---------------------------------------------------------------------------

function header(view: ConsumerView, columns: number, nowMs: number): string {
  const { goalsOnly, receivedCount, reading, lag } = view
  const facts = [
    `${receivedCount} ${goalsOnly ? 'goals' : 'records'}`,
    reading === undefined ? 'no broker' : `broker ${reading}`,
    `${view.rate(nowMs).toFixed(1)}/s`,
    `lag ${lag ?? '?'}`,
    view.group === undefined ? 'no group' : `group ${view.group}`,
  ].join('  ')
  const mode = view.paused ? ' PAUSED ' : ' LIVE '
  const name = ` ${view.topic} `
  const modeText = view.paused ? `{yellow-bg}${mode}{/}` : `{green-bg}${mode}{/}`
  const nameWidth = Math.min(name.length, 24)
  const factsWidth = columns - nameWidth - mode.length - 2
  const facted = escapeTags(fit(facts, factsWidth))
  return `{bold}${escapeTags(fit(name, nameWidth))}{/}{black-fg}${modeText}  ${facted}`
}

function footerText(view: ConsumerView): string {
  if (view.helpShown) return ' any key: back   q quit'
  const keys = [
    ...view.actions.flatMap(({ key, short }) => (short === undefined ? [] : [`${key} ${short}`])),
    view.paused ? 'space resume' : 'space pause',
    '? help',
    'q quit',
    view.following ? 'up/down scroll' : 'f follow',
  ]
  return ` ${keys.join('  ')}`
}

// --- the table -----------------------------------------------------------------------------------

function tableBox(
  view: ConsumerView,
  { width, height }: { readonly width: number; readonly height: number },
  lines: RowLines,
): Box {
  const inner = width - 2
  const rows = view.page(height - 3)
  const { goalsOnly } = view
  const head = goalsOnly ? goalHead(inner) : recordHead(inner)
  const place = { left: 0, top: 1, width, height }
  const shown = rows.map((row) => {
    const line = lines.of(row, inner, goalsOnly)
    return row === view.newest ? `{green-fg}${line}{/}` : line
  })
  return box(place, tableLabel(view), [`{bold}${head}{/}`, ...shown])
}

function tableLabel({ goalsOnly, following, unseen, droppedCount }: ConsumerView): string {
  const what = goalsOnly ? 'goals by minute' : 'records'
  const below = following ? '' : `, ${unseen} below`
  const gone = droppedCount === 0 ? '' : `, ${droppedCount} older ones no longer kept`
  return `${what}${below}${gone}`
}

/** The player gets what the others leave. */
function goalCells(width: number, cells: readonly [string, string, string, string, string]) {
  const [minute, score, club, player, id] = cells
  const withId = width >= 60
  const playerWidth = width - 6 - 2 - 5 - 1 - 12 - 1 - (withId ? 11 : 0)
  const line = `${fitRight(minute, 6)}  ${fit(score, 5)} ${fit(club, 12)} ${fit(player, playerWidth)}`
  return withId ? `${line} ${fit(id, 10)}` : line
}

function goalHead(width: number): string {
  return goalCells(width, ['minute', 'score', 'club', 'player', 'id'])
}

function goalLine({ goal }: Row, width: number): string {
  if (goal === undefined) return ' '.repeat(width)
  const { minute, score, club, player, id } = goal
  return goalCells(width, [`${minute}'`, score, club, player, id])
}

function recordCells(width: number, cells: readonly [string, string, string, string]) {
  const [time, place, key, value] = cells
  const keyWidth = width >= 60 ? 14 : 8
  const valueWidth = width - 8 - 1 - 10 - 1 - keyWidth - 1
  return `${fit(time, 8)} ${fit(place, 10)} ${fit(key, keyWidth)} ${fit(value, valueWidth)}`
}

function recordHead(width: number): string {
  return recordCells(width, ['time', 'offset', 'key', 'value'])
}

function recordLine({ timestampMs, partition, offset, key, value }: Row, width: number): string {
  const place = `${partition}:${offset}`
  return recordCells(width, [formatTime(timestampMs), place, key ?? '', value ?? 'null'])
}

/** `21:04:59`, in the local time zone. */
export function formatTime(wallMs: number): string {
  const date = new Date(wallMs)
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}

// --- the cluster ---------------------------------------------------------------------------------

function serverLine({ id, address, role }: ServerLine, width: number): string {
  const cells = `${fitRight(String(id), 2)} ${fit(role, 8)} ${fit(address, width - 12)}`
  const text = escapeTags(cells)
  if (role === 'leader' || role === 'standalone') return `{bold}{green-fg}${text}{/}`
  if (role === 'lost') return `{red-fg}${text}{/}`
  return role === 'looking' ? `{yellow-fg}${text}{/}` : text
}

function brokerLine(broker: BrokerLine, reading: number | undefined, width: number): string {
  const { id, alive, controller, leads } = broker
  const facts = [
    alive ? (leads === 0 ? 'follower' : leads === 1 ? 'leader' : `leads ${leads}`) : 'lost',
    ...(controller ? ['controller'] : []),
    ...(id === reading ? ['read here'] : []),
  ]
  const text = escapeTags(fit(`${String(id).padStart(2)} ${facts.join(', ')}`, width))
  if (!alive) return `{red-fg}${text}{/}`
  return id === reading ? `{bold}{cyan-fg}${text}{/}` : text
}

// --- help ----------------------------------------------------------------------------------------

function helpBox(view: ConsumerView, { columns, rows }: Size): Box {
  const keys: readonly (readonly [string, string])[] = [
    ['space', 'pause and resume reading'],
    ['up, down', 'scroll by a line; PgUp, PgDn by a page'],
    ['g, G', 'to the first and to the newest row'],
    ['f', 'follow the newest row, or stay here'],
    ...view.actions.map(({ key, label }) => [key, label] as const),
    ['q', 'quit'],
  ]
  const width = Math.min(columns - 2, 60)
  const height = Math.min(rows - 2, keys.length + 2)
  const place = {
    left: Math.floor((columns - width) / 2),
    top: Math.floor((rows - height) / 2),
    width,
    height,
  }
  const lines = keys.map(([key, what]) => escapeTags(fit(` ${fit(key, 9)} ${what}`, width - 2)))
  return box(place, 'keys', lines)
}
