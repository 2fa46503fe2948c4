// Where the replicas of new partitions go: round robin over the brokers, so that the leaders spread
// over all brokers, and the followers of each leader over the others. If every broker has a rack, the
// replicas of a partition are on as many racks as there are, up to one each. Pure.
//
// Source: AdminUtils.assignReplicasToBrokers of Kafka 3.9 (KIP-36).

import type { BrokerId } from '../../protocol/mq/messages.ts'

export interface PlacedBroker {
  readonly id: BrokerId
  readonly rack?: string | undefined
}

interface PlacementOptions {
  readonly partitionCount: number
  /** at most the number of brokers */
  readonly replicationFactor: number
  /** where the round robin begins */
  readonly start: number
  /** the first of these partitions; those before it are left out */
  readonly firstPartition?: number
}

/** @returns replicas by partition, from `firstPartition` on; the first of each is preferred as leader */
export function placeReplicas(
  brokers: readonly PlacedBroker[],
  { partitionCount, replicationFactor, start, firstPartition = 0 }: PlacementOptions,
): BrokerId[][] {
  const ring = alternatingRacks(brokers)
  return Array.from({ length: partitionCount - firstPartition }, (_, i) => {
    const partition = firstPartition + i
    // With each round of the ring, the followers are taken one place further on.
    const shift = Math.floor(partition / ring.length) % Math.max(1, ring.length - 1)
    const first = (start + partition) % ring.length
    const followers = Array.from({ length: ring.length - 1 }, (_, place) => {
      return ring[(first + 1 + ((shift + place) % (ring.length - 1))) % ring.length]
    })
    const candidates = [ring[first], ...followers].filter((broker) => broker !== undefined)
    return chosen(candidates, replicationFactor).map(({ id }) => id)
  })
}

/** The first candidates, those of a new rack before others. */
function chosen(candidates: readonly PlacedBroker[], count: number): readonly PlacedBroker[] {
  const racks = new Set<string>()
  const spread: PlacedBroker[] = []
  const rest: PlacedBroker[] = []
  for (const broker of candidates) {
    const { rack } = broker
    if (rack !== undefined && racks.has(rack)) rest.push(broker)
    else spread.push(broker)
    if (rack !== undefined) racks.add(rack)
  }
  return [...spread, ...rest].slice(0, count)
}

/** By id; if every broker has a rack, one of each rack after the other. */
function alternatingRacks(brokers: readonly PlacedBroker[]): readonly PlacedBroker[] {
  const sorted = [...brokers].sort((a, b) => a.id - b.id)
  const byRack = new Map<string, PlacedBroker[]>()
  for (const broker of sorted) {
    if (broker.rack === undefined) return sorted.map(({ id }) => ({ id }))
    byRack.set(broker.rack, [...(byRack.get(broker.rack) ?? []), broker])
  }
  const racks = [...byRack.keys()].sort().map((rack) => byRack.get(rack) ?? [])
  const rounds = Math.max(0, ...racks.map(({ length }) => length))
  return Array.from({ length: rounds }, (_, i) => racks.flatMap((rack) => rack[i] ?? [])).flat()
}
