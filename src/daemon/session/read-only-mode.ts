// When a server without a quorum answers reads all the same, for clients that allow it, and the
// sessions it makes up for them: known here only, each as long as its connection. Pure.
// As ZooKeeper's ReadOnlyZooKeeperServer.

import type { ServerId, SessionId } from '../../protocol/records.ts'

/** Most elections are over in less. */
const graceMsMin = 2000

/**
 * Sessions without a leader have ids from here down, those of the ensemble from here up: they are
 * zxids, and the first epoch is 1.
 */
const idsEnd = 2 ** 32
const idsPerServer = 2 ** 24

export class ReadOnlyMode {
  readonly #self: ServerId
  readonly #graceMs: number
  readonly #enabled: boolean
  #leaderlessSinceMs: number
  #active = false
  #sessionCount = 0

  constructor(
    self: ServerId,
    { enabled, tickMs, nowMs }: { enabled: boolean; tickMs: number; nowMs: number },
  ) {
    this.#self = self
    this.#enabled = enabled
    this.#graceMs = Math.max(graceMsMin, tickMs)
    this.#leaderlessSinceMs = nowMs
  }

  /** Whether reads are answered. */
  get active(): boolean {
    return this.#active
  }

  /** The leader is lost, or there is one again. */
  end(nowMs: number): void {
    this.#active = false
    this.#leaderlessSinceMs = nowMs
  }

  /** To be called now and then while there is no leader. @returns whether it begins now */
  maybeBegin(nowMs: number): boolean {
    if (!this.#enabled || this.#active) return false
    this.#active = nowMs - this.#leaderlessSinceMs >= this.#graceMs
    return this.#active
  }

  newSession(): SessionId {
    this.#sessionCount = (this.#sessionCount % (idsPerServer - 1)) + 1
    return (this.#self * idsPerServer + this.#sessionCount) as SessionId
  }
}

/** Whether a server without a leader made it up, and so no leader can know it. */
export function isReadOnlySession(session: SessionId): boolean {
  return session < idsEnd
}
