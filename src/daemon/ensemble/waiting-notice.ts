// The message that is logged now and then while a server cannot start, because it has no data, or
// cannot be elected, because it has a proposed configuration: which servers it waits for, and why.
// Pure.

import type { Waiting } from '../zab/looking.ts'
import type { Epochs } from '../zab/types.ts'

const intervalMs = 3000

export class WaitingNotice {
  #saidMs: number

  /** @param nowMs the earliest start of the wait */
  constructor(nowMs: number) {
    this.#saidMs = nowMs
  }

  /**
   * Must be called several times per interval.
   *
   * @param waiting undefined while there is nothing to wait for
   * @returns the message to log now, if one is due
   */
  take(nowMs: number, waiting: Waiting | undefined): string | undefined {
    if (waiting === undefined) this.#saidMs = nowMs
    if (waiting === undefined || nowMs - this.#saidMs < intervalMs) return undefined
    this.#saidMs = nowMs
    if (waiting.for === 'configuration') return forBothQuorums
    return waiting.initialised.length > 0 ? forMajority : forEverybody
  }
}

const forBothQuorums =
  'Waiting for voters of a change of the ensemble that was proposed and may be committed: it takes ' +
  'quorums of the former and of the new voters, or of former ones that do not have it. Start those ' +
  'missing'

const forMajority =
  'Waiting for a majority of servers with data: this one has none, and does not count yet'

const forEverybody =
  'Waiting for every server: none seen has data. Start those missing, or, if this ensemble ' +
  'never ran before, start a majority with --bootstrap'

/**
 * Whether a server that had no data has taken the leader's, and so counts from now on. A server of
 * a new ensemble counts before its first epoch is current: there was nothing to wait for.
 */
export function beginsToCount(before: Epochs, after: Epochs): boolean {
  return !before.initialised && after.initialised && after.currentEpoch > 0
}
