// ListOffsets: start and end offsets of logs.
//
// Next on the path: api/list-offsets.ts.

import type {
  ListOffsetsRequest,
  ListOffsetsResponse,
} from '../../protocol/kafka/api/list-offsets.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import {
  type ListedOffsets,
  type ListOffsetsPartition,
  latestTimestamp,
} from '../../protocol/mq/list-offsets.ts'
import { anyEpoch, failureOf } from '../../protocol/mq/messages.ts'
import { ask, errorOf, type KafkaContext, type KafkaReply } from './serving.ts'
import { type PartitionAnswers, Split } from './split.ts'

/** In place of a timestamp. */
const [latest, earliest] = [-1, -2]

type Topic = ListOffsetsRequest['topics'][number]
type Asked = Topic['partitions'][number]
type Answer = Pick<ListedOffsets, 'error' | 'earliest' | 'latest' | 'leaderEpoch' | 'found'>

export function answerListOffsets(
  context: KafkaContext,
  { topics }: ListOffsetsRequest,
  reply: KafkaReply<ListOffsetsResponse>,
): void {
  const split = new Split(
    topics.flatMap(({ name, partitions }) =>
      partitions.map((asked) => verdictOn(context, name, asked)),
    ),
  )
  const request = { type: 'listOffsets', passedOn: true, partitions: split.accepted } as const
  ask(context, request, (answer) => {
    const answers = answer instanceof BrokerError ? answer : answer.partitions
    reply.send({ topics: rowsOf(topics, split.join(answers, failed)) })
  })
}

function verdictOn(
  { access }: KafkaContext,
  topic: string,
  { partitionIndex: partition, timestamp, currentLeaderEpoch: leaderEpoch }: Asked,
): ListOffsetsPartition | BrokerError {
  if (!access.mayTopic('describe', topic)) return access.refusal('topic', 'describe', topic)
  if (timestamp === latest || timestamp === earliest) {
    return { topic, partition, leaderEpoch }
  }
  if (timestamp >= 0 || timestamp === latestTimestamp) {
    return { topic, partition, leaderEpoch, timestampMs: timestamp }
  }
  const message = `Cannot look up ${topic}/${partition} by time: ${timestamp} has no meaning here`
  return new BrokerError('UNSUPPORTED_VERSION', message)
}

function failed(error: BrokerError): Answer {
  const leaderEpoch = anyEpoch
  return { error: failureOf(error), earliest: -1, latest: -1, leaderEpoch, found: undefined }
}

function rowsOf(
  topics: readonly Topic[],
  answers: PartitionAnswers<Answer>,
): ListOffsetsResponse['topics'] {
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: answers.forEach(partitions, ({ partitionIndex, timestamp }, answer) => ({
      partitionIndex,
      errorCode: errorOf(answer),
      timestamp: answer.found?.timestampMs ?? -1,
      offset: offsetOf(answer, timestamp),
      leaderEpoch: answer.leaderEpoch,
    })),
  }))
}

/** No record has the time: -1. */
function offsetOf(answer: Answer, timestamp: number): number {
  if (timestamp === latest) return answer.latest
  return timestamp === earliest ? answer.earliest : (answer.found?.offset ?? -1)
}
