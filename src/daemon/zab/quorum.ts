// What enough voters agree on: a majority, or all of them; of two configurations while one replaces
// the other. Votes, promises, acks and pings are all counted here, so the size of a quorum is
// defined once. See also membership.ts.
//
// Voters may be divided into groups, and have weights: then a majority of the groups is needed, and
// in each of them more than half of its weight. Without, all are in one group and have weight 1. Two
// quorums have a group in common, and in that group a voter.
// Source: QuorumHierarchical in ZooKeeper.

import type { ServerId } from '../../protocol/records.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'

export interface Ballot {
  readonly voter: ServerId
  /** at least 1 */
  readonly weight: number
}

/** Each voter is in one group, and no group is empty. */
export type Electorate = readonly (readonly Ballot[])[]

/** Voters of one weight, of which a majority decides. */
export function majority(voters: Iterable<ServerId>): Electorate {
  return [[...new Set(voters)].map((voter) => ({ voter, weight: 1 }))]
}

interface Group {
  readonly ballots: readonly Ballot[]
  readonly weight: number
}

export class Quorum {
  readonly #electorates: readonly (readonly Group[])[]

  /** @param electorates a quorum of each is needed */
  constructor(...electorates: readonly Electorate[]) {
    this.#electorates = electorates.map((groups) => groups.map(groupOf))
  }

  /** Whether `agrees` holds for a quorum of the voters. Other servers have no say. */
  has(agrees: (voter: ServerId) => boolean): boolean {
    return this.#electorates.every((groups) => {
      let count = 0
      for (const { ballots, weight } of groups) {
        let agreed = 0
        for (const ballot of ballots) if (agrees(ballot.voter)) agreed += ballot.weight
        if (isMajority(agreed, weight)) count++
      }
      return isMajority(count, groups.length)
    })
  }

  /** Whether every voter agrees. */
  all(agrees: (voter: ServerId) => boolean): boolean {
    return this.#electorates.every((groups) =>
      groups.every(({ ballots }) => ballots.every(({ voter }) => agrees(voter))),
    )
  }

  /** The highest zxid that a quorum has reached; `reached` returns undefined for "nothing yet". */
  reachedBy(reached: (voter: ServerId) => Zxid | undefined): Zxid {
    let least: Zxid | undefined
    for (const groups of this.#electorates) {
      const zxids = groups.map((group) => reachedIn(group, reached)).sort((a, b) => b - a)
      const zxid = zxids[Math.floor(groups.length / 2)] ?? zxidZero
      if (least === undefined || zxid < least) least = zxid
    }
    return least ?? zxidZero
  }
}

function groupOf(ballots: readonly Ballot[]): Group {
  return { ballots, weight: ballots.reduce((sum, { weight }) => sum + weight, 0) }
}

function reachedIn(
  { ballots, weight }: Group,
  reached: (voter: ServerId) => Zxid | undefined,
): Zxid {
  const acks = ballots
    .map((ballot) => ({ zxid: reached(ballot.voter) ?? zxidZero, weight: ballot.weight }))
    .sort((a, b) => b.zxid - a.zxid)
  let acked = 0
  for (const ack of acks) {
    acked += ack.weight
    if (isMajority(acked, weight)) return ack.zxid
  }
  return zxidZero
}

function isMajority(part: number, whole: number): boolean {
  return 2 * part > whole
}
