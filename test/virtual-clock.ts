// Time that only a test moves: timers run when `advance` reaches them, in the order of their times.

import type { Clock } from '../src/clock.ts'

interface Timer {
  readonly atMs: number
  readonly run: () => void
}

export class VirtualClock implements Clock {
  #nowMs = 0
  /** in the order in which they were set */
  readonly #timers = new Set<Timer>()

  nowMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  get timerCount(): number {
    return this.#timers.size
  }

  /** The remaining delays of all timers, in the order in which they were set. */
  get delaysMs(): number[] {
    return [...this.#timers].map(({ atMs }) => atMs - this.#nowMs)
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  every(periodMs: number, run: () => void): () => void {
    let cancel: () => void
    const next = () => {
      cancel = this.after(periodMs, next)
      run()
    }
    cancel = this.after(periodMs, next)
    return () => cancel()
  }

  /** Advances time; whatever a timer starts has settled before the next one runs. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs
    await settled() // earlier calls may still set timers
    while (this.#runNext(untilMs)) await settled()
    this.#nowMs = untilMs
    await settled()
  }

  /** Advances time within this turn: for code whose timers do not wait for anything. */
  advanceNow(durationMs: number): void {
    const untilMs = this.#nowMs + durationMs
    while (this.#runNext(untilMs));
    this.#nowMs = untilMs
  }

  /** Runs the first timer that is due by `untilMs`. @returns whether there was one */
  #runNext(untilMs: number): boolean {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.atMs <= untilMs && timer.atMs < (next?.atMs ?? Number.POSITIVE_INFINITY)) {
        next = timer
      }
    }
    if (next === undefined) return false
    this.#nowMs = Math.max(this.#nowMs, next.atMs)
    this.#timers.delete(next)
    next.run()
    return true
  }
}

/** Resolves when promises, turns and syncs in memory that follow from one another have come to rest. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}
