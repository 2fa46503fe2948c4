// The options of a ZkClient and of its calls.

import type { Logger } from '../../logger.ts'
import type { Acl } from '../../protocol/records.ts'
import type { CreateMode } from '../../protocol/zk/messages.ts'
import type { ClientWorld } from '../../world.ts'
import type { ServerList } from '../server-list.ts'
import type { TlsOptions } from '../tls.ts'
import type { DialectName } from './dialects.ts'

export interface ZkClientOptions {
  /**
   * `'host:port,host:port/chroot'`, or a list of `'host:port'` and { host, port }. Default port
   * 2181
   */
  readonly servers: ServerList
  /** requested; the servers have their own bounds. Default 10 000 */
  readonly sessionTimeoutMs?: number
  /** how long `connect` tries; Infinity is allowed. Default 30 000 */
  readonly connectTimeoutMs?: number
  /**
   * prefix of all paths, hidden from the caller, instead of one in `servers`; '' and / mean none
   */
  readonly chroot?: string
  /** for znodes created without an ACL of their own. Default: every client has all permissions */
  readonly defaultAcl?: readonly Acl[]
  /** Default `native` */
  readonly dialect?: DialectName
  /** Whether a server without a quorum is accepted until another one is found. */
  readonly readOnly?: boolean
  /** Default: connections are not encrypted */
  readonly tls?: TlsOptions
  readonly logger?: Logger
  /**
   * network, clock and randomness, which clients may share. Default: those of this process
   */
  readonly world?: ClientWorld
}

export const defaultSessionTimeoutMs = 10_000
export const defaultConnectTimeoutMs = 30_000

/**
 * Data given to the client; a string is encoded as UTF-8. Bytes are not copied: they must not
 * change until the call is settled.
 */
export type DataLike = Uint8Array | string | null

export interface CreateOptions {
  /** Default `persistent`, or `persistentTtl` with a TTL */
  readonly mode?: CreateMode
  /** Default: the client's `defaultAcl` */
  readonly acl?: readonly Acl[]
  /** for the modes with a TTL */
  readonly ttlMs?: number
}

export interface ReadOptions {
  /**
   * Reflects every write acknowledged to any client before this call. With the jute dialect it is a
   * `sync` before the read, which ZooKeeper's own servers do not confirm with a quorum.
   */
  readonly linearizable?: boolean
}
