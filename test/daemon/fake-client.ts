// A server's request processors with connections whose other end is the test, without sockets.

import type { Clock } from '../../src/clock.ts'
import { Connection, type ConnectionServer } from '../../src/daemon/connection/connection.ts'
import { Metrics } from '../../src/daemon/metrics.ts'
import { type ChainParts, RequestProcessors } from '../../src/daemon/request-processor/chain.ts'
import { ZTree } from '../../src/daemon/ztree/ztree.ts'
import { limits } from '../../src/limits.ts'
import type { Logger } from '../../src/logger.ts'
import { ZooKeeperDialect } from '../../src/protocol/compat/zookeeper.ts'
import { errorCodeOf } from '../../src/protocol/error-codes.ts'
import { FrameDecoder } from '../../src/protocol/frame.ts'
import { MsgpackReader, MsgpackWriter } from '../../src/protocol/msgpack.ts'
import type { SessionId } from '../../src/protocol/records.ts'
import type { Link } from '../../src/protocol/transport/transport.ts'
import type { Hello, Request, Welcome } from '../../src/protocol/zk/messages.ts'
import {
  decodeReplyBody,
  decodeServerMessage,
  decodeWelcome,
  encodeHello,
  encodeRequest,
} from '../../src/protocol/zk/native.ts'
import { NativeDialect } from '../../src/protocol/zk/native-dialect.ts'
import { zxidZero } from '../../src/protocol/zxid.ts'
import type { FakeCluster, FakeMember } from './fake-ensemble.ts'

/** A clock that only the test advances. */
export class ManualClock implements Clock {
  now = 0
  nowMs = (): number => this.now
  wallMs = (): number => 1_700_000_000_000 + this.now
  after = (): (() => void) => () => undefined
  every = (): (() => void) => () => undefined
}

export class FakeLink implements Link {
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 40_000
  readonly out = new MsgpackWriter()
  congested = false
  isEstablished = false
  paused = false
  closed = false
  reason: Error | undefined

  insert(bytes: Uint8Array): void {
    this.out.raw(bytes)
  }

  beginFrame(): MsgpackWriter {
    this.out.beginFrame()
    return this.out
  }

  endFrame(): void {
    this.out.endFrame()
  }

  established(): void {
    this.isEstablished = true
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  close(): void {
    this.closed = true
  }

  destroy(reason?: Error): void {
    this.closed = true
    this.reason = reason
  }
}

/** What a client received, as text: `create /a`, `event NodeCreated /a`, `getData NONODE` … */
export class FakeClient {
  readonly link = new FakeLink()
  readonly connection: Connection
  welcomed: Welcome | undefined
  readonly #reader = new MsgpackReader()
  readonly #asked = new Map<number, Request['type']>()
  #xid = 0
  lastZxid = zxidZero

  constructor(server: ConnectionServer) {
    this.connection = new Connection(this.link, server)
  }

  hello(hello: Partial<Hello> = {}): void {
    const bytes = encoded((out) =>
      encodeHello(out, {
        ensembleId: undefined,
        lastZxidSeen: zxidZero,
        timeoutMs: 10_000,
        sessionId: 0 as SessionId,
        password: new Uint8Array(0),
        readOnly: false,
        ...hello,
      }),
    )
    if (this.connection.firstBytes(bytes) === 'frames') this.#frame(bytes)
  }

  /** Reconnects to the session of another connection. */
  reattach(welcome: Welcome | undefined, hello: Partial<Hello> = {}): void {
    if (welcome === undefined) throw new Error('that client was never welcomed')
    const { sessionId, password, ensembleId } = welcome
    this.hello({ sessionId, password, ensembleId, ...hello })
  }

  ask(request: Request): void {
    const xid = ++this.#xid
    this.#asked.set(xid, request.type)
    this.#frame(encoded((out) => encodeRequest(out, xid, request)))
  }

  askAll(requests: readonly Request[]): void {
    for (const request of requests) this.ask(request)
  }

  /** One frame, as if from the network: valid during the call only. */
  raw(body: Uint8Array): void {
    const frame = Buffer.alloc(4 + body.length)
    frame.writeUInt32BE(body.length)
    frame.set(body, 4)
    this.#frame(frame)
  }

  #frame(frame: Buffer): void {
    this.connection.frame(frame, 4, frame.length)
    frame.fill(0xc1)
  }

  /** Everything sent since the last call, in order; the welcome is taken apart. */
  take(): string[] {
    const taken: string[] = []
    const decoder = new FrameDecoder(1e9, (buffer, start, end) => {
      this.#reader.reset(buffer, start, end)
      if (this.welcomed === undefined) {
        this.welcomed = decodeWelcome(this.#reader)
        taken.push(this.welcomed.timeoutMs === 0 ? 'expired' : 'welcome')
      } else taken.push(this.#describe())
    })
    decoder.push(Buffer.from(this.link.out.view()))
    this.link.out.clear()
    if (this.link.closed) taken.push('closed')
    return taken
  }

  #describe(): string {
    const message = decodeServerMessage(this.#reader)
    if (message.type === 'event') return `event ${message.event.type} ${message.event.path}`
    this.lastZxid = message.zxid
    const type = this.#asked.get(message.xid)
    if (type === undefined) return `unasked ${message.xid} ${errorCodeOf(message.err)}`
    if (message.err !== 0) return `${type} ${errorCodeOf(message.err)}`
    const body = decodeReplyBody(this.#reader, type, message.fieldCount)
    if (body.type === 'create') return `create ${body.path}`
    if (body.type === 'getData') return `getData ${Buffer.from(body.data ?? []).toString()}`
    if (body.type === 'getChildren') return `getChildren ${[...body.children].sort().join()}`
    return type
  }
}

function encoded(encode: (out: MsgpackWriter) => void): Buffer {
  const out = new MsgpackWriter()
  out.beginFrame()
  encode(out)
  out.endFrame()
  return Buffer.from(out.view())
}

/** One server of a fake cluster. */
export class FakeServer {
  readonly tree = new ZTree()
  readonly metrics = new Metrics()
  readonly clock: ManualClock
  readonly processors: RequestProcessors
  readonly connectionServer: ConnectionServer
  /** what it logged */
  readonly log: { readonly level: string; readonly facts: unknown; readonly message: string }[] = []
  readonly #logger = this.#recorder()
  #passwords = 0

  constructor(member: FakeMember, clock: ManualClock, options: Partial<ChainParts> = {}) {
    this.clock = clock
    const { metrics } = this
    const processors = new RequestProcessors(member, {
      tree: this.tree,
      metrics,
      clock,
      logger: this.#logger,
      tickTimeMs: 1000,
      minSessionTimeoutMs: 2000,
      maxSessionTimeoutMs: 20_000,
      authentication: { skipAcl: false, superDigest: undefined, requiredSchemes: undefined },
      rules: {
        extendedTypesEnabled: true,
        enforceQuota: true,
        reconfiguration: 'disabled',
        votersMin: 2,
      },
      reaping: { checkIntervalMs: 60_000, perMinuteMax: 10_000, neverUsedMs: 0 },
      readOnlyMode: false,
      newPassword: () => new Uint8Array(16).fill(++this.#passwords),
      onApplied: () => undefined,
      drainClients: (percent) => percent,
      ...options,
    })
    this.processors = processors
    member.listener = processors
    this.connectionServer = {
      serverId: member.self,
      metrics,
      wallMs: clock.wallMs,
      dialects: [new NativeDialect(), new ZooKeeperDialect()],
      frameBytesMax: limits.clientFrameBytesMax,
      get ensembleId() {
        return processors.serving || processors.readOnly ? member.ensembleId : undefined
      },
      get readOnly() {
        return processors.readOnly
      },
      get mayAnswer() {
        return processors.mayAnswer
      },
      answerWord: (word) => (word === 'ruok' ? 'imok' : undefined),
      open: (client, hello) => processors.open(client, hello),
      mayTake: (client, bytes) => processors.mayTake(client, bytes),
      submit: (client, xid, request, bytes) => processors.submit(client, xid, request, bytes),
      advance: (client) => processors.advance(client),
      closed: (client) => processors.closed(client),
    }
  }

  #recorder(): Logger {
    const keep = (level: string) => (facts: unknown, message: string) => {
      this.log.push({ level, facts, message })
    }
    const logger: Logger = {
      child: () => logger,
      debug: keep('debug'),
      info: keep('info'),
      warn: keep('warn'),
      error: keep('error'),
    }
    return logger
  }

  client(): FakeClient {
    return new FakeClient(this.connectionServer)
  }

  /** A client that was already welcomed. */
  connected(): FakeClient {
    const client = this.client()
    client.hello()
    const [first] = client.take()
    if (first !== 'welcome') throw new Error(`the client was not welcomed: ${first}`)
    return client
  }
}

/** Servers 1 … n of a cluster; 1 leads. */
export function serversOf(
  cluster: FakeCluster,
  clock = new ManualClock(),
  options: Partial<ChainParts> | ((i: number) => Partial<ChainParts>) = {},
): FakeServer[] {
  const optionsOf = typeof options === 'function' ? options : () => options
  const servers = [...cluster.members.values()].map(
    (member, i) => new FakeServer(member, clock, optionsOf(i)),
  )
  cluster.elect()
  return servers
}

export const get = (path: string, watch = false): Request => ({ type: 'getData', path, watch })
export const exists = (path: string, watch = false): Request => ({ type: 'exists', path, watch })
export const list = (path: string, watch = false): Request => ({ type: 'getChildren', path, watch })
export const sync: Request = { type: 'sync', path: '/' }
export const ping: Request = { type: 'ping' }
export const remove = (path: string): Request => ({ type: 'delete', path, version: -1 })
export const closeSession: Request = { type: 'closeSession' }

export function create(path: string, data = '', mode: 'persistent' | 'ephemeral' = 'persistent') {
  return { type: 'create', path, data: Buffer.from(data), mode } as const
}

export function set(path: string, data: string, version = -1): Request {
  return { type: 'setData', path, data: Buffer.from(data), version }
}
