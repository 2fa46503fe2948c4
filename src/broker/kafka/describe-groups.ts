// DescribeGroups: state, members and assignments of groups. A group that does not exist is Dead.
//
// Next on the path: group/group-coordinator.ts.

import type {
  DescribeGroupsRequest,
  DescribeGroupsResponse,
} from '../../protocol/kafka/api/describe-groups.ts'
import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { codeOf } from '../group/group-coordinator.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

type GroupRow = DescribeGroupsResponse['groups'][number]

export function answerDescribeGroups(
  { parts, access }: KafkaContext,
  { groups }: DescribeGroupsRequest,
  reply: KafkaReply<DescribeGroupsResponse>,
): void {
  reply.send({
    groups: groups.map((group) =>
      access.mayGroup('describe', group)
        ? rowOf(parts, group)
        : failed(group, 'GROUP_AUTHORIZATION_FAILED'),
    ),
  })
}

function rowOf({ groups }: BrokerParts, groupId: string): GroupRow {
  try {
    const { state, protocolType, protocol, members } = groups.describe(groupId)
    return {
      errorCode: numberOf('NONE'),
      groupId,
      groupState: state,
      protocolType,
      protocolData: state === 'Stable' ? protocol : '',
      members: members.map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: `/${member.clientHost}`,
        memberMetadata: member.metadata,
        memberAssignment: member.assignment,
      })),
    }
  } catch (error) {
    return failed(groupId, codeOf(error))
  }
}

function failed(groupId: string, code: MqErrorCode): GroupRow {
  const [groupState, protocolType, protocolData] = ['', '', '']
  const errorCode = numberOf(code)
  return { errorCode, groupId, groupState, protocolType, protocolData, members: [] }
}
