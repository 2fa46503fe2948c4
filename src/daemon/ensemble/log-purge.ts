// Decides when the log drops what the tree on the disk covers, except for what is kept for
// learners.
//
//   tree durable up to a zxid ─▶ `meta` saved: where the log may begin ─▶ the log drops the rest
//
// `meta` is saved first: the log may begin before the zxid in `meta`, never after it.

import type { Zxid } from '../../protocol/zxid.ts'
import type { LogKept, TxnLog } from '../storage/txn-log.ts'

type PurgedLog = Pick<TxnLog, 'purgePoint' | 'purge'>

export interface PurgeWorld {
  /** False while a learner may need the log, or the log is being replaced. */
  readonly mayPurge: () => boolean
  /** Writes `base` to `meta`; calls `saved` once that is durable. */
  readonly saveBase: (base: Zxid, saved: () => void) => void
  /** Called before the log drops anything: Zab must know its new beginning first. */
  readonly purging: (base: Zxid) => void
}

export class LogPurge {
  #log: PurgedLog
  readonly #kept: LogKept | undefined
  readonly #world: PurgeWorld
  #isSaving = false

  /** @param kept how much stays in the log although the tree covers it; everything, if undefined */
  constructor(log: PurgedLog, kept: LogKept | undefined, world: PurgeWorld) {
    this.#log = log
    this.#kept = kept
    this.#world = world
  }

  /** The tree on the disk reflects everything up to `zxid`, even after a power cut. */
  persisted(zxid: Zxid): void {
    if (this.#kept === undefined || this.#isSaving || !this.#world.mayPurge()) return
    const log = this.#log
    const point = log.purgePoint(zxid, this.#kept)
    if (point === undefined) return
    this.#isSaving = true
    this.#world.saveBase(point.base, () => {
      this.#isSaving = false
      // A learner may have come to need these entries while `meta` was saved; the next purge drops
      // them.
      if (this.#log !== log || !this.#world.mayPurge()) return
      this.#world.purging(point.base)
      log.purge(point)
    })
  }

  /** Another log is in force. */
  restartWith(log: PurgedLog): void {
    this.#log = log
  }
}
