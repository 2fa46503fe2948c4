// The client of a ZooWeeper or ZooKeeper ensemble: znodes, watches and one session that outlives
// connections.
//
//   const zk = new ZkClient({ servers: [{ host: '127.0.0.1', port: 2181 }] })
//   await zk.connect()
//   await zk.create('/goals', 'kick-off')
//   const { data } = await zk.getData('/goals', (event) => again(event.path))
//
// What to do is decided in zk-session.ts; session-driver.ts gives it socket and timer. Watchers,
// listeners and promises are called in the order in which the server sent what caused them: each in
// a microtask of its own, never while a method of the client runs.

import { EventEmitter } from 'node:events'
import type { Clock } from '../clock.ts'
import { limits } from '../limits.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { errorCodeOf, errorCodes, ZkError } from '../protocol/error-codes.ts'
import { pathProblem } from '../protocol/path.ts'
import type { Acl, Id, SessionId, Stat } from '../protocol/records.ts'
import type {
  AddWatchMode,
  CreateMode,
  MultiOp,
  MultiResult,
  ReadOp,
  ReadResult,
  ReplyBody,
  Request,
  WatchEvent,
  WatcherType,
} from '../protocol/zk/messages.ts'
import type { Zxid } from '../protocol/zxid.ts'
import { seededBy } from '../random.ts'
import { realWorld } from '../real-world.ts'
import type { ClientWorld } from '../world.ts'
import { Chroot } from './chroot.ts'
import { clientCodecOf, type DialectName } from './dialects.ts'
import { formatServer, type ServerAddress } from './servers.ts'
import { type PendingCall, SessionDriver } from './session-driver.ts'
import type { Watcher } from './watch-registry.ts'
import { bodyOf, frameBytesOf, isSequential } from './zk-call.ts'
import { errorFor, multiErrorOf } from './zk-errors.ts'
import { type SessionState, ZkSession } from './zk-session.ts'

export type { DialectName } from './dialects.ts'
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
  /** Default `native` */
  readonly dialect?: DialectName
  /** Whether a server that has lost its quorum will do, until another one is found. */
  readonly readOnly?: boolean
  readonly logger?: Logger
  /** what it runs on; clients may share one. Default: this process's network, clock and randomness */
  readonly world?: ClientWorld
}

export const defaultSessionTimeoutMs = 10_000
export const defaultConnectTimeoutMs = 30_000

/** What became of the session; after `expired` and `closed` this client is of no more use. */
export interface ZkClientEvents {
  /** For the first time, or again after `suspended`. Watches have been kept. */
  connected: []
  /** The same, but at a server without a quorum: what is read may be old, and writes are refused. */
  connectedReadOnly: []
  /** No connection. Writes in flight have failed; new calls wait for the next server. */
  suspended: []
  /** The session is over and its ephemerals are gone, or soon will be. */
  expired: []
  closed: []
}

/** Data as given to the client: it must stay as it is until the call is settled. */
export type DataLike = Uint8Array | string | null

export interface CreateOptions {
  /** Default `persistent`, or `persistentTtl` where a TTL is given */
  readonly mode?: CreateMode
  /** Default: everybody may do everything */
  readonly acl?: readonly Acl[]
  /** for the modes with a TTL */
  readonly ttlMs?: number
}

export interface ReadOptions {
  /**
   * Shows every write that anybody was told of before this was asked. With the jute dialect it is a
   * `sync` before the read, which ZooKeeper's own servers do not have confirmed by a quorum.
   */
  readonly linearizable?: boolean
}

/** All failures are a ZkError with ZooKeeper's `code`. */
export class ZkClient extends EventEmitter<ZkClientEvents> {
  readonly #session: ZkSession<PendingCall>
  readonly #driver: SessionDriver
  readonly #servers: readonly ServerAddress[]
  readonly #connectTimeoutMs: number
  readonly #chroot: Chroot
  readonly #dialect: DialectName
  readonly #log: Logger
  readonly #clock: Clock
  #connecting: Promise<void> | undefined

  /** @throws ZkError BADARGUMENTS without servers or with a bad chroot */
  constructor(options: ZkClientOptions) {
    super()
    this.#chroot = new Chroot(options.chroot ?? '')
    this.#dialect = options.dialect ?? 'native'
    this.#servers = options.servers
    this.#connectTimeoutMs = options.connectTimeoutMs ?? defaultConnectTimeoutMs
    this.#log = options.logger ?? silentLogger
    const { transport, clock, randomBytes } = options.world ?? realWorld()
    this.#clock = clock
    this.#session = new ZkSession({
      servers: options.servers,
      timeoutMs: options.sessionTimeoutMs ?? defaultSessionTimeoutMs,
      readOnly: options.readOnly,
      random: seededBy(randomBytes),
    })
    this.#driver = new SessionDriver({
      session: this.#session,
      codec: clientCodecOf(this.#dialect),
      transport,
      clock,
      log: this.#log,
      became: (state) => this.#became(state),
      notify: (watchers, event) => this.#notify(watchers, event),
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
        this.#driver.step({ type: 'close' })
      }
      const forever = this.#connectTimeoutMs === Number.POSITIVE_INFINITY
      const cancel = forever ? () => undefined : this.#clock.after(this.#connectTimeoutMs, give)
      const connected = () => {
        cancel()
        resolve()
      }
      this.once('connected', connected)
      this.once('connectedReadOnly', connected)
      this.once('closed', () => {
        cancel()
        reject(new ZkError('CONNECTIONLOSS', undefined, 'Cannot connect: the client was closed'))
      })
      this.#driver.step({ type: 'start' })
    })
    return this.#connecting
  }

  /** Ends the session, and with it its ephemerals. Never rejects. */
  close(): Promise<void> {
    if (this.state === 'closed' || this.state === 'expired') return Promise.resolve()
    return new Promise((resolve) => {
      this.once('closed', resolve)
      this.#driver.step({ type: 'close' })
    })
  }

  /**
   * Proves who we are, to this server and to every later one; what was proved before holds as well.
   *
   * @param credential `user:password` for the scheme `digest`
   * @throws ZkError AUTHFAILED
   */
  addAuth(scheme: string, credential: Uint8Array | string): Promise<void> {
    const bytes = typeof credential === 'string' ? Buffer.from(credential) : credential
    return this.#send(undefined, {
      request: { type: 'auth', scheme, credential: bytes },
      read: () => undefined,
    })
  }

  /** Who the server takes us for. */
  whoAmI(): Promise<Id[]> {
    return this.#send(undefined, {
      request: { type: 'whoAmI' },
      read: (body) => [...bodyOf(body, 'whoAmI').identities],
    })
  }

  // --- znodes ------------------------------------------------------------------------------------

  /** @returns the path with its number, for a sequential mode */
  create(
    path: string,
    data: DataLike = null,
    options: CreateOptions = {},
  ): Promise<{ path: string; stat: Stat }> {
    const { acl, ttlMs } = options
    const mode = options.mode ?? (ttlMs === undefined ? 'persistent' : 'persistentTtl')
    return this.#call(path, { sequential: isSequential(mode) }, (at) => ({
      request: { type: 'create', path: at, data: bytesOf(data), mode, acl, ttlMs },
      read: (body) => {
        const { path, stat } = bodyOf(body, 'create')
        return { path: this.#chroot.toClient(path), stat }
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
  exists(path: string, watcher?: Watcher, options?: ReadOptions): Promise<Stat | undefined> {
    return this.#read('exists', path, watcher, options, (body) =>
      body.type === 'error' ? undefined : bodyOf(body, 'exists').stat,
    )
  }

  /** @param watcher is told once of the next change */
  getData(
    path: string,
    watcher?: Watcher,
    options?: ReadOptions,
  ): Promise<{ data: Buffer | null; stat: Stat }> {
    return this.#read('getData', path, watcher, options, (body) => {
      const { data, stat } = bodyOf(body, 'getData')
      return { data: data === null ? null : asBuffer(data), stat }
    })
  }

  /** @returns names, sorted. `watcher` is told once of the next change among them */
  getChildren(
    path: string,
    watcher?: Watcher,
    options?: ReadOptions,
  ): Promise<{ children: string[]; stat: Stat }> {
    return this.#read('getChildren', path, watcher, options, (body) => {
      const { children, stat } = bodyOf(body, 'getChildren')
      return { children: [...children].sort(), stat }
    })
  }

  /** @param version -1 means any */
  setData(path: string, data: DataLike, version = -1): Promise<Stat> {
    return this.#call(path, {}, (at) => ({
      request: { type: 'setData', path: at, data: bytesOf(data), version },
      read: (body) => bodyOf(body, 'setData').stat,
    }))
  }

  /** @returns ids of the scheme `digest` without their hash, unless we may change the ACL */
  getACL(path: string): Promise<{ acl: Acl[]; stat: Stat }> {
    return this.#call(path, {}, (at) => ({
      request: { type: 'getACL', path: at },
      read: (body) => {
        const { acl, stat } = bodyOf(body, 'getACL')
        return { acl: [...acl], stat }
      },
    }))
  }

  /** @param version of the ACL, `aversion` in the Stat; -1 means any */
  setACL(path: string, acl: readonly Acl[], version = -1): Promise<Stat> {
    return this.#call(path, {}, (at) => ({
      request: { type: 'setACL', path: at, acl, version },
      read: (body) => bodyOf(body, 'setACL').stat,
    }))
  }

  /** @returns how many znodes are below `path`, at any depth */
  getAllChildrenNumber(path: string): Promise<number> {
    return this.#call(path, {}, (at) => ({
      request: { type: 'getAllChildrenNumber', path: at },
      read: (body) => bodyOf(body, 'getAllChildrenNumber').count,
    }))
  }

  /** @returns this session's ephemerals whose path begins with `prefix`, sorted */
  getEphemerals(prefix = '/'): Promise<string[]> {
    return this.#call(prefix, { sequential: true }, (at) => ({
      request: { type: 'getEphemerals', prefix: at },
      read: (body) => {
        const paths = bodyOf(body, 'getEphemerals').paths.filter((one) => this.#chroot.covers(one))
        return paths.map((one) => this.#chroot.toClient(one)).sort()
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
      const sequential = op.type === 'create' && isSequential(op.mode)
      const problem = pathProblem(op.path, { sequential })
      if (problem !== undefined) return Promise.reject(badPath('multi', op.path, problem))
    }
    const served = ops.map((op) => ({ ...op, path: this.#chroot.toServer(op.path) }))
    return this.#send(undefined, {
      request: { type: 'multi', ops: served },
      read: (body) => {
        const { results } = bodyOf(body, 'multi')
        const error = multiErrorOf(ops, results)
        if (error !== undefined) throw error
        return results.map((result) =>
          result.type === 'create'
            ? { ...result, path: this.#chroot.toClient(result.path) }
            : result,
        )
      },
    })
  }

  /** @returns one result for each part: an error concerns that part alone */
  multiRead(ops: readonly ReadOp[]): Promise<ReadResult[]> {
    for (const { path } of ops) {
      const problem = pathProblem(path)
      if (problem !== undefined) return Promise.reject(badPath('multiRead', path, problem))
    }
    const served = ops.map((op) => ({ ...op, path: this.#chroot.toServer(op.path) }))
    return this.#send(undefined, {
      request: { type: 'multiRead', ops: served },
      read: (body) => [...bodyOf(body, 'multiRead').results],
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

  /** Whether the server holds such a watch for us. @throws ZkError NOWATCHER */
  checkWatches(path: string, type: WatcherType): Promise<void> {
    return this.#call(path, {}, (at) => ({
      request: { type: 'checkWatches', path: at, watcherType: type },
      read: () => undefined,
    }))
  }

  /**
   * Without a connection there is no server to ask, and the watch just does not come back.
   *
   * @param watcher all of this client on this path, when left out
   * @throws ZkError NOWATCHER
   */
  removeWatches(path: string, type: WatcherType, watcher?: Watcher): Promise<void> {
    return this.#call(path, {}, (at) => ({
      request: { type: 'removeWatches', path: at, watcherType: type },
      watcher,
      read: () => undefined,
    }))
  }

  // --- calls -------------------------------------------------------------------------------------

  #read<T>(
    type: 'exists' | 'getData' | 'getChildren',
    path: string,
    watcher: Watcher | undefined,
    { linearizable = false }: ReadOptions = {},
    read: (body: ReplyBody) => T,
  ): Promise<T> {
    const ask = (flag: { linearizable?: true }) =>
      this.#call(path, {}, (at) => ({
        request: { type, path: at, watch: watcher !== undefined, ...flag },
        watcher,
        read,
      }))
    if (!linearizable) return ask({})
    if (this.#dialect === 'native') return ask({ linearizable })
    return Promise.all([this.sync(path), ask({})]).then(([, found]) => found)
  }

  #call<T>(
    path: string,
    rules: { sequential?: boolean },
    make: (serverPath: string) => Outgoing<T>,
  ): Promise<T> {
    const outgoing = make(this.#chroot.toServer(path))
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
      const answered = (body: ReplyBody) => {
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
      const call: PendingCall = {
        request,
        watcher,
        answered,
        failed: (code) => reject(errorFor(code, request.type, path)),
      }
      this.#driver.step({ type: 'called', call })
    })
  }

  // --- what the session tells --------------------------------------------------------------------

  #notify(watchers: readonly Watcher[], { type, path, zxid }: WatchEvent): void {
    const event = { type, path: this.#chroot.toClient(path), zxid }
    for (const watcher of watchers) queueMicrotask(() => watcher(event))
  }

  #became(state: SessionState): void {
    if (state === 'connecting') return
    const sessionId = `0x${this.sessionId.toString(16)}`
    const server = this.server === undefined ? undefined : formatServer(this.server)
    this.#log.info({ state, sessionId, server }, 'The session changed its state')
    queueMicrotask(() => this.emit(state))
  }
}

interface Outgoing<T> {
  readonly request: Request
  readonly watcher?: Watcher | undefined
  /** Takes what the caller gets out of the answer; may throw a ZkError. */
  readonly read: (body: ReplyBody) => T
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
