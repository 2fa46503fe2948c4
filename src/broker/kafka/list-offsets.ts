// ListOffsets: start and end offsets of logs.
//
// Next on the path: api/list-offsets.ts.

import type {
  ListOffsetsRequest,
  ListOffsetsResponse,
} from '../../protocol/kafka/api/list-offsets.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { ListedOffsets, ListOffsetsPartition } from '../../protocol/mq/list-offsets.ts'
import { anyEpoch, failureOf } from '../../protocol/mq/messages.ts'
import { ask, errorOf, type KafkaContext, type KafkaReply } from './serving.ts'
import { type PartitionAnswers, Split } from './split.ts'

/** In place of a timestamp. */
const [latest, earliest] = [-1, -2]

type Topic = ListOffsetsRequest['topics'][number]
type Asked = Topic['partitions'][number]
type Answer = Pick<ListedOffsets, 'error' | 'earliest' | 'latest' | 'leaderEpoch'>

export function answerListOffsets(
  context: KafkaContext,
  { topics }: ListOffsetsRequest,
  reply: KafkaReply<ListOffsetsResponse>,
): void {
  const split = new Split(
    topics.flatMap(({ name, partitions }) => partitions.map((asked) => verdictOn(name, asked))),
  )
  const request = { type: 'listOffsets', passedOn: true, partitions: split.accepted } as const
  ask(context, request, (answer) => {
    const answers = answer instanceof BrokerError ? answer : answer.partitions
    reply.send({ topics: rowsOf(topics, split.join(answers, failed)) })
  })
}

function verdictOn(
  topic: string,
  { partitionIndex: partition, timestamp, currentLeaderEpoch: leaderEpoch }: Asked,
): ListOffsetsPartition | BrokerError {
  if (timestamp === latest || timestamp === earliest) return { topic, partition, leaderEpoch }
  const message = `Cannot look up ${topic}/${partition} by time: this broker has no time index`
  return new BrokerError('UNSUPPORTED_FOR_MESSAGE_FORMAT', message)
}

function failed(error: BrokerError): Answer {
  return { error: failureOf(error), earliest: -1, latest: -1, leaderEpoch: anyEpoch }
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
      timestamp: -1,
      offset: timestamp === latest ? answer.latest : answer.earliest,
      leaderEpoch: answer.leaderEpoch,
    })),
  }))
}
