// The end of a life of brokers: the faults stop, an operator does what brokers cannot do by
// themselves, and within bounded time everything that the budget of disks (disk-budget.ts) allows
// for must be well. A partition beyond it may have no leader: an operator decides, or leaves it so.

import { offsetsTopic } from '../../../src/broker/group/offsets-topic.ts'
import type { Replica } from '../../../src/broker/replication/replica.ts'
import { invariant } from '../../../src/invariant.ts'
import { limits } from '../../../src/limits.ts'
import {
  decodeBatch,
  forEachBatch,
  noProducer,
  placeBatch,
  readBatchHeader,
} from '../../../src/protocol/mq/record-batch.ts'
import { takeLogAway } from './damage.ts'
import type { MqWorld } from './life.ts'
import { type SimConsumer, textOf, topic } from './load.ts'
import { Person } from './person.ts'

/** After this time an operator looks for what could not heal by itself. */
const patienceMs = 2500
/** Longer than sessions last, and than an election by reports waits. */
const electionMs = 20_000
/** Within this time a commit is answered. */
const commitMs = 1000
/** Longer than the most patient producer tries. */
const deliveryMs = 70_000

export class Ending {
  readonly #world: MqWorld
  /** partitions that must have a leader: all except those that the operator leaves as they are */
  #partitions: readonly number[]

  constructor(world: MqWorld) {
    this.#world = world
    this.#partitions = world.partitionIds
  }

  async settle(): Promise<void> {
    const world = this.#world
    world.trace?.('the faults stop')
    world.healAll()
    await world.run(patienceMs)
    this.#restartBrokers()
    await this.#untilRegistered()
    await world.endThrottle()
    await world.until('all logs are read for damage', () =>
      world.brokers.every(({ isChecked }) => isChecked),
    )
    await this.#decide()
    await this.#replaceLogs()
    const isAbandoned = this.#partitions.length < world.partitions
    await world.until(
      'producers learn the outcome of their records',
      () => world.producers.every(({ pendingCount }) => pendingCount === 0),
      isAbandoned ? deliveryMs : undefined,
    )
    await this.#untilInSync()
    await this.#repeatBatches()
    await this.#untilInSync()
    await this.#readAll({ isAbandoned })
    await world.until('a rebalance ends when faults end', () => world.areMembersSettled)
    for (const member of world.members) member.commit()
    await world.run(commitMs)
    this.#readLogs()
    await this.#endTopics()
    world.checker.end()
  }

  /** What each replica has, also of what was committed long ago. */
  #readLogs(): void {
    const world = this.#world
    for (const broker of world.brokers) {
      for (const replica of broker.replicas) {
        const { partition, logStart: start, highWatermark: end } = replica
        const records = broker.recordsOf(replica)
        if (records === undefined || !this.#partitions.includes(partition)) continue
        world.show({ type: 'log', partition, start, end, records })
      }
    }
  }

  async #endTopics(): Promise<void> {
    const world = this.#world
    const { administrator } = world
    if (administrator === undefined) return
    await world.until('every request for a topic is answered', () => administrator.isIdle)
    await world.until('every partition of every topic has all replicas in sync', () =>
      administrator.topics.every((each) => world.hasAllOf(each)),
    )
    await world.until('nothing of a deleted topic stays on a disk', () =>
      world.brokers.every(({ disk }) =>
        [...disk.logs.keys()].every((name) => !administrator.isLeftover(name)),
      ),
    )
    administrator.end()
  }

  #untilRegistered(): Promise<void> {
    return this.#world.until('all brokers register', () =>
      this.#world.brokers.every(({ brokerEpoch }) => brokerEpoch !== undefined),
    )
  }

  #untilInSync(): Promise<void> {
    const claim = 'every partition has all replicas in sync'
    return this.#world.until(claim, () => this.#world.isInSync(this.#partitions))
  }

  // --- the operator
  // --------------------------------------------------------------------------------

  /** A replica whose disk failed while it was opened waits for a restart of its broker. */
  #restartBrokers(): void {
    const world = this.#world
    const topics = [topic, ...(world.administrator?.topics ?? []).map((each) => each.topic)]
    for (const broker of world.brokers) {
      if (broker.brokerEpoch === undefined) continue
      if (topics.every((of) => world.unavailableAt(broker, of).length === 0)) continue
      world.cover('replica unavailable')
      broker.end({ power: false })
      broker.start()
    }
  }

  /** A partition that has no leader by now waits for an operator. */
  async #decide(): Promise<void> {
    const world = this.#world
    const isLed = () => this.#leaderless.length === 0 && !world.areGroupsLeaderless
    for (let waitedMs = 0; !isLed() && waitedMs < electionMs; waitedMs += 100) await world.run(100)
    if (isLed()) return
    const undecided = this.#leaderless
    invariant(!world.needsNoOperator, 'a whole disk of an ISR member leads without an operator')
    world.cover('unavailable until a person decides')
    const person = new Person(world)
    for (const partition of undecided) {
      if (await person.decide(partition)) continue
      this.#partitions = this.#partitions.filter((each) => each !== partition)
    }
    if (world.areGroupsLeaderless) await person.decideOnGroups()
    person.close()
  }

  get #leaderless(): readonly number[] {
    const { brokers, partitionIds } = this.#world
    return partitionIds.filter((partition) => !brokers.some((broker) => broker.leads(partition)))
  }

  /** A damaged log is removed when another replica leads, and is fetched again. */
  async #replaceLogs(): Promise<void> {
    const world = this.#world
    await this.#untilRegistered()
    for (const broker of world.brokers) {
      const damaged = world
        .unavailableAt(broker)
        .filter((partition) => this.#partitions.includes(partition))
      const names = damaged.map((partition) => world.directoryOf(topic, partition))
      if (world.unavailableAt(broker, offsetsTopic).length > 0 && !world.areGroupsLeaderless) {
        names.push(world.directoryOf(offsetsTopic, 0))
      }
      if (names.length === 0) continue
      world.cover('damaged log taken away')
      broker.end({ power: false })
      for (const name of names) takeLogAway(broker.disk, name ?? '')
      if (damaged.length > 0) world.show({ type: 'diskLost', broker: broker.name })
      broker.start()
    }
  }

  // --- service
  // -------------------------------------------------------------------------------------

  /**
   * A consumer that has not begun waits for all its partitions; if some are left as they are, a new
   * one takes its place.
   */
  async #readAll({ isAbandoned }: { readonly isAbandoned: boolean }): Promise<void> {
    if (this.#partitions.length === 0) return
    const world = this.#world
    const last = world.addConsumer(undefined, this.#partitions)
    const readers = isAbandoned ? [last] : world.consumers.filter(({ isClosed }) => !isClosed)
    await world.until('consumers read up to the end', () =>
      readers.every((reader) => this.#hasReadAll(reader)),
    )
  }

  #hasReadAll(consumer: SimConsumer): boolean {
    return (
      consumer.isClosed ||
      this.#partitions.every((partition) =>
        consumer.hasRead(partition, this.#world.checker.committedEnd(partition)),
      )
    )
  }

  /**
   * Sends batches again, as if they had been delayed: as many as are remembered are recognised.
   */
  async #repeatBatches(): Promise<void> {
    let underWay = 0
    for (const partition of this.#partitions) {
      const leader = this.#world.replicasOf(partition).find(({ role }) => role.type === 'leading')
      if (leader === undefined) continue
      const { batches: seen } = this.#world
      const newest = [...seen.of(partition)]
      if (newest.some((batch) => readBatchHeader(batch).baseOffset < leader.logStart)) {
        this.#world.cover('batch sent again after its removal')
      }
      const inLog = seen.isCompacted ? [] : batchesByProducer(leader)
      for (const batches of [...inLog, ...newest.map((each) => [each])]) {
        const remembered = batches.slice(-limits.rememberedBatchesMax)
        for (const batch of new Set([remembered[0], remembered.at(-1)])) {
          if (batch === undefined) continue
          underWay++
          void this.#repeat(partition, batch).then(() => {
            underWay--
          })
        }
      }
    }
    await this.#world.until('batches sent again are answered', () => underWay === 0)
  }

  async #repeat(partition: number, batch: Buffer): Promise<void> {
    const [record] = decodeBatch(batch)
    const value = record === undefined ? '' : textOf(record)
    placeBatch(batch, 0, -1) // as a producer sends it
    const offset = await this.#world.strange.repeat(partition, batch)
    if (offset !== undefined) this.#world.show({ type: 'repeated', value, offset })
  }
}

/** Copies of the batches with a producer id, in log order. */
function batchesByProducer(replica: Replica): Iterable<readonly Buffer[]> {
  const batches = new Map<number, Buffer[]>()
  for (let offset = replica.logStart; offset < replica.highWatermark; ) {
    const records = replica.peek(offset, replica.highWatermark)
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
