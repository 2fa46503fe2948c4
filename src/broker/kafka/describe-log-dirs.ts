// DescribeLogDirs: how large the replicas on this broker are. A broker has one directory of logs.

import type {
  DescribeLogDirsRequest,
  DescribeLogDirsResponse,
} from '../../protocol/kafka/api/describe-log-dirs.ts'
import type { ServedReplica } from '../api/broker-parts.ts'
import { sizeOf } from '../api/describe-log-dirs.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

type TopicRow = DescribeLogDirsResponse['results'][number]['topics'][number]

export function answerDescribeLogDirs(
  { parts, access }: KafkaContext,
  { topics }: DescribeLogDirsRequest,
  reply: KafkaReply<DescribeLogDirsResponse>,
): void {
  if (!access.mayCluster('describe')) {
    reply.send({ errorCode: numberOf('CLUSTER_AUTHORIZATION_FAILED'), results: [] })
    return
  }
  const found =
    topics === null
      ? [...parts.replicas.replicas]
      : topics.flatMap(({ topic, partitions }) =>
          partitions.flatMap((partition) => parts.replicas.get(topic, partition) ?? []),
        )
  const result = { errorCode: numberOf('NONE'), logDir: parts.dataDir, topics: rowsOf(found) }
  reply.send({ results: [result] })
}

function rowsOf(replicas: readonly ServedReplica[]): TopicRow[] {
  const byTopic = new Map<string, TopicRow['partitions'][number][]>()
  for (const replica of replicas) {
    const { topic, partition, sizeBytes, lag } = sizeOf(replica)
    const rows = byTopic.get(topic) ?? []
    rows.push({
      partitionIndex: partition,
      partitionSize: sizeBytes,
      offsetLag: lag,
      isFutureKey: false,
    })
    byTopic.set(topic, rows)
  }
  return [...byTopic].map(([name, partitions]) => ({ name, partitions }))
}
