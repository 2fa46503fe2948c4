// What happened lately, for the screen: the last events, each with its time, and how often when the same
// came again at once. Pure.
//
// Some events only say how things are by now (which broker is read from): such a one takes the place of
// the one before it, so that it cannot push out what a person waits for.

export interface ScreenEvent {
  /** time of day of the last time */
  readonly time: string
  readonly text: string
  /** how many times in a row */
  readonly count: number
  /** what it is the newest word about; undefined: it stands for itself */
  readonly about: string | undefined
}

/** What is kept to scroll through. */
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

  /** The one that it repeats. */
  #earlier(text: string, about: string | undefined): ScreenEvent | undefined {
    if (about !== undefined) return this.#events.findLast((event) => event.about === about)
    const last = this.#events.findLast((event) => event.about === undefined)
    return last?.text === text ? last : undefined
  }

  /** The newest last. */
  get all(): readonly ScreenEvent[] {
    return this.#events
  }
}
