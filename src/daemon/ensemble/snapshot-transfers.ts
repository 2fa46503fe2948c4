// The transfers of trees in progress: ours to the learners that need it, and a leader's to us. This
// file tracks them and ends them; snapshot-transfer.ts performs one.
//
// An arriving tree is discarded when its link closes, unless it is already being installed: then it
// is complete and durable, and no longer depends on its sender.

import { invariant } from '../../invariant.ts'
import type { ProtocolError } from '../../protocol/error-codes.ts'
import type { SnapshotMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { SnapshotError, SnapshotPlace, Snapshots } from '../storage/snapshots.ts'
import type { TxnLog } from '../storage/txn-log.ts'
import { SnapshotArrival, SnapshotSender } from './snapshot-transfer.ts'

export interface TransferListener {
  /** There is more to send to `to`: its link may ask for it. */
  readonly resume: (to: ServerId) => void
  /** `count` pieces of the tree of `from` are written. */
  readonly taken: (from: ServerId, count: number) => void
  /** The whole tree is durable. It is discarded unless `install` is called during this call. */
  readonly received: (zxid: Zxid) => void
  /** The pieces did not form a valid tree, and were discarded. */
  readonly refused: (from: ServerId, error: SnapshotError | ProtocolError) => void
  /** The disk failed. */
  readonly onFailure: (error: Error) => void
}

interface Arriving {
  readonly from: ServerId
  readonly arrival: SnapshotArrival
  /** set once the whole tree is durable */
  readonly place: SnapshotPlace | undefined
}

export class SnapshotTransfers {
  readonly #snapshots: Snapshots
  readonly #listener: TransferListener
  readonly #sending = new Map<ServerId, SnapshotSender>()
  #arriving: Arriving | undefined
  #installing: Promise<void> | undefined

  constructor(snapshots: Snapshots, listener: TransferListener) {
    this.#snapshots = snapshots
    this.#listener = listener
  }

  /** Whether a received tree is replacing ours. */
  get isInstalling(): boolean {
    return this.#installing !== undefined
  }

  // --- ours, to a learner ------------------------------------------------------------------------

  /** @returns the stream for its link */
  sendTo(to: ServerId): SnapshotSender {
    const sender = new SnapshotSender(this.#snapshots, {
      resume: () => this.#listener.resume(to),
      ended: () => this.#sending.delete(to),
      onFailure: this.#listener.onFailure,
    })
    this.#sending.set(to, sender)
    return sender
  }

  // --- a leader's, to us -------------------------------------------------------------------------

  receiveFrom(from: ServerId): void {
    const arrival = new SnapshotArrival(this.#snapshots, {
      taken: (count) => this.#listener.taken(from, count),
      received: (zxid, place) => {
        this.#arriving = { from, arrival, place }
        this.#listener.received(zxid)
        this.abort(from)
      },
      refused: (error) => {
        this.abort(from)
        this.#listener.refused(from, error)
      },
      onFailure: this.#listener.onFailure,
    })
    this.#arriving = { from, arrival, place: undefined }
  }

  message(from: ServerId, message: SnapshotMessage): void {
    if (message.type === 'SNAPTAKEN') this.#sending.get(from)?.taken(message.count)
    else if (this.#arriving?.from === from) this.#arriving.arrival.take(message)
  }

  /** The link of `peer` is gone. */
  abort(peer: ServerId): void {
    if (this.#arriving?.from !== peer || this.isInstalling) return
    this.#arriving.arrival.abort()
    this.#arriving = undefined
  }

  /**
   * Replaces our tree with the received one.
   *
   * @param switchTo names the new place in `meta`: a crash before that leaves everything as it was
   * @param installed called when the tree is in force, with its empty log
   */
  install(
    switchTo: (place: SnapshotPlace) => Promise<void>,
    installed: (log: TxnLog, place: SnapshotPlace) => void,
  ): void {
    this.#installing = this.#install(switchTo, installed)
  }

  async close(): Promise<void> {
    this.#arriving?.arrival.abort()
    await this.#installing
  }

  async #install(
    switchTo: (place: SnapshotPlace) => Promise<void>,
    installed: (log: TxnLog, place: SnapshotPlace) => void,
  ): Promise<void> {
    const arriving = this.#arriving
    invariant(arriving?.place !== undefined, 'a tree is installed once it is complete')
    const { arrival, place } = arriving
    let log: TxnLog
    try {
      await switchTo(place)
      log = await arrival.install()
    } catch (error) {
      return this.#listener.onFailure(error as Error)
    } finally {
      this.#arriving = undefined
      this.#installing = undefined
    }
    installed(log, place)
  }
}
