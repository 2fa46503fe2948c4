// A server whose every word a test decides: it speaks the native protocol on a loopback port.

import { limits } from '../../src/limits.ts'
import { MsgpackReader } from '../../src/protocol/msgpack.ts'
import type { ServerId, SessionId, Stat } from '../../src/protocol/records.ts'
import { type TcpLink, type TcpListener, TcpTransport } from '../../src/protocol/transport/tcp.ts'
import type {
  EventType,
  Hello,
  ReplyBody,
  Request,
  Welcome,
} from '../../src/protocol/zk/messages.ts'
import {
  decodeHello,
  decodeRequest,
  encodeEvent,
  encodeReply,
  encodeWelcome,
} from '../../src/protocol/zk/native.ts'
import type { Zxid } from '../../src/protocol/zxid.ts'

export const someStat: Stat = {
  czxid: 1 as Zxid,
  mzxid: 2 as Zxid,
  ctime: 1_700_000_000_000,
  mtime: 1_700_000_000_001,
  version: 3,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0 as SessionId,
  dataLength: 1,
  numChildren: 0,
  pzxid: 1 as Zxid,
}

export class FakeConnection {
  readonly #link: TcpLink

  constructor(link: TcpLink) {
    this.#link = link
  }

  welcome(fields?: Partial<Welcome>): void {
    const welcome: Welcome = {
      version: 1,
      ensembleId: 'fake',
      timeoutMs: 10_000,
      sessionId: 4711 as SessionId,
      password: new Uint8Array(16),
      serverId: 1 as ServerId,
      ...fields,
    }
    const out = this.#link.beginFrame()
    encodeWelcome(out, welcome)
    this.#link.endFrame()
    this.#link.established()
  }

  reply(xid: number, zxid: number, body: ReplyBody): void {
    const out = this.#link.beginFrame()
    encodeReply(out, xid, zxid as Zxid, body)
    this.#link.endFrame()
  }

  event(type: EventType, path: string, zxid: number): void {
    const out = this.#link.beginFrame()
    encodeEvent(out, { type, path, zxid: zxid as Zxid })
    this.#link.endFrame()
  }

  raw(bytes: Uint8Array): void {
    this.#link.out.raw(bytes)
  }

  cut(): void {
    this.#link.destroy()
  }
}

export interface FakeScript {
  /** Default: a friendly welcome. */
  hello?(connection: FakeConnection, hello: Hello): void
  request?(connection: FakeConnection, xid: number, request: Request): void
}

export class FakeServer {
  readonly #listener: TcpListener

  static async listen(script: FakeScript, port = 0): Promise<FakeServer> {
    const options = {
      frameBytesMax: limits.clientFrameBytesMax,
      queueBytesMax: limits.connectionQueueBytesMax,
      handshakeMs: limits.handshakeMs,
      pauseWhenCongested: true,
    }
    const transport = new TcpTransport()
    const listener = await transport.listen({ host: '127.0.0.1', port }, options, (link) => {
      const connection = new FakeConnection(link)
      const reader = new MsgpackReader()
      let greeted = false
      return {
        frame: (buffer, start, end) => {
          reader.reset(buffer, start, end)
          if (!greeted) {
            greeted = true
            const hello = decodeHello(reader)
            if (script.hello === undefined) connection.welcome()
            else script.hello(connection, hello)
            return
          }
          const { xid, request } = decodeRequest(reader)
          if (request !== undefined) script.request?.(connection, xid, request)
        },
        closed: () => undefined,
      }
    })
    return new FakeServer(listener)
  }

  private constructor(listener: TcpListener) {
    this.#listener = listener
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.#listener.port }
  }

  close(): Promise<void> {
    return this.#listener.close()
  }
}

/** Answers any request as if all were well. */
export function plainAnswer(request: Request): ReplyBody {
  switch (request.type) {
    case 'create':
      return { type: 'create', path: request.path, stat: someStat }
    case 'exists':
    case 'setData':
      return { type: request.type, stat: someStat }
    case 'getData':
      return { type: 'getData', data: Buffer.from(request.path), stat: someStat }
    case 'getChildren':
      return { type: 'getChildren', children: ['b', 'c', 'a'], stat: someStat }
    case 'multi':
      return {
        type: 'multi',
        results: request.ops.map((op) => {
          if (op.type === 'create') return { type: 'create', path: op.path, stat: someStat }
          return op.type === 'setData' ? { type: 'setData', stat: someStat } : { type: op.type }
        }),
      }
    case 'createSession':
      return { type: 'error', code: -6 }
    default:
      return { type: request.type }
  }
}
