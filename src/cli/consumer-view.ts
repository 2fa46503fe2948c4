// What the consumer's screen shows, without a terminal: rows, scrolling, pausing, rate, lag, and who
// is alive in the cluster. Pure: time comes in, frames go out by consumer-frame.ts.
//
// Goals are kept ordered by minute. A topic with anything else in it is shown as it came.

import { type ClusterLines, nothingKnown } from './cluster-lines.ts'
import { EventList, type ScreenEvent } from './event-list.ts'
import { compareGoals, dayOf, type Goal, parseGoal } from './goal.ts'
import { type Finding, findings } from './health.ts'
import { Scroll, scrollKeys } from './scroll.ts'

export interface ViewRecord {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: string | null
  readonly value: string | null
}

export interface Row extends ViewRecord {
  /** which one it was to arrive */
  readonly nth: number
  readonly goal: Goal | undefined
}

/** One key beyond those that every consumer has. */
export interface KeyAction {
  readonly key: string
  /** for the help */
  readonly label: string
  /** for the footer, where there is room for a few */
  readonly short?: string
}

export type ViewAction =
  | { readonly type: 'quit' }
  | { readonly type: 'paused'; readonly paused: boolean }
  | { readonly type: 'action'; readonly key: string }

/** Boxes that keys can move through; Tab goes from one to the next. */
export const focusables = ['table', 'servers', 'brokers', 'events'] as const
export type Focus = (typeof focusables)[number]

/** What is kept to scroll through; above it the oldest go. */
const rowsMax = 5000
/** They go this many at a time, since cutting the head of an array copies the rest. */
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
  #goalsOnly = true
  #paused = false
  #helpShown = false
  /** where the row is that came last */
  #newest = -1
  /** undefined: the row that came last is shown, and what surrounds it */
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
  /** boxes that were drawn last, and that there is more of than room */
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

  received(records: readonly ViewRecord[], nowMs: number): void {
    if (records.length === 0) return
    for (const record of records) this.#insert(rowOf(record, this.#received++))
    this.#arrivals.push({ atMs: nowMs, count: records.length })
    this.#forgetArrivals(nowMs)
    this.#dropOldest()
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
   * One more event.
   *
   * @param time of day
   * @param about takes the place of the last one about the same
   */
  tell(time: string, event: string, about?: string): void {
    this.#events.add(time, event, about)
  }

  #insert(row: Row): void {
    const rows = this.#rows
    if (row.goal !== undefined) this.#lastDay = Math.max(this.#lastDay, dayOf(row.goal))
    if (this.#goalsOnly && row.goal === undefined) {
      this.#goalsOnly = false
      rows.sort((a, b) => a.nth - b.nth)
    }
    let at = rows.length
    if (this.#goalsOnly) while (at > 0 && comesBefore(row, rows[at - 1])) at--
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

  /** @param key as blessed names it. @returns what the program has to do about it */
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
    // What is answered to a key comes last among the events, and is to be seen.
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

  /** Keys that move scroll it; any other closes it, and does nothing else. */
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

  /** The end, unless goals of another run come in between earlier ones. */
  get #followedTop(): number {
    const isOnLastPage = this.#newest < 0 || this.#newest >= this.#lastTop
    return isOnLastPage ? this.#lastTop : Math.max(0, this.#newest - this.#pageRows + 1)
  }

  #scrollBy(count: number): undefined {
    const from = this.#top ?? this.#followedTop
    const to = from + count
    // Whoever scrolls to the end wants to stay there.
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

  /** Tells which boxes there is more of than room, besides the table: keys can move through them. */
  drawn(reachable: readonly Focus[]): void {
    this.#reachable = ['table', ...reachable]
    if (!this.#reachable.includes(this.#focus)) this.#focus = 'table'
  }

  /** The box that keys move through. */
  get focus(): Focus {
    return this.#focus
  }

  /** Whether there is another one to move through. */
  get hasOtherFocus(): boolean {
    return this.#reachable.length > 1
  }

  /** Rows that a table of `count` lines shows now. */
  page(count: number): readonly Row[] {
    this.#pageRows = Math.max(1, count)
    const { top } = this.place
    return this.#rows.slice(top, top + this.#pageRows)
  }

  /** The row that came last. */
  get newest(): Row | undefined {
    return this.#rows[this.#newest]
  }

  /** Whether every record so far was a goal, and rows are ordered by minute. */
  get goalsOnly(): boolean {
    return this.#goalsOnly
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

  /** Rows below the page since a person scrolled away from the end. */
  get unseen(): number {
    return this.#unseen
  }

  get receivedCount(): number {
    return this.#received
  }

  /** Rows that are no longer kept. */
  get droppedCount(): number {
    return this.#dropped
  }

  /** The broker that records come from; undefined while it does not answer. */
  get reading(): number | undefined {
    const broker = this.#cluster.brokers.find(({ id }) => id === this.#reading)
    return broker?.state === 'lost' ? undefined : this.#reading
  }

  get cluster(): ClusterLines {
    return this.#cluster
  }

  /** Over all partitions; undefined before anything is known. */
  get lag(): number | undefined {
    if (this.#lags.size === 0) return undefined
    return [...this.#lags.values()].reduce((sum, lag) => sum + lag, 0)
  }

  /** The newest last. */
  get events(): readonly ScreenEvent[] {
    return this.#events.all
  }

  /** How everything is, the worst first. */
  health(nowMs: number): readonly [Finding, ...Finding[]] {
    const lag = this.#paused ? undefined : this.lag
    return findings({ cluster: this.#cluster, lag, rate: this.rate(nowMs), nowMs })
  }

  /** Whether goals of more than one match day came. */
  get hasDays(): boolean {
    return this.#lastDay > 1
  }

  /** The first row of the page, from 0, and how many rows there are. */
  get place(): { readonly top: number; readonly count: number } {
    const top = this.#top === undefined ? this.#followedTop : Math.min(this.#top, this.#lastTop)
    return { top, count: this.#rows.length }
  }

  /** Records per second, over the last three. */
  rate(nowMs: number): number {
    this.#forgetArrivals(nowMs)
    const count = this.#arrivals.reduce((sum, arrival) => sum + arrival.count, 0)
    return count / (rateWindowMs / 1000)
  }
}

function rowOf(record: ViewRecord, nth: number): Row {
  return { ...record, nth, goal: record.value === null ? undefined : parseGoal(record.value) }
}

/** Goals by minute; two of the same minute as they are stored, so that every screen shows the same. */
function comesBefore(row: Row, other: Row | undefined): boolean {
  if (row.goal === undefined || other?.goal === undefined) return false
  const byGoal = compareGoals(row.goal, other.goal)
  if (byGoal !== 0) return byGoal < 0
  return (row.partition - other.partition || row.offset - other.offset) < 0
}
