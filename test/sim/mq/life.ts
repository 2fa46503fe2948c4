// One life of brokers, decided by its seed: whole ZooWeeper servers, whole brokers, producers and
// consumers, in one process and one simulated time. While records pass through, the faults of
// faults.ts happen (nemesis.ts); then they stop (ending.ts), and within bounded time every
// partition must have all its replicas in sync again and everything observed must be consistent
// (checker.ts).

import { decodeMark, type Mark } from '../../../src/broker/cluster/identity.ts'
import {
  decodeNumber,
  decodeState,
  decodeTopic,
  zkPaths,
} from '../../../src/broker/cluster/zk-paths.ts'
import { offsetsTopic } from '../../../src/broker/group/offsets-topic.ts'
import { directoryName } from '../../../src/broker/partition/partition-directory.ts'
import { leaderOf, type PartitionState } from '../../../src/broker/partition/partition-state.ts'
import type { Replica } from '../../../src/broker/replication/replica.ts'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import type { ZTree } from '../../../src/daemon/ztree/ztree.ts'
import { invariant } from '../../../src/invariant.ts'
import type { OffsetPlace } from '../../../src/protocol/kafka/group-records.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import type { BrokerId, DirectoryId } from '../../../src/protocol/mq/messages.ts'
import { Random } from '../../../src/random.ts'
import type { SimDisk } from '../disk.ts'
import { EventQueue } from '../event-queue.ts'
import { Network } from '../network.ts'
import { SimProcess } from '../process.ts'
import { simWorld } from '../sim-world.ts'
import { Administrator } from './administrator.ts'
import { Asker } from './asker.ts'
import { MqChecker, type MqEvent } from './checker.ts'
import { DiskBudget } from './disk-budget.ts'
import { Ending } from './ending.ts'
import { drawFaults, type Faults, losesDisks } from './faults.ts'
import { LastBatches } from './last-batches.ts'
import {
  type LoadParts,
  SimConsumer,
  SimProducer,
  type StrangeBatches,
  StrangeProducer,
  topic,
} from './load.ts'
import { SimMember, team } from './member.ts'
import { Nemesis } from './nemesis.ts'
import { brokerPort, SimBroker } from './sim-broker.ts'
import { clientPort, SimServer } from './sim-server.ts'
import type { SeenTopic, TopicRecord } from './topic-checker.ts'
import { dataOf } from './tree-data.ts'

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
  /** A script that replaces the seed's faults. */
  readonly script?: (world: MqWorld) => Promise<void>
  /** of each partition, for scripts */
  readonly replicas?: number | undefined
  /** Some whole disk may lead each partition, so none of them may wait for an operator. */
  readonly needsNoOperator?: boolean | undefined
}

const roundCount = 30
/** Simulated time within which everything must be well after the faults stop. */
const convergenceMs = 30_000
/** Longer than between two checkpoints. */
const quietMs = 6000
/** An election that began before a replica was found damaged is written by then, over open ways. */
const electionMs = 500
/** Of committed offsets, in lives in which they expire: few commits are so far apart. */
const shortRetentionMs = 2000
/** After at most this many events, pending promises proceed. */
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
  members: SimMember[] = []
  readonly strange: StrangeProducer
  /** of other topics, in lives in which these change */
  readonly administrator: Administrator | undefined
  /** undefined until the topic of the load is made */
  #asker: Asker | undefined
  readonly partitions: number
  readonly replicas: number
  readonly needsNoOperator: boolean
  readonly sessionTimeoutMs: number
  readonly lagTimeMsMax: number
  readonly trace: ((line: string) => void) | undefined
  readonly #coverage = new Map<string, number>()
  readonly #load: LoadParts
  readonly #script: ((world: MqWorld) => Promise<void>) | undefined
  readonly budget = new DiskBudget()
  readonly batches = new LastBatches()
  readonly #losesDisks: boolean
  readonly #registered = new Set<number>()
  /** by broker */
  readonly #unusedSinceMs = new Map<number, number>()
  #leftovers: ReadonlyMap<number, readonly number[]> = new Map()
  readonly #nemesis: Nemesis
  #failure: Error | undefined
  /** undefined: in this life nothing is throttled */
  readonly #throttles: Random | undefined
  /** changes of the throttle that are not answered */
  #throttleCount = 0
  #timers: Timer[] = []
  #eventCount = 0
  #clientCount = 0
  /** For scripts: called after each transaction. */
  whenApplied: ((tree: ZTree) => void) | undefined
  /** the last transaction applied by any server */
  lastZxid = 0
  isSettling = false

  constructor(seed: number, options: MqLifeOptions) {
    const { trace, faults, script } = options
    this.#script = script
    const random = new Random(seed)
    this.random = random
    this.faults = drawFaults(seed, faults)
    this.#losesDisks = script !== undefined || losesDisks(this.faults)
    // Of their own, so that the other lives of a seed are as they were.
    const throttles = new Random(seed ^ 0x7407)
    const mayThrottle = this.faults.reassignments > 0 && throttles.chance(0.5)
    this.#throttles = mayThrottle ? throttles : undefined
    this.trace = trace && ((line) => trace(`${this.queue.nowMs.toFixed(1).padStart(9)} ${line}`))
    this.network = new Network(this.queue, random)
    this.network.delayMs = [0.1, random.chance(0.2) ? 15 : 2]
    if (random.chance(0.2)) this.network.windowBytes = 2000
    // A broker with a new disk does not know its cluster yet, and refuses all others.
    this.network.onViolation = (error) => {
      if (!this.#losesDisks) this.fail(error)
    }
    this.partitions = 1 + random.below(3)
    const replicas = random.chance(0.85) && this.faults.reassignments === 0 ? 3 : 2
    // A script may lose two disks, and one has to remain.
    this.replicas = options.replicas ?? (script === undefined ? replicas : 3)
    this.needsNoOperator = options.needsNoOperator ?? false
    this.sessionTimeoutMs = 600 + random.below(900)
    this.lagTimeMsMax = random.pick([300, 800, 2000])
    const offsetsRetentionMs = this.faults.expiringOffsets > 0 ? shortRetentionMs : undefined
    if (offsetsRetentionMs !== undefined) this.cover('expiringOffsets')
    this.checker = new MqChecker({
      minInsyncReplicas: this.replicas - 1,
      ...(offsetsRetentionMs !== undefined && { offsetsRetentionMs }),
    })
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
      offsetsRetentionMs,
      show: (event: MqEvent) => this.show(event),
      batches: this.batches,
      committed: (record: TopicRecord) => this.administrator?.committed(record),
      started: (broker: SimBroker) => this.#asker?.ask(broker),
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
    // An operator's decisions on their partitions are not simulated.
    if (this.faults.changedTopics > 0 && !this.#losesDisks) {
      this.administrator = new Administrator({ ...this.#load, replicas: this.replicas })
    }
    this.#nemesis = new Nemesis(this)
  }

  async live(): Promise<void> {
    const { random } = this
    for (const server of this.servers) server.start()
    for (const broker of this.brokers) broker.start()
    await this.#createTopic()
    for (let i = 1 + random.below(3); i > 0; i--) this.#addProducer()
    this.addConsumer(undefined)
    this.addConsumer(group)
    if (this.#script === undefined) for (let i = random.below(3); i >= 0; i--) this.#addMember()
    if (this.#script === undefined) await this.#liveByChance()
    else await this.#script(this)
    this.#nemesis.stop()
    this.isSettling = true
    this.#timers = []
    await new Ending(this).settle()
    if (this.#failure !== undefined) throw this.#failure
  }

  async #liveByChance(): Promise<void> {
    const { random } = this
    for (let round = 0; round < roundCount; round++) {
      await this.run(random.chance(0.2) ? random.next() * 1200 : random.next() * 100)
      if (this.#losesDisks && random.chance(0.1)) await this.run(quietMs)
      for (const producer of this.producers) {
        if (producer.pendingCount < 100) producer.send(random.below(8))
      }
      if (random.chance(0.05)) this.#addProducer()
      if (random.chance(0.15)) this.#replaceGroupConsumer()
      for (const member of this.members) if (random.chance(0.3)) member.commit()
      if (random.chance(0.12)) this.#changeMembers()
      if (this.administrator !== undefined) {
        this.administrator.send()
        if (random.chance(0.4)) this.administrator.act()
      }
      this.#nemesis.strike()
    }
  }

  /** For scripts: sends this many records. */
  send(count: number, partitions = this.partitionIds): void {
    this.#addScripted().send(count, partitions)
  }

  #addScripted(): SimProducer {
    const producer = new SimProducer(`p${++this.#clientCount}`, this.#load, 60_000, 'all')
    this.producers.push(producer)
    return producer
  }

  /** For scripts: sends this many records, each acknowledged. */
  async store(count: number, partitions = this.partitionIds): Promise<void> {
    const producer = this.#addScripted()
    for (let i = 0; i < count; i++) {
      producer.send(1, partitions)
      await this.run(1)
    }
    await this.until('records are stored', () => producer.pendingCount === 0)
    invariant(producer.failedCount === 0, 'records are stored')
  }

  /** For scripts: batches of one producer reach the leader's log, and perhaps no other. */
  async storeAt(leader: SimBroker, batches: StrangeBatches): Promise<void> {
    let isStored = false
    this.strange.sendToLeader(leader, batches).then(
      () => {
        isStored = true
      },
      (error) => this.fail(error),
    )
    await this.until('a leader stores batches', () => isStored)
  }

  /** The znode of a partition; undefined while no server is up. */
  stateOf(partition: number, of = topic): PartitionState | undefined {
    const tree = this.#latestTree()
    return tree && decodeState(dataOf(tree, zkPaths.state(of, partition)), anyVersion)
  }

  /** The name of a partition's directory. */
  directoryOf(of: string, partition: number): string | undefined {
    const tree = this.#latestTree()
    const assignment = tree && decodeTopic(dataOf(tree, zkPaths.topic(of)))
    return assignment && directoryName({ topicId: assignment.topicId, partition })
  }

  /** Whether the topic in which groups are stored exists, and none of its replicas leads. */
  get areGroupsLeaderless(): boolean {
    if (this.directoryOf(offsetsTopic, 0) === undefined) return false
    const replicas = this.brokers.flatMap(({ groupReplicas }) => groupReplicas)
    return !replicas.some(({ role }) => role.type === 'leading')
  }

  result(): MqLife {
    const { checker } = this
    const { sentCount, storedCount: stored, shownCount: shown } = checker
    return { operations: sentCount + shown, stored, shown, coverage: this.#coverage }
  }

  // --- the load ----------------------------------------------------------------------------------

  async #createTopic(): Promise<void> {
    const { partitions, replicas } = this
    const admin = this.makeAdmin('admin')
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
    this.#asker = new Asker(this.#load)
  }

  #addProducer(): void {
    const deliveryTimeoutMs = this.random.pick([1500, 60_000])
    const name = `p${++this.#clientCount}`
    this.producers.push(new SimProducer(name, this.#load, deliveryTimeoutMs))
  }

  /** Up to an offset that is committed by now, or a little beyond. */
  deleteRecords(): void {
    const { random, checker } = this
    const partition = random.below(this.partitions)
    const end = checker.committedEnd(partition)
    const offset = random.chance(0.5) ? end : random.below(end + 2)
    this.strange.deleteRecords(partition, offset).catch((error: unknown) => {
      if (!(error instanceof BrokerError)) this.fail(error as Error)
    })
  }

  electPreferred(): void {
    this.strange.electPreferred().catch((error: unknown) => {
      if (!(error instanceof BrokerError)) this.fail(error as Error)
    })
  }

  /** Gives a partition other replicas, or takes that back. */
  reassign(): void {
    const { random } = this
    if (this.#throttles?.chance(0.6)) this.#throttle(this.#throttles.pick(['none', 0, 200, 2000]))
    const partition = random.below(this.partitions)
    const target = random.shuffled([1, 2, 3]).slice(0, this.replicas)
    this.strange.reassign(partition, random.chance(0.3) ? undefined : target).catch((error) => {
      if (!(error instanceof BrokerError)) this.fail(error as Error)
    })
  }

  #throttle(rate: number | 'none'): void {
    this.#throttleCount += 1
    this.strange
      .throttle(rate)
      .then(() => this.cover('throttle'))
      .catch((error) => {
        if (!(error instanceof BrokerError)) this.fail(error as Error)
      })
      .finally(() => {
        this.#throttleCount -= 1
      })
  }

  /** As an operator does when the faults are over: what is held is needed now. */
  async endThrottle(): Promise<void> {
    if (this.#throttles === undefined) return
    await this.until('every change of the throttle is answered', () => this.#throttleCount === 0)
    let isDone = false
    await this.until('the throttle is taken back', () => {
      if (isDone || this.#throttleCount > 0) return isDone
      this.#throttleCount += 1
      this.strange
        .throttle('none')
        .then(
          () => {
            isDone = true
          },
          (error: unknown) => {
            if (!(error instanceof BrokerError)) this.fail(error as Error)
          },
        )
        .finally(() => {
          this.#throttleCount -= 1
        })
      return false
    })
  }

  /** From now on, retention may remove what is committed. */
  changeRetention(): void {
    const { random } = this
    for (const partition of this.partitionIds) {
      this.show({ type: 'deleting', partition, offset: Number.MAX_SAFE_INTEGER })
    }
    const policy = random.pick(['delete', 'compact', 'compact,delete'])
    if (policy !== 'delete') {
      this.checker.isCompacted = this.batches.isCompacted = true
      this.cover('compacted topic')
    }
    const changes = {
      'cleanup.policy': policy,
      'min.cleanable.dirty.ratio': random.pick([0, 0.5]),
      'retention.ms': random.pick([-1, 0, 500, 3000]),
      'retention.bytes': random.pick([-1, 2000, 20_000]),
      'segment.ms': random.pick([1, 300, 60_000]),
      'segment.bytes': random.pick([2048, 8192]),
    }
    this.#alter(changes)
  }

  #alter(changes: Readonly<Record<string, number | string>>): void {
    this.strange.alter(changes).catch((error: unknown) => {
      if (!(error instanceof BrokerError)) this.fail(error as Error)
    })
  }

  /** A leader that does not know it yet may follow the value before. */
  changeMinInsync(): void {
    const count = 1 + this.random.below(this.replicas)
    this.checker.minInsyncReplicasIs(count)
    this.#alter({ 'min.insync.replicas': count })
  }

  /** Deletes some keys; tombstones are kept for a while or for longer than a life. */
  bury(): void {
    const { random } = this
    for (const producer of this.producers) {
      for (let i = random.below(4); i >= 0; i--) if (producer.pendingCount < 100) producer.bury()
    }
    if (random.chance(0.6)) return
    const keptMs = random.pick([0, 3_600_000])
    if (keptMs === 0) this.checker.mayForgetTombstones = true
    this.#alter({ 'delete.retention.ms': keptMs })
  }

  addConsumer(of: string | undefined, partitions = this.partitionIds): SimConsumer {
    const name = `c${++this.#clientCount}`
    const consumer = new SimConsumer(name, this.#load, { group: of, partitions })
    this.consumers.push(consumer)
    return consumer
  }

  /** The next consumer of its group continues where it had committed; a commit may be in flight. */
  #replaceGroupConsumer(): void {
    for (const consumer of this.consumers) {
      if (consumer.group === group && !consumer.isClosed) void consumer.close()
    }
    this.addConsumer(group)
  }

  #addMember(): void {
    const committedEnd = (partition: number) => this.checker.committedEnd(partition)
    const acknowledgedOffset = (place: OffsetPlace) => this.checker.acknowledgedOffset(team, place)
    const parts = { ...this.#load, committedEnd, acknowledgedOffset }
    this.members.push(new SimMember(`m${++this.#clientCount}`, parts))
  }

  /** One comes, dies, or leaves. */
  #changeMembers(): void {
    const { random } = this
    const [gone] = this.members
    if (gone === undefined || this.members.length < 3) this.#addMember()
    if (gone === undefined || random.chance(0.4)) return
    this.members = this.members.slice(1)
    if (random.chance(0.5)) {
      this.cover('member died')
      gone.kill()
    } else {
      this.cover('member left')
      void gone.leave()
    }
  }

  /** Its partitions are those of the living members, each of one of them. */
  get areMembersSettled(): boolean {
    if (this.members.length === 0) return true
    const owned = this.members.flatMap((member) => member.owned.map(({ partition }) => partition))
    return owned.sort().join() === this.partitionIds.join()
  }

  #disksAt(partition: number, offset: number): number {
    this.#look()
    return this.brokers.filter((broker) => broker.durableEnd(partition) > offset).length
  }

  // --- the judge ---------------------------------------------------------------------------------

  show(event: MqEvent): void {
    if (event.type === 'chosen') this.batches.forget(event.partition)
    try {
      this.checker.step(event)
    } catch (error) {
      this.fail(error as Error)
    }
  }

  #look(): void {
    try {
      for (const broker of this.brokers) broker.look()
      if (this.budget.hasHidden) this.#lookForChecked()
    } catch (error) {
      this.fail(error as Error)
    }
  }

  /** Called for the first server that has it. */
  #applied(zxid: number, tree: ZTree): void {
    if (zxid <= this.lastZxid) return
    this.lastZxid = zxid
    try {
      this.#lookAtBrokers(tree)
      this.administrator?.applied(tree)
      this.whenApplied?.(tree)
    } catch (error) {
      this.fail(error as Error)
    }
    if (tree.get(zkPaths.topic(topic))?.mzxid === zxid) this.#lookAtLeftovers(tree)
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
    }
  }

  /** What a broker was told to remove, or has just removed, begins anew if it returns. */
  #lookAtLeftovers(tree: ZTree): void {
    const { leftovers = new Map() } = decodeTopic(dataOf(tree, zkPaths.topic(topic))) ?? {}
    for (const [partition, ids] of [...this.#leftovers, ...leftovers]) {
      for (const id of ids) this.show({ type: 'leftover', broker: `b${id}`, partition })
    }
    this.#leftovers = leftovers
  }

  #lookAtBrokers(tree: ZTree): void {
    for (const { id } of this.brokers) {
      const isRegistered = tree.get(zkPaths.brokerId(id as BrokerId)) !== undefined
      if (isRegistered) this.#registered.add(id)
      else if (this.#registered.delete(id)) this.#nemesis.brokerGone()
    }
  }

  // --- disks -------------------------------------------------------------------------------------

  /** A fault of a disk while its broker is down. */
  loseDisk(
    broker: SimBroker,
    lose: (disk: SimDisk) => void,
    { isTold = true, isHidden = false } = {},
  ): void {
    broker.loseDisk(lose)
    this.#unusedSinceMs.delete(broker.id)
    this.budget.lost({ broker: broker.id, zxid: this.lastZxid, isTold, isHidden })
  }

  /** Since when no ISR names a damaged replica of this broker. */
  #unusedSince(id: number): number {
    const sinceMs = this.#unusedSinceMs.get(id) ?? this.queue.nowMs
    this.#unusedSinceMs.set(id, sinceMs)
    return sinceMs
  }

  /** Tells the budget of brokers that have found whatever is damaged on their disks. */
  #lookForChecked(): void {
    const { states } = this
    for (const broker of this.brokers) {
      const { id, brokerEpoch } = broker
      if (brokerEpoch === undefined || !broker.isChecked) this.#unusedSinceMs.delete(id)
      if (brokerEpoch === undefined || states === undefined || !broker.isChecked) continue
      const isInUse = this.unavailableAt(broker).some(
        (partition) => this.stateOf(partition)?.isr.some((member) => member.broker === id) === true,
      )
      if (isInUse) this.#unusedSinceMs.delete(id)
      else if (this.queue.nowMs - this.#unusedSince(id) > electionMs) {
        this.budget.checked({ broker: id, brokerEpoch })
      }
    }
  }

  /** The states of all partitions; undefined while no server is up. */
  get states(): readonly PartitionState[] | undefined {
    const states = this.partitionIds.flatMap((partition) => this.stateOf(partition) ?? [])
    const ofGroups = this.stateOf(0, offsetsTopic)
    if (states.length !== this.partitions) return undefined
    return ofGroups === undefined ? states : [...states, ofGroups]
  }

  /** The mark of a directory in ZooWeeper. */
  markOf(directory: DirectoryId): Mark | undefined {
    const tree = this.#latestTree()
    return tree && decodeMark(dataOf(tree, zkPaths.mark(directory)))
  }

  /** Ends all faults, except for what the disks lack. */
  healAll(): void {
    this.network.unblockAll()
    for (const host of [...this.servers, ...this.brokers]) {
      host.heal()
      host.start()
    }
  }

  // --- the state of the cluster ------------------------------------------------------------------

  get partitionIds(): readonly number[] {
    return Array.from({ length: this.partitions }, (_, partition) => partition)
  }

  makeAdmin(name: string): MqAdmin {
    const { network, queue, random } = this
    const world = simWorld({ network, process: new SimProcess(queue), random, host: `c-${name}` })
    const { brokers } = this.#load
    return new MqAdmin({ brokers, world, name, timeoutMs: 20_000 })
  }

  /** The replicas of a partition, the preferred one first. */
  assignmentOf(partition: number): readonly BrokerId[] {
    const tree = this.#latestTree()
    const assignment = tree && decodeTopic(dataOf(tree, zkPaths.topic(topic)))
    return assignment?.replicas[partition] ?? []
  }

  /** The partitions of a topic whose replica on a broker cannot be used. */
  unavailableAt(broker: SimBroker, of = topic): readonly number[] {
    const tree = this.#latestTree()
    const replicas = tree && decodeTopic(dataOf(tree, zkPaths.topic(of)))?.replicas
    const opened = broker.replicasOf(of)
    return (replicas ?? []).flatMap((brokers, partition) => {
      const isAssigned = brokers.some((each) => each === broker.id)
      const isOpen = opened.some((replica) => replica.partition === partition)
      return isAssigned && !isOpen ? [partition] : []
    })
  }

  #latestTree(): ZTree | undefined {
    return this.servers.find((server) => server.tree?.lastApplied === this.lastZxid)?.tree
  }

  /** Every partition has all its replicas in sync, and they are equal. */
  isInSync(partitions = this.partitionIds): boolean {
    for (const partition of partitions) {
      const state = this.stateOf(partition)
      const leader = this.brokers.find(({ id }) => id === state?.leader)
      if (state?.isr.length !== this.replicas || leader?.leads(partition) !== true) return false
      const replicas = this.replicasOf(partition)
      const [first] = replicas
      if (replicas.length !== this.replicas || first === undefined) return false
      const { logEnd } = first
      if (replicas.some((each) => each.logEnd !== logEnd || each.highWatermark !== logEnd)) {
        return false
      }
    }
    return true
  }

  /** Every replica of an administrator's topic is there, and they are equal. */
  hasAllOf({ topicId, replicas }: SeenTopic): boolean {
    const open = this.brokers.flatMap(({ administered }) => administered)
    return replicas.every((brokers, partition) => {
      const found = open.filter((one) => one.topicId === topicId && one.partition === partition)
      const [first] = found
      if (first === undefined || found.length < brokers.length) return false
      const { logEnd } = first
      return (
        found.some(({ role }) => role.type === 'leading') &&
        found.every((one) => one.logEnd === logEnd && one.highWatermark === logEnd)
      )
    })
  }

  replicasOf(partition: number): readonly Replica[] {
    return this.brokers.flatMap((broker) =>
      broker.replicas.filter((replica) => replica.partition === partition),
    )
  }

  // --- time --------------------------------------------------------------------------------------

  /** For the nemesis, once all pending promises have proceeded. */
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

  /** Lets every promise that can proceed do so; then the judge looks. */
  async #rest(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#look()
    if (this.#failure !== undefined) throw this.#failure
  }

  async until(claim: string, holds: () => boolean, withinMs = convergenceMs): Promise<void> {
    for (let waitedMs = 0; !holds(); waitedMs += 50) {
      if (waitedMs >= withinMs) invariant(false, `${claim}: ${this.#describe()}`)
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
