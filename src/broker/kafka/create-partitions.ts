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
import { onePerKey, Split } from './split.ts'

export function answerCreatePartitions(
  context: KafkaContext,
  { topics, timeoutMs, validateOnly }: CreatePartitionsRequest,
  reply: KafkaReply<CreatePartitionsResponse>,
): void {
  const { access } = context
  const split = new Split(
    topics.map(({ name, count, assignments }) => {
      if (!access.mayTopic('alter', name)) return access.refusal('topic', 'alter', name)
      const placed = assignments?.map(({ brokerIds }) => brokerIds as readonly BrokerId[])
      return { topic: name, count, assignments: placed ?? [] }
    }),
  )
  const request = {
    type: 'createPartitions',
    timeoutMs: adminTimeoutMs(timeoutMs),
    validateOnly,
    topics: split.accepted,
  } as const
  ask(context, request, (answer) => {
    const given = answer instanceof BrokerError ? answer : answer.topics
    const outcomes = split.join<Outcome>(given, (error) => ({ error: failureOf(error) }))
    const rows = outcomes.forEach(topics, ({ name }, outcome) => {
      const errorMessage = outcome.error?.message ?? null
      return { name, errorCode: errorOf(outcome), errorMessage }
    })
    reply.send({ results: onePerKey(rows, ({ name }) => name) })
  })
}
