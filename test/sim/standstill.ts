// A process that is paused for a while, as if by a signal: what happens to it meanwhile waits, and
// enters in the order in which it fell due.

import type { EventQueue } from './event-queue.ts'

export class Standstill {
  readonly #queue: EventQueue
  #untilMs = 0
  #waiting: (() => void)[] = []

  constructor(queue: EventQueue) {
    this.#queue = queue
  }

  get isStill(): boolean {
    return this.#untilMs > this.#queue.nowMs
  }

  /** Runs it now, or when the process resumes. */
  enter(run: () => void): void {
    if (this.isStill) this.#waiting.push(run)
    else run()
  }

  begin(durationMs: number): void {
    if (this.isStill) return
    this.#untilMs = this.#queue.nowMs + durationMs
    this.#queue.after(durationMs, () => {
      if (!this.isStill) this.#goOn()
    })
  }

  /** At once. */
  end(): void {
    if (!this.isStill) return
    this.#untilMs = this.#queue.nowMs
    this.#goOn()
  }

  /** The process is gone: drops all that waits. */
  reset(): void {
    this.#untilMs = 0
    this.#waiting = []
  }

  #goOn(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const run of waiting) run()
  }
}
