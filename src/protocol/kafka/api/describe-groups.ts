// DescribeGroups: state and members of groups. A group that does not exist is described as Dead.

import { since, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { boolean, bytes, int16, int32, listOf, notAskedFor, nullable, string } from '../types.ts'

export const describeGroups = new KafkaApi({
  key: 15,
  name: 'DescribeGroups',
  versions: [0, 5],
  flexibleFrom: 5,
  request: {
    groups: listOf(string),
    includeAuthorizedOperations: since(3, boolean, false),
  },
  response: {
    throttleTimeMs: since(1, int32, 0),
    groups: structs({
      errorCode: int16,
      groupId: string,
      groupState: string,
      protocolType: string,
      protocolData: string,
      members: structs({
        memberId: string,
        groupInstanceId: since(4, nullable(string), null),
        clientId: string,
        clientHost: string,
        memberMetadata: bytes,
        memberAssignment: bytes,
      }),
      authorizedOperations: since(3, int32, notAskedFor),
    }),
  },
})

export type DescribeGroupsRequest = RequestOf<typeof describeGroups>
export type DescribeGroupsResponse = ResponseOf<typeof describeGroups>
