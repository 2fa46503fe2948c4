// Fetches for the partitions of one consumer: one request per broker with all partitions that are
// ready, repeated as answers come. A partition is ready while too few of its records wait; one that
// becomes ready while a request is on its way gets another, so that none waits for the records of
// others.
//
// Next on the path: broker/api/fetch.ts at the other end; then partition-reader.ts takes its answer.

import { limits } from '../../limits.ts'
import { ProtocolError } from '../../protocol/error-codes.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { Fetched } from '../../protocol/mq/fetch.ts'
import { anyEpoch, brokerErrorOf } from '../../protocol/mq/messages.ts'
import type { BrokerInfo } from '../../protocol/mq/metadata.ts'
import type { MqCluster } from './mq-cluster.ts'
import type { PartitionReader } from './partition-reader.ts'

interface FetcherOptions {
  readonly cluster: MqCluster
  readonly maxWaitMs: number
  /** of one partition, per answer, and waiting */
  readonly bytesMax: number
  /** waiting, of all partitions; one of which nothing waits is fetched beyond */
  readonly bufferBytesMax: number
  /** Default true. */
  readonly checkCrcs?: boolean
  /** The broker to read; undefined if none is known. */
  readonly source: (reader: PartitionReader) => BrokerInfo | undefined
  /** That broker did not answer. */
  readonly onLost: (broker: BrokerInfo) => void
  /** Records are available, or the position has moved. */
  readonly onRecords: () => void
  /** The offset does not exist: returns where to continue; undefined stops the partition. */
  readonly onOutOfRange: (
    reader: PartitionReader,
    error: BrokerError,
  ) => Promise<number | undefined>
  /** The stored records cannot be read at any broker: the partition is stopped. */
  readonly onUnreadable: (reader: PartitionReader, error: BrokerError) => void
  /** The partition cannot be used for now; retried. Called once until it can. */
  readonly onUnavailable: (reader: PartitionReader, error: BrokerError) => void
}

/** What a partition's answers said lately. */
interface Health {
  /** consecutive answers that the offset does not exist */
  outOfRangeCount: number
  /** consecutive answers that cannot be decoded */
  unreadableCount: number
  isUnavailable: boolean
}

/** One partition of a request. */
interface Asked {
  readonly reader: PartitionReader
  readonly generation: number
  readonly offset: number
}

/** Brokers store the same bytes, so retries do not help. */
const unreadableMax = 3
/** Allowance for a broker's answer beyond its wait time. */
const slackMs = 1500

export class Fetcher {
  readonly #options: FetcherOptions
  /** those with the most recent records last, so that each has its turn in an answer */
  readonly #readers = new Map<PartitionReader, Health>()
  readonly #plan = () => this.#planned()
  #isOver = false

  constructor(options: FetcherOptions) {
    this.#options = options
  }

  add(reader: PartitionReader): void {
    this.#readers.set(reader, newHealth())
    this.wake()
  }

  remove(reader: PartitionReader): void {
    this.#readers.delete(reader)
  }

  /** A partition may have become ready. */
  wake(): void {
    if (!this.#isOver) this.#options.cluster.turn.seal(this.#plan)
  }

  close(): void {
    this.#isOver = true
    for (const reader of this.#readers.keys()) reader.stop()
  }

  #planned(): void {
    if (this.#isOver) return
    const ready = this.#ready()
    const byBroker = new Map<number, { readonly broker: BrokerInfo; readonly asked: Asked[] }>()
    const sourceless: Asked[] = []
    for (const reader of ready) {
      reader.isFetching = true
      const one = { reader, generation: reader.generation, offset: reader.fetchOffset }
      const broker = this.#options.source(reader)
      if (broker === undefined) {
        sourceless.push(one)
        continue
      }
      const request = byBroker.get(broker.id) ?? { broker, asked: [] }
      byBroker.set(broker.id, request)
      request.asked.push(one)
    }
    for (const { broker, asked } of byBroker.values()) void this.#fetch(broker, asked)
    if (sourceless.length > 0) void this.#retry(sourceless)
  }

  #ready(): PartitionReader[] {
    const { bytesMax, bufferBytesMax } = this.#options
    let waitingBytes = 0
    for (const reader of this.#readers.keys()) {
      // What waits in a paused partition must not stop the others.
      if (!reader.isPaused) waitingBytes += reader.waitingBytes
    }
    const isFull = waitingBytes >= bufferBytesMax
    const ready: PartitionReader[] = []
    for (const reader of this.#readers.keys()) {
      if (reader.isStopped || reader.isPaused || reader.isFetching) continue
      if (reader.waitingBytes >= (isFull ? 1 : bytesMax)) continue
      ready.push(reader)
    }
    return ready
  }

  async #fetch(broker: BrokerInfo, asked: readonly Asked[]): Promise<void> {
    const { cluster, maxWaitMs, bytesMax, onLost } = this.#options
    const request = {
      type: 'fetch',
      maxWaitMs,
      bytesMin: 1,
      bytesMax: Math.min(limits.fetchBytesMax, bytesMax * asked.length),
      passedOn: false,
      partitions: asked.map(({ reader, offset }) => {
        const { topic, partition } = reader
        return { topic, partition, offset, bytesMax, leaderEpoch: anyEpoch }
      }),
    } as const
    let partitions: readonly Fetched[]
    try {
      const answer = await cluster.connectionTo(broker).call(request, maxWaitMs + slackMs)
      partitions = answer.partitions
    } catch (error) {
      if (this.#isOver) return
      // A refusal of the request as a whole concerns each of its partitions.
      if (error instanceof BrokerError && !isLost(error.code)) {
        for (const one of asked) void this.#failed(one, error, broker)
        return
      }
      cluster.log.debug({ broker: broker.id, err: String(error) }, 'Could not fetch')
      onLost(broker)
      void this.#retry(asked)
      return
    }
    for (const [i, one] of asked.entries()) this.#answered(one, partitions[i], broker)
    this.wake()
  }

  #answered(one: Asked, fetched: Fetched | undefined, broker: BrokerInfo): void {
    const { reader, generation } = one
    if (this.#isOver || reader.generation !== generation) return
    const health = this.#healthOf(reader)
    if (fetched === undefined) {
      const error = new ProtocolError('Cannot use an answer: it lacks a partition')
      void this.#failed(one, error, broker)
      return
    }
    if (fetched.error !== undefined) {
      void this.#failed(one, brokerErrorOf(fetched.error), broker)
      return
    }
    health.outOfRangeCount = 0
    health.isUnavailable = false
    const { logStart, highWatermark, records } = fetched
    reader.bounds(logStart, highWatermark)
    if (records.length === 0) {
      reader.isFetching = false
      return
    }
    this.#readers.delete(reader)
    this.#readers.set(reader, health)
    const missing = this.#options.cluster.codecs.missing(records)
    if (missing.size === 0) this.#push(one, fetched, broker)
    else void this.#pushOnceLoaded(one, fetched, broker)
  }

  async #pushOnceLoaded(one: Asked, fetched: Fetched, broker: BrokerInfo): Promise<void> {
    const { codecs } = this.#options.cluster
    try {
      for (const name of codecs.missing(fetched.records)) await codecs.load(name)
    } catch (error) {
      if (one.reader.generation === one.generation) await this.#failed(one, error, broker)
      return
    }
    if (this.#isOver || one.reader.generation !== one.generation) return
    this.#push(one, fetched, broker)
    this.wake()
  }

  #push(one: Asked, { records, highWatermark }: Fetched, broker: BrokerInfo): void {
    const { reader } = one
    try {
      const { cluster, checkCrcs = true } = this.#options
      reader.push(records, highWatermark, { decompress: cluster.codecs.decompress, checkCrcs })
      this.#healthOf(reader).unreadableCount = 0
      reader.isFetching = false
    } catch (error) {
      void this.#failed(one, error, broker)
    }
    this.#options.onRecords()
  }

  // --- failures ----------------------------------------------------------------------------------

  async #failed(one: Asked, error: unknown, broker: BrokerInfo): Promise<void> {
    const { cluster, onLost, onUnavailable, onUnreadable } = this.#options
    const { reader } = one
    if (this.#isOver || reader.generation !== one.generation) return
    const health = this.#healthOf(reader)
    const unreadable = this.#unreadable(reader, health, error)
    if (unreadable !== undefined) {
      reader.isStopped = true
      onUnreadable(reader, unreadable)
      return
    }
    const { topic, partition } = reader
    const facts = { topic, partition, broker: broker.id, err: String(error) }
    cluster.log.debug(facts, 'Could not fetch')
    const code = error instanceof BrokerError ? error.code : undefined
    if (error instanceof BrokerError && code === 'OFFSET_OUT_OF_RANGE') {
      health.outOfRangeCount += 1
      // A deposed leader that does not know it yet also answers this: two in a row count.
      if (health.outOfRangeCount > 1 && (await this.#maybeMove(one, error))) return
    } else if (error instanceof BrokerError && code === 'KAFKA_STORAGE_ERROR') {
      if (!health.isUnavailable) onUnavailable(reader, error)
      health.isUnavailable = true
    }
    if (isLost(code)) onLost(broker)
    await this.#retry([one])
  }

  /** After a pause, with newer metadata. */
  async #retry(asked: readonly Asked[]): Promise<void> {
    const { cluster } = this.#options
    await cluster.pause()
    await cluster.refresh().catch(() => undefined)
    for (const { reader, generation } of asked) {
      if (reader.generation === generation) reader.isFetching = false
    }
    this.wake()
  }

  /** @returns an error that ends the partition, if every broker would give the same answer */
  #unreadable(reader: PartitionReader, health: Health, error: unknown): BrokerError | undefined {
    if (error instanceof ProtocolError) {
      health.unreadableCount += 1
      if (health.unreadableCount < unreadableMax) return undefined
      const where = `${reader.topic}/${reader.partition} from offset ${reader.fetchOffset} on`
      const message = `Cannot read ${where}: ${error.message}`
      return new BrokerError('CORRUPT_MESSAGE', message, { cause: error })
    }
    if (!(error instanceof BrokerError) || error.retriable) return undefined
    return transient.has(error.code) ? undefined : error
  }

  /** @returns whether the next offset, or the end, is known */
  async #maybeMove(one: Asked, error: BrokerError): Promise<boolean> {
    const { cluster, onOutOfRange } = this.#options
    const { reader, generation } = one
    try {
      const offset = await onOutOfRange(reader, error)
      if (reader.generation !== generation) return true
      if (offset === reader.fetchOffset) return false // it exists elsewhere
      if (offset === undefined) reader.isStopped = true
      else reader.moveTo(offset)
      reader.isFetching = false
      this.wake()
      return true
    } catch (cause) {
      // No broker could say where to continue: retried with the next fetch.
      const { topic, partition } = reader
      cluster.log.debug({ topic, partition, err: String(cause) }, 'Could not find a new offset')
      return false
    }
  }

  #healthOf(reader: PartitionReader): Health {
    return this.#readers.get(reader) ?? newHealth()
  }
}

function newHealth(): Health {
  return { outOfRangeCount: 0, unreadableCount: 0, isUnavailable: false }
}

/** Not retriable by themselves, but gone after a move of the reader or a repair of the broker. */
const transient: ReadonlySet<BrokerError['code']> = new Set<BrokerError['code']>([
  'OFFSET_OUT_OF_RANGE',
  'UNKNOWN_SERVER_ERROR',
])

/** Whether the broker itself failed, and not the partition's leader. */
function isLost(code: BrokerError['code'] | undefined): boolean {
  return code === undefined || code === 'NETWORK_EXCEPTION' || code === 'REQUEST_TIMED_OUT'
}
