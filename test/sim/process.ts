// A process in the simulator: everything that happens to it enters through `enter`, everything that
// it does to the world passes through `act`. So it can be killed between any two acts, and be
// paused as if by a signal. It has its own clock, which may be ahead, and run faster or slower than
// the world's.

import type { Clock } from '../../src/clock.ts'
import { DriftingClock } from './drifting-clock.ts'
import type { EventQueue } from './event-queue.ts'
import { Standstill } from './standstill.ts'

/** Unwinds the code of a process that was killed in the middle of something. */
export class Killed extends Error {
  override readonly name = 'Killed'
}

export interface KillAt {
  readonly when: 'before' | 'after'
  readonly act: string
}

export class SimProcess implements Clock {
  readonly #queue: EventQueue
  readonly #kill: (points: { readonly before: string; readonly after: string }) => void
  readonly #note: ((act: string) => void) | undefined
  readonly #standstill: Standstill
  readonly #clock: DriftingClock
  #alive = true
  #actsUntilKill = Number.POSITIVE_INFINITY
  #killAt: KillAt | undefined
  #lastAct = 'its start'
  wallSkewMs = 0

  /**
   * @param kill called when `killAfter` or `killAt` is reached, with the two acts around it
   * @param note called with each act and its details
   */
  constructor(
    queue: EventQueue,
    kill: (points: { readonly before: string; readonly after: string }) => void = () => undefined,
    note?: (act: string) => void,
  ) {
    this.#queue = queue
    this.#kill = kill
    this.#note = note
    this.#standstill = new Standstill(queue)
    this.#clock = new DriftingClock(queue)
  }

  get alive(): boolean {
    return this.#alive
  }

  get paused(): boolean {
    return this.#standstill.isStill
  }

  /** Something happens to the process: now, when it is no longer paused, or never. */
  enter(run: () => void): void {
    if (this.#alive) this.#standstill.enter(() => this.#run(run))
  }

  /** The process is about to do something observable; `+` joins simultaneous acts. */
  act(point: string, details = ''): void {
    if (this.#alive && this.#isDue(point)) {
      this.#kill({ before: point, after: this.#lastAct })
      this.end()
    }
    if (!this.#alive) throw new Killed(point)
    this.#lastAct = point
    this.#note?.(point + details)
  }

  /** Kills it before one of its next acts. */
  killAfter(acts: number): void {
    this.#actsUntilKill = acts
  }

  /** Kills it before, or after, the next act with this name. */
  killAt(point: KillAt): void {
    this.#killAt = point
  }

  /** Cancels all planned kills. */
  spare(): void {
    this.#actsUntilKill = Number.POSITIVE_INFINITY
    this.#killAt = undefined
  }

  end(): void {
    this.#alive = false
    this.#standstill.reset()
  }

  pause(durationMs: number): void {
    this.#standstill.begin(durationMs)
  }

  resume(): void {
    this.#standstill.end()
  }

  #run(run: () => void): void {
    if (!this.#alive) return
    try {
      run()
    } catch (error) {
      if (!(error instanceof Killed)) throw error
    }
  }

  #isDue(point: string): boolean {
    const { act, when } = this.#killAt ?? {}
    const candidate = when === 'before' ? point : this.#lastAct
    if (act !== undefined && candidate.split(' + ').includes(act)) return true
    return --this.#actsUntilKill < 0
  }

  // --- clock -------------------------------------------------------------------------------------

  drift(rate: number): void {
    this.#clock.drift(rate)
  }

  nowMs(): number {
    return this.#clock.nowMs()
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.wallSkewMs + Math.floor(this.#queue.nowMs)
  }

  after(delayMs: number, run: () => void): () => void {
    let cancelled = false
    this.#queue.after(Math.max(0, delayMs) / this.#clock.rate, () => {
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
