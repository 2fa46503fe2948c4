// Keeps the bytes of logged but undelivered transactions, so that recent ones are delivered without
// reading the log. Those that exceed the memory bound are read from the log.
//
// Next on the path: request-processor/final.ts. commit.ts calls it, after the client's earlier reads.

import { asBuffer } from '../../as-buffer.ts'
import { Fifo } from '../../fifo.ts'
import { limits } from '../../limits.ts'
import { type Entries, entryEnd, entryHeaderBytes, lastOf } from '../../protocol/peer/entries.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import { ReusedBuffers } from '../../reused-buffers.ts'
import type { TxnLog } from '../storage/txn-log.ts'

type Source = Pick<TxnLog, 'lastZxid' | 'readEntries'>

/** `payload` is valid during the call only. */
type Deliver = (zxid: Zxid, payload: Buffer) => void

interface Kept {
  /** the zxid before the entries in the log, which their own zxids do not tell at an epoch's start */
  readonly after: Zxid
  readonly entries: Entries
  /** in which their bytes lie */
  readonly memory: Buffer
}

export class Undelivered {
  #log: Source
  readonly #memory = new ReusedBuffers()
  /** A long history leaves gaps here. */
  readonly #atHand = new Fifo<Kept>()
  #bytes = 0
  #delivered: Zxid

  /** @param delivered the last zxid that the tree has applied */
  constructor(log: Source, delivered: Zxid) {
    this.#log = log
    this.#delivered = delivered
  }

  get delivered(): Zxid {
    return this.#delivered
  }

  /** Keeps a copy of entries that are appended to the log next. */
  keep({ first, count, bytes }: Entries): void {
    if (this.#bytes > limits.undeliveredBytesMax) return
    this.#bytes += bytes.length
    const memory = this.#memory.take(bytes.length)
    memory.set(bytes)
    const entries = { first, count, bytes: memory.subarray(0, bytes.length) }
    this.#atHand.push({ after: this.#log.lastZxid, entries, memory })
  }

  /** Calls `deliver` for every transaction up to `upTo` that was not delivered, in order. */
  deliver(upTo: Zxid, deliver: Deliver): void {
    const bytesMax = limits.historyChunkBytes
    while (this.#delivered < upTo) {
      const head = this.#atHand.head
      const entries =
        head !== undefined && head.after <= this.#delivered
          ? head.entries
          : this.#log.readEntries({ after: this.#delivered, upTo, bytesMax })
      this.#deliverEntries(entries, upTo, deliver)
      this.#forgetDelivered()
    }
  }

  /** The log is cut: drops everything kept; what remains of it is read from the log. */
  forget(): void {
    for (const { memory } of this.#atHand.takeAll()) this.#memory.give(memory)
    this.#bytes = 0
  }

  /** Another log is in force, after a tree that reflects everything up to `zxid`. */
  restartAfter(zxid: Zxid, log: Source): void {
    this.forget()
    this.#log = log
    this.#delivered = zxid
  }

  #deliverEntries({ bytes, first, count }: Entries, upTo: Zxid, deliver: Deliver): void {
    const run = asBuffer(bytes)
    let at = 0
    for (let i = 0; i < count; i++) {
      const zxid = (first + i) as Zxid
      if (zxid > upTo) return
      const start = at + entryHeaderBytes
      at = entryEnd(run, at)
      if (zxid <= this.#delivered) continue
      this.#delivered = zxid
      deliver(zxid, run.subarray(start, at))
    }
  }

  #forgetDelivered(): void {
    const atHand = this.#atHand
    for (let head = atHand.head; head !== undefined; head = atHand.head) {
      if (lastOf(head.entries) > this.#delivered) break
      this.#bytes -= head.entries.bytes.length
      this.#memory.give(head.memory)
      atHand.shift()
    }
  }
}
