// When the log forgets what the tree on the disk shows, but for what is kept for learners.
//
//   the tree is durable up to a zxid ─▶ `meta` says where the log may begin ─▶ the log drops the rest
//
// `meta` says so first: the log may begin before what `meta` says, never after.

import type { Zxid } from '../../protocol/zxid.ts'
import type { LogKept, TxnLog } from '../storage/txn-log.ts'

type PurgedLog = Pick<TxnLog, 'purgePoint' | 'purge'>

export interface PurgeWorld {
  /** False while a learner may need what lies in the log, or the log is being replaced. */
  readonly mayPurge: () => boolean
  /** Writes it to `meta`; calls `saved` once that is durable. */
  readonly saveBase: (base: Zxid, saved: () => void) => void
  /** Zab must know before the log begins there. */
  readonly purging: (base: Zxid) => void
}

export class LogPurge {
  #log: PurgedLog
  readonly #kept: LogKept | undefined
  readonly #world: PurgeWorld
  #isSaving = false

  /** @param kept what stays in the log, though the tree on the disk has it; all, if undefined */
  constructor(log: PurgedLog, kept: LogKept | undefined, world: PurgeWorld) {
    this.#log = log
    this.#kept = kept
    this.#world = world
  }

  /** The tree on the disk shows everything up to `zxid`, also after a power cut. */
  persisted(zxid: Zxid): void {
    if (this.#kept === undefined || this.#isSaving || !this.#world.mayPurge()) return
    const log = this.#log
    const point = log.purgePoint(zxid, this.#kept)
    if (point === undefined) return
    this.#isSaving = true
    this.#world.saveBase(point.base, () => {
      this.#isSaving = false
      // A learner may need by now what was to be dropped; the next time is soon enough.
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
