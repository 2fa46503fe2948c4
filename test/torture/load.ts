// One client of a tortured ensemble: keeps a few operations in flight in one session, and begins
// another one when that is over. Each operation and each event is recorded as the client saw it.

import type { Address } from '../../src/address.ts'
import { type Watcher, ZkClient } from '../../src/client/zk/zk-client.ts'
import { ZkError } from '../../src/protocol/error-codes.ts'
import type { SessionId } from '../../src/protocol/records.ts'
import { type TcpLink, TcpTransport } from '../../src/protocol/transport/tcp.ts'
import type { LinkListener, LinkOptions } from '../../src/protocol/transport/transport.ts'
import type { CreateMode, MultiResult } from '../../src/protocol/zk/messages.ts'
import type { Random } from '../../src/random.ts'
import { realWorld } from '../../src/real-world.ts'
import { nameFor, valueFor } from '../history/facts.ts'
import type { Call, Outcome, Recorder, Sight, WriteCall } from '../history/history.ts'

export const paths = {
  root: '/t',
  registers: ['/t/r0', '/t/r1', '/t/r2'],
  /** of sequential znodes */
  queues: ['/t/q0', '/t/q1', '/t/q2', '/t/q3'],
  /** of znodes that are created and deleted */
  things: '/t/things',
  ephemerals: '/t/ephemerals',
} as const

/** A close that took longer may have been given up by the client itself. */
const closeMs = 1900

/** However many servers are killed, one must serve within this time. */
const connectTimeoutMs = 30_000

/** Operations in flight per session. */
const depth = 3

/** The longest pause between two operations of one line. */
const pauseMs = 12

/** One client with one session. */
export class Session {
  readonly name: string
  readonly #zk: ZkClient
  readonly #transport: CuttableTransport
  readonly #recorder: Recorder
  readonly #random: Random
  readonly #versions = new Map<string, number>()
  /** our znodes that may be deleted */
  readonly #things: string[] = []
  #lost = false
  over = false

  constructor(options: {
    readonly name: string
    readonly servers: readonly Address[]
    readonly sessionTimeoutMs: number
    readonly recorder: Recorder
    readonly random: Random
  }) {
    const { name, servers, sessionTimeoutMs, recorder, random } = options
    this.name = name
    this.#recorder = recorder
    this.#random = random
    const world = realWorld()
    this.#transport = new CuttableTransport(world.turn)
    this.#zk = new ZkClient({
      servers,
      sessionTimeoutMs,
      connectTimeoutMs,
      world: {
        ...world,
        transport: this.#transport,
        randomBytes: (count) => random.bytes(count),
      },
    })
    this.#zk.on('suspended', () => {
      this.#lost = true
      recorder.suspended(name)
    })
    this.#zk.on('expired', () => {
      this.over = true
    })
    this.#zk.on('closed', () => {
      this.over = true
    })
  }

  get id(): SessionId {
    return this.#zk.sessionId
  }

  connect(): Promise<void> {
    return this.#zk.connect()
  }

  /** Keeps operations in flight until the session is over or `until` ends it. */
  async work(until: () => boolean): Promise<void> {
    const lines = Array.from({ length: depth }, async () => {
      while (!this.over && !until()) {
        await this.#something()
        await pause(this.#random.below(pauseMs))
      }
    })
    await Promise.all(lines)
  }

  /** Closes the session; an answer means that the ephemerals are gone. */
  async close(): Promise<void> {
    const end = this.#recorder.begin(this.name, { type: 'closeSession' })
    this.#lost = this.#zk.state !== 'connected'
    const startedMs = performance.now()
    await this.#zk.close()
    if (this.#lost || performance.now() - startedMs > closeMs) {
      end({ type: 'unknown' }, this.id)
      return
    }
    end({ type: 'ok', sights: [] }, this.id)
    this.#recorder.sessionOver(this.id)
  }

  /** No server is reachable any more: the session ends by its time-out. */
  cut(): void {
    this.#transport.cut()
  }

  // --- operations --------------------------------------------------------------------------------

  #something(): Promise<void> {
    const random = this.#random
    const dice = random.below(100)
    const { registers, queues, things, ephemerals } = paths
    const register = random.pick(registers)
    const queue = random.pick(queues)
    if (dice < 22) return this.set(register, this.#versions.get(register) ?? 0)
    if (dice < 26) return this.set(register, -1)
    if (dice < 40) return this.read('getData', register, { synced: false })
    if (dice < 56) return this.read('getData', register, { synced: true })
    if (dice < 62) return this.read('getData', register, { synced: false, watch: true })
    if (dice < 65) return this.read('getChildren', ephemerals, { synced: false, watch: true })
    if (dice < 77) return this.create(queue, 'persistentSequential')
    if (dice < 82) return this.create(ephemerals, 'ephemeral')
    if (dice < 86) return this.create(things, 'persistent')
    if (dice < 89) return this.#deleteThing()
    if (dice < 92) return this.#twoRegisters()
    if (dice < 95) return this.#registerAndThing(register)
    if (dice < 97) return this.read('getChildren', ephemerals, { synced: true })
    if (dice < 99) return this.read('getChildren', things, { synced: random.chance(0.5) })
    return this.watchCreates(queue)
  }

  create(parent: string, mode: CreateMode): Promise<void> {
    const id = this.#recorder.nextOperation
    const name = nameFor(id, { sequential: mode.endsWith('Sequential') })
    return this.#create({ type: 'create', path: `${parent}/${name}`, data: valueFor(id), mode })
  }

  /** A znode with a unique name: a parent, or a register. */
  createAs(path: string): Promise<void> {
    const data = valueFor(this.#recorder.nextOperation)
    return this.#create({ type: 'create', path, data, mode: 'persistent' })
  }

  #create(call: Extract<WriteCall, { type: 'create' }>): Promise<void> {
    const { path, data, mode } = call
    const asked = () => this.#zk.create(path, data, { mode })
    return this.#note(call, asked, (created) => {
      if (path.startsWith(`${paths.things}/`)) this.#things.push(path)
      return [created]
    })
  }

  #deleteThing(): Promise<void> {
    const path = this.#things.pop()
    if (path === undefined) return Promise.resolve()
    const call: Call = { type: 'delete', path, version: -1 }
    return this.#note(
      call,
      () => this.#zk.delete(path),
      () => [],
    )
  }

  set(path: string, version: number): Promise<void> {
    const data = valueFor(this.#recorder.nextOperation)
    const call: Call = { type: 'setData', path, data, version }
    const asked = () => this.#zk.setData(path, data, version)
    return this.#note(call, asked, (stat) => [{ path, stat, data }])
  }

  #twoRegisters(): Promise<void> {
    const [first, second] = paths.registers
    const data = valueFor(this.#recorder.nextOperation)
    return this.#multi([first, second].map((path) => this.#setting(path, data)))
  }

  #registerAndThing(register: string): Promise<void> {
    const id = this.#recorder.nextOperation
    const path = `${paths.things}/${nameFor(id, { sequential: false })}`
    const data = valueFor(id)
    return this.#multi([
      { type: 'create', path, data, mode: 'persistent' },
      this.#setting(register, data),
    ])
  }

  #setting(path: string, data: string): WriteCall {
    return { type: 'setData', path, data, version: this.#versions.get(path) ?? 0 }
  }

  #multi(calls: readonly WriteCall[]): Promise<void> {
    const ops = calls.map((call) =>
      call.type === 'delete' ? call : { ...call, data: Buffer.from(call.data) },
    )
    const sights = (results: readonly MultiResult[]) =>
      results.flatMap((result, i) => {
        const call = calls[i]
        if (call === undefined || !('stat' in result)) return []
        return [{ path: call.path, stat: result.stat }]
      })
    return this.#note({ type: 'multi', calls }, () => this.#zk.multi(ops), sights)
  }

  read(
    type: 'getData' | 'getChildren',
    path: string,
    { synced, watch = false }: { readonly synced: boolean; readonly watch?: boolean },
  ): Promise<void> {
    const number = watch ? this.#recorder.nextWatch() : undefined
    const watcher = number === undefined ? undefined : this.#watcher(number)
    const call: Call = { type, path, synced, watch: number }
    if (type === 'getData') {
      const asked = () => this.#zk.getData(path, watcher)
      return this.#note(call, asked, ({ data, stat }) => [{ path, stat, data: String(data) }])
    }
    const asked = () => this.#zk.getChildren(path, watcher)
    return this.#note(call, asked, ({ children, stat }) => [{ path, stat, children }])
  }

  watchCreates(path: string): Promise<void> {
    const watch = this.#recorder.nextWatch()
    const asked = () => this.#zk.addWatch(path, 'persistentRecursive', this.#watcher(watch))
    return this.#note({ type: 'addWatch', path, watch }, asked, () => [])
  }

  #watcher(watch: number): Watcher {
    return ({ type, path, zxid }) => {
      this.#recorder.notice({ client: this.name, session: this.id, watch, type, path, zxid })
    }
  }

  /**
   * Records the call and, in the same turn as the client's callback, its outcome: events and
   * answers must be recorded in the order in which they arrived. So a synced read is sent right
   * after its sync without waiting for it; both are answered in that order.
   */
  #note<T>(
    call: Call,
    ask: () => Promise<T>,
    sightsOf: (answer: T) => readonly Sight[],
  ): Promise<void> {
    const end = this.#recorder.begin(this.name, call)
    let unsynced: unknown
    if ('synced' in call && call.synced) {
      this.#zk.sync().catch((error: unknown) => {
        unsynced = error
      })
    }
    return ask().then(
      (answer) => {
        if (unsynced !== undefined) throw unsynced
        const sights = sightsOf(answer)
        for (const { path, stat } of sights) this.#versions.set(path, stat.version)
        end({ type: 'ok', sights }, this.id)
      },
      (error: unknown) => end(outcomeOf(error), this.id),
    )
  }
}

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof ZkError)) throw error
  const { code } = error
  return code === 'CONNECTIONLOSS' ? { type: 'unknown' } : { type: 'refused', code }
}

/** A transport that can be cut off for good: dialling then reaches no server. */
class CuttableTransport extends TcpTransport {
  readonly #links = new Set<TcpLink>()
  #isCut = false

  override dial(address: Address, options: LinkOptions, listener: LinkListener): TcpLink {
    const to = this.#isCut ? nowhere : address
    const link = super.dial(to, options, {
      connected: () => listener.connected?.(),
      frame: (buffer, start, end) => listener.frame(buffer, start, end),
      drained: () => listener.drained?.(),
      closed: (reason) => {
        this.#links.delete(link)
        listener.closed(reason)
      },
    })
    this.#links.add(link)
    return link
  }

  cut(): void {
    this.#isCut = true
    for (const link of [...this.#links]) link.destroy()
  }
}

/** The port of tcpmux, which has no listener. */
const nowhere: Address = { host: '127.0.0.1', port: 1 }

export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}
