// Finishes the reassignment of a partition: leadership and the ISR go to the target, and the other
// replicas leave. Pure; controller.ts asks it about each partition that needs no other change, and
// driver.ts writes the state and the topic's assignment in one multi.
//
//   replicas are being made     all of the target are in the ISR
//   otherwise, as when it is    what is left of the ISR has min.insync.replicas members, or loses none;
//   cancelled                   a member of the target can lead
//
// Until then all replicas count as Kafka's do: members of the ISR, whether they come or go, must have a
// record before it is committed. Source: Kafka's KafkaController.onPartitionReassignment (3.9), KIP-455.

import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import { isUnbroken, type Standing } from '../cluster/replica-status.ts'
import {
  isGoingBack,
  type Move,
  settled,
  type TopicAssignment,
} from '../cluster/topic-assignment.ts'
import { leaderOf, memberOf, type PartitionState, withIsr } from '../partition/partition-state.ts'
import { type Leaving, mayTakeOver } from './leadership.ts'

/** What a partition's brokers do now. */
interface Seen extends Leaving {
  /** of every replica, in assignment order */
  readonly standings: readonly Standing[]
  readonly minInsyncReplicas: number
}

/** Reassignments that end, and the states of their partitions: one write, or none of it. */
export interface TopicWrite {
  readonly topic: string
  /** of the topic's znode: the write is conditional on it */
  readonly version: number
  readonly assignment: TopicAssignment
  /** each conditional on its version */
  readonly states: readonly SettledPartition[]
}

interface SettledPartition {
  readonly partition: number
  readonly state: PartitionState
}

/** Partitions of one topic that are settled in one write; the next ones are settled right after it. */
const settledAtOnce = 100

/**
 * The writes that end these reassignments.
 *
 * @param settling states from `settledState`, of partitions of the image's assignments
 */
export function topicWritesOf(
  image: ClusterImage,
  settling: Iterable<SettledPartition & { readonly topic: string }>,
): readonly TopicWrite[] {
  const byTopic = new Map<string, TopicWrite & { readonly states: SettledPartition[] }>()
  for (const { topic, partition, state } of settling) {
    const found = image.topics.get(topic)
    if (found === undefined) continue
    const { version, assignment } = found
    const write = byTopic.get(topic)
    const states = write?.states ?? []
    if (states.length >= settledAtOnce) continue
    states.push({ partition, state })
    const sofar = write?.assignment ?? assignment
    byTopic.set(topic, { topic, version, assignment: settled(sofar, partition), states })
  }
  return [...byTopic.values()]
}

/**
 * @param known a state with a leader, which nothing else has to change
 * @returns the state that only the target is left in; undefined: it is too early
 */
export function settledState(
  known: PartitionState,
  move: Move,
  seen: Seen,
): PartitionState | undefined {
  const { standings, minInsyncReplicas } = seen
  const { target } = move
  const isr = known.isr.filter(({ broker }) => target.includes(broker))
  if (!isGoingBack(move) && !target.every((broker) => isInSync(known, broker, standings))) {
    return undefined
  }
  const gone = standings.map(({ broker }) => broker).filter((id) => !target.includes(id))
  const isLosing = [...known.isr, ...known.eligible].some(({ broker }) => gone.includes(broker))
  // Each of them has every committed record, and may be one of few that have.
  if (isLosing && isr.length < Math.min(minInsyncReplicas, target.length)) return undefined
  const leader = nextLeader(known, move, seen)
  if (leader === undefined) return undefined
  const left = withIsr(known, isr, { minInsyncReplicas, lost: gone })
  if (leader === known.leader) return left
  return { ...left, leader, leaderEpoch: known.leaderEpoch + 1 }
}

function isInSync(
  { isr }: PartitionState,
  broker: BrokerId,
  standings: readonly Standing[],
): boolean {
  const member = memberOf(isr, broker)
  const standing = standings.find((each) => each.broker === broker)
  return member !== undefined && isUnbroken(member, standing)
}

/** The leader stays if the target has it; else the first of the target that can lead. */
function nextLeader(known: PartitionState, { target }: Move, seen: Seen): BrokerId | undefined {
  const leader = leaderOf(known)?.broker
  if (leader === undefined || target.includes(leader)) return leader
  const { standings } = seen
  const able = standings.filter(({ broker }) => {
    return target.includes(broker) && isInSync(known, broker, standings)
  })
  return (able.find((each) => mayTakeOver(known, each, seen)) ?? able[0])?.broker
}
