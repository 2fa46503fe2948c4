// One life of an ensemble of whole servers with clients, decided by its seed: while clients write,
// read, watch, come and go (load.ts), the faults of faults.ts happen (nemesis.ts); then they stop,
// and within bounded time all must be well and everything that any client saw must be consistent
// (history.ts).

import { invariant } from '../../../src/invariant.ts'
import { formatZxid, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import { Random } from '../../../src/random.ts'
import { Coverage } from '../coverage.ts'
import { EventQueue } from '../event-queue.ts'
import { Network } from '../network.ts'
import { ServerChecker } from './checker.ts'
import { SimClient } from './client.ts'
import { type Roles, textOfRoles, votersIn } from './ensemble-judge.ts'
import { drawServersFaults, type ServersFaults } from './faults.ts'
import { checkHistory } from './history.ts'
import { Load } from './load.ts'
import { Nemesis } from './nemesis.ts'
import type { Operation } from './operation.ts'
import { SimServer, tickMs } from './server.ts'
import { configPath, textOf } from './tree-model.ts'

export interface ServersLife {
  readonly operations: number
  readonly answered: number
  readonly committed: number
  readonly established: number
  readonly coverage: ReadonlyMap<string, number>
}

export interface ServersLifeOptions {
  readonly trace?: ((line: string) => void) | undefined
  /** overrides of what the seed draws */
  readonly faults?: Partial<ServersFaults>
}

const roundCount = 60
/** Simulated time within which everything must be well after the faults stop. */
const convergenceMs = 30_000
/** What the nemesis began may still go on so long: it kills servers, too (scenes.ts). */
const sceneMsMax = 2500
const clientsMax = 5
/** After at most this many events, pending promises proceed. */
const eventsPerRest = 16

/** @throws InvariantError when a promise is broken */
export async function liveServers(
  seed: number,
  options: ServersLifeOptions = {},
): Promise<ServersLife> {
  const world = new ServersWorld(seed, options)
  await world.live()
  return world.result()
}

export class ServersWorld {
  readonly random: Random
  readonly faults: ServersFaults
  readonly queue = new EventQueue()
  readonly network: Network
  readonly checker: ServerChecker
  readonly servers: SimServer[] = []
  readonly clients: SimClient[] = []
  readonly load: Load
  readonly coverage = new Coverage()
  readonly trace: ((line: string) => void) | undefined
  /** of the servers that begin the ensemble */
  readonly #roles: Roles
  #failure: Error | undefined
  #clientCount = 0
  #eventCount = 0
  isSettling = false
  /** a scene is in progress, and no other fault may happen until it ends */
  calmUntilMs = 0

  constructor(seed: number, { trace, faults }: ServersLifeOptions) {
    this.trace = trace && ((line) => trace(`${this.queue.nowMs.toFixed(1).padStart(9)} ${line}`))
    this.random = new Random(seed)
    this.faults = { ...drawServersFaults(seed, this.random), ...faults }
    this.#roles = this.#drawRoles()
    this.checker = new ServerChecker(this.#roles)
    this.load = new Load(this.random, { ...this.faults, readsConfig: this.mayChange })
    this.network = new Network(this.queue, this.random)
    this.network.delayMs = this.faults.networkMs
    this.network.windowBytes = this.faults.windowBytes
    this.network.onViolation = (error) => this.fail(error)
    this.#makeServers()
  }

  /** Clients may change the ensemble. */
  get mayChange(): boolean {
    return this.faults.reconfigurations > 0
  }

  /** Of all servers, those that are yet to join among them. */
  get #serverCount(): number {
    return this.faults.servers + this.faults.joiners
  }

  #drawRoles(): Roles {
    const { servers, observers } = this.faults
    const ids = Array.from({ length: servers }, (_, i) => i + 1)
    return new Map(ids.map((id) => [id, observers.includes(id) ? 'observer' : 'participant']))
  }

  #makeServers(): void {
    const { queue, network, random, checker, servers, trace } = this
    const { segmentBytes, logSegmentsKept, handoverAt, treeExtraMs, slowDisks, secret, releases } =
      this.faults
    const parts = {
      ...{ queue, network, random, checker, servers, trace, segmentBytes, handoverAt },
      roles: this.#roles,
      mayChange: this.mayChange,
      logKept: { segments: logSegmentsKept, bytes: 0 },
      hasSecret: secret > 0,
      isUpgraded: releases > 1,
      cover: (what: string) => this.cover(what),
      fail: (error: Error) => this.fail(error),
    }
    if (parts.hasSecret) network.greetingCount = 2
    for (let id = 1; id <= this.#serverCount; id++) {
      const server = new SimServer(id, parts)
      server.disk.delayMs = [0.05, slowDisks.includes(id) ? 20 : 2]
      server.disk.treeExtraMs = treeExtraMs
      servers.push(server)
    }
  }

  async live(): Promise<void> {
    const { random, servers, clients } = this
    const nemesis = new Nemesis(this, this.faults)
    for (const server of servers) if (this.#roles.has(server.id)) server.start()
    for (let i = 0; i < 3; i++) this.addClient()
    await this.#run(600)
    this.load.prepareTree(clients[0])
    for (let round = 0; round < roundCount; round++) {
      await this.#run(random.chance(0.2) ? random.next() * 1500 : random.next() * 60)
      if (this.queue.nowMs < this.calmUntilMs) continue
      for (let i = random.below(12); i > 0; i--) this.load.askSomething(random.pick(clients))
      nemesis.strike()
    }
    await this.#settle()
  }

  addClient(): void {
    const { queue, network, random, trace } = this
    const { sessionTimeoutMs } = this.faults
    const serverCount = this.#serverCount
    const living = this.clients.filter(({ process }) => process.alive)
    if (living.length >= clientsMax) return
    const timeoutMs = sessionTimeoutMs + random.below(2 * sessionTimeoutMs)
    const parts = { queue, network, random, trace, serverCount, timeoutMs }
    const client = new SimClient(`c${++this.#clientCount}`, parts)
    this.clients.push(client)
    client.start()
  }

  result(): ServersLife {
    const operations = this.clients.flatMap((client) => client.operations)
    return {
      operations: operations.length,
      answered: operations.filter(({ outcome }) => outcome.type === 'answered').length,
      committed: this.checker.order.length,
      established: this.checker.establishedCount,
      coverage: this.coverage,
    }
  }

  // --- the end -----------------------------------------------------------------------------------

  async #settle(): Promise<void> {
    const { network, servers, clients } = this
    this.trace?.('the faults stop')
    this.isSettling = true
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
    for (const client of living) this.load.askForAll(client)
    await this.#until('clients get their answers', () =>
      living.every(({ pendingCount }) => pendingCount === 0),
    )
    // A leader whose epoch ends refuses, for a moment.
    const { transfers, handoverAt } = this.faults
    const isCalm = handoverAt >= 1_000_000
    if (this.mayChange) await this.#changeInPeace(living)
    if (transfers > 0 && isCalm && !this.mayChange) await this.#transferInPeace(living)
    if (this.random.chance(0.25)) await this.#beQuiet(living)
    await this.#until('all servers end up with the same', () => this.#converged())
    this.#compareTrees()
  }

  /** A client asks for a change of the ensemble. */
  change(client = this.random.pick(this.clients)): Operation | undefined {
    const { ensemble } = this.checker
    if (!client.process.alive || client.pendingCount > 30) return undefined
    this.cover('reconfiguration')
    const version = this.#version()
    return client.ask(this.load.reconfig({ roles: ensemble.roles, ids: this.#ids, version }))
  }

  /** Of the configuration that a leader goes by. */
  #version(): Zxid {
    const leader = this.servers.find(({ role }) => role.type === 'leading')
    return leader?.running?.ensemble.configuration.last.version ?? zxidZero
  }

  get #ids(): readonly number[] {
    return this.servers.map(({ id }) => id)
  }

  /** Without faults, a change is possible as soon as the last one is done, and all agree on it. */
  async #changeInPeace(living: readonly SimClient[]): Promise<void> {
    const { random, checker, load } = this
    const [client] = living
    if (client === undefined) return
    // The next leader votes before and after: without such a server, the change is refused.
    const staying = random.pick(votersIn(checker.ensemble.roles))
    const roles = new Map([...load.anyRoles(this.#ids), [staying, 'participant' as const]])
    let asked = client.ask(load.reconfigTo(roles))
    await this.#until('a change of the ensemble is possible without faults', () => {
      const { outcome } = asked
      if (outcome.type === 'pending') return false
      if (outcome.type === 'answered' && outcome.body.type === 'reconfig') return true
      if (client.pendingCount === 0) asked = client.ask(load.reconfigTo(roles))
      return false
    })
    this.cover('change in peace')
    const isInForce = textOfRoles(checker.ensemble.roles) === textOfRoles(roles)
    invariant(isInForce, 'what a client was told is in force')
    for (const each of living) each.ask(load.setData())
    await this.#run(random.next() * 100)
  }

  /** Asks `leader`, if it leads, to hand over; to any server, unless one is named. */
  transfer(leader: SimServer, to: SimServer | undefined): void {
    const { process, running } = leader
    if (process === undefined || running === undefined) return
    const leaves = this.random.chance(0.5)
    process.enter(() => {
      running.ensemble.transferLeadership({ to: to?.id, leaves }, ({ type }) =>
        this.cover(`transfer: ${type}`),
      )
    })
  }

  /** Without faults no client notices that leadership is handed over, whatever it asks meanwhile. */
  async #transferInPeace(living: readonly SimClient[]): Promise<void> {
    const { random, servers, load } = this
    await this.#run(sceneMsMax)
    const isLeading = ({ role }: SimServer): boolean => role.type === 'leading'
    // A follower without a link to the next leader would look for it.
    await this.#until('servers have links to each other, and follow a leader', () => {
      const isLinked = ({ running, votes }: SimServer): boolean => {
        const peers = votes ? servers.length - 1 : servers.filter((server) => server.votes).length
        return running?.ensemble.linkCount === peers
      }
      const areInStep = servers.every(({ role }) => role.type !== 'looking')
      return servers.every(isLinked) && servers.some(isLeading) && areInStep
    })
    const leader = servers.find(isLeading)
    const to = random.pick(servers.filter((server) => server.votes && server !== leader))
    const before = living.map(({ connectionCount }) => connectionCount)
    const asked = living.map((client) => client.ask(load.setData()))
    if (leader !== undefined) this.transfer(leader, to)
    for (let i = 0; i < 10; i++) {
      for (const client of living) asked.push(client.ask(load.setData()))
      await this.#run(random.next() * 10)
    }
    await this.#until('the server that is named leads', () => isLeading(to))
    await this.#until('clients get their answers', () =>
      living.every(({ pendingCount }) => pendingCount === 0),
    )
    const failed = asked.filter(({ outcome }) => outcome.type !== 'answered')
    invariant(failed.length === 0, 'a transfer of leadership fails no request')
    const after = living.map(({ connectionCount }) => connectionCount)
    invariant(after.join() === before.join(), 'a transfer of leadership closes no connection')
    this.cover('transfer in peace')
  }

  /** Without faults, sessions last as long as their clients, and at most one timeout longer. */
  async #beQuiet(living: readonly SimClient[]): Promise<void> {
    // Some requests made during the faults may end their sessions.
    await this.#run(500)
    await this.#until('clients have sessions', () =>
      living.every(({ state }) => state === 'connected'),
    )
    const before = living.map(({ session }) => session)
    await this.#run(3 * this.faults.sessionTimeoutMs + 2 * tickMs + 500)
    const after = living.map(({ session }) => session)
    invariant(after.join() === before.join(), 'a client that sends messages keeps its session')
    for (const { running } of this.#participants) {
      const sessions = [...(running?.storage.tree.sessions.keys() ?? [])]
      invariant(sessions.sort().join() === after.sort().join(), 'a silent client loses its session')
    }
    this.coverage.cover('quiet end')
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

  /**
   * The members of the ensemble, and servers that were removed as long as they run: once restarted,
   * such a server may not find the others.
   */
  get #participants(): readonly SimServer[] {
    const { roles } = this.checker.ensemble
    return this.servers.filter(({ id, goesOn }) => roles.has(id) || goesOn)
  }

  #converged(): boolean {
    const participants = this.#participants
    const [first] = participants
    const { last, before } = first?.running?.ensemble.configuration ?? {}
    if (before !== undefined) return false
    return participants.every((server) => {
      const tree = server.running?.storage.tree
      return (
        server.role.type !== 'looking' &&
        server.running?.ensemble.configuration.last.version === last?.version &&
        tree !== undefined &&
        tree.lastApplied === this.checker.lastZxid &&
        tree.lastApplied === first?.running?.storage.tree.lastApplied
      )
    })
  }

  #compareTrees(): void {
    const { ensemble, order } = this.checker
    for (const { files, host, id, running } of this.#participants) {
      const last = running?.ensemble.configuration.last
      if (!this.mayChange || last === undefined || !ensemble.roles.has(id)) continue
      invariant(files.tells(last), `${host} has the members of the ensemble in its files`)
    }
    const model = checkHistory(order, this.clients, ensemble.first)
    for (const { host, running } of this.#participants) {
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
        const data = path === configPath && this.mayChange ? tree.data(znode) : znode.data
        invariant(textOf(data) === node.data, `${at} has its data`)
        invariant(znode.ephemeralOwner === node.owner, `${at} has its owner`)
        invariant(znode.version === node.version, `${at} has its version`)
      }
    }
  }

  // --- time --------------------------------------------------------------------------------------

  /** Lets pending promises inside the servers proceed now and then, always at the same points. */
  async #run(durationMs: number): Promise<void> {
    const untilMs = this.queue.nowMs + durationMs
    for (let run = this.queue.take(untilMs); run !== undefined; run = this.queue.take(untilMs)) {
      run()
      if (++this.#eventCount % eventsPerRest === 0) await settled()
      if (this.#failure !== undefined) throw this.#failure
    }
    await settled()
    if (this.#failure !== undefined) throw this.#failure
  }

  fail(error: Error): void {
    this.#failure ??= error
  }

  cover(what: string): void {
    this.coverage.cover(what)
  }
}

/** Lets every promise that can proceed do so. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
