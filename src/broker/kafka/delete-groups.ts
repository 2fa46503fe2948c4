// DeleteGroups: deletes empty groups together with their offsets.
//
// Next on the path: group/group-coordinator.ts.

import type {
  DeleteGroupsRequest,
  DeleteGroupsResponse,
} from '../../protocol/kafka/api/delete-groups.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

export function answerDeleteGroups(
  { parts }: KafkaContext,
  { groupsNames }: DeleteGroupsRequest,
  reply: KafkaReply<DeleteGroupsResponse>,
): void {
  const outcomes = groupsNames.map(async (groupId) => {
    return { groupId, errorCode: numberOf(await parts.groups.remove(groupId)) }
  })
  void Promise.all(outcomes).then((results) => reply.send({ results }))
}
