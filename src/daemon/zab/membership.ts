// The voters of the ensemble: which servers vote, and (quorum.ts) whether enough of them agree. Every
// other server is an observer: it may follow, and counts for nothing.

import type { ServerId } from '../../protocol/records.ts'
import { type Electorate, Quorum } from './quorum.ts'

export class Membership {
  /** Ascending; while one configuration replaces another, of both. */
  readonly voters: readonly ServerId[]
  readonly quorum: Quorum
  readonly #ids: ReadonlySet<ServerId>

  /** @param before that of the configuration that is being replaced, whose quorum is needed too */
  constructor(electorate: Electorate, before?: Electorate) {
    const electorates = before === undefined ? [electorate] : [before, electorate]
    this.#ids = new Set(electorates.flat(2).map(({ voter }) => voter))
    this.voters = [...this.#ids].sort((a, b) => a - b)
    this.quorum = new Quorum(...electorates)
  }

  isVoter(id: ServerId): boolean {
    return this.#ids.has(id)
  }
}
