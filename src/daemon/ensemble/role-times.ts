// How long a server was without a leader, and how that time was spent, for monitoring.
//
//   looking ── elected, or found a leader ──▶ joining ── in step with it ──▶ serving ──▶ looking …
//      └ electionTime ───────────────────────────┘ └ followerSyncTime ──────┘
//      └ unavailableTime ───────────────────────────────────────────────────┘

import type { Metrics } from '../metrics.ts'
import type { ZabRole } from '../zab/types.ts'

export class RoleTimes {
  readonly #metrics: Metrics
  #lookingSinceMs: number | undefined
  #joiningSinceMs: number | undefined
  /** since when this server serves no clients */
  #lostSinceMs: number | undefined
  #leadingSinceMs: number | undefined

  /** @param nowMs when the process started: it does not serve yet */
  constructor(metrics: Metrics, nowMs: number) {
    this.#metrics = metrics
    this.#lookingSinceMs = this.#lostSinceMs = nowMs
  }

  /** When this server began to lead; undefined while it does not. */
  get leadingSinceMs(): number | undefined {
    return this.#leadingSinceMs
  }

  changed(role: ZabRole, nowMs: number): void {
    if (role.type === 'looking') {
      this.#metrics.looking++
      this.#lookingSinceMs = nowMs
      this.#lostSinceMs ??= nowMs
      this.#leadingSinceMs = undefined
      this.#joiningSinceMs = undefined
      return
    }
    if (this.#lookingSinceMs !== undefined) {
      this.#metrics.electionTime.observe(Math.round(nowMs - this.#lookingSinceMs))
      this.#lookingSinceMs = undefined
      this.#joiningSinceMs = nowMs
    }
    // An elected leader and its followers have epoch 0 until their epoch begins.
    if (role.epoch === 0) return
    // It may follow without having looked: it handed over.
    this.#leadingSinceMs = role.type === 'leading' ? (this.#leadingSinceMs ?? nowMs) : undefined
    if (role.type === 'following' && this.#joiningSinceMs !== undefined) {
      this.#metrics.followerSyncTime.observe(Math.round(nowMs - this.#joiningSinceMs))
    }
    this.#joiningSinceMs = undefined
    if (this.#lostSinceMs === undefined) return
    this.#metrics.unavailableTime.observe(Math.round(nowMs - this.#lostSinceMs))
    this.#lostSinceMs = undefined
  }
}
