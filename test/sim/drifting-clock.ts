// The clock of one simulated machine: it has its own time, and runs faster or slower than the
// world's.

import type { EventQueue } from './event-queue.ts'

export class DriftingClock {
  readonly #queue: EventQueue
  /** it shows `#baseMs` at `#sinceMs` of the world */
  #baseMs = 0
  #sinceMs: number
  #rate = 1

  constructor(queue: EventQueue) {
    this.#queue = queue
    this.#sinceMs = queue.nowMs
  }

  get rate(): number {
    return this.#rate
  }

  nowMs(): number {
    return this.#baseMs + (this.#queue.nowMs - this.#sinceMs) * this.#rate
  }

  /** From now on the clock runs at `rate`; its time does not jump. */
  drift(rate: number): void {
    this.#baseMs = this.nowMs()
    this.#sinceMs = this.#queue.nowMs
    this.#rate = rate
  }
}
