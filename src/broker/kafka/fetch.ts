// Fetch: committed records for consumers, by topic name or, in newer versions, by topic id. There
// are no fetch sessions yet: a client that asks for one is not granted one, and lists all its
// partitions in each request.
//
// Next on the path: api/fetch.ts.

import type { FetchRequest, FetchResponse } from '../../protocol/kafka/api/fetch.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { Fetched, FetchPartition } from '../../protocol/mq/fetch.ts'
import { failureOf } from '../../protocol/mq/messages.ts'
import { noRecords } from '../api/byte-budget.ts'
import { leaderFor } from '../api/pass-on.ts'
import { ask, errorOf, type KafkaContext, type KafkaReply, numberOf } from './serving.ts'
import { type PartitionAnswers, Split } from './split.ts'

/** From this version on, requests name topics by id. */
const byIdFrom = 13
/** Clients of earlier versions do not read from followers (KIP-392). */
const followersFrom = 11

const noSession = 0
/** Session epochs of a full request: asking for a new session, or for none. */
const [newSessionEpoch, finalEpoch] = [0, -1]

type Topic = FetchRequest['topics'][number]
type Asked = Topic['partitions'][number]
type Answer = Pick<Fetched, 'error' | 'highWatermark' | 'logStart' | 'records'>

export function answerFetch(
  context: KafkaContext,
  request: FetchRequest,
  reply: KafkaReply<FetchResponse>,
): void {
  const { parts, version } = context
  const { topics, maxWaitMs, minBytes, maxBytes, sessionId, sessionEpoch } = request
  if (sessionId !== noSession) {
    reply.send({ errorCode: numberOf('FETCH_SESSION_ID_NOT_FOUND'), responses: [] })
    return
  }
  if (sessionEpoch !== newSessionEpoch && sessionEpoch !== finalEpoch) {
    reply.send({ errorCode: numberOf('INVALID_FETCH_SESSION_EPOCH'), responses: [] })
    return
  }
  const verdicts = topics.flatMap((topic) => {
    const name = version < byIdFrom ? topic.topic : parts.image.topicOf(topic.topicId)
    return topic.partitions.map((asked) => verdictOn(context, name, asked))
  })
  const split = new Split(verdicts)
  ask(
    context,
    {
      type: 'fetch',
      // A request with a refused partition is answered at once.
      maxWaitMs: split.accepted.length < verdicts.length ? 0 : Math.max(maxWaitMs, 0),
      bytesMin: Math.max(minBytes, 0),
      bytesMax: Math.max(maxBytes, 0),
      passedOn: true,
      partitions: split.accepted,
    },
    (answer) => {
      const answers = answer instanceof BrokerError ? answer : answer.partitions
      reply.send({ responses: responsesOf(topics, split.join(answers, failed)) })
    },
  )
}

/** @param topic undefined if its id is unknown */
function verdictOn(
  { parts, version }: KafkaContext,
  topic: string | undefined,
  asked: Asked,
): FetchPartition | BrokerError {
  if (topic === undefined) {
    return new BrokerError('UNKNOWN_TOPIC_ID', 'Cannot fetch: no topic has this id')
  }
  const { partition, fetchOffset: offset, partitionMaxBytes, currentLeaderEpoch } = asked
  if (version < followersFrom && parts.replicas.get(topic, partition)?.role.type !== 'leading') {
    const found = leaderFor(parts, 'fetch', { topic, partition }, true)
    if (found instanceof BrokerError) return found
  }
  const bytesMax = Math.max(partitionMaxBytes, 0)
  return { topic, partition, offset, bytesMax, leaderEpoch: currentLeaderEpoch }
}

function failed(error: BrokerError): Answer {
  return { error: failureOf(error), highWatermark: -1, logStart: -1, records: noRecords }
}

function responsesOf(
  topics: readonly Topic[],
  answers: PartitionAnswers<Answer>,
): FetchResponse['responses'] {
  return topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: answers.forEach(partitions, ({ partition }, answer) => ({
      partitionIndex: partition,
      errorCode: errorOf(answer),
      highWatermark: answer.highWatermark,
      // Without transactions, everything committed is stable.
      lastStableOffset: answer.highWatermark,
      logStartOffset: answer.logStart,
      abortedTransactions: null,
      records: answer.records,
    })),
  }))
}
