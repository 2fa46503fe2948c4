// Which api is answered by whom: the list of what a broker speaks. Handlers answer through `respond`,
// at once or later, exactly once; a BrokerError is an answer too.

import type { MqRequest } from '../../protocol/mq/messages.ts'
import { answerLater, type Requester, type Respond } from './answer.ts'
import type { BrokerParts } from './broker-parts.ts'
import { answerEpochEnd, fetch, replicaFetch } from './fetch.ts'
import { listOffsets } from './list-offsets.ts'
import { commit, committed, createTopic, initProducerId, metadata } from './metadata.ts'
import { produce } from './produce.ts'
import { recover, showRecovery } from './recover.ts'

/** `request` and the bytes in it are valid during the call only. */
export function dispatch(
  parts: BrokerParts,
  requester: Requester,
  request: MqRequest,
  respond: Respond,
): void {
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
    case 'leaderEpochEnd':
      answerEpochEnd(parts, request, respond)
      return
    case 'metadata':
      metadata(parts, request, respond)
      return
    case 'createTopic':
      answerLater(createTopic(parts, request), respond)
      return
    case 'initProducerId':
      answerLater(initProducerId(parts), respond)
      return
    case 'commitOffset':
      answerLater(commit(parts, request), respond)
      return
    case 'committedOffset':
      answerLater(committed(parts, request), respond)
      return
    case 'recoveryChoices':
      answerLater(showRecovery(parts, request), respond)
      return
    case 'recover':
      answerLater(recover(parts, request), respond)
      return
  }
}
