// How the leader of a group divides partitions among its members: Kafka's assignors, by their names, so
// that members of other clients can be in the same group. Pure.
//
//   range               per topic: to each member a range, the first members get one more
//   roundrobin          all partitions in turn, over all members
//   sticky              as even as possible, and members keep what they have
//   cooperative-sticky  the same; a partition that moves is assigned in the next generation, when its
//                       owner has given it up: nothing else stops meanwhile (KIP-429)
//
// Source: RangeAssignor, RoundRobinAssignor, CooperativeStickyAssignor of Kafka 3.9.

import type { TopicPartition } from '../options.ts'
import type { AssignorName } from './assignor-names.ts'

export interface AssignedMember {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly topics: readonly string[]
  /** what it has, or had in the last generation; of `generation` */
  readonly owned: readonly TopicPartition[]
  /** -1: not known */
  readonly generation: number
}

/** By member. */
export type Assignments = ReadonlyMap<string, readonly TopicPartition[]>

/** @param partitionCounts of the topics that exist */
export function assign(
  name: AssignorName,
  members: readonly AssignedMember[],
  partitionCounts: ReadonlyMap<string, number>,
): Assignments {
  const sorted = [...members].sort(byId)
  switch (name) {
    case 'range':
      return range(sorted, partitionCounts)
    case 'roundrobin':
      return roundRobin(sorted, partitionCounts)
    case 'sticky':
      return sticky(sorted, partitionCounts)
    case 'cooperative-sticky':
      return withoutMoves(sorted, sticky(sorted, partitionCounts))
  }
}

/** Static members first, by their instances: they keep their places when they restart. */
function byId(a: AssignedMember, b: AssignedMember): number {
  if (a.instanceId !== undefined && b.instanceId !== undefined) {
    return compare(a.instanceId, b.instanceId)
  }
  if (a.instanceId !== undefined) return -1
  return b.instanceId !== undefined ? 1 : compare(a.memberId, b.memberId)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function range(
  members: readonly AssignedMember[],
  partitionCounts: ReadonlyMap<string, number>,
): Assignments {
  const assigned = nothingFor(members)
  for (const [topic, count] of byTopic(partitionCounts)) {
    const takers = members.filter(({ topics }) => topics.includes(topic))
    let next = 0
    for (const [i, { memberId }] of takers.entries()) {
      const share = Math.floor(count / takers.length) + (i < count % takers.length ? 1 : 0)
      for (let left = share; left > 0; left--) {
        assigned.get(memberId)?.push({ topic, partition: next++ })
      }
    }
  }
  return assigned
}

function roundRobin(
  members: readonly AssignedMember[],
  partitionCounts: ReadonlyMap<string, number>,
): Assignments {
  const assigned = nothingFor(members)
  let turn = 0
  for (const place of allPartitions(partitionCounts)) {
    for (let tries = 0; tries < members.length; tries++) {
      const member = members[turn++ % members.length]
      if (member?.topics.includes(place.topic) !== true) continue
      assigned.get(member.memberId)?.push(place)
      break
    }
  }
  return assigned
}

function sticky(
  members: readonly AssignedMember[],
  partitionCounts: ReadonlyMap<string, number>,
): Assignments {
  const assigned = nothingFor(members)
  const owners = ownersOf(members)
  const free: TopicPartition[] = []
  for (const place of allPartitions(partitionCounts)) {
    const owner = owners.get(nameOf(place))
    if (owner?.topics.includes(place.topic) === true) assigned.get(owner.memberId)?.push(place)
    else free.push(place)
  }
  const countOf = ({ memberId }: AssignedMember) => assigned.get(memberId)?.length ?? 0
  const leastOf = (topic: string) => {
    let least: AssignedMember | undefined
    for (const member of members) {
      if (!member.topics.includes(topic)) continue
      if (least === undefined || countOf(member) < countOf(least)) least = member
    }
    return least
  }
  for (const place of free) {
    const least = leastOf(place.topic)
    if (least !== undefined) assigned.get(least.memberId)?.push(place)
  }
  // A move from a member to another that has at least two fewer makes the shares more even, so the
  // moves come to an end.
  for (let isMoved = true; isMoved; ) {
    isMoved = false
    for (const member of members) {
      const own = assigned.get(member.memberId) ?? []
      for (let i = own.length - 1; i >= 0; i--) {
        const place = own[i]
        const least = place === undefined ? undefined : leastOf(place.topic)
        if (place === undefined || least === undefined) continue
        if (countOf(member) - countOf(least) < 2) continue
        own.splice(i, 1)
        assigned.get(least.memberId)?.push(place)
        isMoved = true
      }
    }
  }
  return assigned
}

/** The owner that a partition has by the latest generation; none if two claim it in the same. */
function ownersOf(members: readonly AssignedMember[]): ReadonlyMap<string, AssignedMember> {
  const owners = new Map<string, AssignedMember>()
  const disputed = new Map<string, number>()
  for (const member of members) {
    for (const place of member.owned) {
      const name = nameOf(place)
      const other = owners.get(name)
      if (other !== undefined && other.generation === member.generation) {
        disputed.set(name, member.generation)
      }
      if (other === undefined || member.generation > other.generation) owners.set(name, member)
    }
  }
  for (const [name, generation] of disputed) {
    if (owners.get(name)?.generation === generation) owners.delete(name)
  }
  return owners
}

/** Leaves out what another member may still have. */
function withoutMoves(members: readonly AssignedMember[], wanted: Assignments): Assignments {
  const holders = new Map<string, Set<string>>()
  for (const { memberId, owned } of members) {
    for (const place of owned) {
      const name = nameOf(place)
      holders.set(name, (holders.get(name) ?? new Set()).add(memberId))
    }
  }
  return new Map(
    [...wanted].map(([memberId, places]) => {
      const safe = places.filter((place) => {
        return [...(holders.get(nameOf(place)) ?? [])].every((holder) => holder === memberId)
      })
      return [memberId, safe] as const
    }),
  )
}

function nothingFor(members: readonly AssignedMember[]): Map<string, TopicPartition[]> {
  return new Map(members.map(({ memberId }) => [memberId, []]))
}

function byTopic(
  partitionCounts: ReadonlyMap<string, number>,
): readonly (readonly [string, number])[] {
  return [...partitionCounts].sort(([a], [b]) => compare(a, b))
}

function allPartitions(partitionCounts: ReadonlyMap<string, number>): readonly TopicPartition[] {
  return byTopic(partitionCounts).flatMap(([topic, count]) => {
    return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
  })
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
