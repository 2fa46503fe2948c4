// How many replicas a partition has and lacks, while it is being reassigned too. Kafka's rules: replicas
// that a reassignment is making are not missing yet.

import type { PartitionInfo } from '../protocol/mq/metadata.ts'

export function isUnderReplicated({ isr, replicas, adding = [] }: PartitionInfo): boolean {
  return isr.length < replicas.length - adding.length
}

/** As many as it has when nothing more is to change. */
export function replicaCountOf({ replicas, removing = [] }: PartitionInfo): number {
  return replicas.length - removing.length
}
