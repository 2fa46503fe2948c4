// CreateTopics: any broker creates topics, so clients need not find the controller.
//
// Next on the path: api/create-topics.ts.

import type {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../protocol/kafka/api/create-topics.ts'
import { noUuid } from '../../protocol/kafka/reader.ts'
import { configSources } from '../../protocol/mq/configs.ts'
import type { CreatedTopic, NewTopic } from '../../protocol/mq/create-topics.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { type BrokerId, failureOf } from '../../protocol/mq/messages.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { topicEntries } from '../api/describe-configs.ts'
import { adminTimeoutMs, ask, errorOf, type KafkaContext, type KafkaReply } from './serving.ts'
import { onePerKey, Split } from './split.ts'

type Asked = CreateTopicsRequest['topics'][number]
type Answer = Omit<CreatedTopic, 'topic'>

export function answerCreateTopics(
  context: KafkaContext,
  { topics, timeoutMs, validateOnly }: CreateTopicsRequest,
  reply: KafkaReply<CreateTopicsResponse>,
): void {
  const split = new Split(topics.map((asked) => verdictOn(context, asked)))
  const request = {
    type: 'createTopics',
    timeoutMs: adminTimeoutMs(timeoutMs),
    validateOnly,
    topics: split.accepted,
  } as const
  ask(context, request, (answer) => {
    const given = answer instanceof BrokerError ? answer : answer.topics
    const answers = split.join<Answer>(given, failed)
    const rows = answers.forEach(topics, (asked, made) => ({
      name: asked.name,
      topicId: made.topicId === '' ? noUuid : made.topicId,
      errorCode: errorOf(made),
      errorMessage: made.error?.message ?? null,
      numPartitions: made.partitionCount,
      replicationFactor: made.replicationFactor,
      configs:
        made.error === undefined ? configsOf(context.parts, asked, made.replicationFactor) : [],
    }))
    reply.send({ topics: onePerKey(rows, ({ name }) => name) })
  })
}

function verdictOn(
  { access }: KafkaContext,
  { name: topic, numPartitions: partitionCount, replicationFactor, assignments, configs }: Asked,
): NewTopic | BrokerError {
  if (!access.mayCreate(topic)) return access.refusal('topic', 'create', topic)
  const refuse = (code: MqErrorCode, found: string) => {
    return new BrokerError(code, `Cannot create topic '${topic}': ${found}`)
  }
  const byPartition = assignments.toSorted((a, b) => a.partitionIndex - b.partitionIndex)
  if (byPartition.some(({ partitionIndex }, i) => partitionIndex !== i)) {
    const found = 'its partitions have to be numbered from 0, without gaps'
    return refuse('INVALID_REPLICA_ASSIGNMENT', found)
  }
  const open = configs.find(({ value }) => value === null)
  if (open !== undefined) return refuse('INVALID_CONFIG', `${open.name} has no value`)
  return {
    topic,
    partitionCount,
    replicationFactor,
    assignments: byPartition.map(({ brokerIds }) => brokerIds as readonly BrokerId[]),
    configs: configs.map(({ name, value }) => ({ name, value: value ?? '' })),
  }
}

/** As the topic was created, which other clients may have changed since. */
function configsOf({ image }: BrokerParts, { configs }: Asked, replicaCount: number) {
  const own = new Map(configs.map(({ name, value }) => [name, value ?? '']))
  return topicEntries(image, own, replicaCount).map(({ name, value, isReadOnly, source }) => ({
    name,
    value: value ?? null,
    readOnly: isReadOnly,
    configSource: configSources[source],
    isSensitive: false,
  }))
}

function failed(error: BrokerError): Answer {
  return { error: failureOf(error), topicId: '', partitionCount: -1, replicationFactor: -1 }
}
