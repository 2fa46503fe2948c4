// A dialect is a codec for the messages of zk/messages.ts, and nothing more. Clients speak our own
// (zk/native-dialect.ts) or ZooKeeper's (compat/zookeeper.ts); the code behind a connection, at
// either end, does not know which.
//
// Frames are the same in all dialects (frame.ts); a codec reads and writes their bodies.

import type { ErrorNumber } from './error-codes.ts'
import type { MsgpackWriter } from './msgpack.ts'
import type { Hello, ReplyBody, Request, ServedReply, WatchEvent, Welcome } from './zk/messages.ts'
import type { Zxid } from './zxid.ts'

export interface Dialect {
  /** Whether a first frame whose body begins with `byte` is a hello of this dialect. */
  begins(byte: number): boolean
  /** For one accepted connection. */
  serverCodec(): ServerCodec
  /** For one client, through all its connections. */
  clientCodec(): ClientCodec
}

/**
 * The server's side of one connection. Requests are answered once each, in the order of their
 * decoding: a dialect may need the request to encode its answer.
 */
export interface ServerCodec {
  /** The xid of the request decoded last. */
  readonly xid: number

  /** @throws ProtocolError if the frame is no hello */
  decodeHello(buffer: Buffer, start: number, end: number): Hello
  encodeWelcome(out: MsgpackWriter, welcome: Welcome): void
  /**
   * Bytes in the request are views of the frame.
   *
   * @returns undefined if the op is unknown: it is answered UNIMPLEMENTED, then closed
   * @throws ProtocolError if the connection must be closed
   */
  decodeRequest(buffer: Buffer, start: number, end: number): Request | undefined
  encodeReply(out: MsgpackWriter, xid: number, zxid: Zxid, body: ServedReply): void
  encodeEvent(out: MsgpackWriter, event: WatchEvent): void
}

/** What both kinds of messages from a server have in common. */
export type ServerMessage =
  | { readonly type: 'event'; readonly event: WatchEvent }
  | {
      readonly type: 'reply'
      readonly xid: number
      readonly zxid: Zxid
      readonly err: ErrorNumber
    }

/** A client's side, through all its connections. Every decoder throws ProtocolError. */
export interface ClientCodec {
  encodeHello(out: MsgpackWriter, hello: Hello): void
  decodeWelcome(buffer: Buffer, start: number, end: number): Welcome
  encodeRequest(out: MsgpackWriter, xid: number, request: Request): void
  decodeMessage(buffer: Buffer, start: number, end: number): ServerMessage
  /** The fields of the reply decoded last, copied: a success, to a request of this type. */
  decodeBody(type: Request['type']): ReplyBody
}
