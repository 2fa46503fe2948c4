// The faults of a life of brokers: one after the other, drawn by the weights of the life's faults
// (faults.ts). Most faults end after a while; the end of a life heals the rest.

import { zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { ZkClient } from '../../../src/client/zk/zk-client.ts'
import { silentLogger } from '../../../src/logger.ts'
import { SimProcess } from '../process.ts'
import { simWorld } from '../sim-world.ts'
import { DiskNemesis } from './disk-nemesis.ts'
import { type FaultName, isOfDisks, pickFault } from './faults.ts'
import type { Host } from './host.ts'
import type { MqWorld } from './life.ts'
import type { SimBroker } from './sim-broker.ts'
import { clientPort } from './sim-server.ts'

/** Clocks run at most at this rate, and at least at `slowestClock`. */
const fastestClock = 1.6
const slowestClock = 0.4

export class Nemesis {
  readonly #world: MqWorld
  readonly #operator: ZkClient
  readonly #disks: DiskNemesis
  #whenBrokerGone: (() => void) | undefined

  constructor(world: MqWorld) {
    this.#world = world
    this.#disks = new DiskNemesis(world)
    const { network, queue, random, servers } = world
    const process = new SimProcess(queue)
    this.#operator = new ZkClient({
      servers: servers.map(({ name }) => ({ host: name, port: clientPort })),
      sessionTimeoutMs: 5000,
      logger: silentLogger,
      world: simWorld({ network, process, random, host: 'c-operator' }),
    })
    this.#operator.connect().catch(() => undefined)
  }

  /** Perhaps begins a fault, and perhaps ends one. */
  strike(): void {
    const { random, network } = this.#world
    if (this.#disks.isHealing) return
    const dice = random.next()
    if (dice < 0.25) this.#revive(random.pick(this.#hosts))
    else if (dice < 0.35) network.unblockAll()
    else if (dice < 0.75) {
      const fault = pickFault(this.#world.faults, random)
      if (fault === undefined) return
      this.#world.trace?.(`fault: ${fault}`)
      if (!isOfDisks(fault)) this.#world.cover(fault)
      this.#cause(fault)
    }
  }

  /** Removes a broker's registration. */
  brokerGone(): void {
    const run = this.#whenBrokerGone
    this.#whenBrokerGone = undefined
    run?.()
  }

  stop(): void {
    this.#whenBrokerGone = undefined
    this.#operator.close().catch(() => undefined)
  }

  #cause(fault: FaultName): void {
    const { random, network, brokers, strange } = this.#world
    switch (fault) {
      case 'powerCuts':
        return this.#victim().end({ power: true })
      case 'kills':
        return this.#victim().end({ power: false })
      case 'allAtOnce':
        return this.#allAtOnce()
      case 'oneByOne':
        return this.#oneByOne()
      case 'quickReturns':
        return this.#comeBack(this.#victim(), 5 + random.next() * 100)
      case 'syncErrors':
        return random.pick(brokers).disk.failAfter(random.below(10))
      case 'fullDisks':
        return random.pick(brokers).disk.fill(random.next() * 1500, { short: random.chance(0.3) })
      case 'stalledDisks':
        return random.pick(brokers).disk.stall(random.next() * 1500)
      case 'partitions':
        return this.#cutOff(this.#victim())
      case 'oneWayLinks':
        return network.block(this.#host(), this.#host())
      case 'slowLinks':
        return this.#slow()
      case 'resets':
        return network.reset(this.#host(), this.#host())
      case 'pauses':
        this.#victim().process?.pause(random.next() * 3000)
        return
      case 'skewedClocks': {
        const rate = slowestClock + random.next() * (fastestClock - slowestClock)
        return random.pick(brokers).process?.drift(rate)
      }
      case 'expiredSessions':
        return this.#expire(this.#victim())
      case 'deposedLeaders':
        return this.#depose()
      case 'deadControllers':
        return this.#loseController()
      case 'deadServers':
        return this.#loseServers()
      case 'corruptBatches':
        return strange.sendCorrupt()
      case 'deletedRecords':
        return this.#world.deleteRecords()
      case 'plannedStops':
        return this.#victim().stop()
      case 'preferredElections':
        return this.#world.electPreferred()
      case 'reassignments':
        return this.#world.reassign()
      case 'changedRetention':
        return this.#world.changeRetention()
      case 'changedTopics':
        return this.#changeTopics()
      case 'wipedDisks':
        return this.#disks.wipe(this.#victim())
      case 'oldCopies':
        return this.#disks.bringBackOldCopy(this.#victim())
      case 'bitFlips':
        return this.#disks.turnBits(this.#victim())
      case 'cutTails':
        return this.#disks.cutTails(this.#victim())
      case 'wipedServers':
        return this.#disks.wipeServer()
      case 'lostIsrs':
        return this.#disks.loseIsr()
      case 'changedMinInsync':
        return this.#world.changeMinInsync()
      case 'tombstones':
        return this.#world.bury()
      case 'expiringOffsets':
        return // a property of the life
    }
  }

  // --- who ---------------------------------------------------------------------------------------

  get #hosts(): readonly (Host & { start(): void })[] {
    return [...this.#world.servers, ...this.#world.brokers]
  }

  #host(): string {
    return this.#world.random.pick(this.#hosts).name
  }

  /** Any broker, more often a leader. */
  #victim(): SimBroker {
    const { random, brokers } = this.#world
    return (random.chance(0.6) ? this.#leader() : undefined) ?? random.pick(brokers)
  }

  #leader(): SimBroker | undefined {
    const { random, brokers, partitions } = this.#world
    const partition = random.below(partitions)
    return brokers.find((broker) => broker.leads(partition))
  }

  #revive(host: { start(): void }): void {
    if (!this.#world.isSettling) host.start()
  }

  #comeBack(broker: SimBroker, delayMs: number): void {
    broker.end({ power: true })
    this.#world.later(delayMs, () => this.#revive(broker))
  }

  // --- chains of faults --------------------------------------------------------------------------

  #allAtOnce(): void {
    const { random, brokers } = this.#world
    for (const broker of brokers)
      this.#comeBack(broker, random.next() * (random.chance(0.5) ? 100 : 3000))
  }

  #oneByOne(): void {
    const { random, brokers } = this.#world
    const [first, second, third] = shuffled(brokers, random)
    if (first === undefined || second === undefined || third === undefined) return
    this.#comeBack(first, 2000 + random.next() * 2000)
    this.#world.later(random.next() * 800, () =>
      this.#comeBack(second, 1000 + random.next() * 3000),
    )
    this.#world.later(800 + random.next() * 800, () => {
      this.#comeBack(third, random.next() * 3000)
    })
  }

  /** Often a leader's way to ZooWeeper: the outcome of an ISR write stays unknown for a while. */
  #slow(): void {
    const { random, network, servers } = this.#world
    const leader = random.chance(0.5) ? this.#leader() : undefined
    if (leader === undefined) {
      return network.slow(this.#host(), this.#host(), random.next() * 300)
    }
    for (const { name } of servers) {
      if (random.chance(0.7)) network.slow(leader.name, name, random.next() * 400)
      if (random.chance(0.5)) network.slow(name, leader.name, random.next() * 400)
    }
  }

  #cutOff(broker: SimBroker): void {
    const { random } = this.#world
    const fromBrokers = random.chance(0.7)
    const fromServers = !fromBrokers || random.chance(0.4)
    this.#isolate(broker, { fromBrokers, fromServers })
    this.#world.cover('partition')
  }

  #isolate(
    { name }: SimBroker,
    { fromBrokers, fromServers }: { readonly fromBrokers: boolean; readonly fromServers: boolean },
  ): void {
    const { network, brokers, servers } = this.#world
    for (const other of [...(fromBrokers ? brokers : []), ...(fromServers ? servers : [])]) {
      network.block(name, other.name)
      network.block(other.name, name)
    }
  }

  #join({ name }: SimBroker): void {
    const { network, brokers, servers } = this.#world
    for (const other of [...brokers, ...servers]) {
      network.unblock(name, other.name)
      network.unblock(other.name, name)
    }
  }

  #expire(broker: SimBroker): void {
    const { random, sessionTimeoutMs } = this.#world
    this.#isolate(broker, { fromBrokers: false, fromServers: true })
    const overMs = 1.5 * sessionTimeoutMs + random.next() * 500
    this.#world.later(overMs, () => this.#join(broker))
  }

  /**
   * Only its producers reach it: what it appends alone must be cut when it follows another leader.
   * It may then hold more batches of a producer than are remembered, and lead again while the
   * producer still retries.
   */
  #depose(): void {
    const { random, sessionTimeoutMs, producers, partitions } = this.#world
    const leader = this.#leader()
    if (leader === undefined) return
    this.#isolate(leader, { fromBrokers: true, fromServers: true })
    const sendOn = (left: number): void => {
      for (const producer of producers) if (producer.pendingCount < 200) producer.send(partitions)
      if (left > 0) this.#world.later(5, () => sendOn(left - 1))
    }
    sendOn(random.pick([10, 90]))
    const overMs = 1.5 * sessionTimeoutMs + random.next() * 1000
    this.#world.later(overMs, () => this.#join(leader))
    if (random.chance(0.4)) return
    this.#world.later(overMs + 500 + random.next() * 1000, () => {
      for (const other of this.#world.brokers) {
        if (other !== leader && random.chance(0.8))
          this.#comeBack(other, 1000 + random.next() * 2000)
      }
    })
  }

  /** Often a broker dies while it takes part. */
  #changeTopics(): void {
    const { random, administrator } = this.#world
    for (let i = random.below(3); i >= 0; i--) administrator?.act()
    if (random.chance(0.4)) return
    this.#world.later(random.next() * 150, () => {
      this.#comeBack(this.#victim(), 100 + random.next() * 1500)
    })
  }

  #loseController(): void {
    const { random, brokers } = this.#world
    const controller = brokers.find(({ isController }) => isController)
    if (random.chance(0.4)) controller?.end({ power: random.chance(0.5) })
    else this.#removeController(controller)
  }

  /**
   * As an operator does to replace the controller. Often at the moment when a broker has died, and
   * the old controller's writes about it are so slow that the next controller begins before they
   * arrive.
   */
  #removeController(controller: SimBroker | undefined): void {
    const { random, brokers } = this.#world
    const others = brokers.filter((broker) => broker !== controller)
    if (controller === undefined || random.chance(0.3)) return this.#deleteController()
    random.pick(others).end({ power: false })
    this.#whenBrokerGone = () => {
      this.#slowWaysToServers(controller, 200 + random.next() * 100)
      for (const other of others) this.#slowWaysToServers(other, 70 + random.next() * 60)
      this.#deleteController()
      this.#world.later(1500, () => this.#world.network.unblockAll())
    }
  }

  #slowWaysToServers({ name }: SimBroker, extraMs: number): void {
    for (const server of this.#world.servers) this.#world.network.slow(name, server.name, extraMs)
  }

  #deleteController(): void {
    this.#operator.delete(zkPaths.controller).catch(() => undefined)
  }

  #loseServers(): void {
    const { random, servers } = this.#world
    const power = random.chance(0.5)
    const lost = random.chance(0.3) ? servers : [random.pick(servers)]
    for (const server of lost) {
      server.end({ power })
      this.#world.later(random.next() * 1500, () => this.#revive(server))
    }
  }
}

function shuffled<T>(items: readonly T[], random: { below(bound: number): number }): T[] {
  const rest = [...items]
  const taken: T[] = []
  while (rest.length > 0) taken.push(...rest.splice(random.below(rest.length), 1))
  return taken
}
