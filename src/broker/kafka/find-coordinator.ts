// FindCoordinator: the broker that coordinates a group. There are no transactions.
//
// Next on the path: group/group-coordinator.ts.

import type {
  FindCoordinatorRequest,
  FindCoordinatorResponse,
} from '../../protocol/kafka/api/find-coordinator.ts'
import type { BrokerError, MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { noBroker } from '../../protocol/mq/messages.ts'
import { asBrokerError } from '../api/answer.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

/** First version whose requests may name several keys. */
const manyFrom = 4

const [groupKey, transactionKey] = [0, 1]

type Coordinator = NonNullable<FindCoordinatorResponse['coordinators']>[number]

export function answerFindCoordinator(
  { parts, version, access }: KafkaContext,
  { key, keyType, coordinatorKeys }: FindCoordinatorRequest,
  reply: KafkaReply<FindCoordinatorResponse>,
): void {
  const keys = version < manyFrom ? [key] : coordinatorKeys
  const respond = (problem: BrokerError | undefined) => {
    const coordinators = keys.map((one) => {
      if (keyType !== groupKey || access.mayGroup('describe', one)) {
        return find(parts, { keyType, key: one, problem })
      }
      const { code, message } = access.refusal('group', 'describe', one)
      return refused(one, code, message)
    })
    const [first = refused(key, 'INVALID_REQUEST', 'Cannot find coordinators: of what?')] =
      coordinators
    const { errorCode, errorMessage, nodeId, host, port } = first
    reply.send({ errorCode, errorMessage, nodeId, host, port, coordinators })
  }
  if (keyType !== groupKey || !keys.some((one) => access.mayGroup('describe', one))) {
    respond(undefined)
    return
  }
  parts.groups.prepare().then(
    () => respond(undefined),
    (error: unknown) => respond(asBrokerError(error)),
  )
}

/** @param asked.problem why there is no offsets topic */
function find(
  { groups, image }: BrokerParts,
  {
    keyType,
    key,
    problem,
  }: {
    readonly keyType: number
    readonly key: string
    readonly problem: BrokerError | undefined
  },
): Coordinator {
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
    const message = problem?.message ?? 'Cannot find a coordinator: its partition has no leader'
    return refused(key, 'COORDINATOR_NOT_AVAILABLE', message)
  }
  const { id, host, port } = broker
  return { key, nodeId: id, host, port, errorCode: numberOf('NONE'), errorMessage: null }
}

function refused(key: string, code: MqErrorCode, errorMessage: string): Coordinator {
  return { key, nodeId: noBroker, host: '', port: -1, errorCode: numberOf(code), errorMessage }
}
