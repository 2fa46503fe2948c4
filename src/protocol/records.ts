// The records inside messages and transactions: ids and Stat, field names as in ZooKeeper's jute.

import { int, int32, listOf, named, natural, record, text, type ValuesOf } from './fields.ts'
import type { Zxid } from './zxid.ts'

/** A session's id is the zxid of its createSession: unique for ever, never zero. */
export type SessionId = number & { readonly __sessionId: never }

export const noSession = 0 as SessionId

/** `server.N` of the configuration: a natural number, which is only a name. */
export type ServerId = number & { readonly __serverId: never }

export const zxidField = named('zxid', natural<Zxid>())
export const sessionIdField = named('session id', natural<SessionId>())
export const serverIdField = named('server id', natural<ServerId>())

export const statFields = {
  /** zxid and wall-clock ms of the transaction that created it */
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

/** What a client sees of a znode beside its data. */
export type Stat = ValuesOf<typeof statFields>

export const statField = named('Stat', record(statFields))

const idFields = {
  /** `world`, `ip`, `digest`, `auth`, `super` */
  scheme: text(),
  id: text(),
}

/** An identity by an authentication scheme: of a client, or named by an ACL. */
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

/** Everybody may do everything: what a znode has when its creator asked for nothing else. */
export const openAcl: readonly Acl[] = [{ perms: perms.all, scheme: 'world', id: 'anyone' }]
