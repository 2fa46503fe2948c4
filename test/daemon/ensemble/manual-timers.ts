import type { Clock } from '../../../src/clock.ts'

/** Timers that a test runs by hand. */
export class ManualTimers implements Pick<Clock, 'after'> {
  #ms = 0
  readonly #timers = new Map<() => void, number>()

  after = (delayMs: number, run: () => void): (() => void) => {
    this.#timers.set(run, this.#ms + delayMs)
    return () => this.#timers.delete(run)
  }

  /** When timers are due, from now on. */
  get dueInMs(): number[] {
    return [...this.#timers.values()].map((atMs) => atMs - this.#ms)
  }

  /** Advances the time and runs the timers that are due. */
  pass(ms: number): void {
    this.#ms += ms
    for (const [run, atMs] of [...this.#timers]) {
      if (atMs > this.#ms) continue
      this.#timers.delete(run)
      run()
    }
  }
}
