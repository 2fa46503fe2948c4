// The topic in which groups and their committed offsets are stored, as in Kafka. Each group belongs to one
// of its partitions, and the leader of that partition is the group's coordinator.

import type { ClusterImage } from '../cluster/cluster-image.ts'

export const offsetsTopic = '__consumer_offsets'

/** Only brokers write to internal topics. */
export function isInternal(topic: string): boolean {
  return topic === offsetsTopic
}

/** Kafka's rule, so that tools that know it find a group's records. */
export function partitionOf(group: string, partitionCount: number): number {
  const hash = javaHash(group)
  // Java's Math.abs leaves the smallest int negative; Kafka takes 0 for it.
  return hash === -0x8000_0000 ? 0 : Math.abs(hash) % partitionCount
}

/** Java's String.hashCode. */
function javaHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

/** @returns undefined while the topic does not exist */
export function partitionCountIn(image: ClusterImage): number | undefined {
  return image.topics.get(offsetsTopic)?.assignment.replicas.length
}

/**
 * The replicas that each partition gets: few brokers of a cluster may be up when its first group comes, and
 * the number is not raised later by itself. So brokers that are down count, if any topic has replicas on
 * them.
 */
export function replicaCountFor(image: ClusterImage, replicaCountMax: number): number {
  const known = new Set(image.brokers.keys())
  for (const { assignment } of image.topics.values()) {
    for (const replicas of assignment.replicas) for (const id of replicas) known.add(id)
  }
  return Math.min(replicaCountMax, known.size)
}
