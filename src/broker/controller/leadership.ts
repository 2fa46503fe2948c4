// Moves of leadership between replicas that are in sync, while the leader is well: away from a broker
// that is leaving, and back to the preferred replica, the first of the assignment. The new leader is
// an unbroken member of the ISR, as after a failure, so nothing that was committed is lost. Pure;
// controller.ts decides by it, and so does a broker that is asked for an election
// (api/elect-leaders.ts).

import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import { isUnbroken, type Standing } from '../cluster/replica-status.ts'
import { leaderOf, memberOf, type PartitionState } from '../partition/partition-state.ts'

/** Why the preferred replica is not made the leader. */
export type NoMove =
  | 'it leads already'
  /** it is not in sync, leaving, or cannot be used; or there is no leader to take over from */
  | 'it is not available'

export interface Leaving {
  /** Whether the broker is about to stop, and leads nothing that another can lead. */
  readonly isLeaving: (broker: BrokerId) => boolean
}

/** The state in which the preferred replica leads. */
export function preferredState(
  known: PartitionState,
  standings: readonly Standing[],
  leaving: Leaving,
): PartitionState | NoMove {
  const [preferred] = standings
  if (preferred === undefined || known.leader === noBroker) return 'it is not available'
  if (known.leader === preferred.broker) return 'it leads already'
  return mayTakeOver(known, preferred, leaving)
    ? ledBy(known, preferred.broker)
    : 'it is not available'
}

/** @returns undefined: the leader stays, or no other replica can lead */
export function withoutLeaving(
  known: PartitionState,
  standings: readonly Standing[],
  leaving: Leaving,
): PartitionState | undefined {
  const leader = leaderOf(known)
  if (leader === undefined || !leaving.isLeaving(leader.broker)) return undefined
  const next = standings.find((standing) => mayTakeOver(known, standing, leaving))
  return next === undefined ? undefined : ledBy(known, next.broker)
}

/** It is in sync, and its broker stays. */
export function mayTakeOver(
  known: PartitionState,
  standing: Standing,
  { isLeaving }: Leaving,
): boolean {
  const member = memberOf(known.isr, standing.broker)
  return member !== undefined && isUnbroken(member, standing) && !isLeaving(standing.broker)
}

function ledBy(known: PartitionState, leader: BrokerId): PartitionState {
  return { ...known, leader, leaderEpoch: known.leaderEpoch + 1 }
}
