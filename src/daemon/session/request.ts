// A pending request, and the client that waits for it. connection.ts creates requests; commit.ts
// keeps them in order until final.ts answers.

import type { Fifo } from '../../fifo.ts'
import type { Id, SessionId } from '../../protocol/records.ts'
import type {
  ReadRequest,
  ReplyBody,
  Request,
  ServedReply,
  WatchEvent,
  WriteRequest,
} from '../../protocol/zk/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { ConnectionStats, OpType } from './connection-stats.ts'

/** A request that could not be answered immediately. */
export interface PendingRequest {
  readonly client: Client
  readonly xid: number
  /** undefined for a write: its transaction has everything needed */
  readonly read: Readable | undefined
  /** the operation, for the statistics */
  readonly op: OpType
  /** identifies it to the leader; 0 if the leader is not involved */
  readonly seq: number
  readonly receivedMs: number
  /** of its frame */
  readonly bytes: number
  /** A read that may be answered in its turn. Only its transaction answers a write. */
  settled: boolean
  /** The answer, where the tree does not have it. */
  answer: ReplyBody | undefined
}

/** Requests answered from this server's tree. */
export type Readable = ReadRequest | Extract<Request, { type: 'sync' }>

/** A client's connection, as the request processors see it. */
export interface Client {
  /** 0 until the session is created or requested */
  readonly session: SessionId
  /** Whether the leader has made this server the owner of the session. */
  readonly attached: boolean
  /** The session's negotiated time-out; 0 until the welcome. */
  readonly timeoutMs: number
  /** Its identities, by every scheme it authenticated with; always its address, scheme `ip`. */
  readonly identities: readonly Id[]
  /** Statistics, for reports. */
  readonly stats: ConnectionStats
  /** Requests waiting for an answer, in the order of arrival. */
  readonly queue: Fifo<PendingRequest>
  /** Whether the client reads slower than it sends: reads wait until it has caught up. */
  readonly congested: boolean

  /** The session is created or attached; requests follow. */
  welcome(session: SessionId, timeoutMs: number, password: Uint8Array): void
  /** The session does not exist according to the leader: informs the client, and closes. */
  refuse(): void
  /** `zxid` is the write's own; for a read, the last one applied here. `body` is used during the call. */
  reply(xid: number, zxid: Zxid, body: ServedReply): void
  notify(event: WatchEvent): void
  /** Sends the queued output, then closes. Waiting requests are not answered. */
  close(): void
  /** The server may answer again. */
  proceed(): void
  /** Too much is in flight: stops reading from the client until `unthrottle`. */
  throttle(): void
  unthrottle(): void
  /** Whether the client was heard from since the last call. */
  takeTouched(): boolean
}

/** The view of server-sessions.ts, the only writer of a client's session and identities. */
export interface WritableClient extends Client {
  session: SessionId
  attached: boolean
  timeoutMs: number
  identities: readonly Id[]
}

/** Whether the leader decides it. */
export function isWrite(request: Request): request is WriteRequest {
  switch (request.type) {
    case 'setData':
    case 'setACL':
    case 'create':
    case 'delete':
    case 'multi':
    case 'reconfig':
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
    case 'moveLeader':
    case 'drain':
    case 'getChildrenPage':
    case 'sasl':
    case 'auth':
    case 'refused':
      return false
  }
}

/** Whether the answer must reflect everything that any server answered before. */
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
