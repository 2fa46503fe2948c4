// SNAP: transfers the leader's tree to a learner that the log can no longer synchronize.
//
//   leader                                      learner
//   LevelDB iterator ─ SNAPCHUNK … SNAPEND ─▶   another tree directory, beside the one in force
//                    ◀─ SNAPTAKEN …             this many are written: send more
//
// Neither end ever holds more than a few pieces, however large the tree. The learner checks count
// and checksum, then the tree itself, and makes it durable; only then does Zab put it in force
// (`installSnapshot`). If anything fails before that, the old tree stays in force, and the learner
// starts over. storage/tree-entries.ts has the format of a piece.

import { crc32c } from '../../protocol/crc32c.ts'
import { ProtocolError } from '../../protocol/error-codes.ts'
import type { PeerMessage, SnapshotMessage } from '../../protocol/peer/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import {
  SnapshotError,
  type SnapshotPlace,
  type SnapshotReader,
  type SnapshotReceiver,
  type Snapshots,
} from '../storage/snapshots.ts'
import type { TxnLog } from '../storage/txn-log.ts'
import type { Stream } from './peer-link.ts'

/** Most pieces sent but not yet written: enough to keep both disks busy. */
const chunksInFlightMax = 8

export interface SenderListener {
  /** There is more to send: the link may call `next`. */
  readonly resume: () => void
  /** The transfer has ended, or the link has. */
  readonly ended: () => void
  /** The disk failed. */
  readonly onFailure: (error: Error) => void
}

/** The leader's end, for one learner. */
export class SnapshotSender implements Stream {
  readonly #listener: SenderListener
  #reader: SnapshotReader | undefined
  #chunk: Uint8Array | 'end' | undefined
  #sentCount = 0
  #takenCount = 0
  #checksum = 0
  #closed = false

  constructor(snapshots: Snapshots, listener: SenderListener) {
    this.#listener = listener
    this.#guard(this.#open(snapshots))
  }

  /** The learner has written `count` pieces. */
  taken(count: number): void {
    this.#takenCount = count
    this.#listener.resume()
  }

  next(): PeerMessage | 'later' | undefined {
    const chunk = this.#chunk
    if (this.#closed) return undefined
    if (chunk === undefined || this.#sentCount - this.#takenCount >= chunksInFlightMax) {
      return 'later'
    }
    this.#chunk = undefined
    if (chunk === 'end') {
      const zxid = this.#reader?.zxid as Zxid
      this.closed()
      return { type: 'SNAPEND', zxid, count: this.#sentCount, checksum: this.#checksum }
    }
    this.#sentCount++
    this.#checksum = crc32c(chunk, 0, chunk.length, this.#checksum)
    this.#guard(this.#fetch())
    return { type: 'SNAPCHUNK', bytes: chunk }
  }

  closed(): void {
    if (this.#closed) return
    this.#closed = true
    this.#guard(this.#reader?.close())
    this.#listener.ended()
  }

  async #open(snapshots: Snapshots): Promise<void> {
    const reader = await snapshots.read()
    if (this.#closed) return reader.close()
    this.#reader = reader
    await this.#fetch()
  }

  async #fetch(): Promise<void> {
    const chunk = await this.#reader?.next()
    if (this.#closed) return
    this.#chunk = chunk ?? 'end'
    this.#listener.resume()
  }

  #guard(step: Promise<void> | undefined): void {
    step?.catch((error: Error) => {
      if (!this.#closed) this.#listener.onFailure(error)
    })
  }
}

export interface ArrivalListener {
  /** `count` pieces are written. */
  readonly taken: (count: number) => void
  /** The whole tree is durable. */
  readonly received: (zxid: Zxid, place: SnapshotPlace) => void
  /** The pieces do not form a valid tree: ask for another one. */
  readonly refused: (error: SnapshotError | ProtocolError) => void
  /** The disk failed. */
  readonly onFailure: (error: Error) => void
}

/** The learner's end. Pieces are written one after the other. */
export class SnapshotArrival {
  readonly #listener: ArrivalListener
  readonly #receiver: Promise<SnapshotReceiver>
  /** The last step queued; after a failed one, none is started. */
  #last: Promise<void>
  #count = 0
  #checksum = 0
  #ended = false
  #failed = false
  #aborted = false

  constructor(snapshots: Snapshots, listener: ArrivalListener) {
    this.#listener = listener
    this.#receiver = snapshots.receive()
    this.#last = this.#guarded(this.#receiver.then(() => undefined))
  }

  take(message: Exclude<SnapshotMessage, { type: 'SNAPTAKEN' }>): void {
    if (this.#ended) {
      this.#listener.refused(new ProtocolError('Cannot take a piece of a tree: the tree ended'))
      return
    }
    if (message.type === 'SNAPEND') {
      this.#ended = true
      this.#then((receiver) => this.#finish(receiver, message))
      return
    }
    const bytes = Buffer.from(message.bytes) // written when those before it are
    const count = ++this.#count
    this.#checksum = crc32c(bytes, 0, bytes.length, this.#checksum)
    this.#then(async (receiver) => {
      await receiver.add(bytes)
      if (!this.#aborted) this.#listener.taken(count)
    })
  }

  /** Zab installs the tree: it replaces the one in force. */
  async install(): Promise<TxnLog> {
    return (await this.#receiver).install()
  }

  /** The sender is gone, or the tree is not needed any more: discards what was written. */
  abort(): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#last
      .catch(() => undefined)
      .then(() => this.#receiver)
      .then((receiver) => receiver.discard())
      .catch(this.#listener.onFailure)
  }

  #then(step: (receiver: SnapshotReceiver) => Promise<void>): void {
    const after = this.#last.then(async () => {
      if (!this.#aborted) await step(await this.#receiver)
    })
    this.#last = this.#guarded(after)
  }

  /** Reports the first failure. */
  #guarded(step: Promise<void>): Promise<void> {
    step.catch((error: unknown) => {
      if (this.#failed || this.#aborted) return
      this.#failed = true
      if (error instanceof SnapshotError) this.#listener.refused(error)
      else this.#listener.onFailure(error as Error)
    })
    return step
  }

  async #finish(
    receiver: SnapshotReceiver,
    { zxid, count, checksum }: Extract<SnapshotMessage, { type: 'SNAPEND' }>,
  ): Promise<void> {
    if (count !== this.#count || checksum !== this.#checksum) {
      const found = `${this.#count} pieces arrived, with another checksum`
      throw new SnapshotError(`Cannot take a tree of ${count} pieces: ${found}`)
    }
    const place = await receiver.finish(zxid)
    if (!this.#aborted) this.#listener.received(zxid, place)
  }
}
