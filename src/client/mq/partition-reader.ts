// Reads one partition from wherever its consumer reads: long polls, decodes, keeps the position, and
// stops asking while enough records wait to be taken.

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
  /** where the first record is taken from */
  readonly start: number
  readonly maxWaitMs: number
  readonly bytesMax: number
  /** Where to read now; undefined when no broker is known. */
  readonly broker: () => BrokerInfo | undefined
  /** That broker did not answer. */
  readonly onLost: (broker: BrokerInfo) => void
  /** Records can be taken. */
  readonly onRecords: () => void
  /** The offset does not exist: where to go on; undefined ends this reader. */
  readonly onOutOfRange: (offset: number, error: BrokerError) => Promise<number | undefined>
  /** What is stored there cannot be read, wherever it is asked for: this is the end. */
  readonly onUnreadable: (error: BrokerError) => void
  /** The partition cannot be used for now; it is asked again. Called once until it can. */
  readonly onUnavailable: (error: BrokerError) => void
}

/** Records decoded and not taken beyond which no more is fetched. */
const waitingMax = 5000
/** Answers in a row that cannot be decoded: brokers keep the same bytes, so more will not help. */
const unreadableMax = 3
/** How much longer than it may wait a broker's answer may take. */
const slackMs = 1500

export class PartitionReader {
  readonly #options: ReaderOptions
  /** decoded and not taken, from `#next` on */
  #records: ConsumedRecord[] = []
  #next = 0
  /** of the next record to be fetched */
  #fetchOffset: number
  /** of the next record to be taken */
  #position: number
  #highWatermark: number | undefined
  /** answers in a row that the offset does not exist */
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

  /** As the broker that is read from knows it; undefined before its first answer. */
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

  /** All that wait; the position moves behind them. */
  take(): readonly ConsumedRecord[] {
    const taken = this.#next === 0 ? this.#records : this.#records.slice(this.#next)
    const last = taken.at(-1)
    if (last !== undefined) this.#position = last.offset + 1
    this.#drop()
    this.#resume()
    return taken
  }

  /** The first that waits; the position moves behind it. */
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
    this.#outOfRangeCount = 0
    this.#isUnavailable = false
    this.#highWatermark = fetched.highWatermark
    const { records } = fetched
    this.#decode(records)
    if (records.length > 0 && this.#fetchOffset === offset) {
      throw new ProtocolError('Cannot use an answer: no record in it is at this offset or behind')
    }
    this.#unreadableCount = 0
  }

  /** What precedes a batch that cannot be read is there all the same. */
  #decode(records: Buffer): void {
    try {
      this.#decodeBatches(records)
    } finally {
      if (this.waitingCount > 0) this.#options.onRecords()
    }
  }

  /** @throws ProtocolError */
  #decodeBatches(records: Buffer): void {
    const { topic, partition } = this.#options
    forEachBatch(records, (at) => {
      for (const record of decodeBatch(records, at)) {
        if (record.offset < this.#fetchOffset) continue // of the batch that holds the first one
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
      // A leader that was deposed and does not know it yet says so too: two in a row count.
      if (this.#outOfRangeCount > 1 && (await this.#maybeMove(error))) return
    } else if (error instanceof BrokerError && error.code === 'KAFKA_STORAGE_ERROR') {
      if (!this.#isUnavailable) onUnavailable(error)
      this.#isUnavailable = true
    }
    if (broker !== undefined && isLost(code)) onLost(broker)
    await cluster.pause()
    await cluster.refresh().catch(() => undefined)
  }

  /** @returns what ends this reader, if it does: what would be the same at every broker */
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

  /** @returns whether it is known where to go on, or that this is the end */
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
      // No broker could say where to go on: it is asked again with the next fetch.
      cluster.log.debug({ topic, partition, err: String(cause) }, 'Could not find a new offset')
      return false
    }
  }
}

/** Not to be tried again by themselves, yet gone when the reader has moved or the broker is mended. */
const transient: ReadonlySet<BrokerError['code']> = new Set<BrokerError['code']>([
  'OFFSET_OUT_OF_RANGE',
  'UNKNOWN_SERVER_ERROR',
])

/** Whether it is the broker itself that failed, and not the partition's leader behind it. */
function isLost(code: BrokerError['code'] | undefined): boolean {
  return code === undefined || code === 'NETWORK_EXCEPTION' || code === 'REQUEST_TIMED_OUT'
}
