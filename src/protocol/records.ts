// The records inside messages and transactions: ids and Stat, field names as in ZooKeeper's jute.

import type { Zxid } from './zxid.ts'

/** A session's id is the zxid of its createSession: unique for ever, never zero. */
export type SessionId = number & { readonly __sessionId: never }

export const noSession = 0 as SessionId

/** `server.N` of the configuration: 1 to 255. */
export type ServerId = number & { readonly __serverId: never }

/** What a client sees of a znode beside its data. */
export interface Stat {
  /** zxid and wall-clock ms of the transaction that created it */
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly ctime: number
  readonly mtime: number
  /** setData count; int32 */
  readonly version: number
  /** children created + children deleted */
  readonly cversion: number
  /** setACL count */
  readonly aversion: number
  /** owner of an ephemeral, 0 for everything else */
  readonly ephemeralOwner: SessionId
  readonly dataLength: number
  readonly numChildren: number
  /** last create or delete of a direct child */
  readonly pzxid: Zxid
}
