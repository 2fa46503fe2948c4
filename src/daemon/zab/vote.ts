// The order on votes, by epoch, then zxid, then standing, then server id: the best vote names the
// newest history.
// Source: FastLeaderElection.totalOrderPredicate in ZooKeeper.

import { type Notification, standingRank, type Vote } from '../../protocol/peer/messages.ts'

/** Negative when `a` is the worse vote, 0 when they name the same candidate and history. */
export function compareVotes(a: Vote, b: Vote): number {
  return (
    a.epoch - b.epoch ||
    a.zxid - b.zxid ||
    standingRank[a.standing] - standingRank[b.standing] ||
    a.id - b.id
  )
}

export function isBetter(theirs: Vote, ours: Vote): boolean {
  return theirs.standing !== 'none' && compareVotes(theirs, ours) > 0
}

export function sameVote(a: Vote, b: Vote): boolean {
  return compareVotes(a, b) === 0
}

/** Whether the sender leads an epoch that a quorum established. */
export function isWorkingLeader(word: Notification): boolean {
  return word.role === 'leading' && word.establishedEpoch > 0
}
