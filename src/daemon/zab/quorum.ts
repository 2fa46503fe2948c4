// What enough voters agree on: a majority, or all of them; of two configurations while one replaces
// the other. Votes, promises, acks and pings are all counted here, so the size of a quorum is
// defined once. See also membership.ts.

import type { ServerId } from '../../protocol/records.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'

export class Quorum {
  /** A majority of each is needed. */
  readonly #groups: readonly (readonly ServerId[])[]

  /** @param groups of voters, each once per group */
  constructor(...groups: readonly (readonly ServerId[])[]) {
    this.#groups = groups
  }

  /** Whether `agrees` holds for a majority of the voters. Other servers have no say. */
  has(agrees: (voter: ServerId) => boolean): boolean {
    return this.#groups.every((voters) => {
      let count = 0
      for (const voter of voters) if (agrees(voter)) count++
      return count >= majorityOf(voters)
    })
  }

  /** Whether every voter agrees. */
  all(agrees: (voter: ServerId) => boolean): boolean {
    return this.#groups.every((voters) => voters.every(agrees))
  }

  /**
   * The highest zxid that a majority has reached; `reached` returns undefined for "nothing yet".
   */
  reachedBy(reached: (voter: ServerId) => Zxid | undefined): Zxid {
    let least: Zxid | undefined
    for (const voters of this.#groups) {
      const zxids = voters.map((voter) => reached(voter) ?? zxidZero).sort((a, b) => b - a)
      const zxid = zxids[majorityOf(voters) - 1] ?? zxidZero
      if (least === undefined || zxid < least) least = zxid
    }
    return least ?? zxidZero
  }
}

function majorityOf(voters: readonly ServerId[]): number {
  return Math.floor(voters.length / 2) + 1
}
