// Zab phase 3 on the leader: counts what each voter has on disk, and so what is committed.
// leading.ts sends the proposals; the initial history was agreed on in the synchronization phase.
//
// Next on the path: ensemble/undelivered.ts, on every server.

import { invariant } from '../../invariant.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { ServerState } from './server-state.ts'

export class Broadcast {
  readonly #state: Pick<ServerState, 'quorum'>
  /** Highest zxid on the disk of each voter that acknowledged the epoch, ours included. */
  readonly #logged = new Map<ServerId, Zxid>()
  /** The highest zxid that a quorum of voters has on disk; never decreases. */
  #committed: Zxid

  /**
   * @param state the quorum may change with each transaction
   * @param delivered committed in earlier epochs, as far as this server knows
   */
  constructor(state: Pick<ServerState, 'quorum'>, delivered: Zxid) {
    this.#state = state
    this.#committed = delivered
  }

  get committed(): Zxid {
    return this.#committed
  }

  /** Whether a quorum acknowledged the epoch's initial history. */
  get settled(): boolean {
    return this.#state.quorum.has((voter) => this.#logged.has(voter))
  }

  loggedBy(voter: ServerId): Zxid | undefined {
    return this.#logged.get(voter)
  }

  /**
   * `by` has everything up to `zxid` on disk. Logs have no gaps, so an ack covers every earlier
   * transaction, and an older ack changes nothing.
   *
   * @returns whether more is committed now
   */
  acked(by: ServerId, zxid: Zxid): boolean {
    const before = this.#logged.get(by)
    if (before !== undefined && zxid <= before) return false
    this.#logged.set(by, zxid)
    return this.#maybeCommit()
  }

  /** Acks that arrived on a closed connection no longer count. */
  forget(voter: ServerId): void {
    this.#logged.delete(voter)
  }

  #maybeCommit(): boolean {
    const zxid = this.#state.quorum.reachedBy((voter) => this.#logged.get(voter))
    if (zxid <= this.#committed) return false
    invariant(this.settled, 'nothing is committed before the epoch is established')
    this.#committed = zxid
    return true
  }
}
