// Metadata: brokers, and topics with their partitions. A null list of topics asks for all of them,
// as does an empty list in version 0; in later versions an empty list asks for none. From version
// 12 on, a topic whose name is null is looked up by its id.

import { between, since, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { noUuid } from '../reader.ts'
import { boolean, int16, int32, listOf, notAskedFor, nullable, string, uuid } from '../types.ts'

export const metadata = new KafkaApi({
  key: 3,
  name: 'Metadata',
  versions: [0, 12],
  flexibleFrom: 9,
  request: {
    topics: nullable(structs({ topicId: since(10, uuid, noUuid), name: nullable(string, 10) }), 1),
    allowAutoTopicCreation: since(4, boolean, true),
    includeClusterAuthorizedOperations: between(8, 10, boolean, false),
    includeTopicAuthorizedOperations: since(8, boolean, false),
  },
  response: {
    throttleTimeMs: since(3, int32, 0),
    brokers: structs({
      nodeId: int32,
      host: string,
      port: int32,
      rack: since(1, nullable(string), null),
    }),
    clusterId: since(2, nullable(string), null),
    controllerId: since(1, int32, -1),
    topics: structs({
      errorCode: int16,
      name: nullable(string, 12),
      topicId: since(10, uuid, noUuid),
      isInternal: since(1, boolean, false),
      partitions: structs({
        errorCode: int16,
        partitionIndex: int32,
        leaderId: int32,
        leaderEpoch: since(7, int32, -1),
        replicaNodes: listOf(int32),
        isrNodes: listOf(int32),
        offlineReplicas: since(5, listOf(int32), []),
      }),
      topicAuthorizedOperations: since(8, int32, notAskedFor),
    }),
    clusterAuthorizedOperations: between(8, 10, int32, notAskedFor),
  },
})

export type MetadataRequest = RequestOf<typeof metadata>
export type MetadataResponse = ResponseOf<typeof metadata>
