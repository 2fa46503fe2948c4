// Every message between a client and a server, whatever dialect carries it.
//
// Client to server: first `Hello`, then requests. Server to client: first `Welcome`, then replies in
// the order of the requests, with watch events between them. Op names and numbers as in ZooKeeper's
// ZooDefs.OpCode. Our own dialect's bytes for them are in native.ts.

import type { ErrorNumber } from '../error-codes.ts'
import type { ServerId, SessionId, Stat } from '../records.ts'
import type { Zxid } from '../zxid.ts'

export const ops = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getChildren: 8,
  sync: 9,
  ping: 11,
  check: 13,
  multi: 14,
  removeWatches: 18,
  setWatches: 105,
  addWatch: 106,
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
}

export interface Welcome {
  readonly version: number
  readonly ensembleId: string
  /** as negotiated; 0 says that the session is expired, unknown, or the password wrong */
  readonly timeoutMs: number
  readonly sessionId: SessionId
  readonly password: Uint8Array
  readonly serverId: ServerId
}

/** Part of a multi. `version` -1 means any. Bytes are views: whoever keeps them copies. */
export type WriteOp =
  | {
      readonly type: 'create'
      readonly path: string
      readonly data: Uint8Array | null
      readonly mode: CreateMode
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
  | { readonly type: 'multi'; readonly ops: readonly MultiOp[] }
  | { readonly type: 'createSession'; readonly timeoutMs: number }
  | { readonly type: 'closeSession' }

export type ReadRequest =
  | { readonly type: 'exists'; readonly path: string; readonly watch: boolean }
  | { readonly type: 'getData'; readonly path: string; readonly watch: boolean }
  | { readonly type: 'getChildren'; readonly path: string; readonly watch: boolean }
  | { readonly type: 'ping' }
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

/** What a request of the same type is answered with. */
export type ReplyBody =
  | { readonly type: 'create'; readonly path: string; readonly stat: Stat }
  | { readonly type: 'exists' | 'setData'; readonly stat: Stat }
  | { readonly type: 'getData'; readonly data: Uint8Array | null; readonly stat: Stat }
  | { readonly type: 'getChildren'; readonly children: readonly string[]; readonly stat: Stat }
  | { readonly type: 'multi'; readonly results: readonly MultiResult[] }
  | {
      readonly type:
        | 'delete'
        | 'sync'
        | 'ping'
        | 'addWatch'
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
