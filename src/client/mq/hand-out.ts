// Hands out the records of a consumer's partitions: to loops, to calls that take what is there, and to
// handlers of batches, of which any number may wait at the same time. Each record is handed out once.
//
// A record's path ends here, in the program. Until then partition-reader.ts holds it.

import type { BrokerError } from '../../protocol/mq/error-codes.ts'
import { abortable, onAbort } from '../abort.ts'
import type { ConsumedBatch, ConsumedRecord, PartitionReader } from './partition-reader.ts'

interface HandOutOptions {
  /** Called before anything is handed out: resolves once the consumer has partitions. */
  readonly start: () => Promise<void>
  /** A partition has room again. */
  readonly onTaken: () => void
}

type Handle = (batch: ConsumedBatch) => unknown

export class HandOut {
  readonly #options: HandOutOptions
  #readers: readonly PartitionReader[] = []
  #isStarted = false
  #isPaused = false
  #isClosed = false
  /** once set, only records already fetched are left */
  #failure: BrokerError | undefined
  /** callers that wait for a change: records, an error, the end */
  #sleepers: (() => void)[] = []
  /** the reader that is asked first for the next single record: readers take turns */
  #turn = 0
  /** until the handler of its batch is done */
  readonly #handled = new Map<PartitionReader, Promise<void>>()

  constructor(options: HandOutOptions) {
    this.#options = options
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused
    if (!isPaused) this.wake()
  }

  get failure(): BrokerError | undefined {
    return this.#failure
  }

  /** Waiting callers get what is left, then this error; undefined: they go on. */
  set failure(error: BrokerError | undefined) {
    this.#failure = error
    this.wake()
  }

  add(readers: readonly PartitionReader[]): void {
    this.#readers = [...this.#readers, ...readers]
  }

  /** Resolves when the batches that are being handled are done. */
  async remove(readers: readonly PartitionReader[]): Promise<void> {
    this.#readers = this.#readers.filter((reader) => !readers.includes(reader))
    await Promise.all(readers.map((reader) => this.#handled.get(reader)))
  }

  /** Every waiting caller checks for itself. */
  wake(): void {
    for (const wake of this.#sleepers.splice(0)) wake()
  }

  /** Loops end, and waiting callers get nothing. */
  close(): void {
    this.#isClosed = true
    this.wake()
  }

  // --- the ways to take records ------------------------------------------------------------------

  /** Empty once closed. @throws BrokerError; the signal's reason */
  async take(signal: AbortSignal | undefined): Promise<readonly ConsumedRecord[]> {
    const takeAll = () => {
      const taken = this.#readers.flatMap((reader) => reader.take())
      if (taken.length === 0) return undefined
      this.#options.onTaken()
      const [only] = taken
      return taken.length === 1 && only !== undefined
        ? only.records
        : taken.flatMap(({ records }) => records)
    }
    return (await this.#next(takeAll, () => this.#isClosed, signal)) ?? []
  }

  records(signal: AbortSignal | undefined): AsyncIterableIterator<ConsumedRecord> {
    return this.#iterator(() => this.#takeTurns((reader) => reader.takeOne()), signal)
  }

  batches(signal: AbortSignal | undefined): AsyncIterableIterator<ConsumedBatch> {
    return this.#iterator(() => this.#takeTurns((reader) => reader.takeBatch()), signal)
  }

  /** @param handle rejects if the batch has to be handed out again. @throws what it throws */
  async eachBatch(
    handle: Handle,
    {
      concurrency,
      signal,
    }: { readonly concurrency: number; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    const ending = new AbortController()
    const stop = signal === undefined ? undefined : onAbort(signal, (why) => ending.abort(why))
    const handlers = Array.from({ length: concurrency }, () =>
      this.#handleBatches(handle, ending.signal),
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

  async #handleBatches(handle: Handle, signal: AbortSignal): Promise<void> {
    const borrow = () =>
      this.#takeTurns((reader) => {
        const batch = reader.borrow()
        return batch === undefined ? undefined : { reader, batch }
      })
    for (;;) {
      const borrowed = await this.#next(borrow, () => this.#isClosed, signal)
      if (borrowed === undefined) return
      const { reader, batch } = borrowed
      let done: () => void = () => undefined
      this.#handled.set(reader, new Promise((resolve) => (done = resolve)))
      let isDone = false
      try {
        await handle(batch)
        isDone = true
      } finally {
        reader.giveBack(batch, isDone)
        this.#handled.delete(reader)
        done()
        this.#options.onTaken()
        this.wake()
      }
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
        if (!this.#isStarted || this.#isPaused || isOver() || signal?.aborted) return awaitNext()
        const value = find()
        return value === undefined ? awaitNext() : Promise.resolve({ done: false, value })
      },
      return: async () => {
        isLeft = true
        this.wake()
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
    const stop = signal === undefined ? undefined : onAbort(signal, () => this.wake())
    try {
      await abortable(this.#options.start(), signal)
      this.#isStarted = true
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

  #takeTurns<T>(takeFrom: (reader: PartitionReader) => T | undefined): T | undefined {
    const readers = this.#readers
    for (let i = 0; i < readers.length; i++) {
      const at = (this.#turn + i) % readers.length
      const reader = readers[at]
      if (reader === undefined) continue
      const taken = takeFrom(reader)
      if (taken === undefined) continue
      this.#turn = (at + 1) % readers.length
      if (!reader.isFetching && !reader.isStopped) this.#options.onTaken()
      return taken
    }
    return undefined
  }
}
