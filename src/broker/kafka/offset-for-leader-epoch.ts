// OffsetForLeaderEpoch: end offsets of leader epochs, for consumers that check whether a log was
// truncated below their position.
//
// Next on the path: api/offset-for-leader-epoch.ts.

import type {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from '../../protocol/kafka/api/offset-for-leader-epoch.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { failureOf } from '../../protocol/mq/messages.ts'
import type { EpochOffset, EpochPartition } from '../../protocol/mq/offset-for-leader-epoch.ts'
import { ask, errorOf, type KafkaContext, type KafkaReply } from './serving.ts'
import { Split } from './split.ts'

type Answer = Pick<EpochOffset, 'error' | 'epoch' | 'endOffset'>

export function answerOffsetForLeaderEpoch(
  context: KafkaContext,
  { topics }: OffsetForLeaderEpochRequest,
  reply: KafkaReply<OffsetForLeaderEpochResponse>,
): void {
  const mayDescribe = (topic: string) => context.access.mayTopic('describe', topic)
  const split = new Split<EpochPartition>(
    topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
        if (!mayDescribe(topic)) return context.access.refusal('topic', 'describe', topic)
        return { topic, partition, leaderEpoch: currentLeaderEpoch, epoch: leaderEpoch }
      }),
    ),
  )
  ask(context, { type: 'offsetForLeaderEpoch', partitions: split.accepted }, (answer) => {
    const found = answer instanceof BrokerError ? answer : answer.partitions
    const answers = split.join<Answer>(found, failed)
    reply.send({
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: answers.forEach(partitions, ({ partition }, end) => ({
          errorCode: errorOf(end),
          partition,
          leaderEpoch: end.epoch,
          endOffset: end.endOffset,
        })),
      })),
    })
  })
}

function failed(error: BrokerError): Answer {
  return { error: failureOf(error), epoch: -1, endOffset: -1 }
}
