// What the consumer's screen shows, without a terminal: rows, scrolling, pausing, rate, lag, and who
// is alive in the cluster. Pure: time comes in, frames go out by consumer-frame.ts.
//
// Goals are kept ordered by minute. A topic with anything else in it is shown as it came.

import { type Goal, parseGoal } from './goal.ts'

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

export type ServerRole = 'leader' | 'follower' | 'standalone' | 'looking' | 'lost'

export interface ServerLine {
  readonly id: number
  readonly address: string
  readonly role: ServerRole
}

export interface BrokerLine {
  readonly id: number
  readonly address: string
  readonly alive: boolean
  readonly controller: boolean
  /** partitions of the topic that it leads */
  readonly leads: number
}

export interface ClusterLines {
  readonly servers: readonly ServerLine[]
  readonly brokers: readonly BrokerLine[]
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

/** What is kept to scroll through; above it the oldest go. */
const rowsMax = 5000
/** They go this many at a time, since cutting the head of an array copies the rest. */
const rowsSlack = 500
const eventsMax = 200
const rateWindowMs = 3000

export class ConsumerView {
  readonly topic: string
  readonly group: string | undefined
  readonly actions: readonly KeyAction[]
  readonly #rows: Row[] = []
  readonly #events: string[] = []
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
  #cluster: ClusterLines = { servers: [], brokers: [] }

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

  /** One more line among the events. */
  tell(line: string): void {
    this.#events.push(line)
    if (this.#events.length > eventsMax) this.#events.shift()
  }

  #insert(row: Row): void {
    const rows = this.#rows
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
    if (this.#helpShown) {
      this.#helpShown = false
      return undefined
    }
    switch (key) {
      case '?':
      case 'h':
        this.#helpShown = true
        return undefined
      case 'space':
      case 'p':
        this.#paused = !this.#paused
        return { type: 'paused', paused: this.#paused }
      case 'f':
        if (this.#top === undefined) this.#scrollTo(this.#followedTop)
        else this.#follow()
        return undefined
      case 'up':
        return this.#scrollBy(-1)
      case 'down':
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
    return this.actions.some((action) => action.key === key) ? { type: 'action', key } : undefined
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

  /** Rows that a table of `count` lines shows now. */
  page(count: number): readonly Row[] {
    this.#pageRows = Math.max(1, count)
    const top = this.#top === undefined ? this.#followedTop : Math.min(this.#top, this.#lastTop)
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

  get reading(): number | undefined {
    return this.#reading
  }

  get cluster(): ClusterLines {
    return this.#cluster
  }

  /** Over all partitions; undefined before anything is known. */
  get lag(): number | undefined {
    if (this.#lags.size === 0) return undefined
    return [...this.#lags.values()].reduce((sum, lag) => sum + lag, 0)
  }

  /** The last `count` of them. */
  events(count: number): readonly string[] {
    return count <= 0 ? [] : this.#events.slice(-count)
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

/** Goals by minute; two of the same minute as they came. */
function comesBefore(row: Row, other: Row | undefined): boolean {
  if (row.goal === undefined || other?.goal === undefined) return false
  return row.goal.minute < other.goal.minute
}
