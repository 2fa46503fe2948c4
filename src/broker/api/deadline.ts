// How long a client waits for an answer, as it said in its request: what comes later is dropped here,
// as the client has been told by then that it was not done.
//
// The time runs from when the request was read. A broker that was stopped before that, or whose write
// is on its way to ZooWeeper, is too late all the same; what must not happen then is a conditional write.

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
    const found = `its time of ${this.timeoutMs} ms was over before it could be done`
    throw new BrokerError('REQUEST_TIMED_OUT', `Cannot ${what}: ${found}`)
  }
}
