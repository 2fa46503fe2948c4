// Reads a topic of Mimic Queue:
//
//   const consumer = new Consumer({ brokers, topic: 'goals', from: 'beginning' })
//   for await (const record of consumer) console.log(record.offset, String(record.value))
//
// All partitions, or those named, are read from one broker, picked at random or given, out of its own
// replicas; when it dies, from another. Within a partition records come in order, each once. Nothing
// is committed unless `commit` is called; then a consumer of the same group goes on `from: 'committed'`.
// An offset that does not exist ends it, unless `outOfRange` says where to go on; then it says from
// where to where.
//
// Next on the path: partition-reader.ts.

import { EventEmitter } from 'node:events'
import { limits } from '../limits.ts'
import { BrokerError } from '../protocol/mq/error-codes.ts'
import type { BrokerId, BrokerInfo } from '../protocol/mq/messages.ts'
import { GroupCommits } from './group-commits.ts'
import { type MqClientOptions, MqCluster } from './mq-cluster.ts'
import { type ConsumedRecord, PartitionReader } from './partition-reader.ts'

export type { ConsumedRecord } from './partition-reader.ts'

export interface ConsumerOptions extends MqClientOptions {
  readonly topic: string
  /** Default all. */
  readonly partitions?: readonly number[]
  /** `committed`: by the group, or the beginning where it committed nothing. Default end. */
  readonly from?: 'beginning' | 'end' | 'committed'
  readonly group?: string
  /**
   * What to do when the offset to read from does not exist: it was committed and is no offset, or
   * the log was lost. `stop`, the default: what takes records gets the error, OFFSET_OUT_OF_RANGE.
   */
  readonly outOfRange?: 'stop' | 'earliest' | 'latest'
  /** Where to read first. Default: any. */
  readonly broker?: BrokerId | number
  /** Read from `broker` only, also when it is down: it may come back. */
  readonly stayWithBroker?: boolean
  /** How long a broker waits for records before it answers with none. Default 1 s. */
  readonly maxWaitMs?: number
  /** Records per answer and partition. Default 1 MiB. */
  readonly bytesMax?: number
}

export interface ConsumerEvents {
  /** Reads from this broker from now on. */
  broker: [id: BrokerId]
  /** `from` does not exist (undefined: what was committed is no offset): goes on at `offset`. */
  reset: [partition: number, offset: number, from: number | undefined]
  /** A partition cannot be read for now, for this reason; it is tried again. */
  unavailable: [partition: number, reason: BrokerError]
}

export interface PartitionProgress {
  readonly partition: number
  /** of the next record to be taken */
  readonly position: number
  /** undefined before the first answer */
  readonly highWatermark: number | undefined
  /** records that are stored and not taken */
  readonly lag: number | undefined
}

/** How long a call that needs the cluster is tried. */
const patienceMs = 30_000

/** All failures are a BrokerError. */
export class Consumer extends EventEmitter<ConsumerEvents> {
  readonly #options: ConsumerOptions
  readonly #cluster: MqCluster
  readonly #commits: GroupCommits | undefined
  /** after which there are no more records than those that wait */
  #failure: BrokerError | undefined
  #readers: readonly PartitionReader[] = []
  #broker: BrokerInfo | undefined
  #starting: Promise<void> | undefined
  #isClosed = false
  #isPaused = false
  #wake: () => void = () => undefined

  constructor(options: ConsumerOptions) {
    super()
    this.#options = options
    this.#cluster = new MqCluster(options)
    const { group, topic } = options
    const cluster = this.#cluster
    this.#commits = group === undefined ? undefined : new GroupCommits({ cluster, group, topic })
  }

  /** Where it reads at the moment. */
  get broker(): BrokerId | undefined {
    return this.#broker?.id
  }

  get progress(): readonly PartitionProgress[] {
    return this.#readers.map(({ partition, position, highWatermark }) => {
      const lag = highWatermark === undefined ? undefined : Math.max(0, highWatermark - position)
      return { partition, position, highWatermark, lag }
    })
  }

  /** Over all partitions; undefined before each has been answered. */
  get lag(): number | undefined {
    let sum = 0
    for (const { lag } of this.progress) {
      if (lag === undefined) return undefined
      sum += lag
    }
    return sum
  }

  /**
   * Finds the topic and where to begin; taking records does it when it was not done.
   *
   * @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION, BROKER_NOT_AVAILABLE …
   */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  /**
   * The records that are there, waiting for the first; empty once closed.
   *
   * @throws BrokerError OFFSET_OUT_OF_RANGE, and as `start`
   */
  async take(): Promise<readonly ConsumedRecord[]> {
    await this.start()
    for (;;) {
      if (this.#isClosed) return []
      const taken = this.#isPaused ? [] : this.#readers.flatMap((reader) => reader.take())
      if (taken.length > 0) return taken
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ConsumedRecord> {
    for (;;) {
      const records = await this.take()
      if (records.length === 0) return
      yield* records
    }
  }

  /** Takes and fetches nothing until `resume`. */
  pause(): void {
    this.#isPaused = true
    for (const reader of this.#readers) reader.pause(true)
  }

  resume(): void {
    this.#isPaused = false
    for (const reader of this.#readers) reader.pause(this.#failure !== undefined)
    this.#wake()
  }

  /**
   * Stores offsets by partition: what lies before them is not read again by who goes on for this
   * group. Default the positions, so everything taken.
   *
   * @throws BrokerError OFFSET_OUT_OF_RANGE for an offset beyond the end of the log, …
   */
  async commit(offsets: ReadonlyMap<number, number> = this.#positions()): Promise<void> {
    const commits = this.#commits
    if (commits === undefined) {
      throw new BrokerError('INVALID_GROUP_ID', 'Cannot commit: this consumer has no group')
    }
    await Promise.all(
      [...offsets].map(([partition, offset]) => commits.commit(partition, offset, patienceMs)),
    )
  }

  #positions(): ReadonlyMap<number, number> {
    return new Map(this.#readers.map(({ partition, position }) => [partition, position]))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const reader of this.#readers) reader.stop()
    this.#cluster.close()
    this.#wake()
  }

  async #start(): Promise<void> {
    const { topic, partitions } = this.#options
    await this.#cluster.refresh()
    if (this.#cluster.metadata.topic(topic) === undefined) await this.#cluster.refresh()
    const found = this.#cluster.metadata.topic(topic)
    if (found === undefined) {
      const message = `Cannot read topic '${topic}': there is no such topic`
      throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', message)
    }
    if (found.problem !== undefined) {
      throw new BrokerError('KAFKA_STORAGE_ERROR', `Cannot read topic '${topic}': ${found.problem}`)
    }
    const wanted = partitions ?? found.partitions.map(({ partition }) => partition)
    const starts = await Promise.all(wanted.map((partition) => this.#startOffset(partition)))
    if (this.#isClosed) return
    this.#readers = wanted.map((partition, i) => this.#reader(partition, starts[i] ?? 0))
    for (const reader of this.#readers) {
      reader.pause(this.#isPaused)
      reader.start()
    }
  }

  #reader(partition: number, start: number): PartitionReader {
    const { topic, maxWaitMs, bytesMax } = this.#options
    return new PartitionReader({
      topic,
      partition,
      cluster: this.#cluster,
      start,
      maxWaitMs: Math.min(maxWaitMs ?? 1000, limits.fetchWaitMsMax),
      bytesMax: bytesMax ?? 1024 * 1024,
      broker: () => this.#current(),
      onLost: (broker) => this.#lost(broker),
      onRecords: () => this.#wake(),
      onOutOfRange: (offset, error) => this.#outOfRange(partition, offset, error),
      onUnavailable: (error) => {
        this.#cluster.log.warn({ topic, partition, err: error.message }, 'Cannot read for now')
        this.emit('unavailable', partition, error)
      },
    })
  }

  // --- offsets that do not exist -----------------------------------------------------------------

  /** @returns where to go on: there if another broker has it; undefined to stop */
  async #outOfRange(
    partition: number,
    offset: number,
    error: BrokerError,
  ): Promise<number | undefined> {
    const { earliest, latest } = await this.#bounds(partition)
    if (offset >= earliest && offset <= latest) return offset
    const { outOfRange = 'stop' } = this.#options
    if (outOfRange === 'stop') {
      this.#fail(error)
      return undefined
    }
    const to = outOfRange === 'earliest' ? earliest : latest
    this.#reset({ partition, from: offset, to, error })
    return to
  }

  #reset(reset: {
    readonly partition: number
    readonly from: number | undefined
    readonly to: number
    readonly error: BrokerError
  }): void {
    const { partition, from, to, error } = reset
    const facts = { topic: this.#options.topic, partition, from, to, err: error.message }
    this.#cluster.log.warn(facts, 'The offset to read from does not exist: going on from another')
    this.emit('reset', partition, to, from)
  }

  /** No more is fetched, and what takes records gets the error once none are left. */
  #fail(error: BrokerError): void {
    this.#failure ??= error
    for (const reader of this.#readers) reader.pause(true)
    this.#wake()
  }

  // --- where to read -----------------------------------------------------------------------------

  #current(): BrokerInfo | undefined {
    const { metadata, random } = this.#cluster
    if (this.#broker !== undefined) return this.#broker
    const wanted = this.#options.broker
    const preferred = wanted === undefined ? undefined : metadata.broker(wanted as BrokerId)
    const isFree = wanted === undefined || this.#options.stayWithBroker !== true
    const chosen = preferred ?? (isFree ? metadata.pick(random) : undefined)
    this.#moveTo(chosen)
    return chosen
  }

  /** Its partitions notice one after the other; the first moves all of them. */
  #lost(broker: BrokerInfo): void {
    if (this.#broker?.id !== broker.id) return
    if (this.#options.stayWithBroker === true) {
      this.#broker = undefined // its address may be another one when it is back
      return
    }
    const { metadata, random } = this.#cluster
    this.#moveTo(metadata.pick(random, broker.id))
  }

  #moveTo(broker: BrokerInfo | undefined): void {
    const before = this.#broker?.id
    this.#broker = broker
    if (broker !== undefined && broker.id !== before) this.emit('broker', broker.id)
  }

  // --- where to begin ----------------------------------------------------------------------------

  async #startOffset(partition: number): Promise<number> {
    const { from = 'end', outOfRange = 'stop' } = this.#options
    if (from !== 'committed') return this.#endOf(partition, from === 'end' ? 'latest' : 'earliest')
    const commits = this.#commits
    if (commits === undefined) {
      const message = 'Cannot begin where a group committed: this consumer has no group'
      throw new BrokerError('INVALID_GROUP_ID', message)
    }
    try {
      const offset = await commits.read(partition, patienceMs)
      return offset ?? (await this.#endOf(partition, 'earliest'))
    } catch (error) {
      const isToGoOn = outOfRange !== 'stop' && error instanceof BrokerError
      if (!isToGoOn || error.code !== 'OFFSET_OUT_OF_RANGE') throw error
      const to = await this.#endOf(partition, outOfRange)
      this.#reset({ partition, from: undefined, to, error })
      return to
    }
  }

  async #endOf(partition: number, end: 'earliest' | 'latest'): Promise<number> {
    return (await this.#bounds(partition))[end]
  }

  #bounds(partition: number) {
    const { topic } = this.#options
    const request = { type: 'listOffsets', topic, partition, passedOn: false } as const
    return this.#cluster.call(request, patienceMs)
  }
}
