// OffsetDelete: deletes committed offsets of a group.

import { defaulted, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, string } from '../types.ts'

export const offsetDelete = new KafkaApi({
  key: 47,
  name: 'OffsetDelete',
  versions: [0, 0],
  request: {
    groupId: string,
    topics: structs({
      name: string,
      partitions: structs({ partitionIndex: int32 }),
    }),
  },
  response: {
    errorCode: int16,
    throttleTimeMs: defaulted(int32, 0),
    topics: structs({
      name: string,
      partitions: structs({ partitionIndex: int32, errorCode: int16 }),
    }),
  },
})

export type OffsetDeleteRequest = RequestOf<typeof offsetDelete>
export type OffsetDeleteResponse = ResponseOf<typeof offsetDelete>
