// OffsetFetch: committed offsets of groups. Without transactions every commit is stable.
//
// Next on the path: group/group-coordinator.ts.

import type {
  OffsetFetchRequest,
  OffsetFetchResponse,
} from '../../protocol/kafka/api/offset-fetch.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { noLeaderEpoch } from '../group/commit-text.ts'
import { codeOf } from '../group/group-coordinator.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

/** First version whose requests may name several groups. */
const groupsFrom = 8
/** In earlier versions only partitions have errors. */
const groupErrorFrom = 2

type GroupRow = NonNullable<OffsetFetchResponse['groups']>[number]
type TopicRow = GroupRow['topics'][number]
type PartitionRow = TopicRow['partitions'][number]
type Asked = OffsetFetchRequest['groups'][number]

/** Offset of a partition without a committed offset. */
const noOffset = -1

export function answerOffsetFetch(
  { parts, version }: KafkaContext,
  { groupId, topics, groups }: OffsetFetchRequest,
  reply: KafkaReply<OffsetFetchResponse>,
): void {
  if (version >= groupsFrom) {
    const rows = groups.map((asked) => groupRow(parts, asked))
    void Promise.all(rows).then((found) => reply.send({ groups: found }))
    return
  }
  void groupRow(parts, { groupId, topics }).then((row) => {
    const { errorCode } = row
    const isUnsaid = errorCode !== numberOf('NONE') && version < groupErrorFrom
    const failed = (topics ?? []).map(({ name, partitionIndexes }) => {
      return { name, partitions: partitionIndexes.map((index) => nothing(index, errorCode)) }
    })
    reply.send({ topics: isUnsaid ? failed : row.topics, errorCode })
  })
}

async function groupRow({ groups }: BrokerParts, { groupId, topics }: Asked): Promise<GroupRow> {
  try {
    await groups.beginReading(groupId)
    const asked =
      topics?.map(({ name, partitionIndexes }) => ({
        topic: name,
        partitions: partitionIndexes,
      })) ?? (await groups.committedPartitions(groupId))
    const rows = asked.map(async ({ topic, partitions }): Promise<TopicRow> => {
      const found = partitions.map(async (partition): Promise<PartitionRow> => {
        const stored = await groups.committed(groupId, topic, partition)
        if (stored === undefined) return nothing(partition, numberOf('NONE'))
        // Answering "nothing committed" would silently reset the consumer.
        if (stored === 'unreadable') return nothing(partition, numberOf('UNKNOWN_SERVER_ERROR'))
        const { offset, leaderEpoch, metadata } = stored
        return {
          partitionIndex: partition,
          committedOffset: offset,
          committedLeaderEpoch: leaderEpoch,
          metadata,
          errorCode: numberOf('NONE'),
        }
      })
      return { name: topic, partitions: await Promise.all(found) }
    })
    return { groupId, topics: await Promise.all(rows), errorCode: numberOf('NONE') }
  } catch (error) {
    return { groupId, topics: [], errorCode: numberOf(codeOf(error)) }
  }
}

function nothing(partitionIndex: number, errorCode: number): PartitionRow {
  return {
    partitionIndex,
    committedOffset: noOffset,
    committedLeaderEpoch: noLeaderEpoch,
    metadata: '',
    errorCode,
  }
}
