// A leader's proposals: one transaction per zxid, zxids without gaps, and one batch per turn of the
// event loop. Next on the path: zab/zab.ts.

import { invariant } from '../../invariant.ts'
import { limits } from '../../limits.ts'
import type { Entries } from '../../protocol/peer/entries.ts'
import { counterOf, epochOf, makeZxid, nextZxid, type Zxid } from '../../protocol/zxid.ts'
import { ProposalBatch } from './proposal-batch.ts'

export class Proposals {
  readonly #batch = new ProposalBatch()
  /** undefined while not leading */
  #next: Zxid | undefined

  /** The zxid of the next proposal. */
  get next(): Zxid {
    invariant(this.#next !== undefined, 'only a leader gives out zxids')
    return this.#next
  }

  /** Whether the batch must be taken before more is added. */
  get isFull(): boolean {
    return this.#batch.bytes > limits.proposalBatchBytesMax
  }

  /** Copies `payload`. */
  add(zxid: Zxid, payload: Uint8Array): void {
    invariant(zxid === this.next, 'our zxids have no gaps')
    this.#batch.add(zxid, payload)
    this.#next = nextZxid(zxid)
  }

  /** The batch; undefined if nothing was added since the last call. Its bytes are valid until `done`. */
  take(): Entries | undefined {
    return this.#batch.take()
  }

  /** Of the oldest batch that was taken: Zab has taken it, and all effects of that are performed. */
  done(): void {
    this.#batch.done()
  }

  /** How many transactions are proposed but not delivered; 0 while not leading. */
  inFlight(delivered: Zxid): number {
    if (this.#next === undefined) return 0
    const isOfEpoch = epochOf(delivered) === epochOf(this.#next)
    return counterOf(this.#next) - 1 - (isOfEpoch ? counterOf(delivered) : 0)
  }

  /** This server now leads in `epoch`, or does not lead; drops the batch that was not taken. */
  restart(epoch: number | undefined): void {
    this.#batch.clear()
    this.#next = epoch === undefined ? undefined : makeZxid({ epoch, counter: 1 })
  }
}
