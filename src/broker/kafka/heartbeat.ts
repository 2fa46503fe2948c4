// Heartbeat: keeps a member in its group, and tells it whether to join again.
//
// Next on the path: group/group-coordinator.ts.

import type { HeartbeatRequest, HeartbeatResponse } from '../../protocol/kafka/api/heartbeat.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

export function answerHeartbeat(
  { parts, access }: KafkaContext,
  { groupId, generationId, memberId, groupInstanceId }: HeartbeatRequest,
  reply: KafkaReply<HeartbeatResponse>,
): void {
  if (!access.mayGroup('read', groupId)) {
    reply.send({ errorCode: numberOf('GROUP_AUTHORIZATION_FAILED') })
    return
  }
  const claim = { generation: generationId, memberId, instanceId: groupInstanceId }
  reply.send({ errorCode: numberOf(parts.groups.heartbeat(groupId, claim)) })
}
