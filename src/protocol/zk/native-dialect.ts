// Our own dialect, the msgpack messages of native.ts, behind the interface of all dialects.

import type { ClientCodec, Dialect, ServerCodec, ServerMessage } from '../dialect.ts'
import { MsgpackReader, type MsgpackWriter } from '../msgpack.ts'
import type { Zxid } from '../zxid.ts'
import type { Hello, ReplyBody, Request, ServedReply, WatchEvent, Welcome } from './messages.ts'
import {
  decodeHello,
  decodeReplyBody,
  decodeRequest,
  decodeServerMessage,
  decodeWelcome,
  encodeEvent,
  encodeHello,
  encodeReply,
  encodeRequest,
  encodeWelcome,
} from './native.ts'

export class NativeDialect implements Dialect {
  /** Encoding a reply needs no state of its request, so one codec serves all connections. */
  readonly #codec = new NativeCodec()

  /** A msgpack array. */
  begins(byte: number): boolean {
    return (byte & 0xf0) === 0x90 || byte === 0xdc || byte === 0xdd
  }

  serverCodec(): ServerCodec {
    return this.#codec
  }

  clientCodec(): ClientCodec {
    return new NativeCodec()
  }
}

class NativeCodec implements ServerCodec, ClientCodec {
  readonly #reader = new MsgpackReader()
  #fieldCount = 0
  xid = 0

  decodeHello(buffer: Buffer, start: number, end: number): Hello {
    return decodeHello(this.#reader.reset(buffer, start, end))
  }

  encodeWelcome(out: MsgpackWriter, welcome: Welcome): void {
    encodeWelcome(out, welcome)
  }

  decodeRequest(buffer: Buffer, start: number, end: number): Request | undefined {
    const { xid, request } = decodeRequest(this.#reader.reset(buffer, start, end))
    this.xid = xid
    return request
  }

  encodeReply(out: MsgpackWriter, xid: number, zxid: Zxid, body: ServedReply): void {
    encodeReply(out, xid, zxid, body)
  }

  encodeEvent(out: MsgpackWriter, event: WatchEvent): void {
    encodeEvent(out, event)
  }

  encodeHello(out: MsgpackWriter, hello: Hello): void {
    encodeHello(out, hello)
  }

  decodeWelcome(buffer: Buffer, start: number, end: number): Welcome {
    return decodeWelcome(this.#reader.reset(buffer, start, end))
  }

  encodeRequest(out: MsgpackWriter, xid: number, request: Request): void {
    encodeRequest(out, xid, request)
  }

  decodeMessage(buffer: Buffer, start: number, end: number): ServerMessage {
    const message = decodeServerMessage(this.#reader.reset(buffer, start, end))
    if (message.type === 'reply') this.#fieldCount = message.fieldCount
    return message
  }

  decodeBody(type: Request['type']): ReplyBody {
    return decodeReplyBody(this.#reader, type, this.#fieldCount)
  }
}
