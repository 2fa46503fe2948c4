// Majorities of the voters.

import type { ServerId } from '../../protocol/records.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'

export class Quorum {
  /** Ascending. */
  readonly voters: readonly ServerId[]
  readonly size: number

  constructor(voters: Iterable<ServerId>) {
    this.voters = [...new Set(voters)].sort((a, b) => a - b)
    this.size = Math.floor(this.voters.length / 2) + 1
  }

  isVoter(id: ServerId): boolean {
    return this.voters.includes(id)
  }

  /** Whether the voters for which `agrees` holds are a majority. Nobody else is asked. */
  has(agrees: (voter: ServerId) => boolean): boolean {
    let count = 0
    for (const voter of this.voters) if (agrees(voter)) count++
    return count >= this.size
  }

  /** The highest zxid that a majority has reached; `reached` gives undefined for "nothing yet". */
  reachedBy(reached: (voter: ServerId) => Zxid | undefined): Zxid {
    const zxids = this.voters.map((voter) => reached(voter) ?? zxidZero).sort((a, b) => b - a)
    return zxids[this.size - 1] ?? zxidZero
  }
}
