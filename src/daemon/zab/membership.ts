// The voters of the ensemble: which servers vote, and (quorum.ts) whether enough of them agree. Every
// other server is an observer: it may follow, and counts for nothing.

import type { ServerId } from '../../protocol/records.ts'
import { Quorum } from './quorum.ts'

export class Membership {
  /** Ascending. */
  readonly voters: readonly ServerId[]
  readonly quorum: Quorum
  readonly #ids: ReadonlySet<ServerId>

  constructor(voters: Iterable<ServerId>) {
    this.#ids = new Set(voters)
    this.voters = [...this.#ids].sort((a, b) => a - b)
    this.quorum = new Quorum(this.voters)
  }

  isVoter(id: ServerId): boolean {
    return this.#ids.has(id)
  }
}
