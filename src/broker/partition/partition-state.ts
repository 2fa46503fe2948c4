// The znode of one partition: who leads it, which disks hold all that is committed, and in which lives
// of their brokers. Pure; every write of it is conditional on `version`.
//
//   leader ──▶ one of the ISR, in the life that its entry names
//   isr        each has everything committed on its disk; committed means: on the disks of all these
//   eligible   left while the ISR was below min.insync.replicas, so nothing was committed without them
//
// An entry names the broker, the directory and the life that made the promise. The same broker in
// another life may have lost a tail, and with another directory it has lost everything: neither is in
// sync before it has fetched from the leader. Source for `eligible`: KIP-966.

import { type BrokerId, type Life, noBroker } from '../../protocol/mq/messages.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'

export interface Member extends Life {
  readonly broker: BrokerId
  /**
   * Its named life was over when the leader was elected by reports. It keeps its claim until it has
   * caught up in another life, or the lag time is over; it is elected by its report only.
   */
  readonly isAwaited: boolean
}

export interface PartitionState {
  /** noBroker: none */
  readonly leader: BrokerId
  readonly leaderEpoch: number
  readonly controllerEpoch: number
  /** by broker; empty: of no disk is it known that it holds all that was committed */
  readonly isr: readonly Member[]
  /** by broker; empty while the ISR has min.insync.replicas members */
  readonly eligible: readonly Member[]
  /** what some replica knew to be committed when a leader was found to lack it; no shorter log leads */
  readonly committed: Offset
  /** the last epoch that began by a person's choice: what was committed in earlier ones may be gone */
  readonly uncleanEpoch: number
  /** of the znode */
  readonly version: number
}

/** In place of an epoch: no leader was ever chosen by a person. */
export const neverUnclean = -1

export function isSameLife(a: Life, b: Life): boolean {
  return a.brokerEpoch === b.brokerEpoch && a.directory === b.directory
}

export function memberOf(members: readonly Member[], broker: BrokerId): Member | undefined {
  return members.find((member) => member.broker === broker)
}

/** The leader's entry in the ISR; undefined while there is none. */
export function leaderOf({ leader, isr }: PartitionState): Member | undefined {
  return leader === noBroker ? undefined : memberOf(isr, leader)
}

export function byBroker(members: Iterable<Member>): readonly Member[] {
  return [...members].sort((a, b) => a.broker - b.broker)
}

export function brokersOf(members: readonly Member[]): readonly BrokerId[] {
  return members.map(({ broker }) => broker)
}

export function areSameMembers(a: readonly Member[], b: readonly Member[]): boolean {
  if (a.length !== b.length) return false
  return a.every((member) => {
    const other = memberOf(b, member.broker)
    return other !== undefined && isSameLife(member, other) && member.isAwaited === other.isAwaited
  })
}

/**
 * The state with another ISR. Members that leave it while it is, or falls, below min.insync.replicas
 * stay eligible: nothing is committed without them until it is reached again.
 *
 * @param lost members whose disks are gone or damaged: they are eligible for nothing
 */
export function withIsr(
  state: PartitionState,
  isr: readonly Member[],
  { minInsyncReplicas, lost = [] }: IsrChange,
): PartitionState {
  const sorted = byBroker(isr)
  // biome-ignore lint/plugin/noObjectSpread: an ISR changes rarely
  if (isr.length >= minInsyncReplicas) return { ...state, isr: sorted, eligible: [] }
  const left = [...state.eligible, ...state.isr].filter(
    ({ broker }) => memberOf(isr, broker) === undefined && !lost.includes(broker),
  )
  // One that is in both lists promised last as a member of the ISR.
  const latest = new Map(
    left.map(({ broker, directory, brokerEpoch }) => [
      broker,
      { broker, directory, brokerEpoch, isAwaited: false },
    ]),
  )
  const eligible = byBroker(latest.values())
  // biome-ignore lint/plugin/noObjectSpread: an ISR changes rarely
  return { ...state, isr: sorted, eligible }
}

interface IsrChange {
  readonly minInsyncReplicas: number
  readonly lost?: readonly BrokerId[]
}

/**
 * The state once a replica has shown that the leader lacks committed records: it leads no more, and is
 * in sync no more.
 *
 * @param shown what that replica knows to be committed
 */
export function withoutLeader(
  state: PartitionState,
  { shown, minInsyncReplicas }: { readonly shown: Offset; readonly minInsyncReplicas: number },
): PartitionState {
  const others = state.isr.filter(({ broker }) => broker !== state.leader)
  const left = withIsr(state, others, { minInsyncReplicas, lost: [state.leader] })
  // biome-ignore lint/plugin/noObjectSpread: an ISR changes rarely
  return { ...left, leader: noBroker, committed: Math.max(state.committed, shown) }
}
