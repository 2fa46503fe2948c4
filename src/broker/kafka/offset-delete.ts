// OffsetDelete: committed offsets of topics that no member of the group consumes.
//
// Next on the path: group/group-coordinator.ts.

import type {
  OffsetDeleteRequest,
  OffsetDeleteResponse,
} from '../../protocol/kafka/api/offset-delete.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

export function answerOffsetDelete(
  { parts, access }: KafkaContext,
  { groupId, topics }: OffsetDeleteRequest,
  reply: KafkaReply<OffsetDeleteResponse>,
): void {
  if (!access.mayGroup('delete', groupId)) {
    reply.send({ errorCode: numberOf('GROUP_AUTHORIZATION_FAILED'), topics: [] })
    return
  }
  const mayRead = (topic: string) => access.mayTopic('read', topic)
  const places = topics.flatMap(({ name: topic, partitions }) => {
    if (!mayRead(topic)) return []
    return partitions.map(({ partitionIndex: partition }) => ({ topic, partition }))
  })
  void parts.groups.deleteOffsets(groupId, places).then((outcomes) => {
    if (typeof outcomes === 'string') {
      reply.send({ errorCode: numberOf(outcomes), topics: [] })
      return
    }
    // A group that is in use for something other than topics cannot be changed at all.
    const ofAll = outcomes.includes('NON_EMPTY_GROUP') ? 'NON_EMPTY_GROUP' : 'NONE'
    if (ofAll !== 'NONE') {
      reply.send({ errorCode: numberOf(ofAll), topics: [] })
      return
    }
    let next = 0
    const verdict = (topic: string, partition: number): MqErrorCode => {
      if (!mayRead(topic)) return 'TOPIC_AUTHORIZATION_FAILED'
      const outcome = outcomes[next++] ?? 'NONE'
      if (parts.image.hasPartition(topic, partition)) return outcome
      return outcome === 'NONE' ? 'UNKNOWN_TOPIC_OR_PARTITION' : outcome
    }
    reply.send({
      errorCode: numberOf('NONE'),
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          return { partitionIndex, errorCode: numberOf(verdict(name, partitionIndex)) }
        }),
      })),
    })
  })
}
