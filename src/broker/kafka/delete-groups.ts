// DeleteGroups: deletes empty groups together with their offsets.
//
// Next on the path: group/group-coordinator.ts.

import type {
  DeleteGroupsRequest,
  DeleteGroupsResponse,
} from '../../protocol/kafka/api/delete-groups.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

export function answerDeleteGroups(
  { parts, access }: KafkaContext,
  { groupsNames }: DeleteGroupsRequest,
  reply: KafkaReply<DeleteGroupsResponse>,
): void {
  const outcomes = groupsNames.map(async (groupId) => {
    const isAllowed = access.mayGroup('delete', groupId)
    const code = isAllowed ? await parts.groups.remove(groupId) : 'GROUP_AUTHORIZATION_FAILED'
    return { groupId, errorCode: numberOf(code) }
  })
  void Promise.all(outcomes).then((results) => reply.send({ results }))
}
