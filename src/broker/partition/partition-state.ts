// The content of one partition's znode: its leader, the disks that hold every committed record, and
// the lives of their brokers. Pure; every write of the znode is conditional on `version`.
//
//   leader ──▶ one of the ISR, in the life that its entry names
//   isr        a record is committed when it is on the disks of all these members
//   eligible   left while the ISR was below min.insync.replicas: nothing was committed since
//
// An entry names the broker, the directory and the life that is in sync. The same broker in another
// life may have lost a tail, and with another directory it has lost everything: in both cases it is
// in sync only once it has fetched from the leader. Source for `eligible`: KIP-966.

import { type BrokerId, type Life, noBroker } from '../../protocol/mq/messages.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'

export interface Member extends Life {
  readonly broker: BrokerId
  /**
   * Its named life was over when the leader was elected by reports. It stays in the ISR until it
   * has caught up in another life or the lag time has passed; it can lead only by its report.
   */
  readonly isAwaited: boolean
}

export interface PartitionState {
  /** noBroker: none */
  readonly leader: BrokerId
  readonly leaderEpoch: number
  readonly controllerEpoch: number
  /** by broker; empty: no disk is known to hold every committed record */
  readonly isr: readonly Member[]
  /** by broker; empty while the ISR has min.insync.replicas members */
  readonly eligible: readonly Member[]
  /** high watermark of a replica that showed a leader to lack records; no shorter log may lead */
  readonly committed: Offset
  /** last epoch whose leader an operator chose: records committed in earlier epochs may be gone */
  readonly uncleanEpoch: number
  /** the znode's version */
  readonly version: number
}

/** In place of an epoch: no operator ever chose a leader. */
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
 * The state with another ISR. Members that leave while it is, or falls, below min.insync.replicas
 * become eligible: nothing is committed without them until the ISR is that large again.
 *
 * @param lost members whose disks are gone or damaged: they do not become eligible
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
  // A broker in both lists was in sync more recently as a member of the ISR, so that entry wins.
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
 * The state after a replica has shown that the leader lacks committed records: the leader no longer
 * leads and is no longer in sync.
 *
 * @param shown that replica's high watermark
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
