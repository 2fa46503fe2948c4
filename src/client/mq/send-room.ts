// The memory of one producer for unsettled records. A caller that finds no room waits for its turn,
// in the order of the calls; once as much waits as fits, further callers are refused. Pure.

import { Fifo } from '../../fifo.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'

interface Waiting {
  readonly bytes: number
  readonly enter: () => void
  readonly refuse: (error: BrokerError) => void
  isGone: boolean
}

export class SendRoom {
  readonly #bytesMax: number
  #usedBytes = 0
  #waitingBytes = 0
  readonly #queue = new Fifo<Waiting>()

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get isFull(): boolean {
    return this.#queue.length > 0 || this.#usedBytes >= this.#bytesMax
  }

  /** @returns whether there is room, and no caller waits for it; more than all of it fits alone */
  maybeTake(bytes: number): boolean {
    if (this.#queue.length > 0 || !this.#fits(bytes)) return false
    this.#usedBytes += bytes
    return true
  }

  /**
   * Calls `enter` once when the room is taken, or `refuse` if the producer ends before.
   *
   * @returns a function that leaves the queue
   * @throws BrokerError THROTTLING_QUOTA_EXCEEDED when too much waits already
   */
  wait(bytes: number, enter: () => void, refuse: (error: BrokerError) => void): () => void {
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > this.#bytesMax) {
      const found = `${this.#usedBytes} bytes are unsettled and ${this.#waitingBytes} wait for room`
      const message = `Cannot send a record: ${found}; wait until some are stored`
      throw new BrokerError('THROTTLING_QUOTA_EXCEEDED', message)
    }
    const waiting: Waiting = { bytes, enter, refuse, isGone: false }
    this.#waitingBytes += bytes
    this.#queue.push(waiting)
    return () => {
      this.#remove(waiting)
      this.#admit()
    }
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes
    this.#admit()
  }

  refuseAll(error: BrokerError): void {
    for (const waiting of this.#queue.takeAll()) {
      if (waiting.isGone) continue
      this.#remove(waiting)
      waiting.refuse(error)
    }
  }

  #fits(bytes: number): boolean {
    return this.#usedBytes === 0 || this.#usedBytes + bytes <= this.#bytesMax
  }

  #remove(waiting: Waiting): void {
    if (waiting.isGone) return
    waiting.isGone = true
    this.#waitingBytes -= waiting.bytes
  }

  #admit(): void {
    for (;;) {
      const first = this.#queue.head
      if (first === undefined || (!first.isGone && !this.#fits(first.bytes))) return
      this.#queue.shift()
      if (first.isGone) continue
      this.#remove(first)
      this.#usedBytes += first.bytes
      first.enter()
    }
  }
}
