// OffsetCommit: commits offsets of a member, or of a consumer outside the group while it is empty.
// Offsets beyond the end of a log are accepted, as in Kafka; a fetch from one is answered
// OFFSET_OUT_OF_RANGE. Negative ones are stored as well: clients such as kafkajs commit -2 or -1 so that
// a group begins anew at the start or the end. Native clients see none committed then.
//
// Next on the path: group/group-coordinator.ts.

import { limits } from '../../limits.ts'
import type {
  OffsetCommitRequest,
  OffsetCommitResponse,
} from '../../protocol/kafka/api/offset-commit.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { failureOf, type Outcome } from '../../protocol/mq/messages.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { repeated } from '../api/repeated.ts'
import type { CommitPartition } from '../group/led-group.ts'
import { errorOf, type KafkaContext, type KafkaReply } from './serving.ts'
import { Split } from './split.ts'

const noLeaderEpoch = -1

type Asked = OffsetCommitRequest['topics'][number]['partitions'][number]

export function answerOffsetCommit(
  { parts, access }: KafkaContext,
  request: OffsetCommitRequest,
  reply: KafkaReply<OffsetCommitResponse>,
): void {
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch, topics } = request
  const places = topics.flatMap(({ name, partitions }) => {
    return partitions.map(({ partitionIndex }) => `${name}/${partitionIndex}`)
  })
  const twice = repeated(places)
  const { retentionTimeMs } = request
  const expireTimestampMs = retentionTimeMs < 0 ? -1 : parts.clock.wallMs() + retentionTimeMs
  const split = new Split(
    topics.flatMap(({ name, partitions }) => {
      if (!access.mayGroup('read', groupId)) {
        return partitions.map(() => access.refusal('group', 'read', groupId))
      }
      if (!access.mayTopic('read', name)) {
        return partitions.map(() => access.refusal('topic', 'read', name))
      }
      return partitions.map((asked) => verdictOn(parts, name, asked, { twice, expireTimestampMs }))
    }),
  )
  const claim = { generation: generationIdOrMemberEpoch, memberId, instanceId: groupInstanceId }
  void parts.groups.commit(groupId, claim, split.accepted).then((outcomes) => {
    const answers = split.join(
      outcomes.map(({ error }) =>
        error === 'NONE' ? done : failed(refuse(error, 'see the code')),
      ),
      failed,
    )
    reply.send({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: answers.forEach(partitions, ({ partitionIndex }, answer) => {
          return { partitionIndex, errorCode: errorOf(answer) }
        }),
      })),
    })
  })
}

const done: Outcome = { error: undefined }

interface Circumstances {
  readonly twice: ReadonlySet<string>
  readonly expireTimestampMs: number
}

function verdictOn(
  { image }: BrokerParts,
  topic: string,
  asked: Asked,
  { twice, expireTimestampMs }: Circumstances,
): CommitPartition | BrokerError {
  const { partitionIndex: partition, committedOffset: offset, committedLeaderEpoch } = asked
  const metadata = asked.committedMetadata ?? ''
  if (!image.hasPartition(topic, partition)) {
    return refuse('UNKNOWN_TOPIC_OR_PARTITION', 'there is no such partition')
  }
  if (twice.has(`${topic}/${partition}`)) return refuse('INVALID_REQUEST', 'it is a duplicate')
  if (metadata.length > limits.commitMetadataLengthMax) {
    return refuse('OFFSET_METADATA_TOO_LARGE', 'its metadata is too long')
  }
  const leaderEpoch = Math.max(committedLeaderEpoch, noLeaderEpoch)
  const follows = undefined
  return { topic, partition, offset, leaderEpoch, metadata, expireTimestampMs, follows }
}

function refuse(code: MqErrorCode, found: string): BrokerError {
  return new BrokerError(code, `Cannot commit an offset: ${found}`)
}

function failed(error: BrokerError): Outcome {
  return { error: failureOf(error) }
}
