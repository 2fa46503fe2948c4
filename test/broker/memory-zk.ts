// A tree of znodes in memory, and sessions with it as a broker's parts use them, in which a test
// stops the world between any two steps. What a session asks goes through two pipes, as over a
// connection:
//
//   call ─▶ requests ─▶ the tree ─▶ answers and events, in one order ─▶ promises and watchers
//
// Either pipe can be stopped at a call. When the connection breaks, writes whose answers have not
// come fail with CONNECTIONLOSS, whether they were made or not; reads are asked again; events are
// lost.

import { EventEmitter } from 'node:events'
import type { ZkAccess } from '../../src/broker/cluster/zk-access.ts'
import { zkPaths } from '../../src/broker/cluster/zk-paths.ts'
import { multiErrorOf } from '../../src/client/zk/errors.ts'
import type { ZkClientEvents } from '../../src/client/zk/zk-client.ts'
import { type ErrorCode, errorCodes, ZkError } from '../../src/protocol/error-codes.ts'
import { type Acl, openAcl, type SessionId, type Stat } from '../../src/protocol/records.ts'
import type {
  AddWatchMode,
  EventType,
  MultiOp,
  MultiResult,
  ReadOp,
  ReadResult,
  WatchEvent,
} from '../../src/protocol/zk/messages.ts'
import type { Zxid } from '../../src/protocol/zxid.ts'

type Watcher = (event: WatchEvent) => void

interface Node {
  data: Buffer | null
  acl: readonly Acl[]
  stat: Stat
}

export class MemoryTree {
  readonly #nodes = new Map<string, Node>([['/', { data: null, acl: openAcl, stat: statOf(0, 0) }]])
  readonly #sessions: MemoryZk[] = []
  #zxid = 0

  /** With the znodes that all brokers share. */
  static ofCluster(): MemoryTree {
    const tree = new MemoryTree()
    const { cluster, brokers, brokerIds, topics, reports, marks, controllerEpoch } = zkPaths
    const { config, configTopics, configBrokers, deleted } = zkPaths
    for (const path of [cluster, brokers, brokerIds, topics, reports, marks]) tree.put(path, '')
    for (const path of [config, configTopics, configBrokers, deleted]) tree.put(path, '')
    tree.put(controllerEpoch, '0')
    return tree
  }

  session(): MemoryZk {
    const session = new MemoryZk(this, (100 + this.#sessions.length) as SessionId)
    this.#sessions.push(session)
    return session
  }

  /** Text of a znode; undefined if it does not exist. */
  text(path: string): string | undefined {
    return this.#nodes.get(path)?.data?.toString()
  }

  stat(path: string): Stat | undefined {
    return this.#nodes.get(path)?.stat
  }

  /** Writes at once, as some other client does. */
  put(path: string, data: string, owner = 0): void {
    if (this.#nodes.has(path)) this.setData(path, Buffer.from(data), -1)
    else this.create(path, Buffer.from(data), owner as SessionId)
  }

  // --- operations, for sessions; each throws ZkError
  // ----------------------------------------------

  get(path: string): Node {
    const found = this.#nodes.get(path)
    if (found === undefined) throw errorOf('NONODE', path)
    return found
  }

  children(path: string): string[] {
    this.get(path)
    const prefix = path === '/' ? '/' : `${path}/`
    return [...this.#nodes.keys()]
      .filter(
        (one) => one !== '/' && one.startsWith(prefix) && !one.slice(prefix.length).includes('/'),
      )
      .map((one) => one.slice(prefix.length))
      .sort()
  }

  create(path: string, data: Buffer | null, owner: SessionId): Stat {
    if (this.#nodes.has(path)) throw errorOf('NODEEXISTS', path)
    this.get(path.slice(0, path.lastIndexOf('/')) || '/')
    this.#zxid += 1
    const stat = statOf(this.#zxid, owner)
    this.#nodes.set(path, { data, acl: openAcl, stat })
    this.#tell('NodeCreated', path)
    return stat
  }

  setData(path: string, data: Buffer | null, version: number): Stat {
    const node = this.#checked(path, version)
    this.#zxid += 1
    node.data = data
    node.stat = { ...node.stat, mzxid: this.#zxid as Zxid, version: node.stat.version + 1 }
    this.#tell('NodeDataChanged', path)
    return node.stat
  }

  /** ACLs are stored but not enforced. */
  setACL(path: string, acl: readonly Acl[], version: number): Stat {
    const node = this.get(path)
    if (version !== -1 && version !== node.stat.aversion) throw errorOf('BADVERSION', path)
    node.acl = acl
    node.stat = { ...node.stat, aversion: node.stat.aversion + 1 }
    return node.stat
  }

  delete(path: string, version: number): void {
    this.#checked(path, version)
    if (this.children(path).length > 0) throw errorOf('NOTEMPTY', path)
    this.#zxid += 1
    this.#nodes.delete(path)
    this.#tell('NodeDeleted', path)
  }

  #checked(path: string, version: number): Node {
    const node = this.get(path)
    if (version !== -1 && version !== node.stat.version) throw errorOf('BADVERSION', path)
    return node
  }

  /** All or nothing: one that fails is found before any is made. */
  multi(ops: readonly MultiOp[], owner: SessionId): MultiResult[] {
    const deleted = new Set<string>()
    const isEmpty = (path: string) => {
      return this.children(path).every((name) => deleted.has(`${path}/${name}`))
    }
    const codes = ops.map((op): ErrorCode => {
      const version = this.#nodes.get(op.path)?.stat.version
      if (op.type === 'create') return version === undefined ? 'OK' : 'NODEEXISTS'
      if (version === undefined) return 'NONODE'
      if (op.version !== -1 && op.version !== version) return 'BADVERSION'
      if (op.type !== 'delete') return 'OK'
      deleted.add(op.path)
      return isEmpty(op.path) ? 'OK' : 'NOTEMPTY'
    })
    const failed = codes.findIndex((code) => code !== 'OK')
    if (failed !== -1) {
      return codes.map((code, i) => {
        const shown = i < failed ? 'OK' : i === failed ? code : 'RUNTIMEINCONSISTENCY'
        return { type: 'error', code: errorCodes[shown] }
      })
    }
    return ops.map((op) => this.#make(op, owner))
  }

  #make(op: MultiOp, owner: SessionId): MultiResult {
    switch (op.type) {
      case 'create': {
        const isEphemeral = op.mode === 'ephemeral'
        const stat = this.create(op.path, bytesOf(op.data), isEphemeral ? owner : (0 as SessionId))
        return { type: 'create', path: op.path, stat }
      }
      case 'setData':
        return { type: 'setData', stat: this.setData(op.path, bytesOf(op.data), op.version) }
      case 'delete':
        this.delete(op.path, op.version)
        return { type: 'delete' }
      case 'check':
        return { type: 'check' }
    }
  }

  /** The session is over: its ephemerals go. */
  end(owner: number): void {
    for (const [path, { stat }] of this.#nodes) {
      if (stat.ephemeralOwner === owner) this.delete(path, -1)
    }
  }

  #tell(type: EventType, path: string): void {
    for (const session of this.#sessions) session.changed({ type, path, zxid: this.#zxid as Zxid })
  }
}

export type CallName =
  | 'addAuth'
  | 'multiRead'
  | 'addWatch'
  | 'connect'
  | 'create'
  | 'delete'
  | 'exists'
  | 'getACL'
  | 'getChildren'
  | 'getData'
  | 'multi'
  | 'setACL'
  | 'setData'
  | 'sync'

interface Call {
  readonly name: CallName
  /** of a multi: of its last operation */
  readonly path: string
  /** at the tree; throws ZkError */
  readonly run: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** What comes back: the answer to a call, or an event. */
type Arrival =
  | { readonly type: 'answer'; readonly call: Call; readonly deliver: () => void }
  | { readonly type: 'event'; readonly deliver: () => void }

interface Stop {
  readonly at: 'request' | 'answer'
  readonly name: CallName
  readonly path: string | undefined
  readonly reached: () => void
  isReached: boolean
}

interface Watch {
  readonly path: string
  readonly mode: AddWatchMode | 'once'
  readonly watcher: Watcher
}

const writes: readonly CallName[] = ['create', 'delete', 'multi', 'setACL', 'setData']

export class MemoryZk extends EventEmitter<ZkClientEvents> implements ZkAccess {
  readonly sessionId: SessionId
  sessionTimeoutMs = 10_000
  /** `create /a`, in the order in which the tree got them */
  readonly made: string[] = []
  readonly #tree: MemoryTree
  #requests: Call[] = []
  #arrivals: Arrival[] = []
  #watches: Watch[] = []
  #stop: Stop | undefined
  #state: 'connected' | 'suspended' | 'over' = 'connected'
  #isPumping = false

  constructor(tree: MemoryTree, sessionId: SessionId) {
    super()
    this.#tree = tree
    this.sessionId = sessionId
  }

  // --- what a test does
  // ---------------------------------------------------------------------------

  /**
   * Stops before the next such call reaches the tree, or before its answer comes back; everything
   * behind it waits as well. Resolves when it has come to that.
   */
  stopAt(at: 'request' | 'answer', name: CallName, path?: string): Promise<void> {
    return new Promise((resolve) => {
      this.#stop = { at, name, path, reached: resolve, isReached: false }
    })
  }

  /** Goes on from where it was stopped. */
  resume(): void {
    this.#stop = undefined
    this.#pump()
  }

  /** Whatever is between us and the tree is lost; nothing more gets through until `reconnect`. */
  disconnect(): void {
    this.#state = 'suspended'
    this.#stop = undefined
    const answered = this.#arrivals.flatMap((one) => (one.type === 'answer' ? [one.call] : []))
    const pending = [...answered, ...this.#requests]
    this.#arrivals = []
    this.#requests = pending.filter(({ name }) => !writes.includes(name))
    this.emit('suspended')
    for (const { name, path, reject } of pending) {
      if (writes.includes(name)) reject(errorOf('CONNECTIONLOSS', path))
    }
  }

  reconnect(): void {
    this.#state = 'connected'
    this.#pump()
    this.emit('connected')
  }

  /** The server ended the session. */
  expire(): void {
    this.#end('SESSIONEXPIRED')
    this.emit('expired')
  }

  /** For the tree. */
  changed(event: WatchEvent): void {
    if (this.#state !== 'connected') return
    for (const watch of this.#watches.filter((one) => covers(one, event.path))) {
      if (watch.mode === 'once') this.#watches = this.#watches.filter((one) => one !== watch)
      this.#arrivals.push({ type: 'event', deliver: () => watch.watcher(event) })
    }
    this.#pump()
  }

  // --- what a broker asks
  // -------------------------------------------------------------------------

  connect(): Promise<void> {
    return this.#ask('connect', '', () => undefined)
  }

  addAuth(): Promise<void> {
    return this.#ask('addAuth', '', () => undefined)
  }

  async close(): Promise<void> {
    if (this.#state !== 'over') this.#end('SESSIONEXPIRED')
  }

  sync(path = '/'): Promise<void> {
    return this.#ask('sync', path, () => undefined)
  }

  addWatch(path: string, mode: AddWatchMode, watcher: Watcher): Promise<void> {
    return this.#ask('addWatch', path, () => {
      this.#watches.push({ path, mode, watcher })
    })
  }

  createChroot(): Promise<void> {
    return Promise.resolve() // there is none
  }

  create(
    path: string,
    data: Uint8Array | string | null = null,
    { mode = 'persistent' }: { readonly mode?: string } = {},
  ): Promise<{ path: string; stat: Stat }> {
    const owner = mode === 'ephemeral' ? this.sessionId : (0 as SessionId)
    return this.#ask('create', path, () => {
      return { path, stat: this.#tree.create(path, bytesOf(data), owner) }
    })
  }

  delete(path: string, version = -1): Promise<void> {
    return this.#ask('delete', path, () => this.#tree.delete(path, version))
  }

  exists(path: string, watcher?: Watcher): Promise<Stat | undefined> {
    return this.#ask('exists', path, () => {
      if (watcher !== undefined) this.#watches.push({ path, mode: 'once', watcher })
      return this.#tree.stat(path)
    })
  }

  getData(path: string): Promise<{ data: Buffer | null; stat: Stat }> {
    return this.#ask('getData', path, () => {
      const { data, stat } = this.#tree.get(path)
      return { data, stat }
    })
  }

  getChildren(path: string): Promise<{ children: string[]; stat: Stat }> {
    return this.#ask('getChildren', path, () => {
      return { children: this.#tree.children(path), stat: this.#tree.get(path).stat }
    })
  }

  getACL(path: string): Promise<{ acl: Acl[]; stat: Stat }> {
    return this.#ask('getACL', path, () => {
      const { acl, stat } = this.#tree.get(path)
      return { acl: [...acl], stat }
    })
  }

  setACL(path: string, acl: readonly Acl[], version = -1): Promise<Stat> {
    return this.#ask('setACL', path, () => this.#tree.setACL(path, acl, version))
  }

  setData(path: string, data: Uint8Array | string | null, version = -1): Promise<Stat> {
    return this.#ask('setData', path, () => this.#tree.setData(path, bytesOf(data), version))
  }

  multi(ops: readonly MultiOp[]): Promise<MultiResult[]> {
    return this.#ask('multi', ops.at(-1)?.path ?? '', () => {
      const results = this.#tree.multi(ops, this.sessionId)
      const error = multiErrorOf(ops, results)
      if (error !== undefined) throw error
      return results
    })
  }

  multiRead(ops: readonly ReadOp[]): Promise<ReadResult[]> {
    return this.#ask('multiRead', ops.at(-1)?.path ?? '', () =>
      ops.map(({ path }): ReadResult => {
        if (this.#tree.stat(path) === undefined) return { type: 'error', code: errorCodes.NONODE }
        const { data, stat } = this.#tree.get(path)
        return { type: 'getData', data, stat }
      }),
    )
  }

  // --- the two pipes
  // ------------------------------------------------------------------------------

  #ask<T>(name: CallName, path: string, run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#state === 'over') {
        reject(errorOf('SESSIONEXPIRED', path))
        return
      }
      // What a call resolves with is what its own `run` returns.
      this.#requests.push({ name, path, run, resolve: resolve as (value: unknown) => void, reject })
      this.#pump()
    })
  }

  /** A turn later, as nothing is answered before its call returns. */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    setImmediate(() => {
      this.#isPumping = false
      this.#handle()
      this.#deliver()
    })
  }

  #handle(): void {
    while (this.#state === 'connected') {
      const [call] = this.#requests
      if (call === undefined || this.#isStoppedAt('request', call)) return
      this.#requests.shift()
      this.made.push(call.path === '' ? call.name : `${call.name} ${call.path}`)
      const deliver = outcomeOf(call)
      this.#arrivals.push({ type: 'answer', call, deliver })
    }
  }

  #deliver(): void {
    while (this.#state === 'connected') {
      const [arrival] = this.#arrivals
      if (arrival === undefined) return
      if (arrival.type === 'answer' && this.#isStoppedAt('answer', arrival.call)) return
      this.#arrivals.shift()
      arrival.deliver()
    }
  }

  #isStoppedAt(at: 'request' | 'answer', { name, path }: Call): boolean {
    const stop = this.#stop
    if (stop === undefined || stop.at !== at || stop.name !== name) return false
    if (stop.path !== undefined && stop.path !== path) return false
    if (!stop.isReached) {
      stop.isReached = true
      stop.reached()
    }
    return true
  }

  #end(code: ErrorCode): void {
    const answered = this.#arrivals.flatMap((one) => (one.type === 'answer' ? [one.call] : []))
    const pending = [...answered, ...this.#requests]
    this.#state = 'over'
    this.#requests = []
    this.#arrivals = []
    this.#tree.end(this.sessionId)
    for (const { path, reject } of pending) reject(errorOf(code, path))
  }
}

function outcomeOf({ run, resolve, reject }: Call): () => void {
  try {
    const value = run()
    return () => resolve(value)
  } catch (error) {
    return () => reject(error)
  }
}

function covers({ path, mode }: Watch, changed: string): boolean {
  return changed === path || (mode === 'persistentRecursive' && changed.startsWith(`${path}/`))
}

function errorOf(code: ErrorCode, path: string): ZkError {
  return new ZkError(code, path, `${path}: ${code}`)
}

function bytesOf(data: Uint8Array | string | null): Buffer | null {
  return data === null ? null : Buffer.from(data as string)
}

function statOf(zxid: number, owner: number): Stat {
  return {
    czxid: zxid as Zxid,
    mzxid: zxid as Zxid,
    pzxid: zxid as Zxid,
    ctime: 0,
    mtime: 0,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: owner as SessionId,
    dataLength: 0,
    numChildren: 0,
  }
}
