// One request on its way, and the client that waits for it. connection.ts makes requests; commit.ts
// keeps them in order until final.ts answers.

import type { Fifo } from '../../fifo.ts'
import type { Id, SessionId } from '../../protocol/records.ts'
import type {
  ReadRequest,
  ReplyBody,
  Request,
  WatchEvent,
  WriteRequest,
} from '../../protocol/zk/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { ConnectionStats, OpType } from './connection-stats.ts'

/** A request that could not be answered at once. */
export interface PendingRequest {
  readonly client: Client
  readonly xid: number
  /** undefined for a write: its transaction says all that is needed */
  readonly read: Readable | undefined
  /** what was asked, for the statistics */
  readonly op: OpType
  /** names it to the leader; 0 if the leader need not be asked */
  readonly seq: number
  readonly receivedMs: number
  /** of its frame */
  readonly bytes: number
  /** A read that may be answered when its turn comes. A write is answered by its transaction alone. */
  settled: boolean
}

/** What is answered from the tree of this server. */
export type Readable = ReadRequest | Extract<Request, { type: 'sync' }>

/** What the request processors see of a client's connection. */
export interface Client {
  /** 0 until the session is created or asked for */
  readonly session: SessionId
  /** Whether the leader has made this server the one that speaks for the session. */
  readonly attached: boolean
  /** Of the session, as negotiated; 0 until the welcome. */
  readonly timeoutMs: number
  /** Who it is, by every scheme in which it proved it; by its address, scheme `ip`, always. */
  readonly identities: readonly Id[]
  /** What it has done, for people. */
  readonly stats: ConnectionStats
  /** What waits for an answer, in the order of arrival. */
  readonly queue: Fifo<PendingRequest>
  /** Whether the client reads slower than it asks: reads wait until it has caught up. */
  readonly congested: boolean

  /** The session is created or attached; requests follow. */
  welcome(session: SessionId, timeoutMs: number, password: Uint8Array): void
  /** The leader says that the session is no more: tells the client, and closes. */
  refuse(): void
  /** `zxid` is the write's own; for a read, the last one applied here. */
  reply(xid: number, zxid: Zxid, body: ReplyBody): void
  notify(event: WatchEvent): void
  /** Sends what is queued, then closes. What still waits is not answered. */
  close(): void
  /** What kept the server from answering is over. */
  proceed(): void
  /** Too much is in flight: reads no more from the client until `unthrottle`. */
  throttle(): void
  unthrottle(): void
  /** Whether anything was heard from the client since the last call. */
  takeTouched(): boolean
}

/** As server-sessions.ts sees it, which alone writes what a client is. */
export interface WritableClient extends Client {
  session: SessionId
  attached: boolean
  timeoutMs: number
  identities: readonly Id[]
}

/** Whether the leader decides on it. */
export function isWrite(request: Request): request is WriteRequest {
  switch (request.type) {
    case 'setData':
    case 'setACL':
    case 'create':
    case 'delete':
    case 'multi':
    case 'createSession':
    case 'closeSession':
      return true
    case 'getData':
    case 'exists':
    case 'getChildren':
    case 'getACL':
    case 'getAllChildrenNumber':
    case 'getEphemerals':
    case 'multiRead':
    case 'ping':
    case 'sync':
    case 'addWatch':
    case 'checkWatches':
    case 'removeWatches':
    case 'setWatches':
    case 'whoAmI':
    case 'auth':
    case 'refused':
      return false
  }
}

/** Whether the answer must show all that was answered before, by any server. */
export function needsSync(request: Readable): boolean {
  switch (request.type) {
    case 'sync':
      return true
    case 'exists':
    case 'getData':
    case 'getChildren':
      return request.linearizable === true
    default:
      return false
  }
}
