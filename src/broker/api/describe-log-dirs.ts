// describeLogDirs: the sizes of the replicas on this broker, which has one directory of logs.

import type {
  DescribeLogDirsRequest,
  DescribeLogDirsResponse,
  ReplicaSize,
} from '../../protocol/mq/describe-log-dirs.ts'
import type { BrokerParts, ServedReplica } from './broker-parts.ts'

export function describeLogDirs(
  { replicas, dataDir }: BrokerParts,
  { topics }: DescribeLogDirsRequest,
): DescribeLogDirsResponse {
  const wanted = topics === undefined ? undefined : new Set(topics)
  const found = [...replicas.replicas].filter(({ topic }) => wanted?.has(topic) ?? true)
  return { type: 'describeLogDirs', dataDir, replicas: found.map(sizeOf) }
}

export function sizeOf(replica: ServedReplica): ReplicaSize {
  const { topic, partition, logBytes: sizeBytes, logEnd, highWatermark } = replica
  return { topic, partition, sizeBytes, lag: Math.max(0, highWatermark - logEnd) }
}
