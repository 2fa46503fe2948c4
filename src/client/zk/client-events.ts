// What a client tells its listeners. zk-client.ts emits it.

import type { Attempt } from '../attempts.ts'

/**
 * What became of the session; after `expired`, `closed` and `authFailed`, of which one comes, once, this
 * client is of no more use.
 */
export interface ZkClientEvents {
  /** For the first time, or again after `suspended`. Watches have been kept. */
  connected: []
  /** The same, but at a server without a quorum: what is read may be old, and writes are refused. */
  connectedReadOnly: []
  /** No connection. Writes in flight have failed; new calls wait for the next server. */
  suspended: []
  /** The session is over and its ephemerals are gone, or soon will be. */
  expired: []
  closed: []
  /** A server refused a credential, which ends the session: calls fail with AUTHFAILED. */
  authFailed: []
  /**
   * Every server was tried and none serves us; here is what each of them did. The client goes on
   * trying, and tells it again when one of them fails otherwise.
   */
  unreachable: [attempts: readonly Attempt[]]
}
