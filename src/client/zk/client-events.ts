// The events of a client, emitted by zk-client.ts.

import type { Attempt } from '../attempts.ts'

/**
 * Changes of the session's state. Exactly one of `expired`, `closed` and `authFailed` ends it;
 * after that, create a new client.
 */
export interface ZkClientEvents {
  /** Connected, for the first time or again after `suspended`. Watches are kept. */
  connected: []
  /** Connected to a server without a quorum: reads may be stale, and writes are refused. */
  connectedReadOnly: []
  /** Disconnected. Writes in flight have failed; new calls wait for the next server. */
  suspended: []
  /** The session is over; its ephemerals are deleted now or soon. */
  expired: []
  closed: []
  /** A server refused a credential, which ends the session: calls fail with AUTHFAILED. */
  authFailed: []
  /**
   * Every server was tried, and none serves this client; `attempts` has the result of each. The
   * client keeps trying, and emits this again when the result of one changes.
   */
  unreachable: [attempts: readonly Attempt[]]
}
