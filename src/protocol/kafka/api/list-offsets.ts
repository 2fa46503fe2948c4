// ListOffsets: looks up offsets by timestamp. A timestamp of -1 asks for the end of the log, -2 for
// its start, -3 for the record with the largest timestamp, and any other for the first record at or
// after it. In the response, offset and timestamp are -1 if there is no such record.
// `isolationLevel` is as in fetch.ts.

import { since, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int8, int16, int32, int64, string } from '../types.ts'

export const listOffsets = new KafkaApi({
  key: 2,
  name: 'ListOffsets',
  versions: [1, 7],
  flexibleFrom: 6,
  request: {
    replicaId: int32,
    isolationLevel: since(2, int8, 0),
    topics: structs({
      name: string,
      partitions: structs({
        partitionIndex: int32,
        currentLeaderEpoch: since(4, int32, -1),
        timestamp: int64,
      }),
    }),
  },
  response: {
    throttleTimeMs: since(2, int32, 0),
    topics: structs({
      name: string,
      partitions: structs({
        partitionIndex: int32,
        errorCode: int16,
        timestamp: int64,
        offset: int64,
        leaderEpoch: since(4, int32, -1),
      }),
    }),
  },
})

export type ListOffsetsRequest = RequestOf<typeof listOffsets>
export type ListOffsetsResponse = ResponseOf<typeof listOffsets>
