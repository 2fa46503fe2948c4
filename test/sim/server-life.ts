// One life of an ensemble of whole servers with clients, decided by its seed: while clients write, read,
// watch and come and go, servers are killed or lose power between any two acts, stand still, have slow
// or failing disks and odd clocks, and the network splits; then the faults stop, and within bounded
// time all must be well and everything that anybody saw must fit together.

import { invariant } from '../../src/invariant.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack.ts'
import { encodePeerMessage } from '../../src/protocol/peer/codec.ts'
import { IdentitiesCodec } from '../../src/protocol/peer/identities.ts'
import type { CreateMode, MultiOp, Request } from '../../src/protocol/zk/messages.ts'
import { formatZxid } from '../../src/protocol/zxid.ts'
import { Random } from '../../src/random.ts'
import { SimClient } from './client.ts'
import { killPoints } from './crash-points.ts'
import { EventQueue } from './event-queue.ts'
import { checkHistory } from './history.ts'
import { Network } from './network.ts'
import type { KillAt } from './process.ts'
import { SimServer, tickMs } from './server.ts'
import { fastestClock, ServerChecker } from './server-checker.ts'
import { textOf } from './tree-model.ts'

export interface ServerLife {
  readonly operations: number
  readonly answered: number
  readonly committed: number
  readonly established: number
  readonly coverage: ReadonlyMap<string, number>
}

const convergenceMs = 30_000

/** @throws InvariantError when a promise is broken */
export async function liveServers(
  seed: number,
  trace?: (line: string) => void,
): Promise<ServerLife> {
  const world = new ServerWorld(seed, trace)
  await world.live()
  return world.result()
}

class ServerWorld {
  readonly random: Random
  readonly queue = new EventQueue()
  readonly network: Network
  readonly checker = new ServerChecker()
  readonly servers: SimServer[] = []
  readonly clients: SimClient[] = []
  readonly #coverage = new Map<string, number>()
  readonly #trace: ((line: string) => void) | undefined
  #failure: Error | undefined
  #values = 0
  #clientCount = 0
  #events = 0
  /** above what elections of themselves reach */
  #forgedRound = 1000
  #settling = false
  /** something is to come about, and nothing else is to go wrong until then */
  #calmUntilMs = 0
  /** least time-out of sessions */
  readonly #timeoutMs: number
  /** of all values: what follows one record on the disk then fits behind another */
  readonly #valueLength: number | undefined
  readonly #focus: KillAt | undefined

  constructor(seed: number, trace: ((line: string) => void) | undefined) {
    const random = new Random(seed)
    this.random = random
    this.#trace = trace && ((line) => trace(`${this.queue.nowMs.toFixed(1).padStart(9)} ${line}`))
    this.#focus = random.chance(0.8) ? random.pick(killPoints) : undefined
    this.#timeoutMs = this.#focus?.act.startsWith('expire') || random.chance(0.3) ? 1000 : 2000
    const snaps = this.#focus?.act.includes('SNAP') === true
    const cuts = this.#focus?.act.includes('TRUNC') === true
    this.network = new Network(this.queue, random)
    this.network.delayMs = [0.1, random.chance(0.2) ? 30 : 3]
    if (random.chance(0.3)) this.network.windowBytes = 1000
    this.network.onViolation = (error) => this.#fail(error)
    const serverCount = random.chance(0.25) ? 5 : 3
    const parts = {
      queue: this.queue,
      network: this.network,
      random,
      checker: this.checker,
      servers: this.servers,
      serverCount,
      segmentBytes: snaps ? 1024 : random.pick(cuts ? [16_384] : [1024, 4096, 16_384]),
      logKept: { segments: snaps ? 0 : random.below(3), bytes: 0 },
      handoverAt: random.chance(0.3) ? 20 + random.below(100) : 1_000_000,
      trace: this.#trace,
      cover: (what: string) => this.#cover(what),
      fail: (error: Error) => this.#fail(error),
    }
    for (let id = 1; id <= serverCount; id++) this.servers.push(new SimServer(id, parts))
    const treeExtraMs = random.chance(0.2) ? 500 : 0
    for (const { disk } of this.servers) {
      disk.delayMs = [0.05, random.chance(0.2) ? 20 : 2]
      disk.treeExtraMs = treeExtraMs
    }
    this.#valueLength = random.chance(0.3) ? 10 + random.below(50) : undefined
  }

  async live(): Promise<void> {
    const { random, servers } = this
    const faults = this.#faults()
    for (const server of servers) server.start()
    for (let i = 0; i < 3; i++) this.#addClient()
    await this.#run(600)
    this.#prepareTree()
    for (let round = 0; round < 60; round++) {
      await this.#run(random.chance(0.2) ? random.next() * 1500 : random.next() * 60)
      if (this.queue.nowMs < this.#calmUntilMs) continue
      for (let i = random.below(12); i > 0; i--) this.#askSomething()
      if (this.#focus !== undefined && random.chance(0.1)) random.pick(servers).killAt(this.#focus)
      const dice = random.next()
      if (dice < 0.3) random.pick(servers).start()
      else if (dice < 0.6) random.pick(faults)()
    }
    await this.#settle()
  }

  result(): ServerLife {
    const operations = this.clients.flatMap((client) => client.operations)
    return {
      operations: operations.length,
      answered: operations.filter(({ outcome }) => outcome.type === 'answered').length,
      committed: this.checker.order.length,
      established: this.checker.establishedCount,
      coverage: this.#coverage,
    }
  }

  // --- faults ------------------------------------------------------------------------------------

  /** What this life is made of: a fault that never happens leaves room for longer chains of others. */
  #faults(): (() => void)[] {
    const { random, network, servers, clients } = this
    const server = (): SimServer => random.pick(servers)
    const leader = (): SimServer =>
      servers.find(({ role }) => role.type === 'leading') ?? random.pick(servers)
    const hosts = (): string[] => servers.map(({ host }) => host)
    const host = (): string =>
      random.chance(0.8) ? random.pick(hosts()) : random.pick(clients).name
    const kinds: (() => void)[][] = [
      [
        () => server().end({ power: random.chance(0.5) }),
        () => leader().end({ power: random.chance(0.5) }),
        () => server().process?.killAfter(random.below(60)),
        () => leader().process?.killAfter(random.below(200)),
        () => this.#depose(leader()),
        () => {
          const power = random.chance(0.7)
          for (const each of servers) if (random.chance(0.9)) each.end({ power })
        },
      ],
      [
        () => network.reset(host(), host()),
        () => network.block(host(), host()),
        () => {
          const [a, b] = [host(), host()]
          network.block(a, b)
          network.block(b, a)
        },
        () => network.unblockAll(),
        () => this.#isolate(random.chance(0.5) ? leader().host : random.pick(hosts())),
      ],
      [
        () => this.#split(),
        () => this.#bridge(),
        () => this.#flap(host(), host()),
        () => network.unblock(host(), host()),
        () => network.slow(host(), host(), random.next() * 300),
      ],
      [() => this.#forgeElection()],
      [
        () => server().process?.pause(random.next() * 3000),
        () => leader().process?.pause(random.next() * 3000),
      ],
      [
        () => server().disk.stall(random.next() * 1500),
        () => leader().disk.stall(random.next() * 800),
        () => server().disk.failAfter(random.below(20)),
        () => server().disk.fill(random.next() * 2000, { short: random.chance(0.5) }),
      ],
      [
        () => server().process?.drift(0.4 + random.next() * (fastestClock - 0.4)),
        () => {
          const process = server().process
          if (process !== undefined) process.wallSkewMs = random.below(2e7) - 1e7
        },
        () => this.#strand(),
        () => this.#strand(),
      ],
      [() => this.#lose(server(), (lost) => lost.wipe())],
      [() => this.#lose(server(), (lost) => lost.damage())],
      [
        () => this.#move(random.pick(clients), server()),
        () => this.#moveAhead(random.pick(clients)),
        () => this.#closeAmidst(random.pick(clients)),
        () => random.pick(clients).close(),
        () => this.#vanish(),
        () => network.reset(random.pick(clients).name, host()),
      ],
    ]
    const chosen = kinds.filter(() => random.chance(0.6))
    return [() => this.#addClient(), ...chosen.flat(), ...this.#focusedFaults(server, leader)]
  }

  /** What leads to the crash point that this life is about, and the crash. */
  #focusedFaults(server: () => SimServer, leader: () => SimServer): (() => void)[] {
    const { random, servers } = this
    const focus = this.#focus
    if (focus === undefined) return []
    const killAny = (): void => {
      for (const each of servers) if (random.chance(0.7)) each.killAt(focus)
    }
    const provoke = (): void => {
      const victim = focus.act.includes('TRUNC') ? leader() : server()
      if (focus.act.includes('TRUNC')) this.#depose(victim)
      else if (focus.act.includes('SNAP')) this.#lose(victim, () => victim.wipe())
      else if (focus.act.startsWith('recovery')) victim.end({ power: true })
      else if (focus.act.startsWith('expire')) this.#vanish()
      else leader().end({ power: random.chance(0.5) })
      if (focus.act.startsWith('expire')) killAny()
      else victim.killAt(focus)
    }
    return [killAny, () => server().killAt(focus), provoke, provoke]
  }

  /** A leader that nobody hears proposes for a while; when it is back, what it logged alone has to go. */
  #depose(leader: SimServer): void {
    const { network, queue, random, servers } = this
    for (const other of servers) {
      network.block(leader.host, other.host)
      if (other !== leader) other.start()
    }
    for (const client of this.clients) {
      if (!client.process.alive || client.pendingCount > 30) continue
      for (let i = 0; i < 4; i++) client.ask({ ...this.#setData(), version: -1 })
    }
    queue.after(20 + random.below(100), () => leader.end({ power: false }))
    // The next one's own are fewer: they do not cover it all.
    queue.after(1300, () => {
      const client = this.clients.find(({ state }) => state === 'connected')
      client?.ask(this.#setData())
    })
    this.#calmUntilMs = queue.nowMs + 2200
    queue.after(1500, () => {
      network.unblockAll()
      leader.start()
    })
    // What was cut must not stand there again.
    queue.after(1500 + random.below(600), () => {
      if (!this.#settling) leader.end({ power: random.chance(0.5) })
    })
  }

  /**
   * The disk of a server is lost, or damaged: only if the others can still go on, and have among any
   * majority of them all that was committed.
   */
  #lose(server: SimServer, lose: (server: SimServer) => void): void {
    const committed = this.checker.lastZxid
    const majority = Math.floor(this.servers.length / 2) + 1
    const others = this.servers.filter((other) => other !== server)
    const whole = others.filter(
      ({ logged, isUp, isCounted }) => isUp && isCounted && logged >= committed,
    )
    if (whole.length < majority) return
    if (server.logged > committed) return
    lose(server)
  }

  /** A client has to go to a server whose disk makes it late. */
  #move(client: SimClient, server: SimServer): void {
    const { network, servers } = this
    if (!client.process.alive) return
    server.disk.stall(400 + this.random.below(400))
    for (let i = 0; i < 3; i++) client.ask(this.#setData())
    // It sees what the server will not have seen when it comes there.
    this.queue.after(40 + this.random.below(100), () => {
      for (const { host } of servers) {
        if (host !== server.host) network.block(client.name, host)
        network.reset(client.name, host)
      }
      client.ask(this.#read(false))
    })
    this.queue.after(1000, () => {
      for (const { host } of servers) network.unblock(client.name, host)
    })
  }

  /**
   * A leader whose clock is slow is left by the others long before it notices, while its clients go on
   * asking; what another leader does meanwhile it must not hide from them.
   */
  #strand(): void {
    const { network, queue, servers } = this
    const leader = servers.find(({ role }) => role.type === 'leading')
    if (leader === undefined) return
    network.unblockAll()
    for (const server of servers) server.start()
    // A write that it proposes is never committed, and syncs wait for it: only others are asked for those.
    const untilMs = queue.nowMs + 2300
    this.#calmUntilMs = untilMs
    const ask = (): void => {
      if (queue.nowMs > untilMs || this.#settling) return
      for (const client of this.clients) {
        if (!client.process.alive || client.pendingCount > 10) continue
        if (client.server !== leader.host) client.ask(this.#setData())
        const synced = client.ask({ type: 'sync', path: '/' })
        client.ask(this.#read(false), { synced })
      }
      queue.after(50, ask)
    }
    queue.after(700, () => {
      if (this.#settling) return
      for (const server of servers) {
        server.process?.drift(server === leader ? 0.4 : fastestClock)
        network.block(leader.host, server.host)
        network.block(server.host, leader.host)
      }
      ask()
    })
    this.#cover('stranded leader')
  }

  /** A client goes to another server, and what it wrote through the first one comes late. */
  #moveAhead(client: SimClient): void {
    const { network, queue, servers } = this
    const leader = servers.find(({ role }) => role.type === 'leading')?.host
    const from = client.server
    if (leader === undefined || leader === from || !client.process.alive) return
    network.block(from, leader)
    client.ask(this.#setData())
    client.ask(this.#setData())
    queue.after(20, () => network.reset(client.name, from))
    for (let i = 1; i < 6; i++) {
      queue.after(60 * i, () => {
        if (client.state === 'connected') client.ask(this.#setData())
      })
    }
    queue.after(400, () => network.unblock(from, leader))
    this.#calmUntilMs = queue.nowMs + 450
    this.#cover('moved ahead')
  }

  /** A session ends while an ephemeral of it is on its way, and another wants its name. */
  #closeAmidst(client: SimClient): void {
    const create: Request = {
      type: 'create',
      path: '/e/shared',
      data: this.#value(),
      mode: 'ephemeral',
    }
    if (!client.process.alive) return
    client.ask(create)
    client.close()
    for (const other of this.clients) {
      if (other !== client && other.process.alive) {
        other.ask({ ...create, data: this.#value() })
        other.ask({ type: 'delete', path: '/e/shared', version: -1 })
      }
    }
  }

  /** In two parts, neither of which hears of the other. */
  #split(): void {
    const { random, network, servers } = this
    const here = new Set(servers.filter(() => random.chance(0.5)))
    for (const one of servers) {
      for (const other of servers) {
        if (here.has(one) !== here.has(other)) network.block(one.host, other.host)
      }
    }
    this.#cover('partition')
  }

  /** In two parts, and one server that still talks to both. */
  #bridge(): void {
    const { random, network, servers } = this
    const bridge = random.pick(servers)
    const others = servers.filter((server) => server !== bridge)
    for (const [i, one] of others.entries()) {
      for (const [j, other] of others.entries()) {
        if (i % 2 !== j % 2) network.block(one.host, other.host)
      }
    }
    this.#cover('bridge')
  }

  /** A link that comes and goes. */
  #flap(a: string, b: string): void {
    const { random, network, queue } = this
    const untilMs = queue.nowMs + 2000
    const turn = (blocks: boolean): void => {
      if (blocks && queue.nowMs < untilMs && !this.#settling) network.block(a, b)
      else network.unblock(a, b)
      if (queue.nowMs < untilMs) queue.after(random.next() * 300, () => turn(!blocks))
    }
    turn(true)
    this.#cover('flapping link')
  }

  /** Everybody who looks for a leader hears votes that nobody cast: safety does not rest on them. */
  #forgeElection(): void {
    const { random, network, servers } = this
    const leader = random.pick(servers)
    const round = ++this.#forgedRound
    const vote = { epoch: round, zxid: leader.logged, id: leader.id }
    const decided = random.chance(0.3)
    const out = new MsgpackWriter()
    for (const from of servers) {
      const role = !decided ? 'looking' : from === leader ? 'leading' : 'following'
      const establishedEpoch = decided ? round : 0
      out.clear()
      out.beginFrame()
      encodePeerMessage(
        out,
        {
          type: 'NOTIFICATION',
          vote,
          round,
          role,
          establishedEpoch,
          initialised: true,
        },
        new IdentitiesCodec(),
      )
      out.endFrame()
      const bytes = Buffer.from(out.view())
      for (const to of servers) {
        if (to.role.type === 'looking') network.forge(from.host, to.host, bytes)
      }
    }
    this.#trace?.(`votes for ${leader.host} are forged`)
    this.#cover('forged election')
  }

  #isolate(host: string): void {
    for (const other of this.servers) {
      this.network.block(host, other.host)
      if (this.random.chance(0.8)) this.network.block(other.host, host)
    }
  }

  #vanish(): void {
    const at = this.random.below(this.clients.length)
    const client = this.clients[at]
    if (client === undefined || !client.process.alive) return
    this.#trace?.(`${client.name} vanishes`)
    client.vanish(this.network)
    this.#addClient()
  }

  // --- clients -----------------------------------------------------------------------------------

  #addClient(): void {
    const living = this.clients.filter(({ process }) => process.alive)
    if (living.length >= 5) return
    const client = new SimClient(`c${++this.#clientCount}`, {
      queue: this.queue,
      network: this.network,
      random: this.random,
      serverCount: this.servers.length,
      timeoutMs: this.#timeoutMs + this.random.below(2 * this.#timeoutMs),
      trace: this.#trace,
    })
    this.clients.push(client)
    client.start()
  }

  #prepareTree(): void {
    const [client] = this.clients
    for (const path of ['/q', '/e', '/c', '/r0', '/r1', '/r2']) {
      client?.ask({ type: 'create', path, data: this.#value(), mode: 'persistent' })
    }
  }

  #value(): Buffer {
    const { random } = this
    const length = this.#valueLength ?? (random.chance(0.1) ? random.below(900) : random.below(40))
    return Buffer.from(`v${++this.#values}`.padEnd(length, '.'))
  }

  #askSomething(): void {
    const { random } = this
    const client = random.pick(this.clients)
    if (!client.process.alive || client.pendingCount > 40) return
    const watch = random.chance(0.3)
    const dice = random.next()
    if (dice < 0.15) {
      const synced = client.ask({ type: 'sync', path: '/' })
      client.ask(this.#read(watch), { synced, watch })
    } else if (dice < 0.4) client.ask(this.#read(watch), { watch })
    else if (dice < 0.42) client.ask(this.#persistentWatch(), { watch: true })
    else client.ask(this.#write(client))
  }

  #read(watch: boolean): Request {
    const { random } = this
    const type = random.pick(['getData', 'exists', 'getChildren'] as const)
    return { type, path: this.#path(), watch }
  }

  #persistentWatch(): Request {
    const { random } = this
    const mode = random.pick(['persistent', 'persistentRecursive'] as const)
    return { type: 'addWatch', path: random.pick(['/q', '/e', '/c', '/r0']), mode }
  }

  #path(): string {
    const { random } = this
    const register = `/r${random.below(3)}`
    return random.pick([register, register, '/q', '/e', '/c', `/c/n${random.below(4)}`, '/'])
  }

  #write(client: SimClient): Request {
    const { random } = this
    const dice = random.next()
    const create = (path: string, mode: CreateMode): Request => ({
      type: 'create',
      path,
      data: this.#value(),
      mode,
    })
    if (dice < 0.35) return this.#setData()
    if (dice < 0.45) return create('/q/s-', 'persistentSequential')
    if (dice < 0.55) return create('/e/s-', 'ephemeralSequential')
    if (dice < 0.65) return create(`/e/${client.name}-${random.below(3)}`, 'ephemeral')
    if (dice < 0.75) return create(`/c/n${random.below(4)}`, 'persistent')
    if (dice < 0.85) return { type: 'delete', path: `/c/n${random.below(4)}`, version: -1 }
    return { type: 'multi', ops: this.#multi(client) }
  }

  #setData(): Extract<Request, { type: 'setData' }> {
    const { random } = this
    const version = random.chance(0.5) ? -1 : random.below(10)
    return { type: 'setData', path: `/r${random.below(3)}`, data: this.#value(), version }
  }

  #multi(client: SimClient): MultiOp[] {
    const { random } = this
    const path = `/c/n${random.below(4)}`
    const ops: MultiOp[] = [this.#setData(), this.#setData()]
    if (random.chance(0.3)) ops.push({ type: 'delete', path, version: -1 })
    if (random.chance(0.4)) {
      ops.push({ type: 'create', path, data: this.#value(), mode: 'persistent' })
    }
    if (random.chance(0.3)) {
      const path = `/e/${client.name}-m`
      ops.push({ type: 'create', path, data: this.#value(), mode: 'ephemeral' })
    }
    if (random.chance(0.3)) ops.push({ type: 'check', path: '/r0', version: random.below(10) })
    return ops
  }

  // --- the end -----------------------------------------------------------------------------------

  async #settle(): Promise<void> {
    const { network, servers, clients } = this
    this.#trace?.('the faults stop')
    this.#settling = true
    network.unblockAll()
    for (const server of servers) {
      server.spare()
      server.start()
    }
    await this.#until('an ensemble without faults is of one mind', () => this.#converged())
    const living = clients.filter(({ process }) => process.alive)
    await this.#until('clients get their answers', () =>
      living.every(({ state, pendingCount }) => state === 'connected' && pendingCount === 0),
    )
    for (const client of living) {
      const synced = client.ask({ type: 'sync', path: '/' })
      for (const path of ['/q', '/e', '/c', '/']) {
        client.ask({ type: 'getChildren', path, watch: false }, { synced })
      }
      client.ask({ type: 'getData', path: '/r0', watch: false }, { synced })
      client.ask(this.#setData())
    }
    await this.#until('clients get their answers', () =>
      living.every(({ pendingCount }) => pendingCount === 0),
    )
    if (this.random.chance(0.25)) await this.#beQuiet(living)
    await this.#until('all servers end up with the same', () => this.#converged())
    this.#compareTrees()
  }

  /** Without faults, sessions last as long as their clients do, and no longer than a time-out after. */
  async #beQuiet(living: readonly SimClient[]): Promise<void> {
    // Of what clients asked for while there were faults, some may be to end their sessions.
    await this.#run(500)
    await this.#until('clients have sessions', () =>
      living.every(({ state }) => state === 'connected'),
    )
    const before = living.map(({ session }) => session)
    await this.#run(3 * this.#timeoutMs + 2 * tickMs + 500)
    const after = living.map(({ session }) => session)
    invariant(after.join() === before.join(), 'who is heard from keeps its session')
    for (const { running } of this.servers) {
      const sessions = [...(running?.storage.tree.sessions.keys() ?? [])]
      invariant(sessions.sort().join() === after.sort().join(), 'who is not heard from loses it')
    }
    this.#cover('quiet end')
  }

  async #until(claim: string, holds: () => boolean): Promise<void> {
    for (let waitedMs = 0; !holds(); waitedMs += 50) {
      if (waitedMs >= convergenceMs) {
        const found = this.servers.map((server) => server.describe()).join(', ')
        const waiting = this.clients.map(
          ({ name, state, pendingCount }) => `${name} ${state} ${pendingCount}`,
        )
        invariant(false, `${claim}: ${found}; ${waiting.join(', ')}`)
      }
      await this.#run(50)
      // One whose disk failed just before the faults stopped.
      for (const server of this.servers) server.start()
    }
  }

  #converged(): boolean {
    const [first] = this.servers
    return this.servers.every((server) => {
      const tree = server.running?.storage.tree
      return (
        server.role.type !== 'looking' &&
        tree !== undefined &&
        tree.lastApplied === this.checker.lastZxid &&
        tree.lastApplied === first?.running?.storage.tree.lastApplied
      )
    })
  }

  #compareTrees(): void {
    const model = checkHistory(this.checker.order, this.clients)
    for (const { host, running } of this.servers) {
      const tree = running?.storage.tree
      if (tree === undefined) continue
      this.checker.checkTree(tree)
      invariant(tree.nodeCount === model.nodes.size, `${host} has the znodes that it should`)
      invariant(
        [...tree.sessions.keys()].sort().join() === [...model.sessions].sort().join(),
        `${host} has the sessions that it should`,
      )
      for (const [path, node] of model.nodes) {
        const znode = tree.get(path)
        const at = `${path} on ${host} at ${formatZxid(tree.lastApplied)}`
        invariant(znode !== undefined, `${at} is there`)
        invariant(textOf(znode.data) === node.data, `${at} has its data`)
        invariant(znode.ephemeralOwner === node.owner, `${at} has its owner`)
        invariant(znode.version === node.version, `${at} has its version`)
      }
    }
  }

  // --- time --------------------------------------------------------------------------------------

  /** What is waited for inside the servers gets its turn now and then: always at the same points. */
  async #run(durationMs: number): Promise<void> {
    const untilMs = this.queue.nowMs + durationMs
    for (let run = this.queue.take(untilMs); run !== undefined; run = this.queue.take(untilMs)) {
      run()
      if (++this.#events % 16 === 0) await settled()
      if (this.#failure !== undefined) throw this.#failure
    }
    await settled()
    if (this.#failure !== undefined) throw this.#failure
  }

  #fail(error: Error): void {
    this.#failure ??= error
  }

  #cover(what: string): void {
    this.#coverage.set(what, (this.#coverage.get(what) ?? 0) + 1)
  }
}

/** Every promise that could go on has. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
