// FindCoordinator: the coordinator of a group. Groups have none yet, and there are no transactions.

import type {
  FindCoordinatorRequest,
  FindCoordinatorResponse,
} from '../../protocol/kafka/api/find-coordinator.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { noBroker } from '../../protocol/mq/messages.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

const groupKey = 0

export function answerFindCoordinator(
  _: KafkaContext,
  { keyType, coordinatorKeys }: FindCoordinatorRequest,
  reply: KafkaReply<FindCoordinatorResponse>,
): void {
  const code: MqErrorCode =
    keyType === groupKey ? 'COORDINATOR_NOT_AVAILABLE' : 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
  const errorCode = numberOf(code)
  const errorMessage =
    keyType === groupKey
      ? 'Cannot find a coordinator: this broker serves no consumer groups'
      : 'Cannot find a coordinator: this broker serves no transactions'
  const nowhere = { nodeId: noBroker, host: '', port: -1 }
  const { nodeId, host, port } = nowhere
  reply.send({
    errorCode,
    errorMessage,
    nodeId,
    host,
    port,
    coordinators: coordinatorKeys.map((key) => {
      return { key, nodeId, host, port, errorCode, errorMessage }
    }),
  })
}
