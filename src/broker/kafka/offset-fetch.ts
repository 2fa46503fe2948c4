// OffsetFetch: committed offsets of groups. Without transactions every commit is stable.
//
// Next on the path: group/group-coordinator.ts.

import type {
  OffsetFetchRequest,
  OffsetFetchResponse,
} from '../../protocol/kafka/api/offset-fetch.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { codeOf } from '../group/group-coordinator.ts'
import type { CommittedOffset } from '../group/group-offsets.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

/** First version whose requests may name several groups. */
const groupsFrom = 8
/** In earlier versions only partitions have errors. */
const groupErrorFrom = 2

type GroupRow = NonNullable<OffsetFetchResponse['groups']>[number]
type TopicRow = GroupRow['topics'][number]
type PartitionRow = TopicRow['partitions'][number]
type Asked = OffsetFetchRequest['groups'][number]

/** Of a partition for which nothing is committed. */
const [noOffset, noLeaderEpoch] = [-1, -1]

export function answerOffsetFetch(
  context: KafkaContext,
  { groupId, topics, groups }: OffsetFetchRequest,
  reply: KafkaReply<OffsetFetchResponse>,
): void {
  const { version } = context
  if (version >= groupsFrom) {
    reply.send({ groups: groups.map((asked) => groupRow(context, asked)) })
    return
  }
  const row = groupRow(context, { groupId, topics })
  const { errorCode } = row
  const isUnsaid = errorCode !== numberOf('NONE') && version < groupErrorFrom
  const failed = (topics ?? []).map(({ name, partitionIndexes }) => {
    return { name, partitions: partitionIndexes.map((index) => nothing(index, errorCode)) }
  })
  reply.send({ topics: isUnsaid ? failed : row.topics, errorCode })
}

function groupRow({ parts, access }: KafkaContext, { groupId, topics }: Asked): GroupRow {
  const { groups } = parts
  const mayDescribe = (topic: string) => access.mayTopic('describe', topic)
  if (!access.mayGroup('describe', groupId)) {
    return { groupId, topics: [], errorCode: numberOf('GROUP_AUTHORIZATION_FAILED') }
  }
  try {
    const rows =
      topics === null
        ? allRows(groups.allCommitted(groupId)).filter(({ name }) => mayDescribe(name))
        : topics.map(({ name, partitionIndexes }) => ({
            name,
            partitions: partitionIndexes.map((partition) => {
              if (!mayDescribe(name)) {
                return nothing(partition, numberOf('TOPIC_AUTHORIZATION_FAILED'))
              }
              const stored = groups.committed(groupId, { topic: name, partition })
              return stored === undefined ? nothing(partition) : partitionRow(partition, stored)
            }),
          }))
    return { groupId, topics: rows, errorCode: numberOf('NONE') }
  } catch (error) {
    return { groupId, topics: [], errorCode: numberOf(codeOf(error)) }
  }
}

/** @param all by topic and partition */
function allRows(all: ReturnType<BrokerParts['groups']['allCommitted']>): readonly TopicRow[] {
  const rows: { readonly name: string; readonly partitions: PartitionRow[] }[] = []
  for (const [{ topic, partition }, stored] of all) {
    if (rows.at(-1)?.name !== topic) rows.push({ name: topic, partitions: [] })
    rows.at(-1)?.partitions.push(partitionRow(partition, stored))
  }
  return rows
}

function partitionRow(
  partitionIndex: number,
  { offset, leaderEpoch, metadata }: CommittedOffset,
): PartitionRow {
  return {
    partitionIndex,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    metadata,
    errorCode: numberOf('NONE'),
  }
}

function nothing(partitionIndex: number, errorCode = numberOf('NONE')): PartitionRow {
  return {
    partitionIndex,
    committedOffset: noOffset,
    committedLeaderEpoch: noLeaderEpoch,
    metadata: '',
    errorCode,
  }
}
