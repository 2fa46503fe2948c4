// The records inside messages and transactions: ids and Stat, field names as in ZooKeeper's jute.

import { int, int32, listOf, named, natural, record, text, type ValuesOf } from './fields.ts'
import type { Zxid } from './zxid.ts'

/** A session's id is the zxid of its createSession: unique forever, never zero. */
export type SessionId = number & { readonly __sessionId: never }

export const noSession = 0 as SessionId

/** The N of `server.N` in the configuration: a natural number, used only as a name. */
export type ServerId = number & { readonly __serverId: never }

export const zxidField = named('zxid', natural<Zxid>())
export const sessionIdField = named('session id', natural<SessionId>())
export const serverIdField = named('server id', natural<ServerId>())

export const statFields = {
  /** zxid of the transaction that created it; `ctime` and `mtime` are wall-clock ms */
  czxid: zxidField,
  mzxid: zxidField,
  ctime: int(),
  mtime: int(),
  /** setData count; int32 */
  version: int(),
  /** children created + children deleted */
  cversion: int(),
  /** setACL count */
  aversion: int(),
  /** owner of an ephemeral, 0 for everything else */
  ephemeralOwner: sessionIdField,
  dataLength: natural(),
  numChildren: natural(),
  /** last create or delete of a direct child */
  pzxid: zxidField,
}

/** A znode's metadata, as a client sees it. */
export type Stat = ValuesOf<typeof statFields>

export const statField = named('Stat', record(statFields))

const idFields = {
  /** `world`, `ip`, `digest`, `auth`, `super` */
  scheme: text(),
  id: text(),
}

/** An identity in an authentication scheme: of a client, or in an ACL. */
export type Id = ValuesOf<typeof idFields>

export const idsField = listOf(named('identity', record(idFields)))

const aclFields = {
  /** bits of `perms` */
  perms: int32(),
  scheme: text(),
  id: text(),
}

/** One entry of a znode's access control list. */
export type Acl = ValuesOf<typeof aclFields>

export const aclField = named('ACL', listOf(record(aclFields)))

export const perms = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const

/** Every client has all permissions: the ACL of a znode whose creator gave none. */
export const openAcl: readonly Acl[] = [{ perms: perms.all, scheme: 'world', id: 'anyone' }]
