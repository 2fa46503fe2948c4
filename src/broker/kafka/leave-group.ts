// LeaveGroup: removes the sender or, in newer versions, the listed members from their group.
//
// Next on the path: group/group-coordinator.ts.

import type { LeaveGroupRequest, LeaveGroupResponse } from '../../protocol/kafka/api/leave-group.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

const membersFrom = 3

export function answerLeaveGroup(
  { parts, version, access }: KafkaContext,
  { groupId, memberId, members }: LeaveGroupRequest,
  reply: KafkaReply<LeaveGroupResponse>,
): void {
  if (!access.mayGroup('read', groupId)) {
    reply.send({ errorCode: numberOf('GROUP_AUTHORIZATION_FAILED'), members: [] })
    return
  }
  const named = version < membersFrom ? [{ memberId, groupInstanceId: null }] : members
  const claims = named.map((one) => ({ memberId: one.memberId, instanceId: one.groupInstanceId }))
  const left = parts.groups.leave(groupId, claims)
  if (typeof left === 'string') {
    reply.send({ errorCode: numberOf(left), members: [] })
    return
  }
  const [ofFirst = 'NONE'] = left
  reply.send({
    errorCode: numberOf(version < membersFrom ? ofFirst : 'NONE'),
    members: named.map((one, i) => ({
      memberId: one.memberId,
      groupInstanceId: one.groupInstanceId,
      errorCode: numberOf(left[i] ?? 'UNKNOWN_MEMBER_ID'),
    })),
  })
}
