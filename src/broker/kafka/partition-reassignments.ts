// AlterPartitionReassignments and ListPartitionReassignments: any broker answers, so clients need not
// find the controller.
//
// Next on the path: api/reassign-partitions.ts.

import type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../../protocol/kafka/api/alter-partition-reassignments.ts'
import type {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../../protocol/kafka/api/list-partition-reassignments.ts'
import { clusterName } from '../../protocol/mq/acls.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId, Outcome } from '../../protocol/mq/messages.ts'
import type { Reassignment } from '../../protocol/mq/partition-reassignments.ts'
import { ask, errorOf, type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

export function answerAlterPartitionReassignments(
  context: KafkaContext,
  { topics, timeoutMs }: AlterPartitionReassignmentsRequest,
  reply: KafkaReply<AlterPartitionReassignmentsResponse>,
): void {
  const { access } = context
  if (!access.mayCluster('alter')) {
    const { code, message } = access.refusal('cluster', 'alter', clusterName)
    reply.send({ errorCode: numberOf(code), errorMessage: message, responses: [] })
    return
  }
  const partitions = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex: partition, replicas }) => {
      return { topic: name, partition, replicas: (replicas as BrokerId[] | null) ?? undefined }
    }),
  )
  const request = {
    type: 'alterPartitionReassignments',
    timeoutMs: Math.max(timeoutMs, 0),
    partitions,
  } as const
  ask(context, request, (answer) => {
    if (answer instanceof BrokerError) {
      const { message: errorMessage } = answer
      reply.send({ errorCode: numberOf(answer.code), errorMessage, responses: [] })
      return
    }
    // Outcomes come in the order of the request.
    const outcomes: Outcome[] = [...answer.partitions]
    reply.send({
      errorCode: numberOf('NONE'),
      responses: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          const outcome = outcomes.shift() ?? { error: undefined }
          const errorMessage = outcome.error?.message ?? null
          return { partitionIndex, errorCode: errorOf(outcome), errorMessage }
        }),
      })),
    })
  })
}

export function answerListPartitionReassignments(
  context: KafkaContext,
  { topics }: ListPartitionReassignmentsRequest,
  reply: KafkaReply<ListPartitionReassignmentsResponse>,
): void {
  const { access } = context
  if (!access.mayCluster('describe')) {
    const { code, message } = access.refusal('cluster', 'describe', clusterName)
    reply.send({ errorCode: numberOf(code), errorMessage: message, topics: [] })
    return
  }
  const partitions = topics?.flatMap(({ name, partitionIndexes }) =>
    partitionIndexes.map((partition) => ({ topic: name, partition })),
  )
  ask(context, { type: 'listPartitionReassignments', partitions }, (answer) => {
    if (answer instanceof BrokerError) {
      const { message: errorMessage } = answer
      reply.send({ errorCode: numberOf(answer.code), errorMessage, topics: [] })
      return
    }
    reply.send({ errorCode: numberOf('NONE'), topics: byTopic(answer.partitions) })
  })
}

function byTopic(
  reassignments: readonly Reassignment[],
): ListPartitionReassignmentsResponse['topics'] {
  const topics = [...new Set(reassignments.map(({ topic }) => topic))]
  return topics.map((name) => ({
    name,
    partitions: reassignments
      .filter(({ topic }) => topic === name)
      .map(({ partition, replicas, adding, removing }) => ({
        partitionIndex: partition,
        replicas,
        addingReplicas: adding,
        removingReplicas: removing,
      })),
  }))
}
