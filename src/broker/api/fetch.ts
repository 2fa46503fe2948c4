// fetch: committed records from this broker's own replica, leader or not; a broker that has none
// passes it on. replicaFetch: what followers ask their leaders. leaderEpochEnd: what a leader knows of
// its epochs.
//
// It reads from replication/replica.ts; what has to wait does so in replication/purgatory.ts.

import { limits } from '../../limits.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type {
  FetchRequest,
  MqRequest,
  MqResponse,
  ReplicaFetched,
  ReplicaFetchPartition,
  ReplicaFetchRequest,
} from '../../protocol/mq/messages.ts'
import { Operation } from '../replication/purgatory.ts'
import type { Replica } from '../replication/replica.ts'
import { answerLater, type Requester, type Respond } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { boundsOf, isOffset, outOfRange, type Place } from './list-offsets.ts'
import { noPartition, passOn } from './pass-on.ts'

const noRecords = Buffer.alloc(0)

export function fetch(parts: BrokerParts, request: FetchRequest, respond: Respond): void {
  const { topic, partition, offset, bytesMax } = request
  const what = `fetch ${topic}/${partition} from ${offset}`
  if (!isOffset(offset)) {
    answerLater(refuse(parts, request, what), respond)
    return
  }
  const maxWaitMs = Math.min(request.maxWaitMs, limits.fetchWaitMsMax)
  const replica = parts.replicas.get(topic, partition)
  if (replica === undefined) {
    passOn(parts, request, maxWaitMs, respond)
    return
  }
  const answer = () => {
    if (replica.isOutOfRange(offset)) {
      respond(outOfRange(what, { start: replica.earliestOffset, end: replica.highWatermark }))
    } else if (offset > replica.highWatermark && replica.role.type !== 'leading') {
      answerLater(answerAhead(parts, request, what), respond)
    } else {
      const { highWatermark, logStart, records } = replica.readCommitted(offset, bytesMax)
      respond({ type: 'fetch', highWatermark, logStart, records })
    }
  }
  if (maxWaitMs === 0 || replica.isOutOfRange(offset)) {
    answer()
    return
  }
  const operation = new Operation(answer)
  replica.waitForRecords(operation, offset)
  parts.replicas.purgatory.expireAt(operation, parts.clock.nowMs() + maxWaitMs)
}

/**
 * This replica does not reach as far as the offset, and waiting has not changed that: it may be
 * behind, or there is no such offset. Its leader knows.
 */
async function answerAhead(
  parts: BrokerParts,
  { topic, partition, offset, passedOn }: FetchRequest,
  what: string,
): Promise<MqResponse> {
  const replica = parts.replicas.get(topic, partition)
  // Passed on to us as the leader, which we are not, or no more.
  if (replica === undefined || passedOn) {
    throw new BrokerError(
      'NOT_LEADER_OR_FOLLOWER',
      `Cannot ${what}: broker ${parts.self} does not lead it`,
    )
  }
  const bounds = await boundsOf(parts, { topic, partition }).catch((error: BrokerError) => {
    if (error.code === 'OFFSET_NOT_AVAILABLE') return undefined // a new leader; it will know
    throw error
  })
  if (bounds !== undefined && offset > bounds.end) throw outOfRange(what, bounds)
  const { highWatermark, logStart, records } = replica.readCommitted(offset, 0)
  return { type: 'fetch', highWatermark, logStart, records }
}

/** What is no offset at all is none of this log either. */
async function refuse(parts: BrokerParts, place: Place, what: string): Promise<MqResponse> {
  const { topic, partition } = place
  if (!parts.image.hasPartition(topic, partition)) throw noPartition(parts.image, 'fetch', place)
  throw outOfRange(what, await boundsOf(parts, place))
}

export function replicaFetch(
  parts: BrokerParts,
  { role, brokerId }: Requester,
  { life, partitions, maxWaitMs, bytesMax }: ReplicaFetchRequest,
  respond: Respond,
): void {
  const live = parts.image.brokers.get(brokerId)
  // What a follower's earlier life had is no promise of what this one has.
  const isCurrent = live?.epoch === life.brokerEpoch && live.directory === life.directory
  if (role !== 'broker' || !isCurrent) {
    const message = `Cannot serve a replica: broker ${brokerId} is not registered like that here`
    respond(new BrokerError('STALE_BROKER_EPOCH', message))
    return
  }
  let isToAnswer = false
  const verdicts = partitions.map((asked) => {
    const replica = parts.replicas.get(asked.topic, asked.partition)
    const verdict = replica?.followerFetched(brokerId, life, asked)
    if (replica === undefined || verdict?.type !== 'fine') isToAnswer = true
    return { asked, replica, verdict }
  })
  const answer = () => {
    let bytesLeft = Math.min(bytesMax, limits.fetchBytesMax)
    const fetched = verdicts.map(({ asked, replica, verdict }): ReplicaFetched => {
      if (replica === undefined) return refusal(asked, 'UNKNOWN_TOPIC_OR_PARTITION')
      if (verdict?.type === 'refused') return refusal(asked, verdict.code)
      if (verdict?.type === 'behind') return refusal(asked, 'NOT_LEADER_OR_FOLLOWER')
      if (verdict?.type === 'diverging') {
        const { epoch, endOffset } = verdict
        return refusal(asked, 'NONE', { epoch, endOffset })
      }
      const one = readFor(replica, asked, bytesLeft)
      bytesLeft -= one.records.length
      return one
    })
    respond({ type: 'replicaFetch', partitions: fetched })
  }
  isToAnswer ||= verdicts.some(({ asked, replica }) => replica?.hasNews(asked) === true)
  if (isToAnswer || maxWaitMs === 0) {
    answer()
    return
  }
  const operation = new Operation(answer)
  for (const { asked, replica } of verdicts) replica?.waitForNews(operation, asked)
  const waitMs = Math.min(maxWaitMs, limits.fetchWaitMsMax)
  parts.replicas.purgatory.expireAt(operation, parts.clock.nowMs() + waitMs)
}

/** The follower may have waited: by now this replica may lead in another epoch, or not at all. */
function readFor(
  replica: Replica,
  asked: ReplicaFetchPartition,
  bytesLeft: number,
): ReplicaFetched {
  if (replica.role.type !== 'leading') return refusal(asked, 'NOT_LEADER_OR_FOLLOWER')
  if (replica.leaderEpoch !== asked.leaderEpoch) return refusal(asked, 'FENCED_LEADER_EPOCH')
  const { topic, partition } = asked
  const isFull = bytesLeft <= 0
  const read = replica.readForFollower(asked.offset, bytesLeft)
  return {
    topic,
    partition,
    code: 'NONE',
    diverging: undefined,
    highWatermark: read.highWatermark,
    logStart: read.logStart,
    records: isFull ? noRecords : read.records,
  }
}

function refusal(
  { topic, partition }: ReplicaFetchPartition,
  code: MqErrorCode,
  diverging?: ReplicaFetched['diverging'],
): ReplicaFetched {
  const records = noRecords
  return { topic, partition, code, diverging, highWatermark: 0, logStart: 0, records }
}

export function answerEpochEnd(
  parts: BrokerParts,
  { topic, partition, epoch }: Extract<MqRequest, { readonly type: 'leaderEpochEnd' }>,
  respond: Respond,
): void {
  const replica = parts.replicas.get(topic, partition)
  if (replica?.role.type !== 'leading') {
    const message = `Cannot look up an epoch of ${topic}/${partition}: broker ${parts.self} does not lead it`
    respond(new BrokerError('NOT_LEADER_OR_FOLLOWER', message))
    return
  }
  const end = replica.endOfEpoch(epoch) ?? { epoch: -1, endOffset: -1 }
  respond({ type: 'leaderEpochEnd', epoch: end.epoch, endOffset: end.endOffset })
}
