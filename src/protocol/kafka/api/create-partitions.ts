// CreatePartitions: adds partitions to topics. `count` is the new total, and `assignments` lists
// only the new partitions.

import { defaulted, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { boolean, int16, int32, listOf, nullable, string } from '../types.ts'

export const createPartitions = new KafkaApi({
  key: 37,
  name: 'CreatePartitions',
  versions: [0, 3],
  flexibleFrom: 2,
  request: {
    topics: structs({
      name: string,
      count: int32,
      assignments: nullable(structs({ brokerIds: listOf(int32) })),
    }),
    timeoutMs: int32,
    validateOnly: boolean,
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    results: structs({
      name: string,
      errorCode: int16,
      errorMessage: defaulted(nullable(string), null),
    }),
  },
})

export type CreatePartitionsRequest = RequestOf<typeof createPartitions>
export type CreatePartitionsResponse = ResponseOf<typeof createPartitions>
