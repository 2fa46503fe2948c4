// DeleteRecords: removes the records before an offset, for good.
//
// Next on the path: api/delete-records.ts.

import type {
  DeleteRecordsRequest,
  DeleteRecordsResponse,
} from '../../protocol/kafka/api/delete-records.ts'
import type { DeletedRecords, DeletePartition } from '../../protocol/mq/delete-records.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { failureOf } from '../../protocol/mq/messages.ts'
import { adminTimeoutMs, ask, errorOf, type KafkaContext, type KafkaReply } from './serving.ts'
import { Split } from './split.ts'

type Answer = Pick<DeletedRecords, 'error' | 'lowWatermark'>

export function answerDeleteRecords(
  context: KafkaContext,
  { topics, timeoutMs }: DeleteRecordsRequest,
  reply: KafkaReply<DeleteRecordsResponse>,
): void {
  const { access } = context
  const split = new Split<DeletePartition>(
    topics.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, offset }) =>
        access.mayTopic('delete', topic)
          ? { topic, partition, offset }
          : access.refusal('topic', 'delete', topic),
      ),
    ),
  )
  const request = {
    type: 'deleteRecords',
    timeoutMs: adminTimeoutMs(timeoutMs),
    passedOn: true,
    partitions: split.accepted,
  } as const
  ask(context, request, (answer) => {
    const found = answer instanceof BrokerError ? answer : answer.partitions
    const answers = split.join<Answer>(found, failed)
    reply.send({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: answers.forEach(partitions, ({ partitionIndex }, deleted) => ({
          partitionIndex,
          lowWatermark: deleted.lowWatermark,
          errorCode: errorOf(deleted),
        })),
      })),
    })
  })
}

function failed(error: BrokerError): Answer {
  return { error: failureOf(error), lowWatermark: -1 }
}
