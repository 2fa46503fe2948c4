// ListGroups: the groups that this broker coordinates, including empty ones.
//
// Next on the path: group/group-coordinator.ts.

import type { ListGroupsRequest, ListGroupsResponse } from '../../protocol/kafka/api/list-groups.ts'
import { codeOf } from '../group/group-coordinator.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

const groupType = 'classic'

export function answerListGroups(
  { parts, access }: KafkaContext,
  { statesFilter, typesFilter }: ListGroupsRequest,
  reply: KafkaReply<ListGroupsResponse>,
): void {
  const passes = (filter: readonly string[], value: string) => {
    return filter.length === 0 || filter.some((one) => one.toLowerCase() === value.toLowerCase())
  }
  try {
    const mayAll = access.mayCluster('describe')
    const listed = parts.groups.list().filter(({ group, state }) => {
      if (!mayAll && !access.mayGroup('describe', group)) return false
      return passes(statesFilter, state) && passes(typesFilter, groupType)
    })
    reply.send({
      errorCode: numberOf('NONE'),
      groups: listed.map(({ group, state, protocolType }) => {
        return { groupId: group, protocolType, groupState: state, groupType }
      }),
    })
  } catch (error) {
    reply.send({ errorCode: numberOf(codeOf(error)), groups: [] })
  }
}
