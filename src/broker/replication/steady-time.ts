// The time that retention compares timestamps with: the wall clock, except that a jump forward is
// believed only little by little, by a tenth of the time that passes. A wall clock that is set a year
// ahead, by hand or by a bad time server, must not delete a topic; a correction of a few seconds is
// caught up with in a minute. A jump back is believed at once: it deletes less.

import type { Clock } from '../../clock.ts'

const catchUpShare = 0.1

export class SteadyTime {
  readonly #clock: Pick<Clock, 'nowMs' | 'wallMs'>
  /** wall clock minus monotonic clock, as far as it is believed */
  #ahead: number
  #lookedAtMs: number

  constructor(clock: Pick<Clock, 'nowMs' | 'wallMs'>) {
    this.#clock = clock
    this.#lookedAtMs = clock.nowMs()
    this.#ahead = clock.wallMs() - this.#lookedAtMs
  }

  nowMs(): number {
    const nowMs = this.#clock.nowMs()
    const shown = this.#clock.wallMs() - nowMs
    const most = this.#ahead + catchUpShare * (nowMs - this.#lookedAtMs)
    this.#lookedAtMs = nowMs
    this.#ahead = Math.min(shown, most)
    return nowMs + this.#ahead
  }
}
