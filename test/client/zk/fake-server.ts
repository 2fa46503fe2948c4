// A server whose every answer a test decides: it speaks the dialect of its client on a loopback
// port.

import { limits } from '../../../src/limits.ts'
import { ZooKeeperDialect } from '../../../src/protocol/compat/zookeeper.ts'
import type { ServerCodec } from '../../../src/protocol/dialect.ts'
import {
  type Acl,
  perms,
  type ServerId,
  type SessionId,
  type Stat,
} from '../../../src/protocol/records.ts'
import type { Link, Listener } from '../../../src/protocol/transport/transport.ts'
import type {
  EventType,
  Hello,
  ReplyBody,
  Request,
  Welcome,
} from '../../../src/protocol/zk/messages.ts'
import { NativeDialect } from '../../../src/protocol/zk/native-dialect.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { realWorld } from '../../../src/real-world.ts'

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

const dialects = [new NativeDialect(), new ZooKeeperDialect()]

export const someAcl: readonly Acl[] = [
  { perms: perms.all, scheme: 'world', id: 'anyone' },
  { perms: perms.read | perms.create, scheme: 'digest', id: 'ann:aGFzaA==' },
]

export class FakeConnection {
  readonly #link: Link
  #codec: ServerCodec | undefined

  constructor(link: Link) {
    this.#link = link
  }

  /** Chosen by the client's first bytes. */
  codecFor(firstByte: number): ServerCodec {
    this.#codec = dialects.find((one) => one.begins(firstByte))?.serverCodec()
    return this.codec
  }

  get codec(): ServerCodec {
    if (this.#codec === undefined) throw new Error('nothing was heard yet')
    return this.#codec
  }

  welcome(fields?: Partial<Welcome>): void {
    const welcome: Welcome = {
      ensembleId: 'fake',
      timeoutMs: 10_000,
      sessionId: 4711 as SessionId,
      password: new Uint8Array(16),
      serverId: 1 as ServerId,
      readOnly: false,
      ...fields,
    }
    const out = this.#link.beginFrame()
    this.codec.encodeWelcome(out, welcome)
    this.#link.endFrame()
    this.#link.established()
  }

  reply(xid: number, zxid: number, body: ReplyBody): void {
    const out = this.#link.beginFrame()
    this.codec.encodeReply(out, xid, zxid as Zxid, body)
    this.#link.endFrame()
  }

  event(type: EventType, path: string, zxid: number): void {
    const out = this.#link.beginFrame()
    this.codec.encodeEvent(out, { type, path, zxid: zxid as Zxid })
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
  /** The answer to a four-letter word. */
  word?(word: string): string
}

export class FakeServer {
  readonly #listener: Listener

  static async listen(script: FakeScript, port = 0): Promise<FakeServer> {
    const options = {
      frameBytesMax: limits.clientFrameBytesMax,
      queueBytesMax: limits.connectionQueueBytesMax,
      handshakeMs: limits.handshakeMs,
      pauseWhenCongested: true,
    }
    const transport = realWorld().transport
    const listener = await transport.listen({ host: '127.0.0.1', port }, options, (link) => {
      const connection = new FakeConnection(link)
      let greeted = false
      return {
        firstBytes: (bytes) => {
          if (script.word === undefined || !/^[a-z]{4}/.test(bytes.toString('latin1'))) {
            return 'frames'
          }
          link.out.raw(Buffer.from(script.word(bytes.toString('latin1', 0, 4))))
          link.close()
          return 'other'
        },
        frame: (buffer, start, end) => {
          if (!greeted) {
            greeted = true
            const hello = connection.codecFor(buffer[start] ?? 0).decodeHello(buffer, start, end)
            if (script.hello === undefined) connection.welcome()
            else script.hello(connection, hello)
            return
          }
          const { codec } = connection
          const request = codec.decodeRequest(buffer, start, end)
          if (request !== undefined) script.request?.(connection, codec.xid, request)
        },
        closed: () => undefined,
      }
    })
    return new FakeServer(listener)
  }

  private constructor(listener: Listener) {
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
    case 'setACL':
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
    case 'multiRead':
      return {
        type: 'multiRead',
        results: request.ops.map(({ type, path }) =>
          type === 'getData'
            ? { type, data: Buffer.from(path), stat: someStat }
            : { type, children: ['a'], stat: someStat },
        ),
      }
    case 'getACL':
      return { type: 'getACL', acl: someAcl, stat: someStat }
    case 'getEphemerals':
      return { type: 'getEphemerals', paths: [`${request.prefix}/b`, request.prefix] }
    case 'getAllChildrenNumber':
      return { type: 'getAllChildrenNumber', count: 7 }
    case 'whoAmI':
      return {
        type: 'whoAmI',
        identities: [
          { scheme: 'ip', id: '127.0.0.1' },
          { scheme: 'digest', id: 'ann' },
        ],
      }
    case 'sasl':
      return { type: 'sasl', token: request.token }
    case 'moveLeader':
      return { type: 'moveLeader', leader: request.to, refusal: undefined }
    case 'drain':
      return { type: 'drain', count: request.percent }
    case 'getChildrenPage':
      return {
        type: 'getChildrenPage',
        children: [`of ${request.path}`],
        next: request.from,
        stat: someStat,
      }
    case 'createSession':
    case 'reconfig':
    case 'refused':
      return { type: 'error', code: -6 }
    default:
      return { type: request.type }
  }
}
