// What the controller decides: who leads each partition, and that nobody dead is in sync. Pure: the
// cluster as it is known in, the writes that it needs out; driver.ts makes them, each conditional on
// the znode's version and on the controller's epoch, and asks again until nothing is to be done.
//
// The rules are level-triggered: they look at what is, not at what happened, so a controller that
// missed events, or has just been elected, does the same as one that saw everything.
//
//   no state yet               the first usable replica leads, the usable ones are in sync
//   leader lost or restarted   epoch + 1; the first usable member of the ISR, in assignment order
//   no usable member in sync   nobody leads; the ISR stays as it is and keeps the claim
//   others of the ISR lost     they leave it at once
//   a state that is no state   a person wrote it, and a person has to mend it: nothing is written
//
// A replica is usable while its broker lives and does not report that it cannot use it; otherwise it
// is lost.
//
// There is no unclean election. A leader that was restarted gets a new epoch even if it leads again:
// see `leaderBrokerEpoch`. Source: Kafka's PartitionStateMachine and Election.scala (3.9).

import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import type { PartitionState } from '../partition/partition.ts'
import type { ClusterImage, LiveBroker } from './cluster-image.ts'

/** `state.version` is what the write is conditional on; `newState` for a znode that is to be made. */
export interface StateWrite {
  readonly topic: string
  readonly partition: number
  readonly state: PartitionState
}

/** In place of a version: there is no such znode yet. */
export const newState = -1

export function controllerWrites(image: ClusterImage, controllerEpoch: number): StateWrite[] {
  const writes: StateWrite[] = []
  for (const { topic, assignment, stateProblems } of image.topics.values()) {
    const { topicId } = assignment
    for (const [partition, replicas] of assignment.replicas.entries()) {
      if (stateProblems.has(partition)) continue
      const usable = new Map<BrokerId, LiveBroker>()
      for (const broker of replicas) {
        const live = image.brokers.get(broker)
        if (live === undefined) continue
        if (image.unavailable({ topicId, partition, broker }) !== undefined) continue
        usable.set(broker, live)
      }
      const known = image.state(topic, partition)
      const wanted =
        known === undefined ? firstState(replicas, usable) : nextState(known, replicas, usable)
      if (wanted === undefined) continue
      writes.push({ topic, partition, state: { ...wanted, controllerEpoch } })
    }
  }
  return writes
}

/** Brokers with a usable replica of the partition. */
type Usable = ReadonlyMap<BrokerId, LiveBroker>
type WantedState = Omit<PartitionState, 'controllerEpoch'>

function firstState(replicas: readonly BrokerId[], usable: Usable): WantedState | undefined {
  const isr = replicas.filter((id) => usable.has(id))
  const [leader] = isr
  if (leader === undefined) return undefined
  return { ...ledBy(leader, usable), leaderEpoch: 0, isr: sorted(isr), version: newState }
}

/** @returns undefined if everything is as it should be */
function nextState(
  known: PartitionState,
  replicas: readonly BrokerId[],
  usable: Usable,
): WantedState | undefined {
  const { leader, leaderBrokerEpoch, leaderEpoch, isr, version } = known
  const left = isr.filter((id) => usable.has(id))
  if (leader !== noBroker && usable.get(leader)?.epoch === leaderBrokerEpoch) {
    if (left.length === isr.length) return undefined
    return { ...ledBy(leader, usable), leaderEpoch, isr: left, version }
  }
  const next = replicas.find((id) => left.includes(id)) ?? noBroker
  if (next === noBroker && leader === noBroker) return undefined
  const inSync = next === noBroker ? isr : left
  return { ...ledBy(next, usable), leaderEpoch: leaderEpoch + 1, isr: inSync, version }
}

function ledBy(leader: BrokerId, usable: Usable) {
  return { leader, leaderBrokerEpoch: usable.get(leader)?.epoch ?? 0 }
}

function sorted(ids: readonly BrokerId[]): readonly BrokerId[] {
  return [...ids].sort((a, b) => a - b)
}

/**
 * Replicas for a new topic: round robin over the brokers from `start` on, so that leaders spread over
 * all of them, and what follows a leader spreads over the others.
 */
export function placeReplicas(
  brokers: readonly BrokerId[],
  { partitionCount, replicationFactor, start }: PlacementOptions,
): BrokerId[][] {
  const ring = [...brokers].sort((a, b) => a - b)
  return Array.from({ length: partitionCount }, (_, partition) => {
    const first = start + partition
    // Each time round the ring the followers are taken from one place further on.
    const shift = Math.floor(partition / ring.length) % Math.max(1, ring.length - 1)
    return Array.from({ length: replicationFactor }, (_, replica) => {
      const step = replica === 0 ? 0 : 1 + ((shift + replica - 1) % (ring.length - 1))
      return ring[(first + step) % ring.length] as BrokerId
    })
  })
}

export interface PlacementOptions {
  readonly partitionCount: number
  /** at most the number of brokers */
  readonly replicationFactor: number
  readonly start: number
}
