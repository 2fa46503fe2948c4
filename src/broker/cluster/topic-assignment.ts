// Which brokers have replicas of a topic's partitions, and how that changes (KIP-455). All of it is in
// the znode /brokers/topics/T. Pure; api/reassign-partitions.ts begins and cancels reassignments, and
// the controller finishes them (controller/reassignment.ts).
//
//   replicas    target first ─┬─────────────┬─ then those that are to go
//               1    4    5   │   2    3    │
//   target      1    4    5   │             │   afterwards
//   original    1             │   2    3    │   before, and again when it is cancelled
//
// A replica joins `replicas` in a write that also begins a new leader epoch, so what a leader knows of
// an earlier replica on the same broker counts no longer. It leaves `replicas` in the write that takes
// it out of the ISR, and is then a leftover: its broker removes the directory and takes itself out.
// Only that entry makes a broker remove records.

import type { BrokerId } from '../../protocol/mq/messages.ts'

/** A partition being reassigned. */
export interface Move {
  /** the preferred leader first, as in `target` */
  readonly original: readonly BrokerId[]
  readonly target: readonly BrokerId[]
}

export interface TopicAssignment {
  readonly topicId: string
  /**
   * replicas by partition, also those that are to go; the first of each is preferred as leader
   */
  readonly replicas: readonly (readonly BrokerId[])[]
  /** by partition; those that are not being reassigned have none */
  readonly moves?: ReadonlyMap<number, Move>
  /** by partition: brokers that have to remove what is left of their replicas */
  readonly leftovers?: ReadonlyMap<number, readonly BrokerId[]>
}

/** Replicas that a move makes, and those that it removes. */
export function changesOf(
  { original, target }: Move,
  replicas: readonly BrokerId[],
): { readonly adding: readonly BrokerId[]; readonly removing: readonly BrokerId[] } {
  return { adding: without(target, original), removing: without(replicas, target) }
}

/** Whether the partition only has to lose the replicas that it gained meanwhile. */
export function isGoingBack({ original, target }: Move): boolean {
  return without(target, original).length === 0 && without(original, target).length === 0
}

/** The number of replicas for whatever depends on it: the smaller one while it changes. */
export function replicaCountOf({ replicas, moves }: TopicAssignment, partition: number): number {
  const move = moves?.get(partition)
  if (move === undefined) return replicas[partition]?.length ?? 1
  return Math.min(move.original.length, move.target.length)
}

/** The replicas that the partition has when nothing more is to change. */
export function targetOf(
  { replicas, moves }: TopicAssignment,
  partition: number,
): readonly BrokerId[] {
  return moves?.get(partition)?.target ?? replicas[partition] ?? []
}

/** The assignment once the partition is to have these replicas, in place of any earlier target. */
export function reassigned(
  assignment: TopicAssignment,
  partition: number,
  target: readonly BrokerId[],
): TopicAssignment {
  const present = assignment.replicas[partition] ?? []
  const original = assignment.moves?.get(partition)?.original ?? present
  const replicas = [...target, ...without(present, target)]
  const isSame = replicas.length === target.length && without(target, original).length === 0
  return changed(assignment, partition, {
    replicas,
    move: isSame ? undefined : { original, target },
    leftovers: without(assignment.leftovers?.get(partition) ?? [], replicas),
  })
}

/** The assignment once the partition has its target, and the others are to remove their replicas. */
export function settled(assignment: TopicAssignment, partition: number): TopicAssignment {
  const replicas = targetOf(assignment, partition)
  const gone = without(assignment.replicas[partition] ?? [], replicas)
  const before = assignment.leftovers?.get(partition) ?? []
  return changed(assignment, partition, {
    replicas,
    move: undefined,
    leftovers: [...without(before, gone), ...gone].sort((a, b) => a - b),
  })
}

/** The assignment once a broker has removed what was left of its replicas of these partitions. */
export function cleared(
  assignment: TopicAssignment,
  partitions: readonly number[],
  broker: BrokerId,
): TopicAssignment {
  const leftovers = new Map(assignment.leftovers)
  for (const partition of partitions) {
    putList(leftovers, partition, without(leftovers.get(partition) ?? [], [broker]))
  }
  return { ...assignment, leftovers }
}

/** Partitions whose former replica on this broker is to be removed. */
export function leftoversOf({ leftovers }: TopicAssignment, broker: BrokerId): readonly number[] {
  if (leftovers === undefined) return []
  return [...leftovers].flatMap(([partition, brokers]) => {
    return brokers.includes(broker) ? partition : []
  })
}

/** Every broker that has, or may still have, a directory of one of its partitions. */
export function brokersWith({ replicas, leftovers }: TopicAssignment): readonly BrokerId[] {
  const all = new Set([...replicas.flat(), ...[...(leftovers?.values() ?? [])].flat()])
  return [...all].sort((a, b) => a - b)
}

interface ChangedPartition {
  readonly replicas: readonly BrokerId[]
  readonly move: Move | undefined
  readonly leftovers: readonly BrokerId[]
}

function changed(
  assignment: TopicAssignment,
  partition: number,
  { replicas, move, leftovers }: ChangedPartition,
): TopicAssignment {
  const moves = new Map(assignment.moves)
  if (move === undefined) moves.delete(partition)
  else moves.set(partition, move)
  const left = new Map(assignment.leftovers)
  putList(left, partition, leftovers)
  return {
    topicId: assignment.topicId,
    replicas: assignment.replicas.with(partition, replicas),
    moves,
    leftovers: left,
  }
}

function putList(
  lists: Map<number, readonly BrokerId[]>,
  partition: number,
  list: readonly BrokerId[],
): void {
  if (list.length === 0) lists.delete(partition)
  else lists.set(partition, list)
}

function without(all: readonly BrokerId[], these: readonly BrokerId[]): readonly BrokerId[] {
  return all.filter((id) => !these.includes(id))
}
