// Reads one partition from its consumer's broker: long polls, decodes, keeps the position, and
// stops fetching while enough records wait.

import { ProtocolError } from '../../protocol/error-codes.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { anyEpoch, onlyOne } from '../../protocol/mq/messages.ts'
import type { BrokerInfo } from '../../protocol/mq/metadata.ts'
import { decodeBatch, forEachBatch, type StoredRecord } from '../../protocol/mq/record-batch.ts'
import type { MqCluster } from './mq-cluster.ts'

export interface ConsumedRecord extends StoredRecord {
  readonly topic: string
  readonly partition: number
}

interface ReaderOptions {
  readonly topic: string
  readonly partition: number
  readonly cluster: MqCluster
  /** offset of the first record to take */
  readonly start: number
  readonly maxWaitMs: number
  readonly bytesMax: number
  /** The broker to read; undefined if none is known. */
  readonly broker: () => BrokerInfo | undefined
  /** That broker did not answer. */
  readonly onLost: (broker: BrokerInfo) => void
  /** Records are available. */
  readonly onRecords: () => void
  /** The offset does not exist: returns where to continue; undefined ends this reader. */
  readonly onOutOfRange: (offset: number, error: BrokerError) => Promise<number | undefined>
  /** The stored records cannot be read at any broker: this reader ends. */
  readonly onUnreadable: (error: BrokerError) => void
  /** The partition cannot be used for now; retried. Called once until it can. */
  readonly onUnavailable: (error: BrokerError) => void
}

/** Maximum of decoded records not taken; above, fetching stops. */
const waitingMax = 5000
/**
 * Consecutive answers that cannot be decoded: brokers store the same bytes, so retries do not help.
 */
const unreadableMax = 3
/** Allowance for a broker's answer beyond its wait time. */
const slackMs = 1500

export class PartitionReader {
  readonly #options: ReaderOptions
  /** decoded and not taken, from `#next` on */
  #records: ConsumedRecord[] = []
  #next = 0
  /** of the next record to fetch */
  #fetchOffset: number
  /** of the next record to take */
  #position: number
  #highWatermark: number | undefined
  /** consecutive answers that the offset does not exist */
  #outOfRangeCount = 0
  #unreadableCount = 0
  #isUnavailable = false
  #isStopped = false
  #isPaused = false
  #resume: () => void = () => undefined

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#fetchOffset = this.#position = options.start
  }

  get partition(): number {
    return this.#options.partition
  }

  get position(): number {
    return this.#position
  }

  /** The current broker's; undefined before its first answer. */
  get highWatermark(): number | undefined {
    return this.#highWatermark
  }

  get waitingCount(): number {
    return this.#records.length - this.#next
  }

  start(): void {
    void this.#run()
  }

  stop(): void {
    this.#isStopped = true
    this.#drop()
    this.#resume()
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused
    this.#resume()
  }

  /** All waiting records; the position moves past them. */
  take(): readonly ConsumedRecord[] {
    const taken = this.#next === 0 ? this.#records : this.#records.slice(this.#next)
    const last = taken.at(-1)
    if (last !== undefined) this.#position = last.offset + 1
    this.#drop()
    this.#resume()
    return taken
  }

  /** The first waiting record; the position moves past it. */
  takeOne(): ConsumedRecord | undefined {
    const record = this.#records[this.#next]
    if (record === undefined) return undefined
    this.#next += 1
    this.#position = record.offset + 1
    if (this.waitingCount === 0) this.#drop()
    if (this.waitingCount < waitingMax) this.#resume()
    return record
  }

  #drop(): void {
    this.#records = []
    this.#next = 0
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      if (this.#isPaused || this.waitingCount >= waitingMax) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve
        })
        continue
      }
      const broker = this.#options.broker()
      try {
        await this.#fetch(broker)
      } catch (error) {
        if (this.#isStopped) return
        await this.#failed(error, broker)
      }
    }
  }

  async #fetch(broker: BrokerInfo | undefined): Promise<void> {
    const { cluster, topic, partition, maxWaitMs, bytesMax } = this.#options
    if (broker === undefined) {
      throw new BrokerError('BROKER_NOT_AVAILABLE', 'Cannot fetch: no broker is known')
    }
    const offset = this.#fetchOffset
    const asked = { topic, partition, offset, bytesMax, leaderEpoch: anyEpoch }
    const request = {
      type: 'fetch',
      maxWaitMs,
      bytesMin: 1,
      bytesMax,
      passedOn: false,
      partitions: [asked],
    } as const
    const answer = await cluster.connectionTo(broker).call(request, maxWaitMs + slackMs)
    if (this.#isStopped) return
    const fetched = onlyOne(answer.partitions)
    for (const name of cluster.codecs.missing(fetched.records)) await cluster.codecs.load(name)
    if (this.#isStopped) return
    this.#outOfRangeCount = 0
    this.#isUnavailable = false
    this.#highWatermark = fetched.highWatermark
    const { records } = fetched
    this.#decode(records)
    if (records.length > 0 && this.#fetchOffset === offset) {
      throw new ProtocolError('Cannot use an answer: it has no record at or after this offset')
    }
    this.#unreadableCount = 0
  }

  /** Records before an unreadable batch are used. */
  #decode(records: Buffer): void {
    try {
      this.#decodeBatches(records)
    } finally {
      if (this.waitingCount > 0) this.#options.onRecords()
    }
  }

  /** @throws ProtocolError */
  #decodeBatches(records: Buffer): void {
    const { topic, partition, cluster } = this.#options
    const { decompress } = cluster.codecs
    forEachBatch(records, (at) => {
      for (const record of decodeBatch(records, at, decompress)) {
        // from the batch that contains the first one
        if (record.offset < this.#fetchOffset) continue
        const { offset, timestampMs, key, value, headers } = record
        this.#records.push({ topic, partition, offset, timestampMs, key, value, headers })
        this.#fetchOffset = offset + 1
      }
    })
  }

  async #failed(error: unknown, broker: BrokerInfo | undefined): Promise<void> {
    const { cluster, topic, partition, onLost, onUnavailable, onUnreadable } = this.#options
    const unreadable = this.#unreadable(error)
    if (unreadable !== undefined) {
      this.#isStopped = true
      onUnreadable(unreadable)
      return
    }
    const code = error instanceof BrokerError ? error.code : undefined
    cluster.log.debug(
      { topic, partition, broker: broker?.id, err: String(error) },
      'Could not fetch',
    )
    if (error instanceof BrokerError && error.code === 'OFFSET_OUT_OF_RANGE') {
      this.#outOfRangeCount += 1
      // A deposed leader that does not know it yet also answers this: two in a row count.
      if (this.#outOfRangeCount > 1 && (await this.#maybeMove(error))) return
    } else if (error instanceof BrokerError && error.code === 'KAFKA_STORAGE_ERROR') {
      if (!this.#isUnavailable) onUnavailable(error)
      this.#isUnavailable = true
    }
    if (broker !== undefined && isLost(code)) onLost(broker)
    await cluster.pause()
    await cluster.refresh().catch(() => undefined)
  }

  /** @returns an error that ends this reader, if every broker would give the same answer */
  #unreadable(error: unknown): BrokerError | undefined {
    const { topic, partition } = this.#options
    if (error instanceof ProtocolError) {
      this.#unreadableCount += 1
      if (this.#unreadableCount < unreadableMax) return undefined
      const where = `${topic}/${partition} from offset ${this.#fetchOffset} on`
      const message = `Cannot read ${where}: ${error.message}`
      return new BrokerError('CORRUPT_MESSAGE', message, { cause: error })
    }
    if (!(error instanceof BrokerError) || error.retriable) return undefined
    return transient.has(error.code) ? undefined : error
  }

  /** @returns whether the next offset, or the end, is known */
  async #maybeMove(error: BrokerError): Promise<boolean> {
    const { cluster, topic, partition, onOutOfRange } = this.#options
    try {
      const offset = await onOutOfRange(this.#fetchOffset, error)
      if (offset === undefined) this.#isStopped = true
      else if (offset === this.#fetchOffset)
        return false // it exists elsewhere
      else {
        this.#fetchOffset = offset
        if (this.waitingCount === 0) this.#position = offset
      }
      return true
    } catch (cause) {
      // No broker could say where to continue: retried with the next fetch.
      cluster.log.debug({ topic, partition, err: String(cause) }, 'Could not find a new offset')
      return false
    }
  }
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
