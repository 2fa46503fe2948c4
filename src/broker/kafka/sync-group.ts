// SyncGroup: the leader sends the assignments, and each member receives its own.
//
// Next on the path: group/group-coordinator.ts.

import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/kafka/api/sync-group.ts'
import { noBytes } from '../group/group-members.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

export function answerSyncGroup(
  { parts, access }: KafkaContext,
  request: SyncGroupRequest,
  reply: KafkaReply<SyncGroupResponse>,
): void {
  const { groupId, generationId, memberId, groupInstanceId, protocolType, protocolName } = request
  if (!access.mayGroup('read', groupId)) {
    const errorCode = numberOf('GROUP_AUTHORIZATION_FAILED')
    reply.send({ errorCode, protocolType: null, protocolName: null, assignment: noBytes })
    return
  }
  const sync = {
    generation: generationId,
    memberId,
    instanceId: groupInstanceId,
    protocolType,
    protocol: protocolName,
    assignments: new Map(
      request.assignments.map((one) => [one.memberId, Buffer.from(one.assignment)]),
    ),
  }
  parts.groups.sync(groupId, sync, (answer) => {
    reply.send({
      errorCode: numberOf(answer.error),
      protocolType: answer.protocolType,
      protocolName: answer.protocol,
      assignment: answer.assignment,
    })
  })
}
