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
import { unknownId } from '../api/delete-topics.ts'
import { adminTimeoutMs, ask, errorOf, type KafkaContext, type KafkaReply } from './serving.ts'
import { onePerKey, Split } from './split.ts'

interface Deleted extends Outcome {
  readonly topic: string
  readonly topicId: string
}

/** Without names: it was refused here, and has those of the request. */
type Answer = Deleted | (Outcome & { readonly topic: undefined })

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
  const { parts, access } = context
  const split = new Split(
    doomed.map((asked) => {
      const name = asked.topicId === '' ? asked.topic : parts.image.topicOf(asked.topicId)
      if (name === undefined) return parts.acls === undefined ? asked : unknownId(asked.topicId)
      return access.mayTopic('delete', name)
        ? asked
        : access.refusal('topic', 'delete', asked.topic)
    }),
  )
  const request = {
    type: 'deleteTopics',
    timeoutMs: adminTimeoutMs(timeoutMs),
    topics: split.accepted,
  } as const
  ask(context, request, (answer) => {
    const given = answer instanceof BrokerError ? answer : answer.topics
    const answers = split
      .join<Answer>(given, (error) => ({ topic: undefined, error: failureOf(error) }))
      .forEach(doomed, ({ topic, topicId }, one): Deleted => {
        return one.topic === undefined ? { topic, topicId, error: one.error } : one
      })
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
