// What a caller of the producer learns about its records: of one record its offset, of a batch the
// ranges of offsets, once all are settled. One promise each, however many records.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { RecordWaiter } from './partition-sender.ts'

export interface StoredAt {
  readonly topic: string
  readonly partition: number
  /** -1 with acks none */
  readonly offset: number
}

/** Records in a row of one partition, in the order in which they were given. */
export interface StoredRange {
  readonly topic: string
  readonly partition: number
  /** of the first record; -1 with acks none */
  readonly baseOffset: number
  readonly count: number
}

/** Some records of a `sendBatch` are not stored, or their outcome is unknown. */
export class SendBatchError extends BrokerError {
  /** what is stored, in the order of storing */
  readonly stored: readonly StoredRange[]
  readonly failedCount: number

  /** @param cause of the first record that failed */
  constructor(cause: BrokerError, stored: readonly StoredRange[], failedCount: number) {
    const message = `Cannot store ${failedCount} records of a batch: ${cause.message}`
    super(cause.code, message, { cause, bounds: cause.bounds })
    this.stored = stored
    this.failedCount = failedCount
  }
}

export interface Outcome {
  /** A record failed: those that were not handed to a sender yet are not sent. */
  readonly hasFailed: boolean
  /** Takes the results of records of this topic. */
  waiter(topic: string): RecordWaiter
  /** For records that no sender has. */
  fail(error: BrokerError, count: number): void
  /** The caller no longer waits. */
  abort(reason: unknown): void
}

export class RecordOutcome implements Outcome, RecordWaiter {
  readonly hasFailed = false
  readonly #topic: string
  readonly #resolve: (stored: StoredAt) => void
  readonly #reject: (reason: unknown) => void

  constructor(
    topic: string,
    resolve: (stored: StoredAt) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#topic = topic
    this.#resolve = resolve
    this.#reject = reject
  }

  waiter(): RecordWaiter {
    return this
  }

  stored(offset: number, _: number, partition: number): void {
    this.#resolve({ topic: this.#topic, partition, offset })
  }

  failed(error: BrokerError): void {
    this.#reject(error)
  }

  fail(error: BrokerError): void {
    this.#reject(error)
  }

  abort(reason: unknown): void {
    this.#reject(reason)
  }
}

export class BatchOutcome implements Outcome {
  readonly #stored: StoredRange[] = []
  #unsettledCount: number
  #failedCount = 0
  #error: BrokerError | undefined
  readonly #resolve: (stored: readonly StoredRange[]) => void
  readonly #reject: (reason: unknown) => void
  readonly #waiters = new Map<string, RecordWaiter>()

  /** @param count of all records */
  constructor(
    count: number,
    resolve: (stored: readonly StoredRange[]) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#unsettledCount = count
    this.#resolve = resolve
    this.#reject = reject
    if (count === 0) resolve([])
  }

  get hasFailed(): boolean {
    return this.#error !== undefined
  }

  waiter(topic: string): RecordWaiter {
    const known = this.#waiters.get(topic)
    if (known !== undefined) return known
    const waiter: RecordWaiter = {
      stored: (baseOffset, count, partition) => {
        this.#stored.push({ topic, partition, baseOffset, count })
        this.#settle(count)
      },
      failed: (error, count) => this.fail(error, count),
    }
    this.#waiters.set(topic, waiter)
    return waiter
  }

  fail(error: BrokerError, count: number): void {
    this.#error ??= error
    this.#failedCount += count
    this.#settle(count)
  }

  abort(reason: unknown): void {
    this.#reject(reason)
  }

  #settle(count: number): void {
    this.#unsettledCount -= count
    if (this.#unsettledCount > 0) return
    const error = this.#error
    if (error === undefined) this.#resolve(this.#stored)
    else this.#reject(new SendBatchError(error, this.#stored, this.#failedCount))
  }
}
