// Reads a topic of Mimic Queue:
//
//   const consumer = new Consumer({ brokers, topic: 'goals', from: 'beginning' })
//   for await (const record of consumer) console.log(record.offset, String(record.value))
//
// The position of a partition moves past a record when that record is handed out, not earlier:
// `commit` in the middle of a loop covers the current record and those before it. After leaving a
// loop, another loop continues with the next record.
//
// All partitions, or the given ones, are read from one broker, picked at random or given, from its
// own replicas; if it dies, from another. Within a partition records come in order, each once.
// Nothing is committed unless `commit` is called; a consumer of the same group then continues
// `from: 'committed'`. An offset that does not exist ends the consumer, unless `outOfRange` says
// where to continue; the event `reset` then has both offsets.
//
// Next on the path: partition-reader.ts.

import { EventEmitter } from 'node:events'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { ListedOffsets } from '../../protocol/mq/list-offsets.ts'
import { anyEpoch, type BrokerId, onlyOne } from '../../protocol/mq/messages.ts'
import type { BrokerInfo } from '../../protocol/mq/metadata.ts'
import { Callbacks } from '../callbacks.ts'
import { mqMethods, take, takeConsumerOptions } from './arguments.ts'
import { GroupCommits } from './group-commits.ts'
import { MqCluster } from './mq-cluster.ts'
import type { ConsumerOptions } from './options.ts'
import { type ConsumedRecord, PartitionReader } from './partition-reader.ts'

export { BrokerError } from '../../protocol/mq/error-codes.ts'
export type { ConsumerOptions } from './options.ts'
export type { ConsumedRecord } from './partition-reader.ts'

export interface ConsumerEvents {
  /** The consumer now reads from this broker. */
  broker: [id: BrokerId]
  /**
   * `from` does not exist (undefined: the committed value is not an offset): continues at `offset`.
   */
  reset: [partition: number, offset: number, from: number | undefined]
  /** A partition cannot be read for now; the consumer retries. */
  unavailable: [partition: number, reason: BrokerError]
}

export interface PartitionProgress {
  readonly partition: number
  /** offset of the next record to be taken */
  readonly position: number
  /** undefined before the first answer */
  readonly highWatermark: number | undefined
  /** stored records not taken yet */
  readonly lag: number | undefined
}

/** How long a call that needs the cluster is retried. */
const patienceMs = 30_000

/** All failures are BrokerErrors; an invalid argument is named. */
export class Consumer extends EventEmitter<ConsumerEvents> {
  readonly #options: ReturnType<typeof takeConsumerOptions>
  readonly #cluster: MqCluster
  readonly #commits: GroupCommits | undefined
  /** once set, only records already fetched are left */
  #failure: BrokerError | undefined
  #readers: readonly PartitionReader[] = []
  #broker: BrokerInfo | undefined
  #starting: Promise<void> | undefined
  #isClosed = false
  #isPaused = false
  readonly #callbacks: Callbacks
  /** callers that wait for a change: records, an error, the end */
  #sleepers: (() => void)[] = []
  /** the reader that is asked first for the next single record: readers take turns */
  #turn = 0

  /** @throws BrokerError INVALID_REQUEST, INVALID_TOPIC_EXCEPTION, INVALID_GROUP_ID */
  constructor(given: ConsumerOptions) {
    super()
    const options = takeConsumerOptions(given)
    this.#options = options
    this.#callbacks = new Callbacks(options.logger)
    this.#cluster = new MqCluster(options)
    const { group, topic } = options
    const cluster = this.#cluster
    this.#commits = group === undefined ? undefined : new GroupCommits({ cluster, group, topic })
  }

  /** The broker that is being read. */
  get broker(): BrokerId | undefined {
    return this.#broker?.id
  }

  get progress(): readonly PartitionProgress[] {
    return this.#readers.map(({ partition, position, highWatermark }) => {
      const lag = highWatermark === undefined ? undefined : Math.max(0, highWatermark - position)
      return { partition, position, highWatermark, lag }
    })
  }

  /** Over all partitions; undefined until each has answered. */
  get lag(): number | undefined {
    let sum = 0
    for (const { lag } of this.progress) {
      if (lag === undefined) return undefined
      sum += lag
    }
    return sum
  }

  /**
   * Finds the topic and the start offsets; taking records calls it if needed.
   *
   * @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION, BROKER_NOT_AVAILABLE …
   */
  async start(): Promise<void> {
    this.#checkOpen('start')
    await this.#started()
  }

  #started(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  /**
   * The available records, waiting for the first; empty once closed. Each record is handed out
   * once, even with several waiting callers.
   *
   * @throws BrokerError OFFSET_OUT_OF_RANGE, and those of `start`
   */
  async take(): Promise<readonly ConsumedRecord[]> {
    const takeAll = () => {
      const taken = this.#readers.flatMap((reader) => reader.take())
      return taken.length > 0 ? taken : undefined
    }
    return (await this.#next(takeAll, () => this.#isClosed)) ?? []
  }

  /** Each record once, even with several loops; ends when the consumer is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<ConsumedRecord> {
    let isLeft = false
    const isOver = () => isLeft || this.#isClosed
    const iterator: AsyncIterableIterator<ConsumedRecord> = {
      next: async () => {
        const value = await this.#next(() => this.#takeOne(), isOver)
        return value === undefined ? { done: true, value } : { done: false, value }
      },
      // Not a generator: a generator waiting for a record would not notice that its loop was left.
      return: async () => {
        isLeft = true
        this.#wake()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  /**
   * @param find returns the awaited value, if it is available
   * @returns undefined if the wait is over before
   */
  async #next<T>(find: () => T | undefined, isOver: () => boolean): Promise<T | undefined> {
    if (isOver()) return undefined
    try {
      await this.#started()
    } catch (error) {
      if (isOver()) return undefined
      throw error
    }
    for (;;) {
      if (isOver()) return undefined
      const found = this.#isPaused ? undefined : find()
      if (found !== undefined) return found
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>((resolve) => this.#sleepers.push(resolve))
    }
  }

  #takeOne(): ConsumedRecord | undefined {
    const readers = this.#readers
    for (let i = 0; i < readers.length; i++) {
      const record = readers[(this.#turn + i) % readers.length]?.takeOne()
      if (record === undefined) continue
      this.#turn = (this.#turn + i + 1) % readers.length
      return record
    }
    return undefined
  }

  /** Every waiting caller checks for itself. */
  #wake(): void {
    for (const wake of this.#sleepers.splice(0)) wake()
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
   * Stores offsets by partition: a consumer that continues for this group does not read records
   * before them again. Default: the positions, after all records handed out.
   *
   * @throws BrokerError OFFSET_OUT_OF_RANGE for an offset beyond the end of the log, …
   */
  async commit(given?: ReadonlyMap<number, number>): Promise<void> {
    const { offsets = this.#positions() } = take(mqMethods.commit, [given])
    this.#checkOpen('commit')
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

  #checkOpen(what: string): void {
    if (!this.#isClosed) return
    throw new BrokerError('INVALID_REQUEST', `Cannot ${what}: the consumer is closed`)
  }

  /** Loops end, and waiting callers get nothing; records not handed out are dropped. */
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
      const message = `Cannot read topic '${topic}': the topic does not exist`
      throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', message)
    }
    if (found.problem !== undefined) {
      throw new BrokerError('KAFKA_STORAGE_ERROR', `Cannot read topic '${topic}': ${found.problem}`)
    }
    const all = found.partitions.map(({ partition }) => partition)
    const wanted = partitions ?? all
    const unknown = wanted.filter((partition) => !all.includes(partition))
    if (unknown.length > 0) {
      const message = `Cannot read partition ${unknown} of topic '${topic}': it has ${all.length}`
      throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', message)
    }
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
      maxWaitMs,
      bytesMax,
      broker: () => this.#current(),
      onLost: (broker) => this.#lost(broker),
      onRecords: () => this.#wake(),
      onOutOfRange: (offset, error) => this.#outOfRange(partition, offset, error),
      onUnavailable: (error) => {
        this.#cluster.log.warn({ topic, partition, err: error.message }, 'Cannot read for now')
        this.#tell('unavailable', partition, error)
      },
      onUnreadable: (error) => this.#fail(error),
    })
  }

  // --- offsets that do not exist -----------------------------------------------------------------

  /** @returns where to continue: the same offset if another broker has it; undefined to stop */
  async #outOfRange(
    partition: number,
    offset: number,
    error: BrokerError,
  ): Promise<number | undefined> {
    const { earliest, latest } = await this.#bounds(partition)
    if (offset >= earliest && offset <= latest) return offset
    const { outOfRange } = this.#options
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
    this.#cluster.log.warn(facts, 'The offset to read does not exist: continuing at another')
    this.#tell('reset', partition, to, from)
  }

  #tell<Name extends keyof ConsumerEvents>(name: Name, ...given: ConsumerEvents[Name]): void {
    this.#callbacks.emit(this, name, ...given)
  }

  /** Fetching stops, and taking records fails once none are left. */
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
    const isFree = wanted === undefined || !this.#options.stayWithBroker
    const chosen = preferred ?? (isFree ? metadata.pick(random) : undefined)
    this.#moveTo(chosen)
    return chosen
  }

  /** Its partitions notice separately; the first moves all of them. */
  #lost(broker: BrokerInfo): void {
    if (this.#broker?.id !== broker.id) return
    if (this.#options.stayWithBroker) {
      this.#broker = undefined // it may return with another address
      return
    }
    const { metadata, random } = this.#cluster
    this.#moveTo(metadata.pick(random, broker.id))
  }

  #moveTo(broker: BrokerInfo | undefined): void {
    const before = this.#broker?.id
    this.#broker = broker
    if (broker !== undefined && broker.id !== before) this.#tell('broker', broker.id)
  }

  // --- where to begin ----------------------------------------------------------------------------

  async #startOffset(partition: number): Promise<number> {
    const { from: where } = this.#options
    if (where !== 'committed')
      return this.#endOf(partition, where === 'end' ? 'latest' : 'earliest')
    const commits = this.#commits
    if (commits === undefined) {
      const message = 'Cannot start at the committed offset: this consumer has no group'
      throw new BrokerError('INVALID_GROUP_ID', message)
    }
    let from: number | undefined
    try {
      from = await commits.read(partition, patienceMs)
    } catch (error) {
      const isNoOffset = error instanceof BrokerError && error.code === 'OFFSET_OUT_OF_RANGE'
      if (isNoOffset) return this.#startElsewhere(partition, undefined, error)
      throw error
    }
    const { earliest, latest } = await this.#bounds(partition)
    if (from === undefined) return earliest
    if (from >= earliest && from <= latest) return from
    const { group, topic } = this.#options
    const found = `the log begins at ${earliest} and ends at ${latest}`
    const message = `Cannot continue group '${group}' in ${topic}/${partition} at ${from}`
    const bounds = { start: earliest, end: latest }
    const error = new BrokerError('OFFSET_OUT_OF_RANGE', `${message}: ${found}`, { bounds })
    return this.#startElsewhere(partition, from, error)
  }

  async #startElsewhere(
    partition: number,
    from: number | undefined,
    error: BrokerError,
  ): Promise<number> {
    const { outOfRange } = this.#options
    if (outOfRange === 'stop') throw error
    const to = await this.#endOf(partition, outOfRange)
    this.#reset({ partition, from, to, error })
    return to
  }

  async #endOf(partition: number, end: 'earliest' | 'latest'): Promise<number> {
    return (await this.#bounds(partition))[end]
  }

  async #bounds(partition: number): Promise<ListedOffsets> {
    const { topic } = this.#options
    const partitions = [{ topic, partition, leaderEpoch: anyEpoch }]
    const request = { type: 'listOffsets', passedOn: false, partitions } as const
    return onlyOne((await this.#cluster.call(request, patienceMs)).partitions)
  }
}
