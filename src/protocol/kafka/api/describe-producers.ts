// DescribeProducers: the state that partitions keep of their active producers.

import { defaulted, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, int64, listOf, nullable, string } from '../types.ts'

export const describeProducers = new KafkaApi({
  key: 61,
  name: 'DescribeProducers',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    topics: structs({ name: string, partitionIndexes: listOf(int32) }),
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    topics: structs({
      name: string,
      partitions: structs({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: defaulted(nullable(string), null),
        activeProducers: structs({
          producerId: int64,
          producerEpoch: int32,
          lastSequence: int32,
          lastTimestamp: int64,
          coordinatorEpoch: int32,
          currentTxnStartOffset: int64,
        }),
      }),
    }),
  },
})

export type DescribeProducersRequest = RequestOf<typeof describeProducers>
export type DescribeProducersResponse = ResponseOf<typeof describeProducers>
