// The handler of each api. Handlers answer through `respond`, at once or later, exactly once; a
// BrokerError answers the request as a whole.
//
// Next on the path: the file of the handler, such as produce.ts or fetch.ts.

import type { MqRequest } from '../../protocol/mq/apis.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { alterConfigs } from './alter-configs.ts'
import { answerLater, type Requester, type Respond } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { createPartitions } from './create-partitions.ts'
import { createTopics } from './create-topics.ts'
import { deleteRecords } from './delete-records.ts'
import { deleteTopics } from './delete-topics.ts'
import { describeConfigs } from './describe-configs.ts'
import { describeLogDirs } from './describe-log-dirs.ts'
import { electLeaders } from './elect-leaders.ts'
import { fetch } from './fetch.ts'
import {
  deleteGroup,
  deleteOffsets,
  describeGroup,
  heartbeat,
  joinGroup,
  lastRebalance,
  leaveGroup,
  listGroups,
  syncGroup,
} from './groups.ts'
import { listOffsets } from './list-offsets.ts'
import { initProducerId, metadata } from './metadata.ts'
import { offsetForLeaderEpoch } from './offset-for-leader-epoch.ts'
import { offsetCommit, offsetFetch } from './offsets.ts'
import { refusalOf, visibleTo } from './permissions.ts'
import { produce } from './produce.ts'
import { alterPartitionReassignments, listPartitionReassignments } from './reassign-partitions.ts'
import { recover, showRecovery } from './recover.ts'
import { replicaFetch } from './replica-fetch.ts'

/** `request` and the bytes in it are valid during the call only. */
export function dispatch(
  parts: BrokerParts,
  requester: Requester,
  request: MqRequest,
  respond: Respond,
): void {
  if (requester.role !== 'broker') {
    const refusal = refusalFor(parts, requester, request)
    if (refusal !== undefined) {
      respond(refusal)
      return
    }
  }
  const { access } = requester
  if (access === undefined) handle(parts, requester, request, respond)
  else handle(parts, requester, request, (answer) => respond(visibleTo(access, answer)))
}

/** What a client may not ask. */
function refusalFor(
  parts: BrokerParts,
  { exchange, access }: Requester,
  request: MqRequest,
): BrokerError | undefined {
  if (parts.sasl.isRequired && exchange?.user === undefined) {
    const found = 'this broker requires SASL, and no user has authenticated itself'
    return new BrokerError('SASL_AUTHENTICATION_FAILED', `Cannot answer ${request.type}: ${found}`)
  }
  if (isForBrokers(request)) {
    const found = 'only a broker may send it, and this is a client connection'
    return new BrokerError('CLUSTER_AUTHORIZATION_FAILED', `Cannot ${request.type}: ${found}`)
  }
  return access && refusalOf(access, request, parts.image)
}

function handle(
  parts: BrokerParts,
  requester: Requester,
  request: MqRequest,
  respond: Respond,
): void {
  switch (request.type) {
    case 'produce':
      produce(parts, request, respond, {
        mayBeEarly: true,
        wallMs: parts.clock.wallMs(),
        access: requester.access,
      })
      return
    case 'fetch':
      fetch(parts, request, respond, requester.access)
      return
    case 'replicaFetch':
      replicaFetch(parts, requester, request, respond)
      return
    case 'listOffsets':
      listOffsets(parts, request, respond, requester.access)
      return
    case 'offsetForLeaderEpoch':
      offsetForLeaderEpoch(parts, request, respond)
      return
    case 'metadata':
      metadata(parts, request, respond)
      return
    case 'createTopics':
      answerLater(createTopics(parts, request), respond)
      return
    case 'initProducerId':
      answerLater(initProducerId(parts), respond)
      return
    case 'offsetCommit':
      answerLater(offsetCommit(parts, request), respond)
      return
    case 'offsetFetch':
      answerLater(offsetFetch(parts, request), respond)
      return
    case 'deleteRecords':
      deleteRecords(parts, request, respond)
      return
    case 'describeLogDirs':
      respond(describeLogDirs(parts, request))
      return
    case 'joinGroup':
      answerLater(joinGroup(parts, requester, request), respond)
      return
    case 'syncGroup':
      answerLater(syncGroup(parts, request), respond)
      return
    case 'heartbeat':
      answerLater(heartbeat(parts, request), respond)
      return
    case 'leaveGroup':
      answerLater(leaveGroup(parts, request), respond)
      return
    case 'listGroups':
      answerLater(listGroups(parts, request), respond)
      return
    case 'describeGroup':
      answerLater(describeGroup(parts, request), respond)
      return
    case 'deleteGroup':
      answerLater(deleteGroup(parts, request), respond)
      return
    case 'lastRebalance':
      answerLater(lastRebalance(parts, request), respond)
      return
    case 'deleteOffsets':
      answerLater(deleteOffsets(parts, request), respond)
      return
    case 'recoveryChoices':
      answerLater(showRecovery(parts, request), respond)
      return
    case 'recover':
      answerLater(recover(parts, request), respond)
      return
    case 'describeConfigs':
      describeConfigs(parts, request, respond)
      return
    case 'deleteTopics':
      answerLater(deleteTopics(parts, request), respond)
      return
    case 'electLeaders':
      answerLater(electLeaders(parts, request), respond)
      return
    case 'alterPartitionReassignments':
      answerLater(alterPartitionReassignments(parts, request), respond)
      return
    case 'listPartitionReassignments':
      answerLater(listPartitionReassignments(parts, request), respond)
      return
    case 'createPartitions':
      answerLater(createPartitions(parts, request), respond)
      return
    case 'alterConfigs':
      answerLater(alterConfigs(parts, request), respond)
      return
    case 'authenticate':
      respond(new BrokerError('ILLEGAL_SASL_STATE', 'Cannot authenticate a broker as a user'))
      return
  }
}

/** Requests trusted only from a broker: its own durable offset, or a client's request passed on. */
function isForBrokers(request: MqRequest): boolean {
  if (request.type === 'replicaFetch') return true
  return 'passedOn' in request && request.passedOn
}
