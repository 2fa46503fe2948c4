// The client of a ZooWeeper or ZooKeeper ensemble: znodes, watches and one session that outlives
// connections.
//
//   const zk = new ZkClient({ servers: '127.0.0.1:2181' })
//   await zk.connect()
//   await zk.create('/goals', 'kick-off')
//   const { data } = await zk.getData('/goals', (event) => again(event.path))
//
// A method makes a request (calls.ts); zk-session.ts decides its fate, with socket and timer from
// session-driver.ts. Watchers, listeners and promises are called in the order in which the server
// sent the messages that cause them, each in its own microtask, never while a method of the client
// runs.

import { EventEmitter } from 'node:events'
import { type Address, formatAddress } from '../../address.ts'
import { asBuffer } from '../../as-buffer.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { silentLogger } from '../../logger.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import type { Acl, Id, ServerId, SessionId, Stat } from '../../protocol/records.ts'
import type {
  AddWatchMode,
  MultiOp,
  MultiResult,
  ReadOp,
  ReadResult,
  ReplyBody,
  WatchEvent,
  WatcherType,
} from '../../protocol/zk/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import { seededBy } from '../../random.ts'
import { realWorld } from '../../real-world.ts'
import { type Attempt, formatAttempts } from '../attempts.ts'
import { Callbacks } from '../callbacks.ts'
import { securedBy } from '../tls.ts'
import { takeClientOptions, zkMethods } from './arguments.ts'
import { bodyOf } from './call.ts'
import { Calls } from './calls.ts'
import { Chroot } from './chroot.ts'
import type { ZkClientEvents } from './client-events.ts'
import { clientCodecOf, type DialectName } from './dialects.ts'
import { multiErrorOf } from './errors.ts'
import type { CreateOptions, DataLike, ReadOptions, ZkClientOptions } from './options.ts'
import { type PendingCall, SessionDriver } from './session-driver.ts'
import { codeWhenOver, type SessionState } from './session-events.ts'
import type { Watcher } from './watch-registry.ts'
import { ZkSession } from './zk-session.ts'

export type { Address as ServerAddress } from '../../address.ts'
export { ZkError } from '../../protocol/error-codes.ts'
export type { Attempt } from '../attempts.ts'
export type { ServerLike, ServerList } from '../server-list.ts'
export type { TlsOptions } from '../tls.ts'
export type { ZkClientEvents } from './client-events.ts'
export type { DialectName } from './dialects.ts'
export { ZkMultiError } from './errors.ts'
export type { CreateOptions, DataLike, ReadOptions, ZkClientOptions } from './options.ts'
export { defaultConnectTimeoutMs, defaultSessionTimeoutMs } from './options.ts'
export type { SessionState } from './session-events.ts'
export type { Watcher } from './watch-registry.ts'

export interface Reconfiguration {
  /** `server.N=host:2888:3888[:role];[address:]clientPort`, separated by commas */
  readonly joining?: string | undefined
  /** ids, separated by commas */
  readonly leaving?: string | undefined
  /** all servers, as in `joining`, in place of both */
  readonly members?: string | undefined
  /** of the configuration to be replaced; by default, of any */
  readonly version?: number
}

/** A znode that each server derives from its configuration. */
export const configPath = '/zookeeper/config'

/** Every failure is a ZkError with ZooKeeper's `code`; BADARGUMENTS names the bad argument. */
export class ZkClient extends EventEmitter<ZkClientEvents> {
  readonly #session: ZkSession<PendingCall>
  readonly #driver: SessionDriver
  readonly #calls: Calls
  readonly #servers: readonly Address[]
  readonly #connectTimeoutMs: number
  readonly #chroot: Chroot
  readonly #defaultAcl: readonly Acl[] | undefined
  readonly #dialect: DialectName
  readonly #log: Logger
  readonly #clock: Clock
  readonly #callbacks: Callbacks
  /** callbacks of `connect` and `close`, called with each state before the listeners */
  readonly #waiters = new Set<(state: SessionState) => void>()
  #connecting: Promise<void> | undefined

  /** @throws ZkError BADARGUMENTS */
  constructor(given: ZkClientOptions) {
    super()
    const options = takeClientOptions(given)
    this.#chroot = new Chroot(options.chroot)
    this.#defaultAcl = options.defaultAcl
    this.#dialect = options.dialect
    this.#servers = options.servers
    this.#connectTimeoutMs = options.connectTimeoutMs
    this.#log = options.logger ?? silentLogger
    this.#callbacks = new Callbacks(options.logger)
    const world = securedBy(options.tls, options.world ?? realWorld())
    const { transport, clock, randomBytes } = world
    this.#clock = clock
    this.#session = new ZkSession({
      servers: options.servers,
      timeoutMs: options.sessionTimeoutMs,
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
      serverCount: new Set(options.servers.map(formatAddress)).size,
      unreachable: (attempts) => this.#unreachable(attempts),
    })
    this.#calls = new Calls({
      // If connecting fails, the calls that wait for it fail too.
      begin: () => {
        if (this.#connecting === undefined) this.connect().catch(() => undefined)
      },
      step: (call) => this.#driver.step({ type: 'called', call }),
    })
  }

  get state(): SessionState {
    return this.#session.state
  }

  /** 0 before the first connection. */
  get sessionId(): SessionId {
    return this.#session.sessionId
  }

  /** The negotiated time-out, once connected. */
  get sessionTimeoutMs(): number {
    return this.#session.timeoutMs
  }

  /** The server that this client is connected to. */
  get server(): Address | undefined {
    return this.#session.server
  }

  get lastZxidSeen(): Zxid {
    return this.#session.seenZxid
  }

  /**
   * Begins the session; the first call does so if this was not called. The servers are tried in
   * turn until one serves this client or the time is up, since a program may start before its
   * servers.
   *
   * @throws ZkError CONNECTIONLOSS with the result of each attempt if no server serves this client
   *   in time, which closes the client; SESSIONEXPIRED or AUTHFAILED if the session is over
   */
  connect(): Promise<void> {
    const code = codeWhenOver(this.state)
    if (code !== undefined) {
      const found = 'the session is over, and a new client is needed'
      return Promise.reject(new ZkError(code, undefined, `Cannot connect: ${found}`))
    }
    this.#connecting ??= this.#connect()
    return this.#connecting
  }

  #connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const lost = (found: string) => {
        reject(new ZkError('CONNECTIONLOSS', undefined, `Cannot connect to ${found}`))
      }
      const giveUp = () => {
        lost(`${this.#tried()}: no server served us within ${this.#connectTimeoutMs} ms`)
        this.#driver.step({ type: 'close' })
      }
      const forever = this.#connectTimeoutMs === Number.POSITIVE_INFINITY
      const cancel = forever ? () => undefined : this.#clock.after(this.#connectTimeoutMs, giveUp)
      const waiter = (state: SessionState) => {
        if (state === 'connecting' || state === 'suspended') return
        this.#waiters.delete(waiter)
        cancel()
        if (codeWhenOver(state) === undefined) resolve()
        else lost(`${this.#tried()}: the client was closed`)
      }
      this.#waiters.add(waiter)
      this.#driver.step({ type: 'start' })
    })
  }

  /** The servers, each tried one with the result. */
  #tried(): string {
    const attempts = this.#driver.attempts
    const isTried = (one: Address) =>
      attempts.some(({ server }) => formatAddress(server) === formatAddress(one))
    const others = this.#servers.filter((one) => !isTried(one)).map(formatAddress)
    return [...(attempts.length === 0 ? [] : [formatAttempts(attempts)]), ...others].join(', ')
  }

  /** Ends the session and deletes its ephemerals. Never rejects. */
  close(): Promise<void> {
    if (codeWhenOver(this.state) !== undefined) return Promise.resolve()
    return new Promise((resolve) => {
      const waiter = (state: SessionState) => {
        if (codeWhenOver(state) === undefined) return
        this.#waiters.delete(waiter)
        resolve()
      }
      this.#waiters.add(waiter)
      this.#driver.step({ type: 'close' })
    })
  }

  /**
   * Authenticates to this server and to every later one, in addition to earlier identities.
   *
   * @param credential `user:password` for the scheme `digest`
   * @throws ZkError AUTHFAILED, which ends the session
   */
  addAuth(scheme: string, credential: Uint8Array | string): Promise<void> {
    return this.#calls.ask(zkMethods.addAuth, [scheme, credential], ({ scheme, credential }) => ({
      request: { type: 'auth', scheme, credential },
      read: () => undefined,
    }))
  }

  /** The identities that the server knows of this client. */
  whoAmI(): Promise<Id[]> {
    return this.#calls.send({
      request: { type: 'whoAmI' },
      read: (body) => [...bodyOf(body, 'whoAmI').identities],
    })
  }

  /** Creates the chroot and its parents, as far as they are missing, without data. */
  async createChroot(): Promise<void> {
    for (const path of this.#chroot.ancestry) await this.#createIfMissing(path)
  }

  async #createIfMissing(serverPath: string): Promise<void> {
    const given = [serverPath, null]
    for (;;) {
      try {
        await this.#calls.ask(zkMethods.create, given, ({ path, data, mode, ttlMs }) => ({
          path,
          request: { type: 'create', path, data, mode, acl: this.#defaultAcl, ttlMs },
          read: () => undefined,
        }))
        return
      } catch (error) {
        const code = error instanceof ZkError ? error.code : undefined
        if (code === 'NODEEXISTS') return
        // The outcome is unknown: if the znode was created, the next attempt finds it.
        if (code !== 'CONNECTIONLOSS') throw error
      }
    }
  }

  // --- the ensemble --------------------------------------------------------------------------------

  /**
   * Asks the server that this client is connected to, the leader, to hand leadership over: to server
   * `to`, or to the one that is best prepared. For clients that may write /zookeeper/config.
   *
   * @returns the new leader, or why nothing has changed
   */
  moveLeader(to?: number): Promise<{ leader: number | undefined; refusal: string | undefined }> {
    return this.#calls.send({
      request: { type: 'moveLeader', to: to as ServerId | undefined },
      read: (body) => {
        const { leader, refusal } = bodyOf(body, 'moveLeader')
        return { leader, refusal }
      },
    })
  }

  /**
   * Changes the members of the ensemble, as ZooKeeper's reconfig: servers that join or leave, or all of
   * them. For clients that may write /zookeeper/config.
   *
   * @returns the new configuration, once the former voters are not needed any more
   */
  reconfig(change: Reconfiguration): Promise<{ data: Buffer | null; stat: Stat }> {
    const { joining, leaving, members, version = -1 } = change
    const request = { type: 'reconfig', joining, leaving, members, version } as const
    return this.#calls.send({
      request,
      read: (body) => {
        const { data, stat } = bodyOf(body, 'reconfig')
        return { data: data && asBuffer(data), stat }
      },
    })
  }

  /**
   * Asks the server that this client is connected to to close so many of its other connections: the
   * clients reconnect. For clients that may write /zookeeper/config.
   *
   * @returns how many
   */
  drain(percent: number): Promise<number> {
    return this.#calls.send({
      request: { type: 'drain', percent },
      read: (body) => bodyOf(body, 'drain').count,
    })
  }

  // --- znodes ------------------------------------------------------------------------------------

  /** @returns the path, for a sequential mode with its number */
  create(
    path: string,
    data?: DataLike,
    options?: CreateOptions,
  ): Promise<{ path: string; stat: Stat }> {
    const given = [path, data, options]
    return this.#calls.ask(
      zkMethods.create,
      given,
      ({ path, data, mode, acl = this.#defaultAcl, ttlMs }) => ({
        path,
        request: { type: 'create', path: this.#chroot.toServer(path), data, mode, acl, ttlMs },
        read: (body) => {
          const { path, stat } = bodyOf(body, 'create')
          return { path: this.#chroot.toClient(path), stat }
        },
      }),
    )
  }

  /** @param version default -1, which means any */
  delete(path: string, version?: number): Promise<void> {
    return this.#calls.ask(zkMethods.delete, [path, version], ({ path, version }) => ({
      path,
      request: { type: 'delete', path: this.#chroot.toServer(path), version },
      read: () => undefined,
    }))
  }

  /** @param watcher called once, at the next change, including the creation */
  exists(path: string, watcher?: Watcher, options?: ReadOptions): Promise<Stat | undefined> {
    return this.#read('exists', [path, watcher, options], (body) =>
      body.type === 'error' ? undefined : bodyOf(body, 'exists').stat,
    )
  }

  /** @param watcher called once, at the next change */
  getData(
    path: string,
    watcher?: Watcher,
    options?: ReadOptions,
  ): Promise<{ data: Buffer | null; stat: Stat }> {
    return this.#read('getData', [path, watcher, options], dataOf)
  }

  /**
   * The members of the ensemble, from /zookeeper/config. The chroot does not apply, neither to the
   * path nor to its events.
   *
   * @throws ZkError NONODE if the server does not show them
   */
  getConfig(watcher?: Watcher): Promise<{ data: Buffer | null; stat: Stat }> {
    return this.#calls.ask(zkMethods.getConfig, [watcher], ({ watcher }) => ({
      path: configPath,
      request: { type: 'getData', path: configPath, watch: watcher !== undefined },
      watcher,
      read: dataOf,
    }))
  }

  /** @returns names, sorted. `watcher` is called once, at the next change among them */
  getChildren(
    path: string,
    watcher?: Watcher,
    options?: ReadOptions,
  ): Promise<{ children: string[]; stat: Stat }> {
    return this.#read('getChildren', [path, watcher, options], (body) => {
      const { children, stat } = bodyOf(body, 'getChildren')
      return { children: [...children].sort(), stat }
    })
  }

  /**
   * Some of the children, for parents with more than fit one answer: `getChildren` rejects with
   * MARSHALLINGERROR there, beyond 60 MiB. A child that exists all the time is in exactly one page.
   * Only in our own dialect.
   *
   * @param from default 0; then `next` of the last page, which is 0 if no more follow
   */
  getChildrenPage(
    path: string,
    from?: number,
  ): Promise<{ children: string[]; next: number; stat: Stat }> {
    return this.#calls.ask(zkMethods.getChildrenPage, [path, from], ({ path, from }) => ({
      path,
      request: { type: 'getChildrenPage', path: this.#chroot.toServer(path), from },
      read: (body) => {
        const { children, next, stat } = bodyOf(body, 'getChildrenPage')
        return { children: [...children], next, stat }
      },
    }))
  }

  /** @param version default -1, which means any */
  setData(path: string, data: DataLike, version?: number): Promise<Stat> {
    return this.#calls.ask(zkMethods.setData, [path, data, version], ({ path, data, version }) => ({
      path,
      request: { type: 'setData', path: this.#chroot.toServer(path), data, version },
      read: (body) => bodyOf(body, 'setData').stat,
    }))
  }

  /** @returns `digest` ids without their hash, unless this client may change the ACL */
  getACL(path: string): Promise<{ acl: Acl[]; stat: Stat }> {
    return this.#calls.ask(zkMethods.getACL, [path], ({ path }) => ({
      path,
      request: { type: 'getACL', path: this.#chroot.toServer(path) },
      read: (body) => {
        const { acl, stat } = bodyOf(body, 'getACL')
        return { acl: [...acl], stat }
      },
    }))
  }

  /** @param version of the ACL, `aversion` in the Stat; default -1, which means any */
  setACL(path: string, acl: readonly Acl[], version?: number): Promise<Stat> {
    return this.#calls.ask(zkMethods.setACL, [path, acl, version], ({ path, acl, version }) => ({
      path,
      request: { type: 'setACL', path: this.#chroot.toServer(path), acl, version },
      read: (body) => bodyOf(body, 'setACL').stat,
    }))
  }

  /** @returns how many znodes are below `path`, at any depth */
  getAllChildrenNumber(path: string): Promise<number> {
    return this.#calls.ask(zkMethods.getAllChildrenNumber, [path], ({ path }) => ({
      path,
      request: { type: 'getAllChildrenNumber', path: this.#chroot.toServer(path) },
      read: (body) => bodyOf(body, 'getAllChildrenNumber').count,
    }))
  }

  /**
   * @param prefix default /
   * @returns this session's ephemerals whose path begins with it, sorted
   */
  getEphemerals(prefix?: string): Promise<string[]> {
    return this.#calls.ask(zkMethods.getEphemerals, [prefix], ({ prefix }) => ({
      path: prefix,
      request: { type: 'getEphemerals', prefix: this.#chroot.toServer(prefix) },
      read: (body) => {
        const paths = bodyOf(body, 'getEphemerals').paths.filter((one) => this.#chroot.covers(one))
        return paths.map((one) => this.#chroot.toClient(one)).sort()
      },
    }))
  }

  /**
   * Later reads of this client reflect every write that was committed before this call.
   *
   * @param path default /
   */
  sync(path?: string): Promise<void> {
    return this.#calls.ask(zkMethods.sync, [path], ({ path }) => ({
      path,
      request: { type: 'sync', path: this.#chroot.toServer(path) },
      read: () => undefined,
    }))
  }

  /** Applies all parts or none. @throws ZkMultiError with the part that failed */
  multi(ops: readonly MultiOp[]): Promise<MultiResult[]> {
    return this.#calls.ask(zkMethods.multi, [ops], ({ ops }) => ({
      request: {
        type: 'multi',
        ops: ops.map((op) => this.#chroot.writeOpToServer(op, this.#defaultAcl)),
      },
      read: (body) => {
        const { results } = bodyOf(body, 'multi')
        const error = multiErrorOf(ops, results)
        if (error !== undefined) throw error
        return results.map((result) => {
          if (result.type !== 'create') return result
          const { type, path, stat } = result
          return { type, path: this.#chroot.toClient(path), stat }
        })
      },
    }))
  }

  /** @returns one result for each part; an error affects only its part */
  multiRead(ops: readonly ReadOp[]): Promise<ReadResult[]> {
    return this.#calls.ask(zkMethods.multiRead, [ops], ({ ops }) => ({
      request: {
        type: 'multiRead',
        ops: ops.map(({ type, path }) => ({ type, path: this.#chroot.toServer(path) })),
      },
      read: (body) => [...bodyOf(body, 'multiRead').results],
    }))
  }

  // --- watches -----------------------------------------------------------------------------------

  /**
   * Calls `watcher` at every change until it is removed; `AddWatchMode` says which znodes it
   * covers.
   */
  addWatch(path: string, mode: AddWatchMode, watcher: Watcher): Promise<void> {
    return this.#calls.ask(
      zkMethods.addWatch,
      [path, mode, watcher],
      ({ path, mode, watcher }) => ({
        path,
        request: { type: 'addWatch', path: this.#chroot.toServer(path), mode },
        watcher,
        read: () => undefined,
      }),
    )
  }

  /** Checks that the server holds such a watch of this client. @throws ZkError NOWATCHER */
  checkWatches(path: string, type: WatcherType): Promise<void> {
    return this.#calls.ask(zkMethods.checkWatches, [path, type], ({ path, type: watcherType }) => ({
      path,
      request: { type: 'checkWatches', path: this.#chroot.toServer(path), watcherType },
      read: () => undefined,
    }))
  }

  /**
   * Without a connection, the watch is only removed here, and so is not armed again after
   * reconnecting.
   *
   * @param watcher default: all watchers of this client on this path
   * @throws ZkError NOWATCHER
   */
  removeWatches(path: string, type: WatcherType, watcher?: Watcher): Promise<void> {
    return this.#calls.ask(zkMethods.removeWatches, [path, type, watcher], (taken) => ({
      path: taken.path,
      request: {
        type: 'removeWatches',
        path: this.#chroot.toServer(taken.path),
        watcherType: taken.type,
      },
      watcher: taken.watcher,
      read: () => undefined,
    }))
  }

  // --- calls -------------------------------------------------------------------------------------

  #read<T>(
    type: 'exists' | 'getData' | 'getChildren',
    given: readonly unknown[],
    read: (body: ReplyBody) => T,
  ): Promise<T> {
    return this.#calls.take(
      zkMethods[type],
      given,
      ({ path, watcher, options: { linearizable } }) => {
        const at = this.#chroot.toServer(path)
        const watch = watcher !== undefined
        const isNative = this.#dialect === 'native'
        const request = { type, path: at, watch, linearizable: linearizable && isNative } as const
        const asked = () => this.#calls.send({ path, request, watcher, read })
        if (!linearizable || isNative) return asked()
        return Promise.all([this.sync(path), asked()]).then(([, found]) => found)
      },
    )
  }

  // --- the session's callbacks -------------------------------------------------------------------

  #notify(watchers: readonly Watcher[], { type, path, zxid }: WatchEvent): void {
    const event = { type, path: this.#chroot.toClient(path), zxid }
    for (const watcher of watchers) {
      queueMicrotask(() => this.#callbacks.call('A watcher', () => watcher(event)))
    }
  }

  #became(state: SessionState): void {
    if (state === 'connecting') return
    const sessionId = `0x${this.sessionId.toString(16)}`
    const server = this.server === undefined ? undefined : formatAddress(this.server)
    this.#log.info({ state, sessionId, server }, 'The session changed its state')
    queueMicrotask(() => {
      for (const waiter of [...this.#waiters]) waiter(state)
      this.#callbacks.emit(this, state)
    })
  }

  #unreachable(attempts: readonly Attempt[]): void {
    this.#log.info({ attempts: formatAttempts(attempts) }, 'No server serves us: trying again')
    queueMicrotask(() => this.#callbacks.emit(this, 'unreachable', attempts))
  }
}

function dataOf(body: ReplyBody): { data: Buffer | null; stat: Stat } {
  const { data, stat } = bodyOf(body, 'getData')
  return { data: data === null ? null : asBuffer(data), stat }
}
