// OffsetCommit: commits offsets of a group. A consumer that is not a member sends generation -1 and
// an empty member id. A leader epoch of -1 is unknown. Version 1 is that of old clients such as
// Sarama 1.22.

import { between, since, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, int64, nullable, string } from '../types.ts'

export const offsetCommit = new KafkaApi({
  key: 8,
  name: 'OffsetCommit',
  versions: [1, 8],
  flexibleFrom: 8,
  request: {
    groupId: string,
    generationIdOrMemberEpoch: int32,
    memberId: string,
    groupInstanceId: since(7, nullable(string), null),
    retentionTimeMs: between(2, 4, int64, -1),
    topics: structs({
      name: string,
      partitions: structs({
        partitionIndex: int32,
        committedOffset: int64,
        committedLeaderEpoch: since(6, int32, -1),
        // Ignored: offsets expire by the coordinator's clock.
        commitTimestampMs: between(1, 1, int64, -1),
        committedMetadata: nullable(string),
      }),
    }),
  },
  response: {
    throttleTimeMs: since(3, int32, 0),
    topics: structs({
      name: string,
      partitions: structs({ partitionIndex: int32, errorCode: int16 }),
    }),
  },
})

export type OffsetCommitRequest = RequestOf<typeof offsetCommit>
export type OffsetCommitResponse = ResponseOf<typeof offsetCommit>
