// LeaveGroup: removes members from a group; up to version 2, only the sender.

import { since, structs, until } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, nullable, string } from '../types.ts'

export const leaveGroup = new KafkaApi({
  key: 13,
  name: 'LeaveGroup',
  versions: [0, 5],
  flexibleFrom: 4,
  request: {
    groupId: string,
    memberId: until(2, string, ''),
    members: since(
      3,
      structs({
        memberId: string,
        groupInstanceId: nullable(string),
        reason: since(5, nullable(string), null),
      }),
      [],
    ),
  },
  response: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: int16,
    members: since(
      3,
      structs({ memberId: string, groupInstanceId: nullable(string), errorCode: int16 }),
      [],
    ),
  },
})

export type LeaveGroupRequest = RequestOf<typeof leaveGroup>
export type LeaveGroupResponse = ResponseOf<typeof leaveGroup>
