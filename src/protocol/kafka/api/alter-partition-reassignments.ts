// AlterPartitionReassignments: moves replicas to other brokers. Null replicas cancel a reassignment
// in progress.

import { defaulted, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, listOf, nullable, string } from '../types.ts'

export const alterPartitionReassignments = new KafkaApi({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    timeoutMs: int32,
    topics: structs({
      name: string,
      partitions: structs({ partitionIndex: int32, replicas: nullable(listOf(int32)) }),
    }),
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    errorCode: int16,
    errorMessage: defaulted(nullable(string), null),
    responses: structs({
      name: string,
      partitions: structs({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: defaulted(nullable(string), null),
      }),
    }),
  },
})

export type AlterPartitionReassignmentsRequest = RequestOf<typeof alterPartitionReassignments>
export type AlterPartitionReassignmentsResponse = ResponseOf<typeof alterPartitionReassignments>
