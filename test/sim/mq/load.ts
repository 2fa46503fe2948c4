// The clients of a life of brokers: producers and consumers as they are shipped, on hosts of their
// own. Their results go to the judge.

import { Consumer } from '../../../src/client/mq/consumer.ts'
import { MqCluster } from '../../../src/client/mq/mq-cluster.ts'
import { type NewRecord, Producer } from '../../../src/client/mq/producer.ts'
import { limits } from '../../../src/limits.ts'
import { allBrokers } from '../../../src/protocol/mq/configs.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import { type BrokerId, onlyOne } from '../../../src/protocol/mq/messages.ts'
import type { ProduceRequest, RequiredAcks } from '../../../src/protocol/mq/produce.ts'
import {
  encodeBatch,
  noProducer,
  type ProducerId,
  placeBatch,
} from '../../../src/protocol/mq/record-batch.ts'
import type { Random } from '../../../src/random.ts'
import { SimProcess } from '../process.ts'
import { simWorld } from '../sim-world.ts'
import type { MqEvent } from './checker.ts'
import type { HostParts } from './host.ts'
import { brokerPort } from './sim-broker.ts'

export const topic = 'goals'

/** Few, so that later records supersede earlier ones. A value names its producer and its number. */
export function keyOf(value: string): string {
  return `k${Number.parseInt(/-(\d+)/.exec(value)?.[1] ?? '0', 10) % 5}`
}

/** The header that names a tombstone: it has no value to know it by. */
const nameHeader = 'name'
const tombstoneMark = ' tombstone'

interface NamedRecord {
  readonly value: Uint8Array | null
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[]
}

/** Its value, or its name if it is a tombstone. */
export function textOf({ value, headers }: NamedRecord): string {
  const name = headers.find(({ key }) => key === nameHeader)?.value
  return Buffer.from(value ?? name ?? []).toString()
}

export function isTombstone(text: string): boolean {
  return text.endsWith(tombstoneMark)
}

/** Ids that brokers hand out begin at 0. */
const strangeProducerId = 1e9 as ProducerId
const callMs = 3000

export interface LoadParts extends HostParts {
  readonly brokers: readonly { readonly host: string; readonly port: number }[]
  readonly partitions: number
  /** Long ones are torn by power cuts. */
  readonly valueBytesMax: number
  readonly show: (event: MqEvent) => void
  /** Disks that have the record at this offset now. */
  readonly disksAt: (partition: number, offset: number) => number
}

function makeClientOptions(name: string, { network, queue, random, brokers }: LoadParts) {
  const world = simWorld({ network, process: new SimProcess(queue), random, host: name })
  return { brokers, world, name }
}

export class SimProducer {
  readonly name: string
  readonly acks: RequiredAcks
  readonly #parts: LoadParts
  readonly #producer: Producer
  #count = 0
  pendingCount = 0
  failedCount = 0

  constructor(name: string, parts: LoadParts, deliveryTimeoutMs: number, acks?: RequiredAcks) {
    const { random } = parts
    this.name = name
    this.#parts = parts
    this.acks = acks ?? drawAcks(random)
    this.#producer = new Producer({
      ...makeClientOptions(name, parts),
      acks: this.acks,
      sendTo: random.chance(0.6) ? 'random' : 'leader',
      inFlightMax: random.pick([1, 5, 20, 64]),
      lingerMs: random.chance(0.3) ? 5 : 0,
      requestTimeoutMs: 200 + random.below(1500),
      deliveryTimeoutMs,
    })
  }

  /** @param among partitions; default: all */
  send(count: number, among?: readonly number[]): void {
    const { random, partitions } = this.#parts
    for (let i = 0; i < count; i++) {
      this.#send(among === undefined ? random.below(partitions) : random.pick(among))
    }
  }

  /** Sends a tombstone for some key. */
  bury(): void {
    const { random, partitions } = this.#parts
    const text = `${this.name}-${this.#count++}${tombstoneMark}`
    const headers = [{ key: nameHeader, value: text }]
    this.#give(text, { partition: random.below(partitions), value: null, headers })
  }

  #send(partition: number): void {
    const { random, valueBytesMax } = this.#parts
    const value = `${this.name}-${this.#count++} ${'x'.repeat(random.below(valueBytesMax))}`
    this.#give(value, { partition, value })
  }

  #give(value: string, record: Pick<NewRecord, 'value' | 'headers'> & { partition: number }): void {
    const { show, disksAt } = this.#parts
    const { partition } = record
    show({ type: 'sent', producer: this.name, partition, value })
    this.pendingCount++
    const stored = this.#producer.send({ topic, key: keyOf(value), ...record })
    stored
      .then(({ offset }) => {
        if (this.acks !== 'all') return
        show({ type: 'stored', value, offset, disks: disksAt(partition, offset) })
      })
      .catch((error: unknown) => {
        if (error instanceof BrokerError) this.failedCount++
        else this.#parts.fail(error as Error)
      })
      .finally(() => {
        this.pendingCount--
      })
  }

  abort(): void {
    this.#producer.abort()
  }
}

function drawAcks(random: Random): RequiredAcks {
  return random.chance(0.85) ? 'all' : random.chance(0.7) ? 'leader' : 'none'
}

export class SimConsumer {
  readonly name: string
  readonly group: string | undefined
  readonly #parts: LoadParts
  readonly #consumer: Consumer
  isClosed = false

  constructor(
    name: string,
    parts: LoadParts,
    {
      group,
      partitions,
    }: { readonly group: string | undefined; readonly partitions: readonly number[] },
  ) {
    const { random } = parts
    this.name = name
    this.group = group
    this.#parts = parts
    this.#consumer = new Consumer({
      ...makeClientOptions(name, parts),
      topic,
      partitions,
      from: 'beginning',
      outOfRange: 'earliest',
      ...(group === undefined ? {} : { group }),
      maxWaitMs: 100 + random.below(400),
    })
    this.#consumer.on('reset', ({ partition }, to, from) => {
      parts.cover('consumer behind the log start')
      parts.show({ type: 'reset', consumer: name, partition, from, to })
    })
    this.#run().catch((error: unknown) => {
      if (!this.isClosed) this.#failed(error)
    })
  }

  async #run(): Promise<void> {
    const { show, disksAt, random } = this.#parts
    for (;;) {
      const records = await this.#consumer.take()
      if (this.isClosed) return
      for (const record of records) {
        const { partition, offset } = record
        const disks = disksAt(partition, offset)
        const value = textOf(record)
        show({ type: 'shown', consumer: this.name, partition, offset, value, disks })
      }
      if (this.group !== undefined && random.chance(0.5)) this.#commit()
    }
  }

  #commit(): void {
    this.#consumer.commit().catch((error: unknown) => {
      if (!(error instanceof BrokerError)) this.#failed(error)
    })
  }

  /** A consumer gives up only if it cannot find the cluster for too long. */
  #failed(error: unknown): void {
    const { cover, fail } = this.#parts
    const isAway = error instanceof BrokerError && error.retriable
    if (!isAway) return fail(error as Error)
    cover('consumer gave up')
    void this.close()
  }

  /** Whether everything before `end` was delivered, here or to others of its group. */
  hasRead(partition: number, end: number): boolean {
    return this.#consumer.progress.some(
      (each) => each.partition === partition && each.position >= end,
    )
  }

  async close(): Promise<void> {
    this.isClosed = true
    await this.#consumer.close()
  }
}

/** Sends what our producer never would. */
/** Batches of one record each, all of one producer. */
export interface StrangeBatches {
  readonly partition: number
  /** the first sequence */
  readonly from: number
  readonly count: number
}

export class StrangeProducer {
  readonly #parts: LoadParts
  readonly #cluster: MqCluster

  constructor(parts: LoadParts) {
    this.#parts = parts
    this.#cluster = new MqCluster(makeClientOptions('c-strange', parts))
  }

  /** A batch with one bit flipped in transit: it must not get into the log. */
  sendCorrupt(): void {
    const { random, partitions, cover } = this.#parts
    const record = { key: null, value: Buffer.from('turned'), timestampMs: 1, headers: [] }
    const batch = encodeBatch({
      producerId: noProducer,
      producerEpoch: -1,
      baseSequence: -1,
      records: [record],
    })
    const at = batch.length - 1 - random.below(6)
    batch[at] = (batch[at] ?? 0) ^ (1 << random.below(5))
    const partition = random.below(partitions)
    cover('corrupt batch')
    this.#produce(partition, batch).catch(() => undefined)
  }

  /**
   * Sends them to the leader of the partition, as fast as it may. Resolves when each of them is in
   * the leader's log, and perhaps nowhere else.
   */
  async sendToLeader(
    { name: host }: { readonly name: string },
    { partition, from, count }: StrangeBatches,
  ): Promise<void> {
    const { show } = this.#parts
    const connection = this.#cluster.connectionTo({ host, port: brokerPort })
    const timestampMs = this.#cluster.clock.wallMs()
    const sent: Promise<unknown>[] = []
    for (let baseSequence = from; baseSequence < from + count; baseSequence++) {
      const value = `strange-${baseSequence}`
      show({ type: 'sent', producer: 'strange', partition, value })
      const record = { key: null, value: Buffer.from(value), timestampMs, headers: [] }
      const ids = { producerId: strangeProducerId, producerEpoch: 0, baseSequence }
      const batch = encodeBatch({ ...ids, records: [record] })
      sent.push(connection.call(produceOf(partition, batch, 'leader'), callMs))
      if (sent.length % limits.heldBatchesMax === 0) await Promise.all(sent)
    }
    await Promise.all(sent)
  }

  /**
   * Limits what replicas take while they catch up.
   *
   * @param rate of each broker, in bytes per second
   */
  async throttle(rate: number | 'none'): Promise<void> {
    const sides = ['leader', 'follower'] as const
    const rates = sides.map((side) => {
      const name = `${side}.replication.throttled.rate`
      if (rate === 'none') return { name, operation: 'delete', value: undefined } as const
      return { name, operation: 'set', value: String(rate) } as const
    })
    const lists = sides.map((side) => {
      const name = `${side}.replication.throttled.replicas`
      return { name, operation: 'set', value: '*' } as const
    })
    const entities = [
      { type: 'topic', name: topic, changes: lists },
      { type: 'broker', name: allBrokers, changes: rates },
    ] as const
    await this.#cluster.call({ type: 'alterConfigs', entities }, 3000)
  }

  /** Changes the topic's configuration. */
  async alter(values: Readonly<Record<string, number | string>>): Promise<void> {
    const changes = Object.entries(values).map(([name, value]) => {
      return { name, operation: 'set', value: String(value) } as const
    })
    const entities = [{ type: 'topic', name: topic, changes }] as const
    await this.#cluster.call({ type: 'alterConfigs', entities }, 3000)
  }

  /** Deletes records up to this offset, which may be out of range by then. */
  async deleteRecords(partition: number, offset: number): Promise<void> {
    const { show, cover } = this.#parts
    show({ type: 'deleting', partition, offset })
    const request = {
      type: 'deleteRecords',
      timeoutMs: 2000,
      passedOn: false,
      partitions: [{ topic, partition, offset }],
    } as const
    const answer = await this.#cluster.call(request, 3000)
    const { error } = onlyOne(answer.partitions)
    if (error !== undefined) return
    cover('records are deleted everywhere')
    show({ type: 'deleted', partition, offset })
  }

  /** Makes the preferred replicas leaders, as far as they are in sync. */
  async electPreferred(): Promise<void> {
    const request = { type: 'electLeaders', partitions: undefined } as const
    const { partitions } = await this.#cluster.call(request, 3000)
    if (partitions.some(({ error }) => error === undefined)) this.#parts.cover('preferred leader')
  }

  /** @param target undefined: the replicas from before the reassignment in progress */
  async reassign(partition: number, target: readonly number[] | undefined): Promise<void> {
    const { cover } = this.#parts
    const wanted = { topic, partition, replicas: target as readonly BrokerId[] | undefined }
    const request = { type: 'alterPartitionReassignments', timeoutMs: 3000 } as const
    await this.#cluster.call({ ...request, partitions: [wanted] }, 4000)
    cover(target === undefined ? 'reassignment cancelled' : 'reassignment begun')
  }

  /**
   * Sends a batch of the log as its producer had sent it.
   *
   * @returns the answered offset; undefined without an answer
   */
  async repeat(partition: number, batch: Buffer): Promise<number | undefined> {
    const sent = Buffer.from(batch)
    placeBatch(sent, 0, -1)
    try {
      return onlyOne((await this.#produce(partition, sent)).partitions).baseOffset
    } catch (error) {
      return error instanceof BrokerError && error.retriable ? undefined : -1
    }
  }

  #produce(partition: number, batch: Buffer) {
    return this.#cluster.call(produceOf(partition, batch, 'all'), callMs)
  }

  close(): void {
    this.#cluster.close()
  }
}

function produceOf(partition: number, batch: Buffer, acks: RequiredAcks): ProduceRequest {
  const partitions = [{ topic, partition, batch }]
  return { type: 'produce', acks, timeoutMs: 2000, passedOn: false, partitions }
}
