// What a leader proposes: one transaction per zxid, in zxids without gaps, and what one turn of the
// event loop proposed as one batch. Next on the path: zab/zab.ts.

import { invariant } from '../../invariant.ts'
import { limits } from '../../limits.ts'
import type { Entries } from '../../protocol/peer/entries.ts'
import { counterOf, epochOf, makeZxid, nextZxid, type Zxid } from '../../protocol/zxid.ts'
import { ProposalBatch } from './proposal-batch.ts'

export class Proposals {
  readonly #batch = new ProposalBatch()
  /** undefined while not leading */
  #next: Zxid | undefined

  /** The zxid that the next proposal is for. */
  get next(): Zxid {
    invariant(this.#next !== undefined, 'only a leader gives out zxids')
    return this.#next
  }

  /** Whether the batch is to be taken before more is added. */
  get isFull(): boolean {
    return this.#batch.bytes > limits.proposalBatchBytesMax
  }

  /** Copies `payload`. */
  add(zxid: Zxid, payload: Uint8Array): void {
    invariant(zxid === this.next, 'our zxids have no gaps')
    this.#batch.add(zxid, payload)
    this.#next = nextZxid(zxid)
  }

  /** The batch; undefined if nothing was added since the last. */
  take(): Entries | undefined {
    return this.#batch.take()
  }

  /** How many are proposed and not delivered; 0 while not leading. */
  inFlight(delivered: Zxid): number {
    if (this.#next === undefined) return 0
    const isOfEpoch = epochOf(delivered) === epochOf(this.#next)
    return counterOf(this.#next) - 1 - (isOfEpoch ? counterOf(delivered) : 0)
  }

  /** This server leads in `epoch` from now on, or does not lead: what was not taken is gone. */
  restart(epoch: number | undefined): void {
    this.#batch.clear()
    this.#next = epoch === undefined ? undefined : makeZxid({ epoch, counter: 1 })
  }
}
