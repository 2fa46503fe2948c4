// Which handler answers which api: the list of what a broker speaks. Handlers answer through `respond`,
// at once or later, exactly once; a BrokerError is an answer to the request as a whole.

import type { MqRequest } from '../../protocol/mq/apis.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { answerLater, type Requester, type Respond } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { createTopics } from './create-topics.ts'
import { fetch } from './fetch.ts'
import { listOffsets } from './list-offsets.ts'
import { initProducerId, metadata } from './metadata.ts'
import { offsetForLeaderEpoch } from './offset-for-leader-epoch.ts'
import { offsetCommit, offsetFetch } from './offsets.ts'
import { produce } from './produce.ts'
import { recover, showRecovery } from './recover.ts'
import { replicaFetch } from './replica-fetch.ts'

/** `request` and the bytes in it are valid during the call only. */
export function dispatch(
  parts: BrokerParts,
  requester: Requester,
  request: MqRequest,
  respond: Respond,
): void {
  if (requester.role !== 'broker' && isForBrokers(request)) {
    const found = 'only a broker may ask for it, and this is a link of a client'
    respond(new BrokerError('CLUSTER_AUTHORIZATION_FAILED', `Cannot ${request.type}: ${found}`))
    return
  }
  switch (request.type) {
    case 'produce':
      produce(parts, request, respond)
      return
    case 'fetch':
      fetch(parts, request, respond)
      return
    case 'replicaFetch':
      replicaFetch(parts, requester, request, respond)
      return
    case 'listOffsets':
      listOffsets(parts, request, respond)
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
    case 'recoveryChoices':
      answerLater(showRecovery(parts, request), respond)
      return
    case 'recover':
      answerLater(recover(parts, request), respond)
      return
  }
}

/** What would be believed of a broker alone: what it has stored, and that a client asked it for this. */
function isForBrokers(request: MqRequest): boolean {
  if (request.type === 'replicaFetch') return true
  return 'passedOn' in request && request.passedOn
}
