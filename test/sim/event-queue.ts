// The next events of a simulated world: a binary heap ordered by time, then in the order in
// which they were scheduled. The world's time moves only here.

interface Event {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

export class EventQueue {
  readonly #events: Event[] = []
  #order = 0
  #nowMs = 0

  get nowMs(): number {
    return this.#nowMs
  }

  /** The number of events ever scheduled: a measure of how much happened. */
  get eventCount(): number {
    return this.#order
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.#nowMs + delayMs, run)
  }

  at(atMs: number, run: () => void): void {
    const events = this.#events
    let i = events.push({ atMs, order: this.#order++, run }) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!sooner(events[i], events[parent])) break
      swap(events, i, parent)
      i = parent
    }
  }

  /** Runs everything that is due within `durationMs`, including what that schedules. */
  run(durationMs: number): void {
    const untilMs = this.#nowMs + durationMs
    for (let run = this.take(untilMs); run !== undefined; run = this.take(untilMs)) run()
  }

  /** The next event due by `untilMs`, if any; time moves to it, else to `untilMs`. */
  take(untilMs: number): (() => void) | undefined {
    const event = this.#events[0]
    if (event === undefined || event.atMs > untilMs) {
      this.#nowMs = untilMs
      return undefined
    }
    this.#pop()
    if (event.atMs > this.#nowMs) this.#nowMs = event.atMs
    return event.run
  }

  #pop(): void {
    const events = this.#events
    const last = events.pop()
    if (last === undefined || events.length === 0) return
    events[0] = last
    for (let i = 0; ; ) {
      const left = 2 * i + 1
      const right = left + 1
      let least = i
      if (sooner(events[left], events[least])) least = left
      if (sooner(events[right], events[least])) least = right
      if (least === i) return
      swap(events, i, least)
      i = least
    }
  }
}

function sooner(a: Event | undefined, b: Event | undefined): boolean {
  if (a === undefined || b === undefined) return false
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function swap(events: Event[], i: number, j: number): void {
  const a = events[i]
  const b = events[j]
  if (a === undefined || b === undefined) return
  events[i] = b
  events[j] = a
}
