// A process in the simulator: everything that happens to it comes in by `enter`, everything that it does
// to the world passes `act`. So it can be killed between any two acts, and stand still as if stopped
// by a signal. Its clock is its own: it may be ahead, and run faster or slower than the world's.

import type { Clock } from '../../src/clock.ts'
import type { EventQueue } from './event-queue.ts'

/** Unwinds the code of a process that was killed in the middle of something. */
export class Killed extends Error {
  override readonly name = 'Killed'
}

export class SimProcess implements Clock {
  readonly #queue: EventQueue
  readonly #kill: (point: string) => void
  #alive = true
  #pausedUntilMs = 0
  #deferred: (() => void)[] = []
  #actsUntilKill = Number.POSITIVE_INFINITY
  #baseMs = 0
  #sinceMs: number
  #rate = 1
  wallSkewMs = 0

  /** @param kill called when `killAfter` comes true; `point` says before what */
  constructor(queue: EventQueue, kill: (point: string) => void = () => undefined) {
    this.#queue = queue
    this.#kill = kill
    this.#sinceMs = queue.nowMs
  }

  get alive(): boolean {
    return this.#alive
  }

  get paused(): boolean {
    return this.#pausedUntilMs > this.#queue.nowMs
  }

  /** Something happens to the process: now, when it stands still no more, or never. */
  enter(run: () => void): void {
    if (!this.#alive) return
    if (this.paused) {
      this.#deferred.push(run)
      return
    }
    try {
      run()
    } catch (error) {
      if (!(error instanceof Killed)) throw error
    }
  }

  /** The process is about to do something that others could notice. */
  act(point: string): void {
    if (this.#alive && --this.#actsUntilKill < 0) {
      this.#kill(point)
      this.end()
    }
    if (!this.#alive) throw new Killed(point)
  }

  /** It is killed before one of its next acts. */
  killAfter(acts: number): void {
    this.#actsUntilKill = acts
  }

  end(): void {
    this.#alive = false
    this.#deferred = []
  }

  pause(durationMs: number): void {
    if (this.paused) return
    this.#pausedUntilMs = this.#queue.nowMs + durationMs
    this.#queue.after(durationMs, () => this.resume())
  }

  resume(): void {
    this.#pausedUntilMs = this.#queue.nowMs
    const deferred = this.#deferred
    this.#deferred = []
    for (const run of deferred) this.enter(run)
  }

  // --- clock -------------------------------------------------------------------------------------

  drift(rate: number): void {
    this.#baseMs = this.nowMs()
    this.#sinceMs = this.#queue.nowMs
    this.#rate = rate
  }

  nowMs(): number {
    return this.#baseMs + (this.#queue.nowMs - this.#sinceMs) * this.#rate
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.wallSkewMs + Math.floor(this.#queue.nowMs)
  }

  after(delayMs: number, run: () => void): () => void {
    let cancelled = false
    this.#queue.after(Math.max(0, delayMs) / this.#rate, () => {
      this.enter(() => {
        if (!cancelled) run()
      })
    })
    return () => {
      cancelled = true
    }
  }

  every(periodMs: number, run: () => void): () => void {
    let cancel = (): void => undefined
    const again = (): void => {
      cancel = this.after(periodMs, () => {
        again()
        run()
      })
    }
    again()
    return () => cancel()
  }
}
