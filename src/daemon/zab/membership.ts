// The voters of the ensemble: which servers vote, and (quorum.ts) whether enough of them agree.

import type { ServerId } from '../../protocol/records.ts'
import { Quorum } from './quorum.ts'

export class Membership {
  /** Ascending. */
  readonly voters: readonly ServerId[]
  readonly quorum: Quorum

  constructor(voters: Iterable<ServerId>) {
    this.voters = [...new Set(voters)].sort((a, b) => a - b)
    this.quorum = new Quorum(this.voters)
  }

  isVoter(id: ServerId): boolean {
    return this.voters.includes(id)
  }
}
