// Warnings that strangers can cause at will: the first of a kind is logged immediately, later ones
// are counted, and after a minute one line reports their number.
//
// `Repeats` decides, with the time passed in; `RareWarnings` gives it a clock and a logger.

import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'

const periodMsDefault = 60_000

/** Kinds tracked; above, the oldest is forgotten, and counts as new when it recurs. */
const kindsMax = 1000

interface Counted<T> {
  readonly sinceMs: number
  count: number
  /** the latest occurrence */
  last: T
}

/** The count of a kind over a finished period; at least one. */
export interface Repeated<T> {
  readonly kind: string
  readonly count: number
  readonly seconds: number
  readonly last: T
}

/** Decides which of many similar events to report; `T` describes one event. */
export class Repeats<T> {
  readonly #periodMs: number
  /** oldest period first */
  readonly #kinds = new Map<string, Counted<T>>()

  constructor(periodMs: number) {
    this.#periodMs = periodMs
  }

  /** @returns whether to report it now: it is the first of its kind in this period */
  note(kind: string, what: T, nowMs: number): boolean {
    const counted = this.#kinds.get(kind)
    if (counted !== undefined) {
      counted.count++
      counted.last = what
      return false
    }
    if (this.#kinds.size >= kindsMax) {
      for (const oldest of this.#kinds.keys()) {
        this.#kinds.delete(oldest)
        break
      }
    }
    this.#kinds.set(kind, { sinceMs: nowMs, count: 0, last: what })
    return true
  }

  /** When `take` next has something to return. */
  get dueMs(): number {
    for (const { sinceMs } of this.#kinds.values()) return sinceMs + this.#periodMs
    return Number.POSITIVE_INFINITY
  }

  /**
   * The counts of the finished periods. A kind with repeats begins another period; any other is
   * forgotten.
   */
  take(nowMs: number): Repeated<T>[] {
    const repeated: Repeated<T>[] = []
    for (const [kind, { sinceMs, count, last }] of [...this.#kinds]) {
      // As in `dueMs`: the difference of the times may be rounded to less than the period.
      if (nowMs < sinceMs + this.#periodMs) break
      this.#kinds.delete(kind)
      if (count === 0) continue
      this.#kinds.set(kind, { sinceMs: nowMs, count: 0, last })
      repeated.push({ kind, count, last, seconds: Math.round((nowMs - sinceMs) / 1000) })
    }
    return repeated
  }
}

interface Line {
  readonly level: 'info' | 'warn'
  readonly fields: Record<string, unknown>
  readonly message: string
}

export class RareWarnings {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #repeats: Repeats<Line>
  #cancelTimer: (() => void) | undefined
  #closed = false

  constructor(logger: Logger, clock: Clock, periodMs = periodMsDefault) {
    this.#logger = logger
    this.#clock = clock
    this.#repeats = new Repeats(periodMs)
  }

  /** @param kind equal for warnings with the same meaning */
  warn(kind: string, fields: Record<string, unknown>, message: string): void {
    this.#note(kind, { level: 'warn', fields, message })
  }

  /** The same at level info. */
  info(kind: string, fields: Record<string, unknown>, message: string): void {
    this.#note(kind, { level: 'info', fields, message })
  }

  /** Reports the counts so far; later warnings are dropped. */
  close(): void {
    this.#closed = true
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#tell(Number.POSITIVE_INFINITY)
  }

  #note(kind: string, line: Line): void {
    if (this.#closed) return
    if (this.#repeats.note(kind, line, this.#clock.nowMs())) {
      this.#logger[line.level](line.fields, line.message)
    }
    this.#setTimer()
  }

  #setTimer(): void {
    const { dueMs } = this.#repeats
    if (this.#cancelTimer !== undefined || dueMs === Number.POSITIVE_INFINITY) return
    const delayMs = Math.max(0, Math.ceil(dueMs - this.#clock.nowMs()))
    this.#cancelTimer = this.#clock.after(delayMs, () => {
      this.#cancelTimer = undefined
      this.#tell(this.#clock.nowMs())
      this.#setTimer()
    })
  }

  #tell(nowMs: number): void {
    for (const { count, seconds, last } of this.#repeats.take(nowMs)) {
      const { level, fields, message } = last
      const more = Number.isFinite(seconds) ? `in the last ${seconds} s` : 'until now'
      const facts = { ...fields, count }
      this.#logger[level](facts, `${message}; and ${grouped(count)} more like it ${more}`)
    }
  }
}

/** 1 234 567 */
function grouped(count: number): string {
  return `${count}`.replace(/\B(?=(\d{3})+$)/g, ' ')
}
