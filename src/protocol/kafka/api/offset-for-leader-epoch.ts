// OffsetForLeaderEpoch: the end offset of a leader epoch in the leader's log. A consumer uses it to
// detect that the log was truncated below its position. Replica -1 is a consumer. Epoch and offset
// are -1 if unknown.

import { defaulted, since, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, int64, string } from '../types.ts'

export const offsetForLeaderEpoch = new KafkaApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: [2, 4],
  flexibleFrom: 4,
  request: {
    replicaId: since(3, int32, -2),
    topics: structs({
      topic: string,
      partitions: structs({ partition: int32, currentLeaderEpoch: int32, leaderEpoch: int32 }),
    }),
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    topics: structs({
      topic: string,
      partitions: structs({
        errorCode: int16,
        partition: int32,
        leaderEpoch: int32,
        endOffset: int64,
      }),
    }),
  },
})

export type OffsetForLeaderEpochRequest = RequestOf<typeof offsetForLeaderEpoch>
export type OffsetForLeaderEpochResponse = ResponseOf<typeof offsetForLeaderEpoch>
