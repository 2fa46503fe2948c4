// The client of a ZooWeeper ensemble: znodes, watches and one session that outlives connections.
//
//   const zk = new ZkClient({ servers: [{ host: '127.0.0.1', port: 2181 }] })
//   await zk.connect()
//   await zk.create('/goals', 'kick-off')
//   const { data } = await zk.getData('/goals', (event) => again(event.path))
//
// What to do is decided in zk-session.ts; here are its socket, its timer and the promises of its
// callers. Watchers, listeners and promises are called in the order in which the server sent what
// caused them: each in a microtask of its own, never while a method of the client runs.

import { randomInt } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { type Clock, systemClock } from '../clock.ts'
import { limits } from '../limits.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { errorCodeOf, errorCodes, ProtocolError, ZkError } from '../protocol/error-codes.ts'
import { MsgpackReader } from '../protocol/msgpack.ts'
import { pathProblem } from '../protocol/path.ts'
import type { SessionId, Stat } from '../protocol/records.ts'
import { type TcpLink, TcpTransport } from '../protocol/transport/tcp.ts'
import type {
  AddWatchMode,
  CreateMode,
  MultiOp,
  MultiResult,
  ReplyBody,
  Request,
  WatchEvent,
  WatcherType,
} from '../protocol/zk/messages.ts'
import {
  decodeReplyBody,
  decodeServerMessage,
  decodeWelcome,
  encodeHello,
  encodeRequest,
} from '../protocol/zk/native.ts'
import type { Zxid } from '../protocol/zxid.ts'
import { Random } from '../random.ts'
import { formatServer, type ServerAddress } from './servers.ts'
import type { Watcher } from './watch-registry.ts'
import { errorFor, multiErrorOf } from './zk-errors.ts'
import {
  type Call,
  frameBytesOf,
  type SessionEffect,
  type SessionInput,
  type SessionState,
  ZkSession,
} from './zk-session.ts'

export type { ServerAddress } from './servers.ts'
export type { Watcher } from './watch-registry.ts'
export { ZkMultiError } from './zk-errors.ts'
export type { SessionState } from './zk-session.ts'

export interface ZkClientOptions {
  readonly servers: readonly ServerAddress[]
  /** asked for; the servers have bounds of their own. Default 10 000 */
  readonly sessionTimeoutMs?: number
  /** how long `connect` tries; Infinity is allowed. Default 30 000 */
  readonly connectTimeoutMs?: number
  /** prefix of all paths, unseen by the caller; '' or a path other than / */
  readonly chroot?: string
  readonly logger?: Logger
  readonly random?: Random
  readonly clock?: Clock
  /** to share with other clients of this process */
  readonly transport?: TcpTransport
}

export const defaultSessionTimeoutMs = 10_000
export const defaultConnectTimeoutMs = 30_000

/** What became of the session; after `expired` and `closed` this client is of no more use. */
export interface ZkClientEvents {
  /** For the first time, or again after `suspended`. Watches have been kept. */
  connected: []
  /** No connection. Writes in flight have failed; new calls wait for the next server. */
  suspended: []
  /** The session is over and its ephemerals are gone, or soon will be. */
  expired: []
  closed: []
}

/** Data as given to the client: it must stay as it is until the call is settled. */
export type DataLike = Uint8Array | string | null

interface ClientCall extends Call {
  /** as the caller gave it */
  readonly path: string | undefined
  readonly settle: (body: ReplyBody) => void
  readonly reject: (error: ZkError) => void
}

/** All failures are a ZkError with ZooKeeper's `code`. */
export class ZkClient extends EventEmitter<ZkClientEvents> {
  readonly #session: ZkSession<ClientCall>
  readonly #servers: readonly ServerAddress[]
  readonly #connectTimeoutMs: number
  readonly #chroot: string
  readonly #log: Logger
  readonly #clock: Clock
  readonly #transport: TcpTransport
  readonly #reader = new MsgpackReader()
  #link: TcpLink | undefined
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined
  #connecting: Promise<void> | undefined

  /** @throws ZkError BADARGUMENTS without servers or with a bad chroot */
  constructor(options: ZkClientOptions) {
    super()
    this.#chroot = options.chroot ?? ''
    const problem = this.#chroot === '' ? undefined : pathProblem(this.#chroot)
    if (problem !== undefined) {
      throw new ZkError('BADARGUMENTS', this.#chroot, `Cannot use chroot: ${problem}`)
    }
    this.#servers = options.servers
    this.#connectTimeoutMs = options.connectTimeoutMs ?? defaultConnectTimeoutMs
    this.#log = options.logger ?? silentLogger
    this.#clock = options.clock ?? systemClock
    this.#transport = options.transport ?? new TcpTransport()
    this.#session = new ZkSession({
      servers: options.servers,
      timeoutMs: options.sessionTimeoutMs ?? defaultSessionTimeoutMs,
      random: options.random ?? new Random(randomInt(2 ** 32)),
    })
  }

  get state(): SessionState {
    return this.#session.state
  }

  /** 0 before the first connection. */
  get sessionId(): SessionId {
    return this.#session.sessionId
  }

  /** As negotiated, once connected. */
  get sessionTimeoutMs(): number {
    return this.#session.timeoutMs
  }

  /** Where we are connected. */
  get server(): ServerAddress | undefined {
    return this.#session.server
  }

  get lastZxidSeen(): Zxid {
    return this.#session.seenZxid
  }

  /**
   * Begins the session.
   *
   * @throws ZkError CONNECTIONLOSS when no server serves us in time; the client is closed then
   */
  connect(): Promise<void> {
    this.#connecting ??= new Promise((resolve, reject) => {
      const give = () => {
        const tried = this.#servers.map(formatServer).join(', ')
        const reason = `no server served us within ${this.#connectTimeoutMs} ms`
        reject(new ZkError('CONNECTIONLOSS', undefined, `Cannot connect to ${tried}: ${reason}`))
        this.#step({ type: 'close' })
      }
      const forever = this.#connectTimeoutMs === Number.POSITIVE_INFINITY
      const cancel = forever ? () => undefined : this.#clock.after(this.#connectTimeoutMs, give)
      this.once('connected', () => {
        cancel()
        resolve()
      })
      this.once('closed', () => {
        cancel()
        reject(new ZkError('CONNECTIONLOSS', undefined, 'Cannot connect: the client was closed'))
      })
      this.#step({ type: 'start' })
    })
    return this.#connecting
  }

  /** Ends the session, and with it its ephemerals. Never rejects. */
  close(): Promise<void> {
    if (this.state === 'closed' || this.state === 'expired') return Promise.resolve()
    return new Promise((resolve) => {
      this.once('closed', resolve)
      this.#step({ type: 'close' })
    })
  }

  // --- znodes ------------------------------------------------------------------------------------

  /** @returns the path with its number, for a sequential mode */
  create(
    path: string,
    data: DataLike = null,
    options?: { readonly mode?: CreateMode },
  ): Promise<{ path: string; stat: Stat }> {
    const mode = options?.mode ?? 'persistent'
    const sequential = mode === 'persistentSequential' || mode === 'ephemeralSequential'
    return this.#call(path, { sequential }, (at) => ({
      request: { type: 'create', path: at, data: bytesOf(data), mode },
      read: (body) => {
        const { path, stat } = expect(body, 'create')
        return { path: this.#clientPath(path), stat }
      },
    }))
  }

  /** @param version -1 means any */
  delete(path: string, version = -1): Promise<void> {
    return this.#call(path, {}, (at) => ({
      request: { type: 'delete', path: at, version },
      read: () => undefined,
    }))
  }

  /** @param watcher is told once of the next change, also of the creation */
  exists(path: string, watcher?: Watcher): Promise<Stat | undefined> {
    return this.#call(path, {}, (at) => ({
      request: { type: 'exists', path: at, watch: watcher !== undefined },
      watcher,
      read: (body) => (body.type === 'error' ? undefined : expect(body, 'exists').stat),
    }))
  }

  /** @param watcher is told once of the next change */
  getData(path: string, watcher?: Watcher): Promise<{ data: Buffer | null; stat: Stat }> {
    return this.#call(path, {}, (at) => ({
      request: { type: 'getData', path: at, watch: watcher !== undefined },
      watcher,
      read: (body) => {
        const { data, stat } = expect(body, 'getData')
        return { data: data === null ? null : asBuffer(data), stat }
      },
    }))
  }

  /** @param version -1 means any */
  setData(path: string, data: DataLike, version = -1): Promise<Stat> {
    return this.#call(path, {}, (at) => ({
      request: { type: 'setData', path: at, data: bytesOf(data), version },
      read: (body) => expect(body, 'setData').stat,
    }))
  }

  /** @returns names, sorted. `watcher` is told once of the next change among them */
  getChildren(path: string, watcher?: Watcher): Promise<{ children: string[]; stat: Stat }> {
    return this.#call(path, {}, (at) => ({
      request: { type: 'getChildren', path: at, watch: watcher !== undefined },
      watcher,
      read: (body) => {
        const { children, stat } = expect(body, 'getChildren')
        return { children: [...children].sort(), stat }
      },
    }))
  }

  /** After it, this client reads everything that was written before it began. */
  sync(path = '/'): Promise<void> {
    return this.#call(path, {}, (at) => ({
      request: { type: 'sync', path: at },
      read: () => undefined,
    }))
  }

  /** All parts or none. @throws ZkMultiError with the part that failed */
  multi(ops: readonly MultiOp[]): Promise<MultiResult[]> {
    for (const op of ops) {
      const sequential = op.type === 'create' && op.mode.endsWith('Sequential')
      const problem = pathProblem(op.path, { sequential })
      if (problem !== undefined) return Promise.reject(badPath('multi', op.path, problem))
    }
    const served = ops.map((op) => ({ ...op, path: this.#serverPath(op.path) }))
    return this.#send(undefined, {
      request: { type: 'multi', ops: served },
      read: (body) => {
        const { results } = expect(body, 'multi')
        const error = multiErrorOf(ops, results)
        if (error !== undefined) throw error
        return results.map((result) =>
          result.type === 'create' ? { ...result, path: this.#clientPath(result.path) } : result,
        )
      },
    })
  }

  // --- watches -----------------------------------------------------------------------------------

  /** `watcher` hears of every change, until it is removed; see `AddWatchMode` for what it covers. */
  addWatch(path: string, mode: AddWatchMode, watcher: Watcher): Promise<void> {
    return this.#call(path, {}, (at) => ({
      request: { type: 'addWatch', path: at, mode },
      watcher,
      read: () => undefined,
    }))
  }

  /** @param watcher all of this client on this path, when left out. @throws ZkError NOWATCHER */
  removeWatches(path: string, type: WatcherType, watcher?: Watcher): Promise<void> {
    return this.#call(path, {}, (at) => ({
      request: { type: 'removeWatches', path: at, watcherType: type },
      watcher,
      read: () => undefined,
    }))
  }

  // --- calls -------------------------------------------------------------------------------------

  #call<T>(
    path: string,
    rules: { sequential?: boolean },
    make: (serverPath: string) => Outgoing<T>,
  ): Promise<T> {
    const outgoing = make(this.#serverPath(path))
    const problem = pathProblem(path, rules)
    if (problem !== undefined) return Promise.reject(badPath(outgoing.request.type, path, problem))
    return this.#send(path, outgoing)
  }

  #send<T>(path: string | undefined, { request, watcher, read }: Outgoing<T>): Promise<T> {
    const bytes = frameBytesOf(request)
    if (bytes > limits.clientFrameBytesMax) {
      const found = `${bytes} bytes, at most ${limits.clientFrameBytesMax} are allowed`
      const what = path === undefined ? request.type : `${request.type} ${path}`
      return Promise.reject(new ZkError('BADARGUMENTS', path, `Cannot ${what}: it takes ${found}`))
    }
    return new Promise<T>((resolve, reject) => {
      const settle = (body: ReplyBody) => {
        const absent = body.type === 'error' && body.code === errorCodes.NONODE
        if (body.type === 'error' && !(absent && request.type === 'exists')) {
          reject(errorFor(errorCodeOf(body.code), request.type, path))
          return
        }
        try {
          resolve(read(body))
        } catch (error) {
          reject(error)
        }
      }
      this.#step({ type: 'called', call: { request, watcher, path, settle, reject } })
    })
  }

  #serverPath(path: string): string {
    return path === '/' && this.#chroot !== '' ? this.#chroot : this.#chroot + path
  }

  #clientPath(path: string): string {
    return this.#chroot === '' ? path : path.slice(this.#chroot.length) || '/'
  }

  // --- the shell of the session ------------------------------------------------------------------

  #step(input: SessionInput<ClientCall>): void {
    for (const effect of this.#session.step(input, this.#clock.nowMs())) this.#perform(effect)
    this.#maybeSetTimer()
  }

  #perform(effect: SessionEffect<ClientCall>): void {
    switch (effect.type) {
      case 'dial':
        this.#dial(effect.server)
        return
      case 'hangUp':
        this.#log.debug({ reason: effect.reason }, 'Leaving a server')
        this.#link?.destroy()
        this.#link = undefined
        return
      case 'greet': {
        const out = this.#link?.beginFrame()
        if (out === undefined) return
        encodeHello(out, effect.hello)
        this.#link?.endFrame()
        return
      }
      case 'send': {
        const out = this.#link?.beginFrame()
        if (out === undefined) return
        encodeRequest(out, effect.xid, effect.request)
        this.#link?.endFrame()
        return
      }
      case 'answer':
        effect.call.settle(effect.body)
        return
      case 'fail':
        effect.call.reject(errorFor(effect.code, effect.call.request.type, effect.call.path))
        return
      case 'notify':
        this.#notify(effect.watchers, effect.event)
        return
      case 'became':
        this.#became(effect.state)
        return
    }
  }

  #notify(watchers: readonly Watcher[], { type, path, zxid }: WatchEvent): void {
    const event = { type, path: this.#clientPath(path), zxid }
    for (const watcher of watchers) queueMicrotask(() => watcher(event))
  }

  #became(state: SessionState): void {
    if (state === 'connecting') return
    const sessionId = `0x${this.sessionId.toString(16)}`
    const server = this.server === undefined ? undefined : formatServer(this.server)
    this.#log.info({ state, sessionId, server }, 'The session changed its state')
    queueMicrotask(() => this.emit(state))
  }

  #dial(server: ServerAddress): void {
    let greeted = false
    const link = this.#transport.dial(server, linkOptions, {
      connected: () => {
        if (link === this.#link) this.#step({ type: 'opened' })
      },
      frame: (buffer, start, end) => {
        if (link !== this.#link) return
        const reader = this.#reader.reset(buffer, start, end)
        if (greeted) {
          this.#step(this.#decode(reader))
          return
        }
        greeted = true
        link.established()
        this.#step({ type: 'welcomed', welcome: decodeWelcome(reader) })
      },
      closed: (reason) => {
        if (link !== this.#link) return
        this.#link = undefined
        this.#log.debug({ server: formatServer(server), reason: reason?.message }, 'Lost a server')
        this.#step({ type: 'lost' })
      },
    })
    this.#link = link
  }

  /** @throws ProtocolError */
  #decode(reader: MsgpackReader): SessionInput<ClientCall> {
    const message = decodeServerMessage(reader)
    if (message.type === 'event') return { type: 'notified', event: message.event }
    const { xid, zxid, err } = message
    const type = this.#session.awaited(xid)
    if (type === undefined) throw new ProtocolError(`Cannot take answer ${xid}: nothing was asked`)
    const body: ReplyBody =
      err === errorCodes.OK ? decodeReplyBody(message.body, type) : { type: 'error', code: err }
    return { type: 'replied', xid, zxid, body }
  }

  /** A timer that is too early finds nothing to do: cheaper than setting it anew at each request. */
  #maybeSetTimer(): void {
    const atMs = this.#session.wakeMs()
    if (this.#timer !== undefined && this.#timer.atMs <= atMs && atMs !== Number.POSITIVE_INFINITY)
      return
    this.#timer?.cancel()
    this.#timer = undefined
    if (atMs === Number.POSITIVE_INFINITY) return
    const delayMs = Math.max(0, Math.ceil(atMs - this.#clock.nowMs()))
    const cancel = this.#clock.after(delayMs, () => {
      this.#timer = undefined
      this.#step({ type: 'tick' })
    })
    this.#timer = { atMs, cancel }
  }
}

interface Outgoing<T> {
  readonly request: Request
  readonly watcher?: Watcher | undefined
  /** Takes what the caller gets out of the answer; may throw a ZkError. */
  readonly read: (body: ReplyBody) => T
}

const linkOptions = {
  frameBytesMax: limits.clientReplyBytesMax,
  // The session bounds what it sends, and leaves a server that is silent.
  queueBytesMax: Number.POSITIVE_INFINITY,
  handshakeMs: limits.handshakeMs,
  pauseWhenCongested: false,
}

function bytesOf(data: DataLike): Uint8Array | null {
  return typeof data === 'string' ? Buffer.from(data) : data
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.length)
}

function badPath(type: Request['type'], path: string, problem: string): ZkError {
  return new ZkError('BADARGUMENTS', path, `Cannot ${type} ${path}: ${problem}`)
}

type BodyOf<Type, Body = ReplyBody> = Body extends { type: infer Types }
  ? Type extends Types
    ? Body
    : never
  : never

/** The decoder read the fields of the request's type, so this holds. */
function expect<Type extends ReplyBody['type']>(body: ReplyBody, type: Type): BodyOf<Type> {
  if (body.type !== type) throw new ProtocolError(`Cannot use an answer: it is a ${body.type}`)
  return body as BodyOf<Type>
}
