// What the operator of a server without data is told, now and then, while it does not start: for which
// servers it waits, and why. Pure.

import type { Waiting } from '../zab/looking.ts'
import type { Epochs } from '../zab/types.ts'

const intervalMs = 3000

export class WaitingNotice {
  #saidMs: number

  /** @param nowMs when the wait may begin */
  constructor(nowMs: number) {
    this.#saidMs = nowMs
  }

  /**
   * To be called several times per interval.
   *
   * @param waiting undefined while there is nothing to wait for
   * @returns what to say now, if anything
   */
  take(nowMs: number, waiting: Waiting | undefined): string | undefined {
    if (waiting === undefined) this.#saidMs = nowMs
    if (waiting === undefined || nowMs - this.#saidMs < intervalMs) return undefined
    this.#saidMs = nowMs
    return waiting.initialised.length > 0 ? forMajority : forEverybody
  }
}

const forMajority =
  'Waiting for a majority of servers with data: this one has none, and does not count yet'

const forEverybody =
  'Waiting for every server: none seen has data. Start those missing, or, if this ensemble ' +
  'never ran before, start a majority with --bootstrap'

/**
 * Whether a server that had no data has the leader's now, and may be counted. A server of a new
 * ensemble counts before its first epoch is current: there was nothing to wait for.
 */
export function beginsToCount(before: Epochs, after: Epochs): boolean {
  return !before.initialised && after.initialised && after.currentEpoch > 0
}
