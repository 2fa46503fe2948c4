// ListPartitionReassignments: reassignments in progress. A null list of topics asks for all of
// them.

import { defaulted, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, listOf, nullable, string } from '../types.ts'

export const listPartitionReassignments = new KafkaApi({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    timeoutMs: int32,
    topics: nullable(structs({ name: string, partitionIndexes: listOf(int32) })),
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    errorCode: int16,
    errorMessage: defaulted(nullable(string), null),
    topics: structs({
      name: string,
      partitions: structs({
        partitionIndex: int32,
        replicas: listOf(int32),
        addingReplicas: listOf(int32),
        removingReplicas: listOf(int32),
      }),
    }),
  },
})

export type ListPartitionReassignmentsRequest = RequestOf<typeof listPartitionReassignments>
export type ListPartitionReassignmentsResponse = ResponseOf<typeof listPartitionReassignments>
