// ElectLeaders: the preferred election. An unclean one is an operator's: zw topics recover.
//
// Next on the path: api/elect-leaders.ts.

import type {
  ElectLeadersRequest,
  ElectLeadersResponse,
} from '../../protocol/kafka/api/elect-leaders.ts'
import { clusterName } from '../../protocol/mq/acls.ts'
import type { ElectedLeader } from '../../protocol/mq/elect-leaders.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { failureOf } from '../../protocol/mq/messages.ts'
import { ask, errorOf, type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

const preferredElection = 0

export function answerElectLeaders(
  context: KafkaContext,
  { electionType, topicPartitions }: ElectLeadersRequest,
  reply: KafkaReply<ElectLeadersResponse>,
): void {
  const places = topicPartitions?.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  )
  const { access } = context
  if (!access.mayCluster('alter')) {
    const error = failureOf(access.refusal('cluster', 'alter', clusterName))
    const refused = (places ?? []).map(({ topic, partition }) => ({ topic, partition, error }))
    reply.send({ errorCode: numberOf(error.code), replicaElectionResults: byTopic(refused) })
    return
  }
  if (electionType !== preferredElection) {
    const found = 'only an operator chooses a leader that may lack records: zw topics recover'
    const error = new BrokerError('INVALID_REQUEST', `Cannot elect uncleanly: ${found}`)
    const refused = (places ?? []).map((place) => {
      return { topic: place.topic, partition: place.partition, error: failureOf(error) }
    })
    reply.send({ errorCode: numberOf(error.code), replicaElectionResults: byTopic(refused) })
    return
  }
  ask(context, { type: 'electLeaders', partitions: places }, (answer) => {
    const isError = answer instanceof BrokerError
    reply.send({
      errorCode: numberOf(isError ? answer.code : 'NONE'),
      replicaElectionResults: isError ? [] : byTopic(answer.partitions),
    })
  })
}

function byTopic(
  elected: readonly ElectedLeader[],
): ElectLeadersResponse['replicaElectionResults'] {
  const topics = [...new Set(elected.map(({ topic }) => topic))]
  return topics.map((topic) => ({
    topic,
    partitionResult: elected
      .filter((one) => one.topic === topic)
      .map((one) => ({
        partitionId: one.partition,
        errorCode: errorOf(one),
        errorMessage: one.error?.message ?? null,
      })),
  }))
}
