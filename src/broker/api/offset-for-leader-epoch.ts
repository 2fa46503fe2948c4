// offsetForLeaderEpoch: where leader epochs end in the logs of partitions. Only a leader answers.
//
// Next on the path: replication/replica.ts.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { failureOf } from '../../protocol/mq/messages.ts'
import type {
  EpochOffset,
  EpochPartition,
  OffsetForLeaderEpochRequest,
} from '../../protocol/mq/offset-for-leader-epoch.ts'
import type { Respond } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { epochProblem } from './leader-epoch.ts'
import { leaderFor } from './pass-on.ts'

const api = 'offsetForLeaderEpoch'

export function offsetForLeaderEpoch(
  parts: BrokerParts,
  { partitions }: OffsetForLeaderEpochRequest,
  respond: Respond,
): void {
  respond({ type: api, partitions: partitions.map((asked) => endOf(parts, asked)) })
}

function endOf(parts: BrokerParts, asked: EpochPartition): EpochOffset {
  const { topic, partition } = asked
  const replica = parts.replicas.get(topic, partition)
  const problem =
    replica?.role.type === 'leading'
      ? epochProblem(api, replica, asked.leaderEpoch)
      : leaderFor(parts, api, asked, true)
  const error = problem instanceof BrokerError ? failureOf(problem) : undefined
  const end = error === undefined ? replica?.endOfEpoch(asked.epoch) : undefined
  return { topic, partition, error, epoch: end?.epoch ?? -1, endOffset: end?.endOffset ?? -1 }
}
