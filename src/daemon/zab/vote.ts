// The order on votes, by epoch, then zxid, then server id: the best vote names the newest history.
// Source: FastLeaderElection.totalOrderPredicate in ZooKeeper.

import type { Notification, Vote } from '../../protocol/peer/messages.ts'

/** Negative when `a` is the worse vote, 0 when they name the same candidate and history. */
export function compareVotes(a: Vote, b: Vote): number {
  return a.epoch - b.epoch || a.zxid - b.zxid || a.id - b.id
}

export function sameVote(a: Vote, b: Vote): boolean {
  return compareVotes(a, b) === 0
}

/** Whether the sender leads an epoch that a quorum established. */
export function isWorkingLeader(word: Notification): boolean {
  return word.role === 'leading' && word.establishedEpoch > 0
}
