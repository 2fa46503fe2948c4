// A client of a real client port, in either dialect, that sends any bytes, malformed ones too.

import { once } from 'node:events'
import net from 'node:net'
import type { Test } from 'tap'
import { ClientPort } from '../../../src/daemon/connection/client-port.ts'
import type { Logger } from '../../../src/logger.ts'
import type { ClientCodec, Dialect } from '../../../src/protocol/dialect.ts'
import { errorCodeOf } from '../../../src/protocol/error-codes.ts'
import { FrameDecoder } from '../../../src/protocol/frame.ts'
import type { MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import { noSession, type ServerId } from '../../../src/protocol/records.ts'
import type { Hello, Request, Welcome } from '../../../src/protocol/zk/messages.ts'
import { zxidZero } from '../../../src/protocol/zxid.ts'
import { realWorld } from '../../../src/real-world.ts'
import { frame } from '../../suites/dialect.ts'
import { type FakeServer, serversOf } from '../fake-client.ts'
import { FakeCluster } from '../fake-ensemble.ts'

export interface Port {
  readonly cluster: FakeCluster
  readonly server: FakeServer
  readonly clientPort: ClientPort
  readonly warnings: string[]
}

export async function openPort(
  t: Test,
  options: {
    readonly frameBytesMax?: number
    readonly connectionsMax?: number
    readonly connectionsPerAddressMax?: number
  } = {},
): Promise<Port> {
  const cluster = new FakeCluster()
  const [server] = serversOf(cluster) as [FakeServer]
  const warnings: string[] = []
  const drop = () => undefined
  const logger: Logger = {
    child: () => logger,
    debug: drop,
    info: drop,
    warn: (_, message) => warnings.push(message),
    error: (_, message) => warnings.push(message),
  }
  const clientPort = new ClientPort({
    transport: realWorld().transport,
    ensemble: cluster.leader,
    processors: server.processors,
    metrics: server.metrics,
    clock: server.clock,
    logger,
    serverId: 1 as ServerId,
    connectionsPerAddressMax: 60,
    answerWord: (word) => (word === 'ruok' ? 'imok' : undefined),
    ...options,
  })
  await clientPort.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => clientPort.close())
  return { cluster, server, clientPort, warnings }
}

export const newSession: Hello = {
  ensembleId: undefined,
  lastZxidSeen: zxidZero,
  timeoutMs: 10_000,
  sessionId: noSession,
  password: new Uint8Array(16),
  readOnly: false,
}

/** The messages received, as text: `create /a1`, `event NodeCreated /a`, `getData NONODE`. */
export class WireClient {
  readonly socket: net.Socket
  readonly codec: ClientCodec
  readonly closed: Promise<void>
  readonly received: string[] = []
  welcomed: Welcome | undefined
  readonly #asked: Request['type'][] = []
  #xid = 0
  #news: () => void = () => undefined

  private constructor(socket: net.Socket, codec: ClientCodec) {
    this.socket = socket
    this.codec = codec
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    const decoder = new FrameDecoder(1e8, (buffer, start, end) => {
      this.received.push(this.#describe(buffer, start, end))
      this.#news()
    })
    socket.on('data', (chunk) => decoder.push(Buffer.from(chunk)))
    socket.once('close', () => this.#news())
  }

  static async connect(t: Test, { clientPort }: Port, dialect: Dialect): Promise<WireClient> {
    const socket = net.connect({ host: '127.0.0.1', port: clientPort.port, noDelay: true })
    const client = new WireClient(socket, dialect.clientCodec())
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    return client
  }

  hello(hello: Partial<Hello> = {}): Buffer {
    return frame((out) => this.codec.encodeHello(out, { ...newSession, ...hello }))
  }

  /** A request's frame; its answer is expected. */
  request(request: Request, xid = ++this.#xid): Buffer {
    this.#asked.push(request.type)
    return frame((out) => this.codec.encodeRequest(out, xid, request))
  }

  /** A frame of any body; its answer is expected to be an error. */
  body(write: (out: MsgpackWriter) => void): Buffer {
    this.#asked.push('ping')
    return frame(write)
  }

  /** Sends all in one write, and waits for that many messages, or the end. */
  async ask(frames: readonly Buffer[], count: number): Promise<string[]> {
    this.socket.write(Buffer.concat(frames))
    return this.take(count)
  }

  /** The next `count` messages, or what there is when the connection ends. */
  async take(count: number): Promise<string[]> {
    while (this.received.length < count && !this.socket.closed) {
      await new Promise<void>((resolve) => {
        this.#news = resolve
      })
    }
    return this.received.splice(0, count)
  }

  #describe(buffer: Buffer, start: number, end: number): string {
    if (this.welcomed === undefined) {
      this.welcomed = this.codec.decodeWelcome(buffer, start, end)
      return this.welcomed.timeoutMs === 0 ? 'expired' : 'welcome'
    }
    const message = this.codec.decodeMessage(buffer, start, end)
    if (message.type === 'event') return `event ${message.event.type} ${message.event.path}`
    const type = this.#asked.shift()
    if (type === undefined) return `unasked ${message.xid}`
    if (message.err !== 0) return `${type} ${errorCodeOf(message.err)}`
    const body = this.codec.decodeBody(type)
    if (body.type === 'create') return `create ${body.path}`
    if (body.type === 'getData') return `getData ${Buffer.from(body.data ?? []).toString()}`
    if (body.type === 'getChildren') return `getChildren ${[...body.children].sort().join()}`
    if (body.type === 'multi') return `multi ${body.results.map((result) => result.type).join()}`
    return body.type
  }
}
