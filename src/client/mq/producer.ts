// Sends records to Mimic Queue:
//
//   const producer = new Producer({ brokers: '127.0.0.1:9092' })
//   const { offset } = await producer.send({ topic: 'goals', value: '1:0' })
//   await producer.close()
//
// Records for one partition are stored in the order of the calls, each exactly once, in batches
// that form by size and by linger time. The partition is the given one; else by the key's murmur2,
// like the Java client; else one partition for all records of a short period, then another.
//
// Next on the path: partition-sender.ts.

import { limits } from '../../limits.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { batchHeaderBytes } from '../../protocol/mq/record-batch.ts'
import { type MqRecord, recordBytesMax } from '../../protocol/mq/records.ts'
import { mqMethods, take, takeProducerOptions } from './arguments.ts'
import { MqCluster } from './mq-cluster.ts'
import type { NewRecord, ProducerOptions } from './options.ts'
import { PartitionSender } from './partition-sender.ts'
import { partitionFor } from './partitioner.ts'

export { BrokerError } from '../../protocol/mq/error-codes.ts'
export type { NewHeader, NewRecord, ProducerOptions } from './options.ts'

export interface StoredAt {
  readonly topic: string
  readonly partition: number
  /** -1 with acks none */
  readonly offset: number
}

/** All failures are BrokerErrors; an invalid argument is named. */
export class Producer {
  readonly #options: ReturnType<typeof takeProducerOptions>
  readonly #cluster: MqCluster
  readonly #senders = new Map<string, PartitionSender>()
  /** current partition for records without a key */
  readonly #sticky = new Map<string, number>()
  /** of records whose topic is not known yet, so that no sender has them */
  readonly #lookups = new Set<Promise<number>>()
  #bufferedBytes = 0
  #connecting: Promise<void> | undefined
  #closing: Promise<void> | undefined

  /** @throws BrokerError INVALID_REQUEST */
  constructor(given: ProducerOptions) {
    this.#options = takeProducerOptions(given)
    this.#cluster = new MqCluster(this.#options)
  }

  /** Unsettled bytes, an upper bound. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /**
   * Finds the cluster; `send` calls it if needed.
   *
   * @throws BrokerError BROKER_NOT_AVAILABLE with the result for each broker
   */
  async connect(): Promise<void> {
    this.#checkOpen('connect')
    await this.#connect()
  }

  #connect(): Promise<void> {
    this.#connecting ??= this.#cluster.refresh().catch((error: unknown) => {
      this.#connecting = undefined
      throw error
    })
    return this.#connecting
  }

  /**
   * @returns where the record is stored, once it is
   * @throws BrokerError why it is not stored, or that its outcome is unknown
   */
  async send(given: NewRecord): Promise<StoredAt> {
    const { record } = take(mqMethods.send, [given])
    this.#checkOpen('send a record')
    const made = asRecord(record, this.#cluster.clock.wallMs())
    const bytes = recordBytesMax(made)
    this.#checkRoom(bytes)
    this.#bufferedBytes += bytes
    try {
      // No wait if the topic is known: calls in one turn keep their order either way.
      const known = this.#cluster.metadata.topic(record.topic)
      const partitionCount =
        known !== undefined && known.problem === undefined
          ? known.partitions.length
          : await this.#looksUp(record.topic)
      const partition = this.#partitionOf(record, partitionCount)
      const sender = this.#sender(record.topic, partition)
      const offset = await new Promise<number>((resolve, reject) => {
        sender.add(made, { resolve, reject })
      })
      return { topic: record.topic, partition, offset }
    } finally {
      this.#bufferedBytes -= bytes
    }
  }

  /** Resolves when everything sent so far is settled. */
  async flush(): Promise<void> {
    // Their records have reached a sender by then: they have waited longer.
    await Promise.allSettled(this.#lookups)
    await Promise.all([...this.#senders.values()].map((sender) => sender.flush()))
  }

  /** Sends waiting records, then disconnects; later calls are refused. */
  close(): Promise<void> {
    this.#closing ??= this.flush().finally(() => this.#cluster.close())
    return this.#closing
  }

  /** Disconnects immediately; unsettled records fail, outcome unknown. */
  abort(): void {
    const error = new BrokerError(
      'NETWORK_EXCEPTION',
      'Cannot finish sending: the producer was aborted',
    )
    this.#cluster.close()
    for (const sender of this.#senders.values()) sender.abort(error)
  }

  #checkOpen(what: string): void {
    if (this.#closing === undefined && !this.#cluster.isClosed) return
    throw new BrokerError('INVALID_REQUEST', `Cannot ${what}: the producer is closed`)
  }

  #checkRoom(bytes: number): void {
    const most = limits.recordBatchBytesMax - batchHeaderBytes
    if (bytes > most) {
      const found = `it takes up to ${bytes} bytes, at most ${most} are allowed`
      throw new BrokerError('MESSAGE_TOO_LARGE', `Cannot send a record: ${found}`)
    }
    const { bufferBytesMax } = this.#options
    if (this.#bufferedBytes + bytes > bufferBytesMax) {
      const found = `${this.#bufferedBytes} bytes are waiting; wait until some are stored`
      throw new BrokerError('THROTTLING_QUOTA_EXCEEDED', `Cannot send a record: ${found}`)
    }
  }

  #looksUp(topic: string): Promise<number> {
    const lookup = this.#partitionCount(topic)
    this.#lookups.add(lookup)
    const done = () => void this.#lookups.delete(lookup)
    lookup.then(done, done)
    return lookup
  }

  /** For a topic not known yet: it may be new, so it is looked up twice. */
  async #partitionCount(topic: string): Promise<number> {
    const { metadata } = this.#cluster
    await this.#connect()
    const isKnown = metadata.topic(topic)?.problem === undefined && metadata.topic(topic)
    if (!isKnown) await this.#cluster.refresh()
    const found = metadata.topic(topic)
    if (found?.problem !== undefined) {
      const message = `Cannot send to topic '${topic}': ${found.problem}`
      throw new BrokerError('KAFKA_STORAGE_ERROR', message)
    }
    if (found !== undefined) return found.partitions.length
    const message = `Cannot send to topic '${topic}': the topic does not exist`
    throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', message)
  }

  #partitionOf({ topic, partition, key }: TakenRecord, partitionCount: number): number {
    if (partition !== undefined) {
      if (partition < partitionCount) return partition
      const found = `it has ${partitionCount}`
      const message = `Cannot send to partition ${partition} of topic '${topic}': ${found}`
      throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', message)
    }
    if (key !== null) return partitionFor(key, partitionCount)
    const sticky = this.#sticky.get(topic)
    if (sticky !== undefined && sticky < partitionCount) return sticky
    const picked = this.#cluster.random.below(partitionCount)
    this.#sticky.set(topic, picked)
    this.#cluster.clock.after(stickyMs, () => this.#sticky.delete(topic))
    return picked
  }

  #sender(topic: string, partition: number): PartitionSender {
    const key = `${topic}/${partition}`
    const known = this.#senders.get(key)
    if (known !== undefined) return known
    const options = this.#options
    const sender = new PartitionSender({
      topic,
      partition,
      cluster: this.#cluster,
      acks: options.acks,
      compression: options.compression,
      batchBytes: options.batchBytes,
      lingerMs: options.lingerMs,
      inFlightMax: options.inFlightMax,
      requestTimeoutMs: options.requestTimeoutMs,
      deliveryTimeoutMs: options.deliveryTimeoutMs,
      viaRandomBrokers: options.sendTo === 'random',
    })
    this.#senders.set(key, sender)
    return sender
  }
}

/** How long records without a key stay with one partition, so that batches fill. */
const stickyMs = 20

type TakenRecord = ReturnType<typeof mqMethods.send.take>['record']

function asRecord({ key, value, timestampMs, headers }: TakenRecord, wallMs: number): MqRecord {
  return { key, value, timestampMs: timestampMs ?? Math.floor(wallMs), headers }
}
