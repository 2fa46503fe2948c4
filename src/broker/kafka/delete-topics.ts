// DeleteTopics, by name, and from version 6 on by id.
//
// Next on the path: api/delete-topics.ts.

import type {
  DeleteTopicsRequest,
  DeleteTopicsResponse,
} from '../../protocol/kafka/api/delete-topics.ts'
import { noUuid } from '../../protocol/kafka/reader.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { failureOf, type Outcome } from '../../protocol/mq/messages.ts'
import { adminTimeoutMs, ask, errorOf, type KafkaContext, type KafkaReply } from './serving.ts'
import { onePerKey } from './split.ts'

interface Answer extends Outcome {
  readonly topic: string
  readonly topicId: string
}

export function answerDeleteTopics(
  context: KafkaContext,
  { topics, topicNames, timeoutMs }: DeleteTopicsRequest,
  reply: KafkaReply<DeleteTopicsResponse>,
): void {
  const doomed =
    context.version >= 6
      ? topics.map(({ name, topicId }) => {
          return { topic: name ?? '', topicId: topicId === noUuid ? '' : topicId }
        })
      : topicNames.map((topic) => ({ topic, topicId: '' }))
  const request = {
    type: 'deleteTopics',
    timeoutMs: adminTimeoutMs(timeoutMs),
    topics: doomed,
  } as const
  ask(context, request, (answer) => {
    const answers: readonly Answer[] =
      answer instanceof BrokerError
        ? doomed.map(({ topic, topicId }) => ({ topic, topicId, error: failureOf(answer) }))
        : answer.topics
    reply.send({
      responses: onePerKey(answers, (one) => `${one.topicId} ${one.topic}`).map((deleted) => ({
        name: deleted.topic === '' ? null : deleted.topic,
        topicId: deleted.topicId === '' ? noUuid : deleted.topicId,
        errorCode: errorOf(deleted),
        errorMessage: deleted.error?.message ?? null,
      })),
    })
  })
}
