// Every message between a client and a server, whatever dialect carries it.
//
// Client to server: first `Hello`, then requests. Server to client: first `Welcome`, then replies
// in the order of the requests, with watch events between them. Op names and numbers as in
// ZooKeeper's ZooDefs.OpCode. The order and the bounds of the fields are those of our own dialect:
// native.ts. Next on the path: daemon/connection/connection.ts.

import type { ErrorNumber } from '../error-codes.ts'
import {
  boolean,
  bytes,
  choice,
  defaulted,
  type Field,
  int,
  listOf,
  type MessageOf,
  Messages,
  named,
  natural,
  noted,
  nullable,
  oneOf,
  optional,
  text,
  type ValuesOf,
} from '../fields.ts'
import type { EncodedNames } from '../name-run.ts'
import {
  type Acl,
  aclField,
  idsField,
  type Stat,
  serverIdField,
  sessionIdField,
  statField,
  zxidField,
} from '../records.ts'

export const ops = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  check: 13,
  multi: 14,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  multiRead: 22,
  auth: 100,
  sasl: 102,
  setWatches: 105,
  addWatch: 106,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  whoAmI: 107,
  moveLeader: 201,
  drain: 202,
  getChildrenPage: 203,
  createSession: -10,
  closeSession: -11,
} as const

export type OpName = keyof typeof ops

/** The highest place that a page may begin at: a hash of 32 bits. */
export const pagePlaceMax = 2 ** 32 - 1

/** The numbers are ZooKeeper's create flags. */
export const createModes = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  /** deleted by the ensemble once its last child is deleted */
  container: 4,
  /** deleted by the ensemble once it has no children and was not written for `ttlMs` */
  persistentTtl: 5,
  persistentSequentialTtl: 6,
} as const

export type CreateMode = keyof typeof createModes
/** The mode in a request; an unknown one is refused in the request's turn. */
export type RequestedMode = CreateMode | 'unknown'

export const addWatchModes = { persistent: 0, persistentRecursive: 1 } as const
export type AddWatchMode = keyof typeof addWatchModes

/** Which watches of a path `removeWatches` removes; numbers as in ZooKeeper's WatcherType. */
export const watcherTypes = {
  children: 1,
  data: 2,
  any: 3,
  persistent: 4,
  persistentRecursive: 5,
} as const
export type WatcherType = keyof typeof watcherTypes

export const eventTypes = {
  NodeCreated: 1,
  NodeDeleted: 2,
  NodeDataChanged: 3,
  NodeChildrenChanged: 4,
} as const

export type EventType = keyof typeof eventTypes

/** The fields after version and role in the first frame of a client. */
export const helloFields = {
  ensembleId: noted(
    'nil at first, afterwards the one from the first welcome; a server of another ensemble closes the connection',
    optional(text()),
  ),
  lastZxidSeen: noted('highest zxid in any reply or event so far, 0 at first', zxidField),
  timeoutMs: noted('requested session time-out', int()),
  sessionId: noted('0 asks for a new session', sessionIdField),
  password: noted('empty for a new session, else from its welcome', bytes({ copied: true })),
  readOnly: noted(
    'whether the client accepts a server without a quorum, whose data may be stale',
    boolean(),
  ),
}

export type Hello = ValuesOf<typeof helloFields>

/** The fields after the version in the first frame of a server. */
export const welcomeFields = {
  ensembleId: noted('to be named in later hellos', text()),
  timeoutMs: noted(
    'as negotiated; 0: the session is expired, unknown, or the password wrong',
    natural(),
  ),
  sessionId: noted('the new session, or that of the hello', sessionIdField),
  password: noted('16 bytes, a secret', bytes({ copied: true })),
  serverId: noted('which server of the ensemble this is', serverIdField),
  readOnly: noted('whether the server has no quorum: it answers reads only', boolean()),
}

export type Welcome = ValuesOf<typeof welcomeFields>

// --- requests ------------------------------------------------------------------------------------

/** Bytes in a request are views: copy them to keep them. */
const dataField = nullable(bytes())
/** A null list is sent as an empty one: both cause the same error, as in ZooKeeper. */
const requestedAclField: Field<readonly Acl[] | null> = {
  shape: aclField.shape,
  pack: (acl) => aclField.pack(acl ?? []),
  unpack: aclField.unpack,
}
/** -1 means any. */
const versionField = int()
const watcherTypeField = named('watcher type', oneOf(watcherTypes))
const pathsField = listOf(text())

const create = {
  code: ops.create,
  fields: {
    path: text(),
    data: dataField,
    mode: named('create mode', oneOf(createModes, { name: 'unknown', code: -1 })),
    /** absent: `openAcl` */
    acl: defaulted(optional(requestedAclField), undefined),
    /** 1 to 2^40 - 1 for a mode with a TTL; 0 or absent for any other */
    ttlMs: defaulted(int(), 0),
  },
}
const remove = { code: ops.delete, fields: { path: text(), version: versionField } }
const setData = {
  code: ops.setData,
  fields: { path: text(), data: dataField, version: versionField },
}
/** `version` is compared with the znode's aversion. */
const setACL = {
  code: ops.setACL,
  fields: { path: text(), acl: requestedAclField, version: versionField },
}
const check = { code: ops.check, fields: { path: text(), version: versionField } }

export const multiParts = new Messages('part', { create, delete: remove, setData, check })

const multi = {
  code: ops.multi,
  fields: { ops: listOf(named('part of a multi', choice(multiParts))) },
}
const closeSession = { code: ops.closeSession, fields: {} }

/** Requests that the leader decides on; the server that receives any other answers it. */
/** Other members of the ensemble: servers that join and leave, or all of them. */
const reconfig = {
  code: ops.reconfig,
  fields: {
    /** `server.N=…`, separated by commas */
    joining: optional(text()),
    /** ids, separated by commas */
    leaving: optional(text()),
    /** `server.N=…`, separated by commas or line ends */
    members: optional(text()),
    /** of the configuration that it replaces; -1: of any */
    version: int(),
  },
}

export const writeRequests = new Messages('write request', {
  create,
  delete: remove,
  setData,
  setACL,
  multi,
  reconfig,
  createSession: { code: ops.createSession, fields: { timeoutMs: int() } },
  closeSession,
})

const readFields = {
  path: text(),
  watch: boolean(),
  /** Reflects every write acknowledged to any client before this call, like a `sync` before it. */
  linearizable: defaulted(boolean(), false),
}
const pathFields = { path: text() }

export const readParts = new Messages('part', {
  getData: { code: ops.getData, fields: pathFields },
  getChildren: { code: ops.getChildren, fields: pathFields },
})

/** The requests of clients. A check exists only within a multi, and a hello creates a session. */
export const requests = new Messages('request', {
  create,
  delete: remove,
  exists: { code: ops.exists, fields: readFields },
  getData: { code: ops.getData, fields: readFields },
  setData,
  getACL: { code: ops.getACL, fields: pathFields },
  setACL,
  getChildren: { code: ops.getChildren, fields: readFields },
  sync: { code: ops.sync, fields: pathFields },
  ping: { code: ops.ping, fields: {} },
  multi,
  checkWatches: {
    code: ops.checkWatches,
    fields: { path: text(), watcherType: watcherTypeField },
  },
  removeWatches: {
    code: ops.removeWatches,
    fields: { path: text(), watcherType: watcherTypeField },
  },
  multiRead: {
    code: ops.multiRead,
    fields: { ops: listOf(named('part of a multiRead', choice(readParts))) },
  },
  auth: { code: ops.auth, fields: { scheme: text(), credential: bytes() } },
  /** A message of a SASL exchange; the first one of DIGEST-MD5 is empty. */
  sasl: { code: ops.sasl, fields: { token: nullable(bytes()) } },
  /** Ephemerals of the asking session whose path begins with the prefix; all for '' and '/'. */
  getEphemerals: { code: ops.getEphemerals, fields: { prefix: text() } },
  getAllChildrenNumber: { code: ops.getAllChildrenNumber, fields: pathFields },
  /** Re-arms a client's watches after a reconnect; those that missed an event fire immediately. */
  setWatches: {
    code: ops.setWatches,
    fields: {
      relativeZxid: zxidField,
      data: pathsField,
      exist: pathsField,
      child: pathsField,
      persistent: pathsField,
      persistentRecursive: pathsField,
    },
  },
  addWatch: {
    code: ops.addWatch,
    fields: { path: text(), mode: named('watch mode', oneOf(addWatchModes)) },
  },
  whoAmI: { code: ops.whoAmI, fields: {} },
  /**
   * Asks the leader to hand leadership over; for clients that may write /zookeeper/config, as all
   * administration. `to`: absent: to the server that is best prepared.
   */
  moveLeader: { code: ops.moveLeader, fields: { to: optional(serverIdField) } },
  /** Asks the server to close some of its clients' connections, each when nothing waits on it. */
  drain: { code: ops.drain, fields: { percent: natural({ max: 100 }) } },
  /**
   * Some of the children, for parents with more than fit one answer: from 0, then from the `next` of
   * the last answer. A child that exists all the time is in exactly one page; servers may change
   * between two pages.
   */
  getChildrenPage: {
    code: ops.getChildrenPage,
    fields: { path: text(), from: natural({ max: pagePlaceMax }) },
  },
  reconfig,
  closeSession,
})

/** Part of a multi. */
export type WriteOp = MessageOf<typeof multiParts>
export type MultiOp = WriteOp
export type WriteRequest = MessageOf<typeof writeRequests>
/** Part of a multiRead. */
export type ReadOp = MessageOf<typeof readParts>
export type SetWatches = MessageOf<typeof requests, 'setWatches'>

/** A request that could be framed but not decoded; answered with the error in its turn. */
interface Refused {
  readonly type: 'refused'
  readonly code: ErrorNumber
}

export type Request = MessageOf<typeof requests> | WriteRequest | Refused

export type ReadRequest = Exclude<Request, WriteRequest | { type: 'sync' }>

// --- replies and events --------------------------------------------------------------------------

/** Any number: a client must be prepared for errors that it does not know. */
const errorField = named('error', int<ErrorNumber>())
const copiedDataField = nullable(bytes({ copied: true }))
const namesField = listOf(text())
const statOnly = { stat: statField }
const error = { code: -1, fields: { code: errorField } }

/**
 * One part of a multi's answer. After a failure every part is an error, 0 before the failed part.
 */
const multiResults = new Messages('result', {
  create: { code: ops.create, fields: { path: text(), stat: statField } },
  delete: { code: ops.delete, fields: {} },
  setData: { code: ops.setData, fields: statOnly },
  check: { code: ops.check, fields: {} },
  error,
})

/** One part of a multiRead's answer; an error affects only its part. */
export const readResults = new Messages('result', {
  getData: { code: ops.getData, fields: { data: copiedDataField, stat: statField } },
  getChildren: { code: ops.getChildren, fields: { children: namesField, stat: statField } },
  error,
})

/** The answers to successful requests of the same type. */
export const replies = new Messages('reply', {
  create: { code: ops.create, fields: { path: text(), stat: statField } },
  delete: { code: ops.delete, fields: {} },
  exists: { code: ops.exists, fields: statOnly },
  getData: { code: ops.getData, fields: { data: copiedDataField, stat: statField } },
  setData: { code: ops.setData, fields: statOnly },
  getACL: { code: ops.getACL, fields: { acl: aclField, stat: statField } },
  setACL: { code: ops.setACL, fields: statOnly },
  getChildren: { code: ops.getChildren, fields: { children: namesField, stat: statField } },
  sync: { code: ops.sync, fields: {} },
  ping: { code: ops.ping, fields: {} },
  multi: {
    code: ops.multi,
    fields: { results: listOf(named('result of a multi', choice(multiResults))) },
  },
  checkWatches: { code: ops.checkWatches, fields: {} },
  removeWatches: { code: ops.removeWatches, fields: {} },
  multiRead: {
    code: ops.multiRead,
    fields: { results: listOf(named('result of a multiRead', choice(readResults))) },
  },
  auth: { code: ops.auth, fields: {} },
  /** The server's message; null where it has no SASL. */
  sasl: { code: ops.sasl, fields: { token: nullable(bytes({ copied: true })) } },
  getEphemerals: { code: ops.getEphemerals, fields: { paths: namesField } },
  getAllChildrenNumber: { code: ops.getAllChildrenNumber, fields: { count: natural() } },
  setWatches: { code: ops.setWatches, fields: {} },
  addWatch: { code: ops.addWatch, fields: {} },
  /** Every identity of the connection; `id` without its secret. */
  whoAmI: { code: ops.whoAmI, fields: { identities: idsField } },
  /** One of the two is there: the server that leads now, or why this one goes on leading. */
  moveLeader: {
    code: ops.moveLeader,
    fields: { leader: optional(serverIdField), refusal: optional(text()) },
  },
  /** How many connections are being closed. */
  drain: { code: ops.drain, fields: { count: natural() } },
  /** `next`: 0 after the last page. */
  getChildrenPage: {
    code: ops.getChildrenPage,
    fields: { children: namesField, next: natural({ max: pagePlaceMax }), stat: statField },
  },
  /** As of getData: the new configuration. */
  reconfig: { code: ops.reconfig, fields: { data: copiedDataField, stat: statField } },
  closeSession: { code: ops.closeSession, fields: {} },
})

export type MultiResult = MessageOf<typeof multiResults>
export type ReadResult = MessageOf<typeof readResults>
export type ReplyBody =
  | MessageOf<typeof replies>
  | { readonly type: 'error'; readonly code: ErrorNumber }

/** A server's getChildren of many: on the wire the same as with each name by itself. */
export interface Listing {
  readonly type: 'listing'
  readonly names: EncodedNames
  readonly stat: Stat
}

/** The same for a getChildrenPage. */
export interface ListingPage {
  readonly type: 'listingPage'
  readonly names: EncodedNames
  readonly next: number
  readonly stat: Stat
}

/** What a server answers with: a listing in the place of a getChildren, or in a multiRead. */
export type ServedReply =
  | Exclude<ReplyBody, { readonly type: 'multiRead' }>
  | Listing
  | ListingPage
  | { readonly type: 'multiRead'; readonly results: readonly ServedResult[] }

export type ServedResult = ReadResult | Listing

export const eventFields = {
  /** the transaction that caused it; 0 for one found missing by `setWatches` */
  zxid: zxidField,
  type: named('event type', oneOf(eventTypes)),
  path: text(),
}

export type WatchEvent = ValuesOf<typeof eventFields>
