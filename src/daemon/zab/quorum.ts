// What enough voters agree on: a majority, or all of them. Votes, promises, acks and pings are all
// counted here, so the size of a quorum is defined once. See also membership.ts.

import type { ServerId } from '../../protocol/records.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'

export class Quorum {
  readonly #voters: readonly ServerId[]
  readonly #majority: number

  /** @param voters each once */
  constructor(voters: readonly ServerId[]) {
    this.#voters = voters
    this.#majority = Math.floor(voters.length / 2) + 1
  }

  /** Whether `agrees` holds for a majority of the voters. Other servers have no say. */
  has(agrees: (voter: ServerId) => boolean): boolean {
    let count = 0
    for (const voter of this.#voters) if (agrees(voter)) count++
    return count >= this.#majority
  }

  /** Whether every voter agrees. */
  all(agrees: (voter: ServerId) => boolean): boolean {
    return this.#voters.every(agrees)
  }

  /**
   * The highest zxid that a majority has reached; `reached` returns undefined for "nothing yet".
   */
  reachedBy(reached: (voter: ServerId) => Zxid | undefined): Zxid {
    const zxids = this.#voters.map((voter) => reached(voter) ?? zxidZero).sort((a, b) => b - a)
    return zxids[this.#majority - 1] ?? zxidZero
  }
}
