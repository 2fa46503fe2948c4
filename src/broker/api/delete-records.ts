// deleteRecords: the leader of each partition moves the log start, and answers when every replica in
// sync has moved its own: then no leader that is elected from them shows the records again. Partitions
// of other leaders are passed on.
//
// Next on the path: replication/replica.ts.

import { limits } from '../../limits.ts'
import {
  allCommitted,
  type DeletedRecords,
  type DeletePartition,
  type DeleteRecordsRequest,
} from '../../protocol/mq/delete-records.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { failureOf, type Place } from '../../protocol/mq/messages.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import { Answers, type Respond } from './answer.ts'
import type { BrokerParts, ServedReplica } from './broker-parts.ts'
import { notYet, outOfRange } from './list-offsets.ts'
import { joinShare, leaderFor, Shares, slackMs } from './pass-on.ts'
import { repeated, repeatedError } from './repeated.ts'

const api = 'deleteRecords'

export function deleteRecords(
  parts: BrokerParts,
  request: DeleteRecordsRequest,
  respond: Respond,
): void {
  const { partitions, passedOn } = request
  const timeoutMs = Math.min(request.timeoutMs, limits.produceTimeoutMsMax)
  const deadlineMs = parts.clock.nowMs() + timeoutMs
  const answers = new Answers<DeletedRecords>(partitions.length, (deleted) => {
    respond({ type: api, partitions: deleted })
  })
  const twice = repeated(partitions.map(nameOf))
  const shares = new Shares<DeletePartition>()
  for (const [place, asked] of partitions.entries()) {
    const { topic, partition } = asked
    const replica = parts.replicas.get(topic, partition)
    if (twice.has(nameOf(asked))) {
      answers.set(place, failed(asked, repeatedError(`delete records of ${nameOf(asked)}`)))
    } else if (!parts.image.topicConfig(topic)['cleanup.policy'].includes('delete')) {
      answers.set(place, failed(asked, keepsAll(asked)))
    } else if (replica?.role.type === 'leading') {
      deleteBefore(replica, asked, deadlineMs, (result) => {
        if (typeof result !== 'number') answers.set(place, failed(asked, result))
        else answers.set(place, { topic, partition, error: undefined, lowWatermark: result })
      })
    } else {
      const leader = leaderFor(parts, 'delete records of', asked, passedOn)
      if (leader instanceof BrokerError) answers.set(place, failed(asked, leader))
      else shares.add(leader, asked, place)
    }
  }
  for (const share of shares) {
    const asked = { type: api, timeoutMs, passedOn: true, partitions: share.partitions } as const
    const answer = parts.links.call(share.leader, asked, timeoutMs + slackMs)
    joinShare(share, answer, answers, failed)
  }
}

function deleteBefore(
  replica: ServedReplica,
  asked: DeletePartition,
  deadlineMs: number,
  done: (result: Offset | BrokerError) => void,
): void {
  const { latestOffset: end, earliestOffset: start } = replica
  if (end === undefined) {
    done(notYet(asked))
    return
  }
  const offset = asked.offset === allCommitted ? end : asked.offset
  if (offset < 0 || offset > end) {
    done(outOfRange(`delete records of ${nameOf(asked)} before ${offset}`, { start, end }))
    return
  }
  replica.deleteRecords({ offset, deadlineMs, done })
}

function keepsAll(place: Place): BrokerError {
  const found = 'its cleanup.policy is compact, without delete'
  return new BrokerError('POLICY_VIOLATION', `Cannot delete records of ${nameOf(place)}: ${found}`)
}

function nameOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`
}

function failed({ topic, partition }: Place, error: BrokerError): DeletedRecords {
  return { topic, partition, error: failureOf(error), lowWatermark: -1 }
}
