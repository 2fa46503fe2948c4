// Produce: the batches of a request are handled unchanged by the native protocol's handler.
//
// Kafka clients find the leader themselves, and look it up again after NOT_LEADER_OR_FOLLOWER, so
// requests are not forwarded.
//
// Next on the path: api/produce.ts.

import type { ProduceRequest, ProduceResponse } from '../../protocol/kafka/api/produce.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { failureOf } from '../../protocol/mq/messages.ts'
import { acksNames, type ProducePartition, type RequiredAcks } from '../../protocol/mq/produce.ts'
import { batchCodec, zstdCodec } from '../../protocol/mq/record-batch.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { type ProducedBatch, produce } from '../api/produce.ts'
import { errorOf, type KafkaContext, type KafkaReply } from './serving.ts'
import { type PartitionAnswers, Split } from './split.ts'

/** Earlier versions are refused zstd batches: such old clients could not read them (KIP-110). */
const zstdFrom = 7

/** The records keep the times that their producer gave them. */
const noAppendTime = -1

type Topic = ProduceRequest['topicData'][number]
type Asked = Topic['partitionData'][number]
type Answer = Pick<ProducedBatch, 'error' | 'baseOffset' | 'logStart' | 'badRecords'>

export function answerProduce(
  context: KafkaContext,
  request: ProduceRequest,
  reply: KafkaReply<ProduceResponse>,
): void {
  const { topicData } = request
  const acks = acksNames.get(request.acks)
  const wallMs = context.parts.clock.wallMs()
  const split = new Split(
    topicData.flatMap(({ name: topic, partitionData }) =>
      partitionData.map((asked) => verdictOn(context, { request, acks, topic, asked })),
    ),
  )
  const respond = (answer: readonly Answer[] | BrokerError) => {
    const answers = split.join(answer, failed)
    if (acks !== 'none') {
      reply.send(responseOf(context.parts, topicData, { answers, wallMs }))
      return
    }
    const problem = answers.find(({ error }) => error !== undefined)?.error
    // Without a response, closing the connection is the only way to report the error, as in Kafka.
    if (problem === undefined) reply.none()
    else reply.close(problem.message)
  }
  if (acks === undefined || split.accepted.length === 0) {
    respond([])
    return
  }
  produce(
    context.parts,
    {
      type: 'produce',
      acks,
      timeoutMs: Math.max(request.timeoutMs, 0),
      passedOn: true,
      partitions: split.accepted,
    },
    (answer) => respond(answer.partitions),
    { mayBeEarly: false, wallMs },
  )
}

function verdictOn(
  { version, access }: KafkaContext,
  asking: {
    readonly request: ProduceRequest
    readonly acks: RequiredAcks | undefined
    readonly topic: string
    readonly asked: Asked
  },
): ProducePartition | BrokerError {
  const { request, acks, topic, asked } = asking
  const { index: partition, records: batch } = asked
  const refuse = (code: MqErrorCode, found: string) => {
    return new BrokerError(code, `Cannot produce to ${topic}/${partition}: ${found}`)
  }
  if (!access.mayTopic('write', topic)) return access.refusal('topic', 'write', topic)
  if (acks === undefined) {
    return refuse('INVALID_REQUIRED_ACKS', `acks are ${request.acks}, not 0, 1 or -1`)
  }
  if (request.transactionalId !== null) {
    return refuse('TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'this broker serves no transactions')
  }
  if (batch === null) return refuse('INVALID_RECORD', 'there are no records')
  if (version < zstdFrom && batchCodec(batch) === zstdCodec) {
    return refuse('UNSUPPORTED_COMPRESSION_TYPE', `zstd needs version ${zstdFrom} of the request`)
  }
  return { topic, partition, batch }
}

function failed(error: BrokerError): Answer {
  return { error: failureOf(error), baseOffset: -1, logStart: -1 }
}

function responseOf(
  { image }: BrokerParts,
  topics: readonly Topic[],
  { answers, wallMs }: { readonly answers: PartitionAnswers<Answer>; readonly wallMs: number },
): ProduceResponse {
  const appendTimeOf = (topic: string, { error }: Answer) => {
    const isStamped = image.topicConfig(topic)['message.timestamp.type'] === 'LogAppendTime'
    return isStamped && error === undefined ? wallMs : noAppendTime
  }
  return {
    responses: topics.map(({ name, partitionData }) => ({
      name,
      partitionResponses: answers.forEach(partitionData, ({ index }, answer) => ({
        index,
        errorCode: errorOf(answer),
        baseOffset: answer.baseOffset,
        logAppendTimeMs: appendTimeOf(name, answer),
        logStartOffset: answer.logStart,
        recordErrors: (answer.badRecords ?? []).map(({ batchIndex, found }) => ({
          batchIndex,
          batchIndexErrorMessage: found,
        })),
        errorMessage: answer.error?.message ?? null,
      })),
    })),
  }
}
