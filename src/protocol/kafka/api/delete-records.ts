// DeleteRecords: advances the log start offset to a given offset; -1 is the high watermark.

import { defaulted, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, int64, string } from '../types.ts'

export const deleteRecords = new KafkaApi({
  key: 21,
  name: 'DeleteRecords',
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    topics: structs({
      name: string,
      partitions: structs({ partitionIndex: int32, offset: int64 }),
    }),
    timeoutMs: int32,
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    topics: structs({
      name: string,
      partitions: structs({ partitionIndex: int32, lowWatermark: int64, errorCode: int16 }),
    }),
  },
})

export type DeleteRecordsRequest = RequestOf<typeof deleteRecords>
export type DeleteRecordsResponse = ResponseOf<typeof deleteRecords>
