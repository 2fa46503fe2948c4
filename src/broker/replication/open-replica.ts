// Opens one replica: claims its directory, and tells it what was known of it when the broker last ran.

import type { SegmentMemory } from '../../log/segment.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { Disk } from '../../world.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import type { Checkpoint } from '../partition/checkpoint.ts'
import {
  claimDirectory,
  directoryName,
  isIncomplete,
  isNewDirectory,
  isSuspect,
  markIncomplete,
  type PartitionName,
} from '../partition/partition-directory.ts'
import { Replica, type ReplicaHost } from './replica.ts'

/** A replica that the image assigns to this broker. */
export interface Assigned extends PartitionName {
  readonly replicas: readonly BrokerId[]
  /** the topic's znode's */
  readonly version: number
}

export interface OpeningParts {
  readonly self: BrokerId
  readonly image: ClusterImage
  readonly disk: Disk
  readonly flush: 'group' | 'os'
  readonly lagTimeMsMax: number
  readonly checkpoint: Checkpoint
  readonly memory: SegmentMemory
}

/**
 * @throws PartitionDirectoryError, LogDamagedError, LogVersionError, or what the file system throws
 */
export function openReplica(assigned: Assigned, parts: OpeningParts, host: ReplicaHost): Replica {
  const { topic, topicId, partition, replicas, version } = assigned
  const { self, disk, image, flush, lagTimeMsMax, memory } = parts
  const name = directoryName(assigned)
  const directory = disk.openLog(name)
  const checkpoint = parts.checkpoint.get(name)
  try {
    const hadRecords = checkpoint.durableEnd > 0 || checkpoint.highWatermark > 0
    if (isNewDirectory(directory) && hadRecords) markIncomplete(directory)
    claimDirectory(directory, { topic, topicId, partition })
  } catch (error) {
    directory.close()
    throw error
  }
  const options = {
    topic,
    topicId,
    partition,
    self,
    replicas,
    assignmentVersion: version,
    // Until the image is applied, which shows whether the partition is being reassigned.
    minInsyncReplicas: image.configs.minInsyncReplicas(topic, replicas.length),
    lagTimeMsMax,
    directory,
    segmentBytes: image.topicConfig(topic)['segment.bytes'],
    flush,
    memory,
    checkpoint,
    isIncomplete: isIncomplete(directory),
    isSuspect: isSuspect(directory),
  }
  return new Replica(options, host)
}
