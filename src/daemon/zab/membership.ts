// The voters of the ensemble: which servers vote, and (quorum.ts) whether enough of them agree. Every
// other server is an observer: it may follow, and counts for nothing.

import type { ServerId } from '../../protocol/records.ts'
import { Quorum } from './quorum.ts'

export class Membership {
  /** Ascending; while one configuration replaces another, of both. */
  readonly voters: readonly ServerId[]
  readonly quorum: Quorum
  readonly #ids: ReadonlySet<ServerId>

  /** @param before those of the configuration that is being replaced, whose majority is needed too */
  constructor(voters: Iterable<ServerId>, before?: Iterable<ServerId>) {
    const groups = (before === undefined ? [voters] : [before, voters]).map(ascending)
    this.#ids = new Set(groups.flat())
    this.voters = ascending(this.#ids)
    this.quorum = new Quorum(...groups)
  }

  isVoter(id: ServerId): boolean {
    return this.#ids.has(id)
  }
}

function ascending(ids: Iterable<ServerId>): readonly ServerId[] {
  return [...new Set(ids)].sort((a, b) => a - b)
}
