// FindCoordinator: the broker that coordinates a group. There are no transactions.
//
// Next on the path: group/group-coordinator.ts.

import type {
  FindCoordinatorRequest,
  FindCoordinatorResponse,
} from '../../protocol/kafka/api/find-coordinator.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { noBroker } from '../../protocol/mq/messages.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

/** First version whose requests may name several keys. */
const manyFrom = 4

const [groupKey, transactionKey] = [0, 1]

type Coordinator = NonNullable<FindCoordinatorResponse['coordinators']>[number]

export function answerFindCoordinator(
  { parts, version }: KafkaContext,
  { key, keyType, coordinatorKeys }: FindCoordinatorRequest,
  reply: KafkaReply<FindCoordinatorResponse>,
): void {
  const keys = version < manyFrom ? [key] : coordinatorKeys
  const coordinators = keys.map((one) => find(parts, keyType, one))
  const [first = refused(key, 'INVALID_REQUEST', 'Cannot find coordinators: no key is given')] =
    coordinators
  const { errorCode, errorMessage, nodeId, host, port } = first
  reply.send({ errorCode, errorMessage, nodeId, host, port, coordinators })
}

function find({ groups, image }: BrokerParts, keyType: number, key: string): Coordinator {
  if (keyType === transactionKey) {
    const message = 'Cannot find a coordinator: this broker serves no transactions'
    return refused(key, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', message)
  }
  if (keyType !== groupKey) {
    const message = `Cannot find a coordinator: keys of type ${keyType} have none`
    return refused(key, 'INVALID_REQUEST', message)
  }
  const nodeId = groups.coordinatorOf(key)
  const broker = nodeId === undefined ? undefined : image.brokers.get(nodeId)
  if (broker === undefined) {
    const message = 'Cannot find a coordinator: no broker is registered'
    return refused(key, 'COORDINATOR_NOT_AVAILABLE', message)
  }
  const { id, host, port } = broker
  return { key, nodeId: id, host, port, errorCode: numberOf('NONE'), errorMessage: null }
}

function refused(key: string, code: MqErrorCode, errorMessage: string): Coordinator {
  return { key, nodeId: noBroker, host: '', port: -1, errorCode: numberOf(code), errorMessage }
}
