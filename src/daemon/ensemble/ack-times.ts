// How long a leader's batches take from proposal to acknowledgement by a quorum, for monitoring.

import { Fifo } from '../../fifo.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Metrics } from '../metrics.ts'

export class AckTimes {
  readonly #metrics: Metrics
  /** Batches that are not delivered yet: the last zxid of each, and when it was proposed. */
  readonly #proposed = new Fifo<{ readonly last: Zxid; readonly sinceMs: number }>()

  constructor(metrics: Metrics) {
    this.#metrics = metrics
  }

  /** Whether a batch is in flight. */
  get isWaiting(): boolean {
    return this.#proposed.length > 0
  }

  proposed(last: Zxid, nowMs: number): void {
    this.#proposed.push({ last, sinceMs: nowMs })
  }

  delivered(upTo: Zxid, nowMs: number): void {
    const proposed = this.#proposed
    for (let head = proposed.head; head !== undefined; head = proposed.head) {
      if (head.last > upTo) return
      this.#metrics.quorumAckLatency.observe(Math.round(nowMs - head.sinceMs))
      proposed.shift()
    }
  }

  clear(): void {
    this.#proposed.clear()
  }
}
