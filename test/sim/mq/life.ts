// One life of brokers, decided by its seed: whole ZooWeeper servers, whole brokers, producers and
// consumers, in one process and one made-up time. While records go through, what faults.ts lists goes
// wrong (nemesis.ts); then the faults stop, and within bounded time every partition must have all its
// replicas in sync again and everything that anyone saw must fit together (checker.ts).

import {
  decodeNumber,
  decodeState,
  decodeTopic,
  zkPaths,
} from '../../../src/broker/cluster/zk-paths.ts'
import { leaderOf, type PartitionState } from '../../../src/broker/partition/partition-state.ts'
import type { Replica } from '../../../src/broker/replication/replica.ts'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import type { ZTree } from '../../../src/daemon/ztree/ztree.ts'
import { invariant } from '../../../src/invariant.ts'
import { limits } from '../../../src/limits.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import {
  decodeBatch,
  forEachBatch,
  noProducer,
  readBatchHeader,
} from '../../../src/protocol/mq/record-batch.ts'
import { Random } from '../../../src/random.ts'
import { EventQueue } from '../event-queue.ts'
import { Network } from '../network.ts'
import { SimProcess } from '../process.ts'
import { simWorld } from '../sim-world.ts'
import { MqChecker, type MqEvent } from './checker.ts'
import { drawFaults, type Faults } from './faults.ts'
import { type LoadParts, SimConsumer, SimProducer, StrangeProducer, topic } from './load.ts'
import { Nemesis } from './nemesis.ts'
import { brokerPort, SimBroker } from './sim-broker.ts'
import { clientPort, SimServer } from './sim-server.ts'

export interface MqLife {
  /** records sent, and records shown to consumers */
  readonly operations: number
  readonly stored: number
  readonly shown: number
  readonly coverage: ReadonlyMap<string, number>
}

export interface MqLifeOptions {
  readonly trace?: (line: string) => void
  readonly faults?: Partial<Faults>
  /** What happens in this life in place of what its seed decides. */
  readonly script?: (world: MqWorld) => Promise<void>
}

const roundCount = 30
/** Of made-up time: within it everything is well again when the faults stop. */
const convergenceMs = 30_000
/** After which someone looks what could not heal by itself. */
const patienceMs = 2500
/** Promises go on after so many events at the latest. */
const eventsPerLook = 4
const group = 'g'
const anyVersion = 0

/** @throws InvariantError when a promise is broken */
export async function liveMq(seed: number, options: MqLifeOptions = {}): Promise<MqLife> {
  const world = new MqWorld(seed, options)
  await world.live()
  return world.result()
}

interface Timer {
  readonly atMs: number
  readonly run: () => void
}

export class MqWorld {
  readonly random: Random
  readonly queue = new EventQueue()
  readonly network: Network
  readonly checker: MqChecker
  readonly faults: Faults
  readonly servers: SimServer[] = []
  readonly brokers: SimBroker[] = []
  readonly producers: SimProducer[] = []
  readonly consumers: SimConsumer[] = []
  readonly strange: StrangeProducer
  readonly partitions: number
  readonly replicas: number
  readonly sessionTimeoutMs: number
  readonly lagTimeMsMax: number
  readonly trace: ((line: string) => void) | undefined
  readonly #coverage = new Map<string, number>()
  readonly #load: LoadParts
  readonly #script: ((world: MqWorld) => Promise<void>) | undefined
  readonly #registered = new Set<number>()
  readonly #nemesis: Nemesis
  #failure: Error | undefined
  #timers: Timer[] = []
  #eventCount = 0
  #clientCount = 0
  #lastZxid = 0
  isSettling = false

  constructor(seed: number, { trace, faults, script }: MqLifeOptions) {
    this.#script = script
    const random = new Random(seed)
    this.random = random
    this.faults = drawFaults(seed, faults)
    this.trace = trace && ((line) => trace(`${this.queue.nowMs.toFixed(1).padStart(9)} ${line}`))
    this.network = new Network(this.queue, random)
    this.network.delayMs = [0.1, random.chance(0.2) ? 15 : 2]
    if (random.chance(0.2)) this.network.windowBytes = 2000
    // A broker without a disk does not know yet which cluster it is of, and refuses all others.
    this.network.onViolation = (error) => {
      if (!this.#losesDisks) this.fail(error)
    }
    this.network.reusesBuffersOf = (host) => host.startsWith('b')
    this.partitions = 1 + random.below(3)
    const replicas = random.chance(0.85) ? 3 : 2
    // A script may lose two disks, and one has to be left.
    this.replicas = script === undefined ? replicas : 3
    this.sessionTimeoutMs = 600 + random.below(900)
    this.lagTimeMsMax = random.pick([300, 800, 2000])
    this.checker = new MqChecker({ minInsyncReplicas: this.#losesDisks ? 0 : this.replicas - 1 })
    const parts = {
      queue: this.queue,
      network: this.network,
      random,
      trace: this.trace,
      cover: (what: string) => this.cover(what),
      fail: (error: Error) => this.fail(error),
    }
    const serverIds = random.chance(0.4) ? [1, 2, 3] : [1]
    for (const id of serverIds) {
      const applied = (zxid: number, tree: ZTree): void => this.#applied(zxid, tree)
      this.servers.push(new SimServer(id, parts, { ids: serverIds, applied }))
    }
    const brokerOptions = {
      zooweeper: serverIds.map((id) => `s${id}:${clientPort}`).join(),
      sessionTimeoutMs: this.sessionTimeoutMs,
      lagTimeMsMax: this.lagTimeMsMax,
      segmentBytes: random.pick([2048, 8192, 65_536]),
      show: (event: MqEvent) => this.show(event),
    }
    for (const id of [1, 2, 3]) this.brokers.push(new SimBroker(id, parts, brokerOptions))
    this.#load = {
      ...parts,
      brokers: this.brokers.map(({ name }) => ({ host: name, port: brokerPort })),
      partitions: this.partitions,
      valueBytesMax: random.pick([60, 60, 1500]),
      show: brokerOptions.show,
      disksAt: (partition, offset) => this.#disksAt(partition, offset),
    }
    this.strange = new StrangeProducer(this.#load)
    this.#nemesis = new Nemesis(this)
  }

  get #losesDisks(): boolean {
    if (this.#script !== undefined) return true
    const { wipedDisks, oldCopies, bitFlips } = this.faults
    return wipedDisks + oldCopies + bitFlips > 0
  }

  async live(): Promise<void> {
    const { random } = this
    for (const server of this.servers) server.start()
    for (const broker of this.brokers) broker.start()
    await this.#createTopic()
    for (let i = 1 + random.below(3); i > 0; i--) this.#addProducer()
    this.#addConsumer(undefined)
    this.#addConsumer(group)
    if (this.#script === undefined) await this.#liveByChance()
    else await this.#script(this)
    this.#nemesis.stop()
    await this.#settle()
  }

  async #liveByChance(): Promise<void> {
    const { random } = this
    for (let round = 0; round < roundCount; round++) {
      await this.run(random.chance(0.2) ? random.next() * 1200 : random.next() * 100)
      for (const producer of this.producers) {
        if (producer.pendingCount < 100) producer.send(random.below(8))
      }
      if (random.chance(0.05)) this.#addProducer()
      if (random.chance(0.15)) this.#replaceGroupConsumer()
      this.#nemesis.strike()
    }
  }

  /** For scripts: so many records are on their way. */
  send(count: number): void {
    this.#addScripted().send(count)
  }

  #addScripted(): SimProducer {
    const producer = new SimProducer(`p${++this.#clientCount}`, this.#load, 60_000, 'all')
    this.producers.push(producer)
    return producer
  }

  /** For scripts: so many records, each acknowledged. */
  async store(count: number): Promise<void> {
    const producer = this.#addScripted()
    for (let i = 0; i < count; i++) {
      producer.send(1)
      await this.run(1)
    }
    await this.until('records are stored', () => producer.pendingCount === 0)
    invariant(producer.failedCount === 0, 'records are stored')
  }

  /** For scripts: the znode of a partition. */
  stateOf(partition: number): PartitionState | undefined {
    const tree = this.#latestTree()
    return tree && decodeState(dataOf(tree, zkPaths.state(topic, partition)), anyVersion)
  }

  result(): MqLife {
    const { checker } = this
    const { sentCount, storedCount: stored, shownCount: shown } = checker
    return { operations: sentCount + shown, stored, shown, coverage: this.#coverage }
  }

  // --- the load ----------------------------------------------------------------------------------

  async #createTopic(): Promise<void> {
    const { network, queue, random, partitions, replicas } = this
    const world = simWorld({ network, process: new SimProcess(queue), random, host: 'c-admin' })
    const { brokers } = this.#load
    const admin = new MqAdmin({ brokers, world, name: 'admin', timeoutMs: 20_000 })
    await this.until('all brokers register', () =>
      this.brokers.every(({ brokerEpoch }) => brokerEpoch !== undefined),
    )
    let isMade = false
    admin.createTopic({ topic, partitions, replicas }).then(
      () => {
        isMade = true
      },
      (error) => this.fail(error),
    )
    await this.until('a topic is made', () => isMade)
    admin.close()
  }

  #addProducer(): void {
    const deliveryTimeoutMs = this.random.pick([1500, 60_000])
    const name = `p${++this.#clientCount}`
    this.producers.push(new SimProducer(name, this.#load, deliveryTimeoutMs))
  }

  #addConsumer(of: string | undefined): SimConsumer {
    const consumer = new SimConsumer(`c${++this.#clientCount}`, this.#load, of)
    this.consumers.push(consumer)
    return consumer
  }

  /** The next of its group goes on where it had committed, while a commit may be on its way. */
  #replaceGroupConsumer(): void {
    for (const consumer of this.consumers) {
      if (consumer.group === group && !consumer.isClosed) void consumer.close()
    }
    this.#addConsumer(group)
  }

  #disksAt(partition: number, offset: number): number {
    this.#look()
    return this.brokers.filter((broker) => broker.durableEnd(partition) > offset).length
  }

  // --- the judge ---------------------------------------------------------------------------------

  show(event: MqEvent): void {
    try {
      this.checker.step(event)
    } catch (error) {
      this.fail(error as Error)
    }
  }

  #look(): void {
    try {
      for (const broker of this.brokers) broker.look()
    } catch (error) {
      this.fail(error as Error)
    }
  }

  /** Shown by the first server that has it. */
  #applied(zxid: number, tree: ZTree): void {
    if (zxid <= this.#lastZxid) return
    this.#lastZxid = zxid
    this.#lookAtBrokers(tree)
    const inForce = decodeNumber(dataOf(tree, zkPaths.controllerEpoch)) ?? 0
    for (let partition = 0; partition < this.partitions; partition++) {
      const path = zkPaths.state(topic, partition)
      if (tree.get(path)?.mzxid === zxid) {
        const state = decodeState(dataOf(tree, path), anyVersion)
        if (state !== undefined) {
          const { leader, leaderEpoch, controllerEpoch } = state
          const leaderBrokerEpoch = leaderOf(state)?.brokerEpoch ?? 0
          const epochs = { leaderBrokerEpoch, leaderEpoch, controllerEpoch }
          this.show({ type: 'state', partition, inForce, leader, ...epochs })
        }
      }
      const committed = zkPaths.groupOffset(group, topic, partition)
      if (tree.get(committed)?.mzxid !== zxid) continue
      const offset = decodeNumber(dataOf(tree, committed))
      if (offset !== undefined) this.show({ type: 'groupOffset', group, partition, offset })
    }
  }

  #lookAtBrokers(tree: ZTree): void {
    for (const { id } of this.brokers) {
      const isRegistered = tree.get(zkPaths.brokerId(id as BrokerId)) !== undefined
      if (isRegistered) this.#registered.add(id)
      else if (this.#registered.delete(id)) this.#nemesis.brokerGone()
    }
  }

  // --- the end -----------------------------------------------------------------------------------

  async #settle(): Promise<void> {
    this.trace?.('the faults stop')
    this.isSettling = true
    this.#timers = []
    this.network.unblockAll()
    for (const host of [...this.servers, ...this.brokers]) {
      host.heal()
      host.start()
    }
    await this.#operate()
    await this.until('producers hear what became of their records', () =>
      this.producers.every(({ pendingCount }) => pendingCount === 0),
    )
    await this.until('every partition has all replicas in sync', () => this.isInSync())
    await this.#repeatBatches()
    await this.until('every partition has all replicas in sync', () => this.isInSync())
    const last = this.#addConsumer(undefined)
    const readers = this.consumers.filter((each) => each === last || !each.isClosed)
    await this.until('consumers read up to the end', () =>
      readers.every((reader) => this.#hasReadAll(reader)),
    )
    this.checker.end()
  }

  /** A replica whose disk failed while it was opened waits for its broker to be started anew. */
  async #operate(): Promise<void> {
    await this.run(patienceMs)
    for (const broker of this.brokers) {
      if (broker.brokerEpoch === undefined || broker.replicas.length === this.#assignedTo(broker)) {
        continue
      }
      this.cover('replica unavailable')
      broker.end({ power: false })
      broker.start()
    }
    if (!this.#losesDisks) return
    await this.run(patienceMs)
    for (const broker of this.brokers) {
      if (broker.brokerEpoch === undefined || broker.replicas.length === this.#assignedTo(broker)) {
        continue
      }
      this.cover('damaged disk replaced')
      broker.loseDisk((disk) => disk.wipe())
      broker.start()
    }
  }

  #assignedTo({ id }: SimBroker): number {
    const tree = this.#latestTree()
    const assignment = tree && decodeTopic(dataOf(tree, zkPaths.topic(topic)))
    return (
      assignment?.replicas.filter((replicas) => replicas.some((each) => each === id)).length ?? 0
    )
  }

  #latestTree(): ZTree | undefined {
    return this.servers.find((server) => server.tree?.lastApplied === this.#lastZxid)?.tree
  }

  #hasReadAll(consumer: SimConsumer): boolean {
    if (consumer.isClosed) return true
    for (let partition = 0; partition < this.partitions; partition++) {
      if (!consumer.hasRead(partition, this.checker.committedEnd(partition))) return false
    }
    return true
  }

  /** Every partition has all its replicas in sync, and they are equal. */
  isInSync(): boolean {
    const tree = this.#latestTree()
    if (tree === undefined) return false
    for (let partition = 0; partition < this.partitions; partition++) {
      const state = decodeState(dataOf(tree, zkPaths.state(topic, partition)), anyVersion)
      const leader = this.brokers.find(({ id }) => id === state?.leader)
      if (state?.isr.length !== this.replicas || leader?.leads(partition) !== true) return false
      const replicas = this.#replicasOf(partition)
      const [first] = replicas
      if (replicas.length !== this.replicas || first === undefined) return false
      const { logEnd } = first
      if (replicas.some((each) => each.logEnd !== logEnd || each.highWatermark !== logEnd)) {
        return false
      }
    }
    return true
  }

  #replicasOf(partition: number) {
    return this.brokers.flatMap((broker) =>
      broker.replicas.filter((replica) => replica.partition === partition),
    )
  }

  /** Batches once more, as if they had waited somewhere: as many as are remembered are recognised. */
  async #repeatBatches(): Promise<void> {
    let underWay = 0
    for (let partition = 0; partition < this.partitions; partition++) {
      const leader = this.#replicasOf(partition).find(({ role }) => role.type === 'leading')
      for (const batches of leader === undefined ? [] : batchesByProducer(leader)) {
        const remembered = batches.slice(-limits.rememberedBatchesMax)
        const [oldest, newest] = [remembered[0], remembered.at(-1)]
        for (const batch of new Set([oldest, newest])) {
          if (batch === undefined) continue
          underWay++
          void this.#repeat(partition, batch).then(() => {
            underWay--
          })
        }
      }
    }
    await this.until('batches sent again are answered', () => underWay === 0)
  }

  async #repeat(partition: number, batch: Buffer): Promise<void> {
    const [record] = decodeBatch(batch)
    const value = Buffer.from(record?.value ?? []).toString()
    const offset = await this.strange.repeat(partition, batch)
    if (offset !== undefined) this.show({ type: 'repeated', value, offset })
  }

  // --- time --------------------------------------------------------------------------------------

  /** By the nemesis: with everything at rest that could go on. */
  later(delayMs: number, run: () => void): void {
    this.#timers.push({ atMs: this.queue.nowMs + delayMs, run })
    this.#timers.sort((a, b) => a.atMs - b.atMs)
  }

  async run(durationMs: number): Promise<void> {
    const untilMs = this.queue.nowMs + durationMs
    for (;;) {
      const timer = this.#timers[0]
      if (timer === undefined || timer.atMs > untilMs) break
      this.#timers.shift()
      await this.#runUntil(timer.atMs)
      timer.run()
    }
    await this.#runUntil(untilMs)
  }

  async #runUntil(untilMs: number): Promise<void> {
    for (let run = this.queue.take(untilMs); run !== undefined; run = this.queue.take(untilMs)) {
      run()
      if (++this.#eventCount % eventsPerLook === 0) await this.#rest()
    }
    await this.#rest()
  }

  /** Every promise that could go on has; then the judge looks. */
  async #rest(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#look()
    if (this.#failure !== undefined) throw this.#failure
  }

  async until(claim: string, holds: () => boolean): Promise<void> {
    for (let waitedMs = 0; !holds(); waitedMs += 50) {
      if (waitedMs >= convergenceMs) invariant(false, `${claim}: ${this.#describe()}`)
      await this.run(50)
      if (!this.isSettling) continue
      // One whose disk failed just before the faults stopped.
      for (const host of [...this.servers, ...this.brokers]) host.start()
    }
  }

  #describe(): string {
    const replicas = this.brokers.flatMap((broker) =>
      broker.replicas.map(({ partition, role, leaderEpoch, logEnd, highWatermark }) =>
        [broker.life, partition, role.type, leaderEpoch, logEnd, highWatermark].join(' '),
      ),
    )
    const waiting = this.producers.map(({ name, pendingCount }) => `${name} ${pendingCount}`)
    return [...replicas, ...waiting].join(', ')
  }

  fail(error: Error): void {
    this.trace?.(`${error}`)
    this.#failure ??= error
  }

  cover(what: string): void {
    this.#coverage.set(what, (this.#coverage.get(what) ?? 0) + 1)
  }
}

/** Of those with a producer id, copies in the order of the log. */
function batchesByProducer(replica: Replica): Iterable<readonly Buffer[]> {
  const batches = new Map<number, Buffer[]>()
  for (let offset = 0; offset < replica.highWatermark; ) {
    const { records } = replica.readCommitted(offset, 1 << 20)
    forEachBatch(records, (at, length) => {
      const { producerId, baseOffset, lastOffsetDelta } = readBatchHeader(records, at)
      offset = baseOffset + lastOffsetDelta + 1
      if (producerId === noProducer) return
      const known = batches.get(producerId) ?? []
      batches.set(producerId, known)
      known.push(Buffer.from(records.subarray(at, at + length)))
    })
  }
  return batches.values()
}

function dataOf(tree: ZTree, path: string): Buffer | null {
  const data = tree.get(path)?.data ?? null
  return data === null ? null : Buffer.from(data)
}
