// Reads a topic of Mimic Queue:
//
//   const consumer = new Consumer({ brokers, topic: 'goals', from: 'beginning' })
//   for await (const record of consumer) console.log(record.offset, String(record.value))
//
// The position of a partition moves past a record when that record is handed out, not earlier:
// `commit` in the middle of a loop covers the current record and those before it. After leaving a
// loop, another loop continues with the next record. `eachBatch` hands out whole batches, and moves
// past one when its handler is done.
//
// All partitions, or the given ones, are read from one broker, picked at random or given, from its
// own replicas, and those of which it has none from their leaders; if it dies, from another. Within
// a partition records come in order, each once. Nothing is committed unless `commit` is called; a
// consumer of the same group then continues `from: 'committed'`. An offset that does not exist ends
// the consumer, unless `outOfRange` says where to continue; the event `reset` then has both offsets.
//
// Next on the path: fetcher.ts.

import { EventEmitter } from 'node:events'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import type { BrokerInfo, TopicInfo } from '../../protocol/mq/metadata.ts'
import { abortable, onAbort } from '../abort.ts'
import { Callbacks } from '../callbacks.ts'
import { mqMethods, take, takeConsumerOptions } from './arguments.ts'
import { Fetcher } from './fetcher.ts'
import { GroupCommits } from './group-commits.ts'
import { MqCluster } from './mq-cluster.ts'
import type {
  CallOptions,
  ConsumerOptions,
  EachBatchOptions,
  SeekOptions,
  SeekTarget,
} from './options.ts'
import { type ConsumedBatch, type ConsumedRecord, PartitionReader } from './partition-reader.ts'
import { boundsOf, offsetsOf } from './read-offsets.ts'

export { BrokerError } from '../../protocol/mq/error-codes.ts'
export type {
  CallOptions,
  ConsumerOptions,
  EachBatchOptions,
  SeekOptions,
  SeekTarget,
} from './options.ts'
export type { BatchInfo, ConsumedBatch, ConsumedRecord } from './partition-reader.ts'

export interface ConsumerEvents {
  /** The consumer now reads from this broker. */
  broker: [id: BrokerId]
  /**
   * `from` does not exist (undefined: the committed value is not an offset): continues at `offset`.
   */
  reset: [partition: number, offset: number, from: number | undefined]
  /** A partition cannot be read for now; the consumer retries. */
  unavailable: [partition: number, reason: BrokerError]
  /** The topic has more partitions; they are read from their beginning. */
  partitions: [added: readonly number[]]
}

export interface PartitionProgress {
  readonly partition: number
  /** offset of the next record to be taken */
  readonly position: number
  /** end of the readable records; undefined before the first answer */
  readonly highWatermark: number | undefined
  /** offset of the first record; undefined before the first answer */
  readonly logStart: number | undefined
  /** offsets up to the high watermark that were not taken yet */
  readonly lag: number | undefined
  /** undefined while there is none */
  readonly leader: BrokerId | undefined
  readonly isPaused: boolean
  /** fetched, and not taken yet */
  readonly waitingCount: number
}

/** How long a call that needs the cluster is retried. */
const patienceMs = 30_000
/** How often the topic is looked up, as it may have more partitions. */
const lookUpMs = 30_000

/** All failures are BrokerErrors, except that an aborted call rejects with its signal's reason. */
export class Consumer extends EventEmitter<ConsumerEvents> {
  readonly #options: ReturnType<typeof takeConsumerOptions>
  readonly #cluster: MqCluster
  readonly #commits: GroupCommits | undefined
  readonly #fetcher: Fetcher
  /** once set, only records already fetched are left */
  #failure: BrokerError | undefined
  #readers: readonly PartitionReader[] = []
  #broker: BrokerInfo | undefined
  #starting: Promise<void> | undefined
  #hasStarted = false
  #isClosed = false
  #isPaused = false
  #cancelLookUp: (() => void) | undefined
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
    this.#fetcher = new Fetcher({
      cluster,
      maxWaitMs: options.maxWaitMs,
      bytesMax: options.bytesMax,
      bufferBytesMax: options.bufferBytesMax,
      checkCrcs: options.checkCrcs,
      source: (reader) => this.#source(reader),
      onLost: (broker) => this.#lost(broker),
      onRecords: () => this.#wake(),
      onOutOfRange: (reader, error) => this.#outOfRange(reader, error),
      onUnavailable: ({ partition }, error) => {
        cluster.log.warn({ topic, partition, err: error.message }, 'Cannot read for now')
        this.#tell('unavailable', partition, error)
      },
      onUnreadable: (_, error) => this.#fail(error),
    })
  }

  get topic(): string {
    return this.#options.topic
  }

  /** The broker that is being read. */
  get broker(): BrokerId | undefined {
    return this.#broker?.id
  }

  /** Paused as a whole. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Of the partitions that are read; empty before the start. */
  get progress(): readonly PartitionProgress[] {
    return this.#readers.map((reader) => {
      const { topic, partition, position, highWatermark, logStart, isPaused, waitingCount } = reader
      const lag = highWatermark === undefined ? undefined : Math.max(0, highWatermark - position)
      const leader = this.#cluster.metadata.leader(topic, partition)?.id
      return {
        partition,
        position,
        highWatermark,
        logStart,
        lag,
        leader,
        isPaused,
        waitingCount,
      }
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
   * Offset of the next record to be taken.
   *
   * @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION if the partition is not read here
   */
  position(given: number): number {
    const { partition } = take(mqMethods.position, [given])
    return this.#readerOf(partition, 'tell the position').position
  }

  /**
   * Asks the brokers where the partitions begin and end, for `progress` and `lag`: fetches tell it
   * too, but not while a partition is paused.
   */
  async refreshLag(given?: CallOptions): Promise<readonly PartitionProgress[]> {
    const { options } = take(mqMethods.refreshLag, [given])
    this.#checkOpen('refresh the lag')
    await abortable(this.#refreshLag(), options.signal)
    return this.progress
  }

  async #refreshLag(): Promise<void> {
    await this.#started()
    const bounds = await this.#bounds(this.#readers.map(({ partition }) => partition))
    for (const reader of this.#readers) {
      const found = bounds.get(reader.partition)
      if (found !== undefined) reader.bounds(found.earliest, found.latest)
    }
  }

  /**
   * Finds the topic and the start offsets; taking records calls it if needed.
   *
   * @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION, BROKER_NOT_AVAILABLE …
   */
  async start(given?: CallOptions): Promise<void> {
    const { options } = take(mqMethods.start, [given])
    this.#checkOpen('start')
    await abortable(this.#started(), options.signal)
  }

  #started(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  // --- taking records ----------------------------------------------------------------------------

  /**
   * The available records, waiting for the first; empty once closed. Each record is handed out
   * once, even with several waiting callers.
   *
   * @throws BrokerError OFFSET_OUT_OF_RANGE, and those of `start`
   */
  async take(given?: CallOptions): Promise<readonly ConsumedRecord[]> {
    const { options } = take(mqMethods.take, [given])
    const takeAll = () => {
      const taken = this.#readers.flatMap((reader) => reader.take())
      if (taken.length === 0) return undefined
      this.#fetcher.wake()
      const [only] = taken
      return taken.length === 1 && only !== undefined
        ? only.records
        : taken.flatMap(({ records }) => records)
    }
    return (await this.#next(takeAll, () => this.#isClosed, options.signal)) ?? []
  }

  /** Each record once, even with several loops; ends when the consumer is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<ConsumedRecord> {
    return this.records()
  }

  /** As a loop over the consumer; an aborted signal ends the loop with its reason. */
  records(given?: CallOptions): AsyncIterableIterator<ConsumedRecord> {
    const { options } = take(mqMethods.records, [given])
    return this.#iterator(() => this.#takeOne(), options.signal)
  }

  /** Batch by batch as they are stored; the position moves past a batch when it is handed out. */
  batches(given?: CallOptions): AsyncIterableIterator<ConsumedBatch> {
    const { options } = take(mqMethods.batches, [given])
    return this.#iterator(() => this.#takeTurns((reader) => reader.takeBatch()), options.signal)
  }

  /**
   * Handles batch after batch until the consumer is closed: those of one partition one after
   * another, in order. The position moves past a batch when the handler is done. If it throws, this
   * rejects with its error, and the batch is handed out again later.
   *
   * @throws BrokerError those of `take` and `commit`
   */
  async eachBatch(
    given: (batch: ConsumedBatch) => unknown,
    givenOptions?: EachBatchOptions,
  ): Promise<void> {
    const { handle, options } = take(mqMethods.eachBatch, [given, givenOptions])
    const { signal, concurrency, commits } = options
    if (commits) this.#groupCommits()
    const ending = new AbortController()
    const stop = signal === undefined ? undefined : onAbort(signal, (why) => ending.abort(why))
    const handlers = Array.from({ length: concurrency }, () =>
      this.#handleBatches(handle, commits, ending.signal),
    )
    try {
      await Promise.all(handlers)
    } catch (error) {
      ending.abort(error) // the others end once their batch is handled
      await Promise.allSettled(handlers)
      throw error
    } finally {
      stop?.()
    }
  }

  async #handleBatches(
    handle: (batch: ConsumedBatch) => unknown,
    commits: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const borrow = () =>
      this.#takeTurns((reader) => {
        const batch = reader.borrow()
        return batch === undefined ? undefined : { reader, batch }
      })
    for (;;) {
      const borrowed = await this.#next(borrow, () => this.#isClosed, signal)
      if (borrowed === undefined) return
      const { reader, batch } = borrowed
      let isDone = false
      try {
        await handle(batch)
        isDone = true
      } finally {
        reader.giveBack(batch, isDone)
        this.#fetcher.wake()
        this.#wake()
      }
      if (commits) await this.commit(new Map([[batch.partition, batch.info.lastOffset + 1]]))
    }
  }

  /** Not a generator: a generator waiting for a record would not notice that its loop was left. */
  #iterator<T>(
    find: () => T | undefined,
    signal: AbortSignal | undefined,
  ): AsyncIterableIterator<T> {
    let isLeft = false
    const isOver = () => isLeft || this.#isClosed
    const awaitNext = async (): Promise<IteratorResult<T>> => {
      const value = await this.#next(find, isOver, signal)
      return value === undefined ? { done: true, value } : { done: false, value }
    }
    const iterator: AsyncIterableIterator<T> = {
      next: () => {
        // The usual case: no promise is awaited.
        if (!this.#hasStarted || this.#isPaused || isOver() || signal?.aborted) return awaitNext()
        const value = find()
        return value === undefined ? awaitNext() : Promise.resolve({ done: false, value })
      },
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
   * @throws BrokerError; the signal's reason
   */
  async #next<T>(
    find: () => T | undefined,
    isOver: () => boolean,
    signal: AbortSignal | undefined,
  ): Promise<T | undefined> {
    signal?.throwIfAborted()
    if (isOver()) return undefined
    const stop = signal === undefined ? undefined : onAbort(signal, () => this.#wake())
    try {
      await abortable(this.#started(), signal)
      for (;;) {
        signal?.throwIfAborted()
        if (isOver()) return undefined
        const found = this.#isPaused ? undefined : find()
        if (found !== undefined) return found
        if (this.#failure !== undefined && !this.#isPaused) throw this.#failure
        await new Promise<void>((resolve) => this.#sleepers.push(resolve))
      }
    } catch (error) {
      if (isOver()) return undefined
      throw error
    } finally {
      stop?.()
    }
  }

  #takeOne(): ConsumedRecord | undefined {
    return this.#takeTurns((reader) => reader.takeOne())
  }

  #takeTurns<T>(takeFrom: (reader: PartitionReader) => T | undefined): T | undefined {
    const readers = this.#readers
    for (let i = 0; i < readers.length; i++) {
      const at = (this.#turn + i) % readers.length
      const reader = readers[at]
      if (reader === undefined) continue
      const taken = takeFrom(reader)
      if (taken === undefined) continue
      this.#turn = (at + 1) % readers.length
      if (!reader.isFetching && !reader.isStopped) this.#fetcher.wake()
      return taken
    }
    return undefined
  }

  /** Every waiting caller checks for itself. */
  #wake(): void {
    for (const wake of this.#sleepers.splice(0)) wake()
  }

  // --- pause and seek ----------------------------------------------------------------------------

  /**
   * Takes and fetches nothing of these partitions, by default of all, until they are resumed. A
   * pause of all includes partitions that are added later.
   *
   * @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION if one is not read here
   */
  pause(given?: readonly number[]): void {
    const { partitions } = take(mqMethods.pause, [given])
    const readers = partitions === undefined ? this.#readers : this.#readersOf(partitions, 'pause')
    if (partitions === undefined) this.#isPaused = true
    for (const reader of readers) reader.isPaused = true
  }

  /** @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION if one is not read here */
  resume(given?: readonly number[]): void {
    const { partitions } = take(mqMethods.resume, [given])
    const readers = partitions === undefined ? this.#readers : this.#readersOf(partitions, 'resume')
    this.#isPaused = false
    for (const reader of readers) reader.isPaused = false
    this.#fetcher.wake()
    this.#wake()
  }

  /**
   * Continues there, in all partitions or the given ones; records fetched before are dropped. After
   * a failure that an offset does not exist, it makes the consumer go on.
   *
   * @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION if one is not read here, …
   */
  async seek(givenTo: SeekTarget, givenOptions?: SeekOptions): Promise<void> {
    const { to, options } = take(mqMethods.seek, [givenTo, givenOptions])
    this.#checkOpen('seek')
    const seek = async () => {
      await this.#started()
      const readers =
        options.partitions === undefined
          ? this.#readers
          : this.#readersOf(options.partitions, 'seek')
      const partitions = readers.map(({ partition }) => partition)
      const offsets = await offsetsOf(this.#cluster, this.#options.topic, partitions, to)
      if (this.#isClosed || options.signal?.aborted) return
      for (const reader of readers) reader.seek(offsets.get(reader.partition) ?? 0)
      if (this.#failure?.code === 'OFFSET_OUT_OF_RANGE') {
        this.#failure = undefined
        for (const reader of this.#readers) reader.isStopped = false
      }
      this.#fetcher.wake()
    }
    await abortable(seek(), options.signal)
  }

  /**
   * The offsets that a target stands for now, by partition; the positions stay.
   *
   * @throws BrokerError
   */
  async offsetsAt(given: SeekTarget): Promise<ReadonlyMap<number, number>> {
    const { to } = take(mqMethods.offsetsAt, [given])
    this.#checkOpen('find offsets')
    await this.#started()
    const partitions = this.#readers.map(({ partition }) => partition)
    return offsetsOf(this.#cluster, this.#options.topic, partitions, to)
  }

  #readersOf(partitions: readonly number[], what: string): PartitionReader[] {
    return partitions.map((partition) => this.#readerOf(partition, what))
  }

  #readerOf(partition: number, what: string): PartitionReader {
    const found = this.#readers.find((reader) => reader.partition === partition)
    if (found !== undefined) return found
    const why = this.#hasStarted ? 'it is not read here' : 'the consumer has not started'
    const where = `partition ${partition} of topic '${this.#options.topic}'`
    throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `Cannot ${what} in ${where}: ${why}`)
  }

  // --- commits -----------------------------------------------------------------------------------

  /**
   * Stores offsets by partition: a consumer that continues for this group does not read records
   * before them again. Default: the positions, after all records handed out.
   *
   * @throws BrokerError OFFSET_OUT_OF_RANGE for an offset beyond the end of the log, …
   */
  async commit(given?: ReadonlyMap<number, number>): Promise<void> {
    const { offsets = this.#positions() } = take(mqMethods.commit, [given])
    this.#checkOpen('commit')
    const commits = this.#groupCommits()
    await Promise.all(
      [...offsets].map(([partition, offset]) => commits.commit(partition, offset, patienceMs)),
    )
  }

  #groupCommits(): GroupCommits {
    if (this.#commits !== undefined) return this.#commits
    throw new BrokerError('INVALID_GROUP_ID', 'Cannot commit: this consumer has no group')
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
    this.#cancelLookUp?.()
    this.#fetcher.close()
    this.#cluster.close()
    this.#wake()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // --- partitions --------------------------------------------------------------------------------

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
    const all = partitionsOf(found)
    const wanted = partitions ?? all
    const unknown = wanted.filter((partition) => !all.includes(partition))
    if (unknown.length > 0) {
      const message = `Cannot read partition ${unknown} of topic '${topic}': it has ${all.length}`
      throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', message)
    }
    const starts = await this.#startOffsets(wanted)
    if (this.#isClosed) return
    this.#read(wanted, starts)
    this.#hasStarted = true
    if (partitions === undefined) this.#lookUpLater()
  }

  #read(partitions: readonly number[], starts: ReadonlyMap<number, number>): void {
    const { topic } = this.#options
    const added = partitions.map(
      (partition) => new PartitionReader({ topic, partition, start: starts.get(partition) ?? 0 }),
    )
    this.#readers = [...this.#readers, ...added]
    for (const reader of added) {
      reader.isPaused = this.#isPaused
      this.#fetcher.add(reader)
    }
  }

  /** A topic may get more partitions. */
  #lookUpLater(): void {
    this.#cancelLookUp = this.#cluster.clock.after(lookUpMs, () => {
      void this.#lookUp().finally(() => {
        if (!this.#isClosed) this.#lookUpLater()
      })
    })
  }

  async #lookUp(): Promise<void> {
    const { topic } = this.#options
    try {
      await this.#cluster.refresh()
      const known = new Set(this.#readers.map(({ partition }) => partition))
      const all = partitionsOf(this.#cluster.metadata.topic(topic))
      const added = all.filter((partition) => !known.has(partition))
      // All their records are newer than this consumer.
      const starts = await offsetsOf(this.#cluster, topic, added, 'beginning')
      if (added.length === 0 || this.#isClosed) return
      this.#read(added, starts)
      this.#tell('partitions', added)
    } catch (error) {
      this.#cluster.log.debug({ topic, err: String(error) }, 'Could not look up the topic')
    }
  }

  // --- offsets that do not exist -----------------------------------------------------------------

  /** @returns where to continue: the same offset if another broker has it; undefined to stop */
  async #outOfRange(
    { partition, fetchOffset: offset }: PartitionReader,
    error: BrokerError,
  ): Promise<number | undefined> {
    const { earliest, latest } = await this.#boundsOf(partition)
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
    for (const reader of this.#readers) reader.isStopped = true
    this.#wake()
  }

  // --- where to read -----------------------------------------------------------------------------

  /** The broker of all, unless it has no replica, and would only pass the request on. */
  #source({ topic, partition }: PartitionReader): BrokerInfo | undefined {
    const broker = this.#current()
    if (broker === undefined || this.#options.stayWithBroker) return broker
    const { metadata } = this.#cluster
    const found = metadata.topic(topic)?.partitions[partition]
    if (found === undefined || found.replicas.includes(broker.id)) return broker
    return found.leader === noBroker ? broker : (metadata.broker(found.leader) ?? broker)
  }

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

  async #startOffsets(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const { from, topic } = this.#options
    if (from !== 'committed') return offsetsOf(this.#cluster, topic, partitions, from)
    const bounds = await this.#bounds(partitions)
    const starts = await Promise.all(
      partitions.map(async (partition) => {
        const { earliest = 0, latest = 0 } = bounds.get(partition) ?? {}
        return [partition, await this.#committed(partition, earliest, latest)] as const
      }),
    )
    return new Map(starts)
  }

  async #committed(partition: number, earliest: number, latest: number): Promise<number> {
    const { group, topic } = this.#options
    let from: number | undefined
    try {
      from = await this.#groupCommits().read(partition, patienceMs)
    } catch (error) {
      const isNoOffset = error instanceof BrokerError && error.code === 'OFFSET_OUT_OF_RANGE'
      if (isNoOffset) return this.#startElsewhere(partition, undefined, error)
      throw error
    }
    if (from === undefined) return earliest
    if (from >= earliest && from <= latest) return from
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
    const to = (await this.#boundsOf(partition))[outOfRange]
    this.#reset({ partition, from, to, error })
    return to
  }

  #bounds(partitions: readonly number[]) {
    return boundsOf(this.#cluster, this.#options.topic, partitions)
  }

  async #boundsOf(partition: number) {
    const found = (await this.#bounds([partition])).get(partition)
    if (found !== undefined) return found
    throw new BrokerError('UNKNOWN_SERVER_ERROR', 'Cannot use an answer: it is empty')
  }
}

function partitionsOf(topic: TopicInfo | undefined): readonly number[] {
  return (topic?.partitions ?? []).map(({ partition }) => partition)
}
