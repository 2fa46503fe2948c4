// Decides when a server without a quorum answers reads, for clients that allow it, and creates
// their sessions: known only here, each as long as its connection. Pure. As ZooKeeper's
// ReadOnlyZooKeeperServer.

import type { ServerId, SessionId } from '../../protocol/records.ts'

/** Most elections are shorter. */
const graceMsMin = 2000

/**
 * Ids of sessions without a leader are below, those of the ensemble are not: they are zxids, and
 * the first epoch is 1.
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

  /** The leader is lost, or there is a leader again. */
  end(nowMs: number): void {
    this.#active = false
    this.#leaderlessSinceMs = nowMs
  }

  /** Called regularly while there is no leader. @returns whether the mode begins now */
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

/** Whether a server without a leader created it, so that no leader can know it. */
export function isReadOnlySession(session: SessionId): boolean {
  return session < idsEnd
}
