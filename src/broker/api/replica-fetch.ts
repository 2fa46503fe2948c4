// replicaFetch: a follower's fetch from the leaders of its partitions. The follower's durable
// offsets are recorded first.
//
// Next on the path: replication/replica.ts; a fetch without news waits in replication/purgatory.ts.

import { limits } from '../../limits.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type {
  ReplicaFetched,
  ReplicaFetchPartition,
  ReplicaFetchRequest,
} from '../../protocol/mq/replica-fetch.ts'
import { encodeProducers } from '../partition/log-snapshot.ts'
import { Operation } from '../replication/purgatory.ts'
import type { Requester, Respond } from './answer.ts'
import type { BrokerParts, ServedReplica } from './broker-parts.ts'
import { ByteBudget, noRecords } from './byte-budget.ts'

export function replicaFetch(
  parts: BrokerParts,
  { brokerId }: Requester,
  { life, partitions, maxWaitMs, bytesMax }: ReplicaFetchRequest,
  respond: Respond,
): void {
  const live = parts.image.brokers.get(brokerId)
  // What a follower had in an earlier life does not show what it has in this one.
  const isCurrent = live?.epoch === life.brokerEpoch && live.directory === life.directory
  if (!isCurrent) {
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
    const budget = new ByteBudget(bytesMax)
    const fetched = verdicts.map(({ asked, replica, verdict }): ReplicaFetched => {
      if (replica === undefined) return refusal(asked, 'UNKNOWN_TOPIC_OR_PARTITION')
      if (verdict?.type === 'refused') return refusal(asked, verdict.code)
      if (verdict?.type === 'behind') return refusal(asked, 'NOT_LEADER_OR_FOLLOWER')
      if (verdict?.type === 'diverging') {
        const { epoch, endOffset } = verdict
        const { earliestOffset: logStart } = replica
        // biome-ignore lint/plugin/noObjectSpread: logs diverge rarely
        return { ...refusal(asked, 'NONE'), diverging: { epoch, endOffset }, logStart }
      }
      if (verdict?.type === 'below start') {
        const { logStart, baseEpoch, producers } = verdict.beginning
        const anew = { baseEpoch, producers: encodeProducers(producers) }
        // biome-ignore lint/plugin/noObjectSpread: logs begin anew rarely
        return { ...refusal(asked, 'NONE'), anew, logStart }
      }
      return readFor(replica, asked, budget)
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

/** The fetch may have waited: by now this replica may lead in another epoch, or not at all. */
function readFor(
  replica: ServedReplica,
  asked: ReplicaFetchPartition,
  budget: ByteBudget,
): ReplicaFetched {
  if (replica.role.type !== 'leading') return refusal(asked, 'NOT_LEADER_OR_FOLLOWER')
  if (replica.leaderEpoch !== asked.leaderEpoch) return refusal(asked, 'FENCED_LEADER_EPOCH')
  const { topic, partition, offset } = asked
  const records = budget.take(limits.fetchBytesMax, (bytesMax) => {
    return replica.readForFollower(offset, bytesMax).records
  })
  const { highWatermark, earliestOffset: logStart, gapsBelow } = replica
  return {
    topic,
    partition,
    code: 'NONE',
    diverging: undefined,
    anew: undefined,
    gapsBelow,
    highWatermark,
    logStart,
    records,
  }
}

function refusal({ topic, partition }: ReplicaFetchPartition, code: MqErrorCode): ReplicaFetched {
  return {
    topic,
    partition,
    code,
    diverging: undefined,
    anew: undefined,
    gapsBelow: 0,
    highWatermark: 0,
    logStart: 0,
    records: noRecords,
  }
}
