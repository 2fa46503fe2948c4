// What a ZkClient can be told when it is made, and with each call.

import type { Logger } from '../../logger.ts'
import type { Acl } from '../../protocol/records.ts'
import type { CreateMode } from '../../protocol/zk/messages.ts'
import type { ClientWorld } from '../../world.ts'
import type { ServerList } from '../server-list.ts'
import type { DialectName } from './dialects.ts'

export interface ZkClientOptions {
  /** `'host:port,host:port/chroot'`, or a list of `'host:port'` and { host, port }. Default port 2181 */
  readonly servers: ServerList
  /** asked for; the servers have bounds of their own. Default 10 000 */
  readonly sessionTimeoutMs?: number
  /** how long `connect` tries; Infinity is allowed. Default 30 000 */
  readonly connectTimeoutMs?: number
  /** prefix of all paths, unseen by the caller, instead of one in `servers`; '' and / are none */
  readonly chroot?: string
  /** of znodes that are created without an ACL of their own. Default: everybody may do everything */
  readonly defaultAcl?: readonly Acl[]
  /** Default `native` */
  readonly dialect?: DialectName
  /** Whether a server that has lost its quorum will do, until another one is found. */
  readonly readOnly?: boolean
  readonly logger?: Logger
  /** what it runs on; clients may share one. Default: this process's network, clock and randomness */
  readonly world?: ClientWorld
}

export const defaultSessionTimeoutMs = 10_000
export const defaultConnectTimeoutMs = 30_000

/**
 * Data as given to the client; a string stands for its UTF-8. Bytes are not copied: they must stay as
 * they are until the call is settled.
 */
export type DataLike = Uint8Array | string | null

export interface CreateOptions {
  /** Default `persistent`, or `persistentTtl` where a TTL is given */
  readonly mode?: CreateMode
  /** Default: `defaultAcl` of the client */
  readonly acl?: readonly Acl[]
  /** for the modes with a TTL */
  readonly ttlMs?: number
}

export interface ReadOptions {
  /**
   * Reflects every write acknowledged to any client before this call. With the jute dialect it is a
   * `sync` before the read, which ZooKeeper's own servers do not have confirmed by a quorum.
   */
  readonly linearizable?: boolean
}
