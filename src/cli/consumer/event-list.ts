// Recent events for the screen, each with its time and the number of its consecutive repetitions.
// Pure.
//
// Some events only report a current state (which broker is read from): such an event replaces the
// previous one, so that it cannot displace events that the user waits for.

export interface ScreenEvent {
  /** time of day of the latest occurrence */
  readonly time: string
  readonly text: string
  /** number of consecutive occurrences */
  readonly count: number
  /** the subject whose latest state it reports; undefined for an ordinary event */
  readonly about: string | undefined
}

/** Events kept for scrolling. */
const eventsMax = 200

export class EventList {
  readonly #events: ScreenEvent[] = []

  add(time: string, text: string, about?: string): void {
    const earlier = this.#earlier(text, about)
    const count = earlier === undefined ? 1 : earlier.count + 1
    if (earlier !== undefined) this.#events.splice(this.#events.indexOf(earlier), 1)
    this.#events.push({ time, text, count, about })
    if (this.#events.length > eventsMax) this.#events.shift()
  }

  /** The event that it repeats or replaces. */
  #earlier(text: string, about: string | undefined): ScreenEvent | undefined {
    if (about !== undefined) return this.#events.findLast((event) => event.about === about)
    const last = this.#events.findLast((event) => event.about === undefined)
    return last?.text === text ? last : undefined
  }

  /** Newest last. */
  get all(): readonly ScreenEvent[] {
    return this.#events
  }
}
