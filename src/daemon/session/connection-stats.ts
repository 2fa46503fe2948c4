// Statistics of one connection, for the words `cons` and `stat`. Fed by connection.ts and
// commit.ts; `crst` resets everything except the start time. As the statistics of ZooKeeper's
// ServerCnxn.

import type { Request } from '../../protocol/zk/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'

export type OpType = Request['type']

export class ConnectionStats {
  /** wall clock */
  readonly establishedMs: number
  received = 0
  sent = 0
  /** undefined before the first answer */
  lastOp: OpType | undefined = undefined
  /** xid of the last answered request, except the reserved, negative ones */
  lastXid = -1
  lastZxid = -1
  /** monotonic clock, at its latest reading */
  lastResponseMs = 0
  lastLatencyMs = 0
  minLatencyMs = 0
  maxLatencyMs = 0
  #latencySum = 0
  #answered = 0

  constructor(establishedMs: number) {
    this.establishedMs = establishedMs
  }

  replied(xid: number, zxid: Zxid): void {
    this.sent++
    this.lastZxid = zxid
    if (xid >= 0) this.lastXid = xid
  }

  /** Called before or after its `replied`. */
  answered(op: OpType, latencyMs: number, nowMs: number): void {
    const latency = Math.round(latencyMs)
    this.lastOp = op
    this.lastResponseMs = nowMs
    this.lastLatencyMs = latency
    this.#latencySum += latency
    if (this.#answered === 0 || latency < this.minLatencyMs) this.minLatencyMs = latency
    if (latency > this.maxLatencyMs) this.maxLatencyMs = latency
    this.#answered++
  }

  get averageLatencyMs(): number {
    return this.#answered === 0 ? 0 : Math.floor(this.#latencySum / this.#answered)
  }

  reset(): void {
    this.received = 0
    this.sent = 0
    this.lastOp = undefined
    this.lastXid = -1
    this.lastZxid = -1
    this.lastResponseMs = 0
    this.lastLatencyMs = 0
    this.minLatencyMs = 0
    this.maxLatencyMs = 0
    this.#latencySum = 0
    this.#answered = 0
  }
}
