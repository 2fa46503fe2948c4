// The state of the screen of goals, without a terminal: rows, scrolling, pausing, rate, lag, and
// the members of the cluster. Pure: time comes in, frames go out through consumer-frame.ts.
//
// Goals are kept ordered by minute; other records are not shown here.

import { compareGoals, dayOf, type Goal, parseGoal } from '../goals/goal.ts'
import { type ClusterLines, nothingKnown } from './cluster-lines.ts'
import { EventList, type ScreenEvent } from './event-list.ts'
import { type Finding, findings } from './health.ts'
import { Scroll, scrollKeys } from './scroll.ts'

export interface ViewRecord {
  readonly partition: number
  readonly offset: number
  readonly value: string | null
}

/** The goal of a record. */
export interface Row {
  readonly partition: number
  readonly offset: number
  readonly goal: Goal
}

/** A key in addition to those of every consumer. */
export interface KeyAction {
  readonly key: string
  /** for the help */
  readonly label: string
  /** for the footer, which has room for a few */
  readonly short?: string
}

export type ViewAction =
  | { readonly type: 'quit' }
  | { readonly type: 'paused'; readonly paused: boolean }
  | { readonly type: 'action'; readonly key: string }

/** Boxes that keys can scroll; Tab moves to the next. */
export const focusables = ['table', 'servers', 'brokers', 'events'] as const
export type Focus = (typeof focusables)[number]

/** Rows kept for scrolling; above, the oldest are dropped. */
const rowsMax = 5000
/** Rows are dropped in groups of this size, since cutting the head of an array copies the rest. */
const rowsSlack = 500
const rateWindowMs = 3000

export class ConsumerView {
  readonly topic: string
  readonly group: string | undefined
  readonly actions: readonly KeyAction[]
  readonly #rows: Row[] = []
  readonly #events = new EventList()
  readonly #arrivals: { readonly atMs: number; readonly count: number }[] = []
  readonly #lags = new Map<number, number>()
  #received = 0
  #dropped = 0
  #paused = false
  #helpShown = false
  /** index of the latest row */
  #newest = -1
  /** undefined: the latest row and its surroundings are shown */
  #top: number | undefined
  #pageRows = 1
  #unseen = 0
  #reading: number | undefined
  #cluster: ClusterLines = nothingKnown
  #lastDay = 1
  #focus: Focus = 'table'
  /** of the boxes beside the table */
  readonly scrolls = {
    servers: new Scroll('start'),
    brokers: new Scroll('start'),
    events: new Scroll('end'),
    help: new Scroll('start'),
  } as const
  /** boxes of the last frame that have more lines than room */
  #reachable: readonly Focus[] = ['table']

  constructor(options: {
    readonly topic: string
    readonly group?: string | undefined
    readonly actions?: readonly KeyAction[]
  }) {
    this.topic = options.topic
    this.group = options.group
    this.actions = options.actions ?? []
  }

  // --- what happens ------------------------------------------------------------------------------

  /** @returns whether all of them are goals */
  received(records: readonly ViewRecord[], nowMs: number): boolean {
    const rows = records.flatMap((record) => rowOf(record) ?? [])
    for (const row of rows) this.#insert(row)
    this.#received += rows.length
    if (rows.length > 0) this.#arrivals.push({ atMs: nowMs, count: rows.length })
    this.#forgetArrivals(nowMs)
    this.#dropOldest()
    return rows.length === records.length
  }

  /** @param lag records between what was read and the high watermark */
  lagging(partition: number, lag: number): void {
    this.#lags.set(partition, lag)
  }

  readingFrom(broker: number | undefined): void {
    this.#reading = broker
  }

  clusterIs(cluster: ClusterLines): void {
    this.#cluster = cluster
  }

  /**
   * Adds an event.
   *
   * @param time of day
   * @param about replaces the last event about the same subject
   */
  tell(time: string, event: string, about?: string): void {
    this.#events.add(time, event, about)
  }

  #insert(row: Row): void {
    const rows = this.#rows
    this.#lastDay = Math.max(this.#lastDay, dayOf(row.goal))
    let at = rows.length
    while (at > 0 && comesBefore(row, rows[at - 1])) at--
    rows.splice(at, 0, row)
    this.#newest = at
    if (this.#top === undefined) return
    if (at < this.#top) this.#top++
    else if (at >= this.#top + this.#pageRows) this.#unseen++
  }

  #dropOldest(): void {
    if (this.#rows.length < rowsMax + rowsSlack) return
    const count = this.#rows.length - rowsMax
    this.#rows.splice(0, count)
    this.#dropped += count
    this.#newest -= count
    if (this.#top !== undefined) this.#top = Math.max(0, this.#top - count)
  }

  #forgetArrivals(nowMs: number): void {
    while ((this.#arrivals[0]?.atMs ?? nowMs) < nowMs - rateWindowMs) this.#arrivals.shift()
  }

  // --- what a person does ------------------------------------------------------------------------

  /** @param key as blessed names it. @returns the action for the program, if any */
  press(key: string): ViewAction | undefined {
    if (key === 'q' || key === 'C-c') return { type: 'quit' }
    if (this.#helpShown) return this.#pressInHelp(key)
    switch (key) {
      case '?':
      case 'h':
        this.#helpShown = true
        this.scrolls.help.toHome()
        return undefined
      case 'space':
      case 'p':
        this.#paused = !this.#paused
        return { type: 'paused', paused: this.#paused }
      case 'tab':
        return this.#focusNext(1)
      case 'S-tab':
        return this.#focusNext(-1)
      case 'escape':
        this.#focus = 'table'
        return undefined
      case 'f':
        if (this.#top === undefined) this.#scrollTo(this.#followedTop)
        else this.#follow()
        return undefined
    }
    if (!this.actions.some((action) => action.key === key)) return this.#pressToMove(key)
    // The response to a key is the last event, and must be visible.
    this.scrolls.events.toHome()
    return { type: 'action', key }
  }

  #pressToMove(key: string): undefined {
    const focus = this.#focus
    if (focus !== 'table') return this.scrolls[focus].press(key)
    switch (key) {
      case 'up':
      case 'k':
        return this.#scrollBy(-1)
      case 'down':
      case 'j':
        return this.#scrollBy(1)
      case 'pageup':
        return this.#scrollBy(-this.#pageRows)
      case 'pagedown':
        return this.#scrollBy(this.#pageRows)
      case 'home':
      case 'g':
        return this.#scrollTo(0)
      case 'end':
      case 'S-g':
        return this.#follow()
    }
    return undefined
  }

  /** Scroll keys scroll it; any other key only closes it. */
  #pressInHelp(key: string): undefined {
    if (scrollKeys.has(key)) this.scrolls.help.press(key)
    else this.#helpShown = false
    return undefined
  }

  #focusNext(step: 1 | -1): undefined {
    const at = this.#reachable.indexOf(this.#focus)
    const { length } = this.#reachable
    this.#focus = this.#reachable[(at + step + length) % length] ?? 'table'
    return undefined
  }

  get #lastTop(): number {
    return Math.max(0, this.#rows.length - this.#pageRows)
  }

  /** The end, unless goals of another run are inserted between earlier ones. */
  get #followedTop(): number {
    const isOnLastPage = this.#newest < 0 || this.#newest >= this.#lastTop
    return isOnLastPage ? this.#lastTop : Math.max(0, this.#newest - this.#pageRows + 1)
  }

  #scrollBy(count: number): undefined {
    const from = this.#top ?? this.#followedTop
    const to = from + count
    // Scrolling to the end means to follow.
    if (count > 0 && to >= this.#lastTop) return this.#follow()
    return this.#scrollTo(to)
  }

  #scrollTo(top: number): undefined {
    this.#top = Math.max(0, Math.min(top, this.#lastTop))
    this.#unseen = Math.max(0, this.#rows.length - this.#top - this.#pageRows)
    return undefined
  }

  #follow(): undefined {
    this.#top = undefined
    this.#unseen = 0
    return undefined
  }

  // --- what is shown -----------------------------------------------------------------------------

  /** Sets the boxes, besides the table, that have more lines than room: keys can scroll them. */
  drawn(reachable: readonly Focus[]): void {
    this.#reachable = ['table', ...reachable]
    if (!this.#reachable.includes(this.#focus)) this.#focus = 'table'
  }

  /** The box that keys scroll. */
  get focus(): Focus {
    return this.#focus
  }

  /** Whether another box can be scrolled. */
  get hasOtherFocus(): boolean {
    return this.#reachable.length > 1
  }

  /** The rows of a table with `count` lines. */
  page(count: number): readonly Row[] {
    this.#pageRows = Math.max(1, count)
    const { top } = this.place
    return this.#rows.slice(top, top + this.#pageRows)
  }

  /** The latest row. */
  get newest(): Row | undefined {
    return this.#rows[this.#newest]
  }

  get paused(): boolean {
    return this.#paused
  }

  get following(): boolean {
    return this.#top === undefined
  }

  get helpShown(): boolean {
    return this.#helpShown
  }

  /** Rows below the page since the user scrolled away from the end. */
  get unseen(): number {
    return this.#unseen
  }

  get receivedCount(): number {
    return this.#received
  }

  /** Number of rows no longer kept. */
  get droppedCount(): number {
    return this.#dropped
  }

  /** The broker being read from; undefined while it does not answer. */
  get reading(): number | undefined {
    const broker = this.#cluster.brokers.find(({ id }) => id === this.#reading)
    return broker?.state === 'lost' ? undefined : this.#reading
  }

  get cluster(): ClusterLines {
    return this.#cluster
  }

  /** Over all partitions; undefined before any is known. */
  get lag(): number | undefined {
    if (this.#lags.size === 0) return undefined
    return [...this.#lags.values()].reduce((sum, lag) => sum + lag, 0)
  }

  /** Newest last. */
  get events(): readonly ScreenEvent[] {
    return this.#events.all
  }

  /** The health of the cluster, worst finding first. */
  health(nowMs: number): readonly [Finding, ...Finding[]] {
    const lag = this.#paused ? undefined : this.lag
    return findings({ cluster: this.#cluster, lag, rate: this.rate(nowMs), nowMs })
  }

  /** Whether goals of more than one match day arrived. */
  get hasDays(): boolean {
    return this.#lastDay > 1
  }

  /** The first row of the page, from 0, and the number of rows. */
  get place(): { readonly top: number; readonly count: number } {
    const top = this.#top === undefined ? this.#followedTop : Math.min(this.#top, this.#lastTop)
    return { top, count: this.#rows.length }
  }

  /** Records per second, over the last three seconds. */
  rate(nowMs: number): number {
    this.#forgetArrivals(nowMs)
    const count = this.#arrivals.reduce((sum, arrival) => sum + arrival.count, 0)
    return count / (rateWindowMs / 1000)
  }
}

function rowOf({ partition, offset, value }: ViewRecord): Row | undefined {
  const goal = value === null ? undefined : parseGoal(value)
  return goal === undefined ? undefined : { partition, offset, goal }
}

/**
 * Goals by minute; goals of the same minute in stored order, so that every screen shows the same.
 */
function comesBefore(row: Row, other: Row | undefined): boolean {
  if (other === undefined) return false
  const byGoal = compareGoals(row.goal, other.goal)
  if (byGoal !== 0) return byGoal < 0
  return (row.partition - other.partition || row.offset - other.offset) < 0
}
