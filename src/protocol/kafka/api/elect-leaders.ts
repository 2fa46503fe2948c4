// ElectLeaders: elects the preferred replica (`electionType` 0), or any replica even if records are
// lost (1). A null list means all partitions.

import { defaulted, since, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int8, int16, int32, listOf, nullable, string } from '../types.ts'

export const electLeaders = new KafkaApi({
  key: 43,
  name: 'ElectLeaders',
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    electionType: since(1, int8, 0),
    topicPartitions: nullable(structs({ topic: string, partitions: listOf(int32) })),
    timeoutMs: int32,
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    errorCode: since(1, int16, 0),
    replicaElectionResults: structs({
      topic: string,
      partitionResult: structs({
        partitionId: int32,
        errorCode: int16,
        errorMessage: defaulted(nullable(string), null),
      }),
    }),
  },
})

export type ElectLeadersRequest = RequestOf<typeof electLeaders>
export type ElectLeadersResponse = ResponseOf<typeof electLeaders>
