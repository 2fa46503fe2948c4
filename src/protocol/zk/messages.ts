// Every message between a client and a server, whatever dialect carries it.
//
// Client to server: first `Hello`, then requests. Server to client: first `Welcome`, then replies in
// the order of the requests, with watch events between them. Op names and numbers as in ZooKeeper's
// ZooDefs.OpCode. Our own dialect's bytes for them are in native.ts.

import type { ErrorNumber } from '../error-codes.ts'
import type { Acl, Id, ServerId, SessionId, Stat } from '../records.ts'
import type { Zxid } from '../zxid.ts'

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
  checkWatches: 17,
  removeWatches: 18,
  multiRead: 22,
  auth: 100,
  setWatches: 105,
  addWatch: 106,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  whoAmI: 107,
  createSession: -10,
  closeSession: -11,
} as const

export type OpName = keyof typeof ops

/** The numbers are ZooKeeper's create flags. */
export const createModes = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  /** deleted by the ensemble once it had children and has none any more */
  container: 4,
  /** deleted by the ensemble when it has no children and was not written for `ttlMs` */
  persistentTtl: 5,
  persistentSequentialTtl: 6,
} as const

export type CreateMode = keyof typeof createModes

export const addWatchModes = { persistent: 0, persistentRecursive: 1 } as const
export type AddWatchMode = keyof typeof addWatchModes

/** What `removeWatches` removes on exactly that path; numbers as in ZooKeeper's WatcherType. */
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

export interface Hello {
  readonly version: number
  /** undefined until a client has met its ensemble */
  readonly ensembleId: string | undefined
  /** a server behind it must refuse: the client would see the past */
  readonly lastZxidSeen: Zxid
  readonly timeoutMs: number
  /** 0 asks for a new session */
  readonly sessionId: SessionId
  /** 16 bytes; empty for a new session */
  readonly password: Uint8Array
  /** Whether a server without a quorum will do, to read what may be old. */
  readonly readOnly: boolean
}

export interface Welcome {
  readonly version: number
  readonly ensembleId: string
  /** as negotiated; 0 says that the session is expired, unknown, or the password wrong */
  readonly timeoutMs: number
  readonly sessionId: SessionId
  readonly password: Uint8Array
  readonly serverId: ServerId
  /** The server has no quorum: it answers reads only, from what it has. */
  readonly readOnly: boolean
}

/** Part of a multi. `version` -1 means any. Bytes are views: whoever keeps them copies. */
export type WriteOp =
  | {
      readonly type: 'create'
      readonly path: string
      readonly data: Uint8Array | null
      readonly mode: CreateMode
      /** absent: `openAcl`. Null or empty is an error, as in ZooKeeper. */
      readonly acl?: readonly Acl[] | null | undefined
      /** 1 to 2^40 - 1 for a mode with a TTL; 0 or absent for any other */
      readonly ttlMs?: number | undefined
    }
  | { readonly type: 'delete'; readonly path: string; readonly version: number }
  | {
      readonly type: 'setData'
      readonly path: string
      readonly data: Uint8Array | null
      readonly version: number
    }
  | { readonly type: 'check'; readonly path: string; readonly version: number }

export type MultiOp = WriteOp

/** What the leader decides on; all else is answered by the server that got it. */
export type WriteRequest =
  | Exclude<WriteOp, { type: 'check' }>
  | {
      readonly type: 'setACL'
      readonly path: string
      readonly acl: readonly Acl[] | null
      /** compared with the znode's aversion */
      readonly version: number
    }
  | { readonly type: 'multi'; readonly ops: readonly MultiOp[] }
  | { readonly type: 'createSession'; readonly timeoutMs: number }
  | { readonly type: 'closeSession' }

/** Part of a multiRead. */
export interface ReadOp {
  readonly type: 'getData' | 'getChildren'
  readonly path: string
}

export type ReadRequest =
  | {
      readonly type: 'exists' | 'getData' | 'getChildren'
      readonly path: string
      readonly watch: boolean
      /** Shows every write that was answered, anywhere, before this was asked: like a `sync` before it. */
      readonly linearizable?: boolean | undefined
    }
  | { readonly type: 'getACL' | 'getAllChildrenNumber'; readonly path: string }
  /** Ephemerals of the asking session whose path begins with the prefix; all for '' and '/'. */
  | { readonly type: 'getEphemerals'; readonly prefix: string }
  | { readonly type: 'whoAmI' }
  | { readonly type: 'multiRead'; readonly ops: readonly ReadOp[] }
  | { readonly type: 'checkWatches'; readonly path: string; readonly watcherType: WatcherType }
  | { readonly type: 'auth'; readonly scheme: string; readonly credential: Uint8Array }
  | { readonly type: 'ping' }
  /** What could be read of it is no valid request; answered with the error, in its turn. */
  | { readonly type: 'refused'; readonly code: ErrorNumber }
  | { readonly type: 'addWatch'; readonly path: string; readonly mode: AddWatchMode }
  | { readonly type: 'removeWatches'; readonly path: string; readonly watcherType: WatcherType }
  | SetWatches

/** Re-arms a client's watches after a reconnect; those that missed something fire at once. */
export interface SetWatches {
  readonly type: 'setWatches'
  readonly relativeZxid: Zxid
  readonly data: readonly string[]
  readonly exist: readonly string[]
  readonly child: readonly string[]
  readonly persistent: readonly string[]
  readonly persistentRecursive: readonly string[]
}

export type Request = WriteRequest | ReadRequest | { readonly type: 'sync'; readonly path: string }

/** One part of a multi's answer. After a failure every part is an error, 0 for those before it. */
export type MultiResult =
  | { readonly type: 'create'; readonly path: string; readonly stat: Stat }
  | { readonly type: 'setData'; readonly stat: Stat }
  | { readonly type: 'delete' }
  | { readonly type: 'check' }
  | { readonly type: 'error'; readonly code: ErrorNumber }

/** One part of a multiRead's answer; each stands for itself. */
export type ReadResult =
  | { readonly type: 'getData'; readonly data: Uint8Array | null; readonly stat: Stat }
  | { readonly type: 'getChildren'; readonly children: readonly string[]; readonly stat: Stat }
  | { readonly type: 'error'; readonly code: ErrorNumber }

/** What a request of the same type is answered with. */
export type ReplyBody =
  | { readonly type: 'create'; readonly path: string; readonly stat: Stat }
  | { readonly type: 'exists' | 'setData' | 'setACL'; readonly stat: Stat }
  | { readonly type: 'getData'; readonly data: Uint8Array | null; readonly stat: Stat }
  | { readonly type: 'getChildren'; readonly children: readonly string[]; readonly stat: Stat }
  | { readonly type: 'multi'; readonly results: readonly MultiResult[] }
  | { readonly type: 'multiRead'; readonly results: readonly ReadResult[] }
  | { readonly type: 'getACL'; readonly acl: readonly Acl[]; readonly stat: Stat }
  | { readonly type: 'getEphemerals'; readonly paths: readonly string[] }
  | { readonly type: 'getAllChildrenNumber'; readonly count: number }
  /** Every identity of the connection; `id` without what proves it. */
  | { readonly type: 'whoAmI'; readonly identities: readonly Id[] }
  | {
      readonly type:
        | 'delete'
        | 'sync'
        | 'ping'
        | 'auth'
        | 'addWatch'
        | 'checkWatches'
        | 'removeWatches'
        | 'setWatches'
        | 'closeSession'
    }
  | { readonly type: 'error'; readonly code: ErrorNumber }

export interface WatchEvent {
  readonly type: EventType
  readonly path: string
  /** the transaction that caused it; 0 for one found missing by `setWatches` */
  readonly zxid: Zxid
}
