// JoinGroup: a consumer becomes a member of a group and waits for the rebalance.
//
// Next on the path: group/group-coordinator.ts.

import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/kafka/api/join-group.ts'
import { failedJoin, type JoinAnswer, type JoinRequest } from '../group/group-members.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

const rebalanceTimeoutFrom = 1
/** In earlier versions a member cannot join again with an assigned id. */
const knownIdsFrom = 4
/** In earlier versions the protocol name cannot be null; an empty name means none. */
const nullProtocolFrom = 7
const skipAssignmentFrom = 9

export function answerJoinGroup(
  context: KafkaContext,
  request: JoinGroupRequest,
  reply: KafkaReply<JoinGroupResponse>,
): void {
  const { parts, version, access } = context
  if (!access.mayGroup('read', request.groupId)) {
    reply.send(responseOf(version, failedJoin('GROUP_AUTHORIZATION_FAILED', request.memberId)))
    return
  }
  parts.groups.join(request.groupId, joinOf(context, request), (answer) => {
    reply.send(responseOf(version, answer))
  })
}

function responseOf(version: number, answer: JoinAnswer): JoinGroupResponse {
  return {
    errorCode: numberOf(answer.error),
    generationId: answer.generation,
    protocolType: answer.protocolType,
    protocolName: answer.protocol ?? (version < nullProtocolFrom ? '' : null),
    leader: answer.leader,
    skipAssignment: answer.skipAssignment,
    memberId: answer.memberId,
    members: answer.members.map(({ memberId, instanceId, metadata }) => {
      return { memberId, groupInstanceId: instanceId, metadata }
    }),
  }
}

function joinOf(
  { parts, version, clientId, clientHost }: KafkaContext,
  request: JoinGroupRequest,
): JoinRequest {
  const { memberId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs } = request
  return {
    memberId,
    newMemberId: `${groupInstanceId ?? clientId}-${parts.makeUuid()}`,
    mustKnowId: version >= knownIdsFrom,
    maySkipAssignment: version >= skipAssignmentFrom,
    instanceId: groupInstanceId,
    clientId,
    clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs: version < rebalanceTimeoutFrom ? sessionTimeoutMs : rebalanceTimeoutMs,
    protocolType: request.protocolType,
    protocols: request.protocols.map(({ name, metadata }) => {
      return { name, metadata: Buffer.from(metadata) }
    }),
  }
}
