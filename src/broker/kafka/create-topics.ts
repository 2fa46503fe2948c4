// CreateTopics: any broker creates topics, so clients need not find the controller. Replicas cannot
// be placed by hand yet, and topics have no configuration.
//
// Next on the path: api/create-topics.ts.

import type {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../protocol/kafka/api/create-topics.ts'
import { noUuid } from '../../protocol/kafka/reader.ts'
import type { CreatedTopic, NewTopic } from '../../protocol/mq/create-topics.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { failureOf } from '../../protocol/mq/messages.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { checkCollision, checkNewTopic, replicasFor } from '../api/new-topic.ts'
import { ask, errorOf, type KafkaContext, type KafkaReply } from './serving.ts'
import { Split } from './split.ts'

type Asked = CreateTopicsRequest['topics'][number]
type Answer = Pick<CreatedTopic, 'error' | 'topicId'>

export function answerCreateTopics(
  context: KafkaContext,
  { topics, timeoutMs, validateOnly }: CreateTopicsRequest,
  reply: KafkaReply<CreateTopicsResponse>,
): void {
  const { parts } = context
  const split = new Split(topics.map((asked) => verdictOn(asked)))
  const respond = (answer: readonly Answer[] | BrokerError) => {
    const answers = split.join(answer, failed)
    reply.send({
      topics: answers.forEach(topics, ({ name }, made) => {
        const { replicas } = parts.image.topics.get(name)?.assignment ?? {}
        const isMade = made.error === undefined && replicas !== undefined
        return {
          name,
          topicId: made.topicId,
          errorCode: errorOf(made),
          errorMessage: made.error?.message ?? null,
          numPartitions: isMade ? replicas.length : -1,
          replicationFactor: isMade ? (replicas[0]?.length ?? -1) : -1,
          configs: [],
        }
      }),
    })
  }
  if (validateOnly) {
    respond(split.accepted.map((topic) => validated(parts, topic)))
    return
  }
  const request = {
    type: 'createTopics',
    timeoutMs: Math.max(timeoutMs, 0),
    topics: split.accepted,
  } as const
  ask(context, request, (answer) => {
    respond(answer instanceof BrokerError ? answer : answer.topics)
  })
}

function verdictOn({
  name: topic,
  numPartitions: partitionCount,
  replicationFactor,
  assignments,
  configs,
}: Asked): NewTopic | BrokerError {
  const refuse = (code: MqErrorCode, found: string) => {
    return new BrokerError(code, `Cannot create topic '${topic}': ${found}`)
  }
  if (assignments.length > 0) {
    return refuse('INVALID_REPLICA_ASSIGNMENT', 'replicas cannot be placed by hand yet')
  }
  const [config] = configs
  if (config !== undefined) {
    return refuse('INVALID_CONFIG', `topics have no configuration '${config.name}' here`)
  }
  return { topic, partitionCount, replicationFactor }
}

function validated({ image, defaults }: BrokerParts, topic: NewTopic): Answer {
  try {
    checkNewTopic(topic)
    checkCollision(topic.topic, [...image.topics.keys(), ...image.topicProblems.keys()])
    replicasFor(topic, [...image.brokers.keys()], { defaults, start: 0 })
    return { error: undefined, topicId: noUuid }
  } catch (error) {
    if (error instanceof BrokerError) return failed(error)
    throw error
  }
}

function failed(error: BrokerError): Answer {
  return { error: failureOf(error), topicId: noUuid }
}
