// Gathers the proposals of one turn of the event loop into one batch.

import { Fifo } from '../../fifo.ts'
import { invariant } from '../../invariant.ts'
import { type Entries, entryHeaderBytes, writeEntry } from '../../protocol/peer/entries.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import { ReusedBuffers } from '../../reused-buffers.ts'

const initialBytes = 16 * 1024
/** A buffer that a burst made larger than this is released. */
const keptBytesMax = 512 * 1024

export class ProposalBatch {
  #buffer = Buffer.allocUnsafeSlow(initialBytes)
  #bytes = 0
  #count = 0
  #first: Zxid | undefined
  readonly #memory = new ReusedBuffers()
  /** of batches that were taken and are not done, the oldest first */
  readonly #inUse = new Fifo<Buffer>()

  get bytes(): number {
    return this.#bytes
  }

  /** Copies `payload`. */
  add(zxid: Zxid, payload: Uint8Array): void {
    this.#first ??= zxid
    invariant(zxid === this.#first + this.#count, 'a batch has no gaps')
    const needed = this.#bytes + entryHeaderBytes + payload.length
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
      this.#buffer.copy(grown, 0, 0, this.#bytes)
      this.#buffer = grown
    }
    this.#bytes = writeEntry(this.#buffer, this.#bytes, payload)
    this.#count++
  }

  /** The batch, in memory of its own until it is `done`; undefined if nothing was added. */
  take(): Entries | undefined {
    if (this.#first === undefined) return undefined
    const memory = this.#memory.take(this.#bytes)
    this.#inUse.push(memory)
    this.#buffer.copy(memory, 0, 0, this.#bytes)
    const bytes = memory.subarray(0, this.#bytes)
    const entries = { first: this.#first, count: this.#count, bytes }
    this.clear()
    return entries
  }

  /** The oldest batch that was taken is in the log and in the output of links: its memory is free. */
  done(): void {
    const memory = this.#inUse.shift()
    invariant(memory !== undefined, 'a batch is taken before it is done')
    this.#memory.give(memory)
  }

  clear(): void {
    if (this.#buffer.length > keptBytesMax) this.#buffer = Buffer.allocUnsafeSlow(initialBytes)
    this.#first = undefined
    this.#bytes = 0
    this.#count = 0
  }
}
