// DescribeProducers: the idempotent producers that the leader of a partition remembers. The time of their
// last batch is not among what it remembers.

import type {
  DescribeProducersRequest,
  DescribeProducersResponse,
} from '../../protocol/kafka/api/describe-producers.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { leaderFor } from '../api/pass-on.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

type PartitionRow = DescribeProducersResponse['topics'][number]['partitions'][number]

/** There are no transactions. */
const [noCoordinator, noTransaction, unknownTime] = [-1, -1, -1]

export function answerDescribeProducers(
  { parts, access }: KafkaContext,
  { topics }: DescribeProducersRequest,
  reply: KafkaReply<DescribeProducersResponse>,
): void {
  reply.send({
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partition) =>
        access.mayTopic('read', name)
          ? rowOf(parts, name, partition)
          : failed(partition, access.refusal('topic', 'read', name)),
      ),
    })),
  })
}

function rowOf(parts: BrokerParts, topic: string, partition: number): PartitionRow {
  const replica = parts.replicas.get(topic, partition)
  if (replica?.role.type !== 'leading') {
    const found = leaderFor(parts, 'describe producers of', { topic, partition }, true)
    const moved = { code: 'NOT_LEADER_OR_FOLLOWER', message: null } as const
    return failed(partition, found instanceof BrokerError ? found : moved)
  }
  return {
    partitionIndex: partition,
    errorCode: numberOf('NONE'),
    activeProducers: replica.producers.map(({ producerId, epoch, batches }) => ({
      producerId,
      producerEpoch: epoch,
      lastSequence: batches.at(-1)?.lastSequence ?? -1,
      lastTimestamp: unknownTime,
      coordinatorEpoch: noCoordinator,
      currentTxnStartOffset: noTransaction,
    })),
  }
}

function failed(
  partitionIndex: number,
  { code, message }: { readonly code: MqErrorCode; readonly message: string | null },
): PartitionRow {
  return { partitionIndex, errorCode: numberOf(code), errorMessage: message, activeProducers: [] }
}
