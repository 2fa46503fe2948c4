// The deadline of a request, from the timeout that the client named. A write that comes later is
// dropped, because by then the client has already reported a failure.
//
// The time runs from when the request was read. It cannot cover a broker that was suspended before
// that, or a write already on its way to ZooWeeper; such a late write has to be conditional.

import type { Clock } from '../../clock.ts'
import { limits } from '../../limits.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'

export class Deadline {
  readonly #clock: Clock
  readonly timeoutMs: number
  readonly #atMs: number

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.timeoutMs = Math.min(timeoutMs, limits.produceTimeoutMsMax)
    this.#atMs = clock.nowMs() + this.timeoutMs
  }

  get isOver(): boolean {
    return this.#clock.nowMs() >= this.#atMs
  }

  /** @param what was to be done. @throws BrokerError REQUEST_TIMED_OUT */
  check(what: string): void {
    if (!this.isOver) return
    const found = `its timeout of ${this.timeoutMs} ms passed before it could be done`
    throw new BrokerError('REQUEST_TIMED_OUT', `Cannot ${what}: ${found}`)
  }
}
