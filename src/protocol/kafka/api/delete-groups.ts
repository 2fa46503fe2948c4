// DeleteGroups: deletes empty groups together with their offsets.

import { defaulted, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, listOf, string } from '../types.ts'

export const deleteGroups = new KafkaApi({
  key: 42,
  name: 'DeleteGroups',
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    groupsNames: listOf(string),
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    results: structs({ groupId: string, errorCode: int16 }),
  },
})

export type DeleteGroupsRequest = RequestOf<typeof deleteGroups>
export type DeleteGroupsResponse = ResponseOf<typeof deleteGroups>
