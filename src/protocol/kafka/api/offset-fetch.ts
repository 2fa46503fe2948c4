// OffsetFetch: committed offsets of a group. A null list of topics asks for all of them. An offset
// of -1 means that none was committed. From version 8 on, a request may name several groups, and
// errors are per group: there is none for the request as a whole.

import { between, since, structs, until } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { boolean, int16, int32, int64, listOf, nullable, string } from '../types.ts'

export const offsetFetch = new KafkaApi({
  key: 9,
  name: 'OffsetFetch',
  versions: [1, 8],
  flexibleFrom: 6,
  request: {
    groupId: until(7, string, ''),
    topics: until(7, nullable(structs({ name: string, partitionIndexes: listOf(int32) }), 2), null),
    groups: since(
      8,
      structs({
        groupId: string,
        topics: nullable(structs({ name: string, partitionIndexes: listOf(int32) })),
      }),
      [],
    ),
    requireStable: since(7, boolean, false),
  },
  response: {
    throttleTimeMs: since(3, int32, 0),
    topics: until(
      7,
      structs({
        name: string,
        partitions: structs({
          partitionIndex: int32,
          committedOffset: int64,
          committedLeaderEpoch: since(5, int32, -1),
          metadata: nullable(string),
          errorCode: int16,
        }),
      }),
      [],
    ),
    errorCode: between(2, 7, int16, 0),
    groups: since(
      8,
      structs({
        groupId: string,
        topics: structs({
          name: string,
          partitions: structs({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: int32,
            metadata: nullable(string),
            errorCode: int16,
          }),
        }),
        errorCode: int16,
      }),
      [],
    ),
  },
})

export type OffsetFetchRequest = RequestOf<typeof offsetFetch>
export type OffsetFetchResponse = ResponseOf<typeof offsetFetch>
