// CreatePartitions: any broker adds partitions, so clients need not find the controller.
//
// Next on the path: api/create-partitions.ts.

import type {
  CreatePartitionsRequest,
  CreatePartitionsResponse,
} from '../../protocol/kafka/api/create-partitions.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { type BrokerId, failureOf, type Outcome } from '../../protocol/mq/messages.ts'
import { adminTimeoutMs, ask, errorOf, type KafkaContext, type KafkaReply } from './serving.ts'
import { onePerKey } from './split.ts'

export function answerCreatePartitions(
  context: KafkaContext,
  { topics, timeoutMs, validateOnly }: CreatePartitionsRequest,
  reply: KafkaReply<CreatePartitionsResponse>,
): void {
  const request = {
    type: 'createPartitions',
    timeoutMs: adminTimeoutMs(timeoutMs),
    validateOnly,
    topics: topics.map(({ name, count, assignments }) => {
      const placed = assignments?.map(({ brokerIds }) => brokerIds as readonly BrokerId[])
      return { topic: name, count, assignments: placed ?? [] }
    }),
  } as const
  ask(context, request, (answer) => {
    const outcomes: readonly Outcome[] =
      answer instanceof BrokerError
        ? topics.map(() => ({ error: failureOf(answer) }))
        : answer.topics
    const rows = topics.map(({ name }, i) => {
      const outcome = outcomes[i] ?? { error: undefined }
      const errorMessage = outcome.error?.message ?? null
      return { name, errorCode: errorOf(outcome), errorMessage }
    })
    reply.send({ results: onePerKey(rows, ({ name }) => name) })
  })
}
