// Who votes, and what is enough of them. Whether one server may vote, and which voters are missing, is
// asked here; whether enough of them agree is asked of the quorum.

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
