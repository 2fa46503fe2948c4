// Reads one partition from wherever its consumer reads: long polls, decodes, keeps the position, and
// stops asking while enough records wait to be taken.

import { BrokerError } from '../protocol/mq/error-codes.ts'
import type { BrokerInfo } from '../protocol/mq/messages.ts'
import { decodeBatch, forEachBatch, type StoredRecord } from '../protocol/mq/record-batch.ts'
import type { MqCluster } from './mq-cluster.ts'

export interface ConsumedRecord extends StoredRecord {
  readonly topic: string
  readonly partition: number
}

export interface ReaderOptions {
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
  /** The partition cannot be used for now; it is asked again. Called once until it can. */
  readonly onUnavailable: (error: BrokerError) => void
}

/** Records decoded and not taken beyond which no more is fetched. */
const waitingMax = 5000
/** How much longer than it may wait a broker's answer may take. */
const slackMs = 1500

export class PartitionReader {
  readonly #options: ReaderOptions
  #records: ConsumedRecord[] = []
  /** of the next record to be fetched */
  #fetchOffset: number
  /** of the next record to be taken */
  #position: number
  #highWatermark: number | undefined
  /** answers in a row that the offset does not exist */
  #outOfRangeCount = 0
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
    return this.#records.length
  }

  start(): void {
    void this.#run()
  }

  stop(): void {
    this.#isStopped = true
    this.#records = []
    this.#resume()
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused
    this.#resume()
  }

  /** All that wait; the position moves behind them. */
  take(): readonly ConsumedRecord[] {
    const taken = this.#records
    this.#records = []
    const last = taken.at(-1)
    if (last !== undefined) this.#position = last.offset + 1
    this.#resume()
    return taken
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      if (this.#isPaused || this.#records.length >= waitingMax) {
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
    const request = {
      type: 'fetch',
      topic,
      partition,
      offset,
      maxWaitMs,
      bytesMax,
      passedOn: false,
    } as const
    const fetched = await cluster.connectionTo(broker).call(request, maxWaitMs + slackMs)
    if (this.#isStopped) return
    this.#outOfRangeCount = 0
    this.#isUnavailable = false
    this.#highWatermark = fetched.highWatermark
    const { records } = fetched
    forEachBatch(records, (at) => {
      for (const record of decodeBatch(records, at)) {
        if (record.offset < this.#fetchOffset) continue // of the batch that holds the first one
        this.#records.push({ ...record, topic, partition })
        this.#fetchOffset = record.offset + 1
      }
    })
    if (this.#records.length > 0) this.#options.onRecords()
  }

  async #failed(error: unknown, broker: BrokerInfo | undefined): Promise<void> {
    const { cluster, topic, partition, onLost, onUnavailable } = this.#options
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
        if (this.#records.length === 0) this.#position = offset
      }
      return true
    } catch (cause) {
      // No broker could say where to go on: it is asked again with the next fetch.
      cluster.log.debug({ topic, partition, err: String(cause) }, 'Could not find a new offset')
      return false
    }
  }
}

/** Whether it is the broker itself that failed, and not the partition's leader behind it. */
function isLost(code: BrokerError['code'] | undefined): boolean {
  return code === undefined || code === 'NETWORK_EXCEPTION' || code === 'REQUEST_TIMED_OUT'
}
