// Fetch: committed records for consumers, by topic name or, in newer versions, by topic id. In a fetch
// session (fetch-sessions.ts), a request says what changed since the last one, and so does its answer.
//
// Next on the path: api/fetch.ts.

import type { FetchRequest, FetchResponse } from '../../protocol/kafka/api/fetch.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { type Fetched, type FetchPartition, noRecords } from '../../protocol/mq/fetch.ts'
import { failureOf } from '../../protocol/mq/messages.ts'
import { leaderFor } from '../api/pass-on.ts'
import type { FetchScope, FetchTopic } from './fetch-sessions.ts'
import { ask, errorOf, type KafkaContext, type KafkaReply, numberOf } from './serving.ts'
import { type PartitionAnswers, Split } from './split.ts'

/** From this version on, requests name topics by id. */
const byIdFrom = 13
/** Clients of earlier versions do not read from followers (KIP-392). */
const followersFrom = 11

type Asked = FetchTopic['partitions'][number]
type Answer = Pick<Fetched, 'error' | 'highWatermark' | 'logStart' | 'records'>

export function answerFetch(
  context: KafkaContext,
  request: FetchRequest,
  reply: KafkaReply<FetchResponse>,
): void {
  const { parts, version, fetchSessions, grantedFetchSession: granted } = context
  const { maxWaitMs, minBytes, maxBytes } = request
  const by = { usesTopicIds: version >= byIdFrom, granted, nowMs: parts.clock.nowMs() }
  const scope = fetchSessions.open(request, by)
  if (typeof scope === 'string') {
    reply.send({ errorCode: numberOf(scope), responses: [] })
    return
  }
  const { topics } = scope
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
      const responses = responsesOf(scope, split.join(answers, failed), maxBytes)
      reply.send({ sessionId: scope.sessionId, responses })
    },
  )
}

/** @param topic undefined if its id is unknown */
function verdictOn(
  { parts, version, access }: KafkaContext,
  topic: string | undefined,
  asked: Asked,
): FetchPartition | BrokerError {
  if (topic === undefined) {
    return new BrokerError('UNKNOWN_TOPIC_ID', 'Cannot fetch: no topic has this id')
  }
  if (!access.mayTopic('read', topic)) return access.refusal('topic', 'read', topic)
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

/** Of the partitions that the answer has to name. */
function responsesOf(
  scope: FetchScope,
  answers: PartitionAnswers<Answer>,
  bytesMax: number,
): FetchResponse['responses'] {
  let bytes = 0
  const served: [FetchTopic, number][] = []
  const responses = scope.topics.flatMap((asked) => {
    const partitions = answers.forEach(asked.partitions, ({ partition }, answer) => {
      const { highWatermark, logStart, records } = answer
      bytes += records.length
      if (records.length > 0) served.push([asked, partition])
      const isError = answer.error !== undefined
      const told = { isError, highWatermark, logStart, recordBytes: records.length }
      return scope.answers(asked, partition, told) ? rowOf(partition, answer) : undefined
    })
    const named = partitions.filter((row) => row !== undefined)
    const { topic, topicId } = asked
    return named.length > 0 ? [{ topic, topicId, partitions: named }] : []
  })
  if (bytes >= bytesMax) scope.servedFirst(served)
  return responses
}

function rowOf(partition: number, answer: Answer) {
  const { highWatermark, logStart, records } = answer
  return {
    partitionIndex: partition,
    errorCode: errorOf(answer),
    highWatermark,
    // Without transactions, everything committed is stable.
    lastStableOffset: highWatermark,
    logStartOffset: logStart,
    abortedTransactions: null,
    records,
  }
}
