// The records inside messages and transactions: ids and Stat, field names as in ZooKeeper's jute.

import type { Zxid } from './zxid.ts'

/** A session's id is the zxid of its createSession: unique for ever, never zero. */
export type SessionId = number & { readonly __sessionId: never }

export const noSession = 0 as SessionId

/** `server.N` of the configuration: a natural number, which is only a name. */
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

/** Who somebody is, by an authentication scheme; or whom an ACL names. */
export interface Id {
  /** `world`, `ip`, `digest`, `auth`, `super` */
  readonly scheme: string
  readonly id: string
}

/** One entry of a znode's access control list. */
export interface Acl extends Id {
  /** bits of `perms` */
  readonly perms: number
}

export const perms = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const

/** Everybody may do everything: what a znode has when its creator asked for nothing else. */
export const openAcl: readonly Acl[] = [{ perms: perms.all, scheme: 'world', id: 'anyone' }]
