// Fetch: reads records of partitions. `isolationLevel` 1 reads committed transactions only.
// `sessionEpoch` -1 asks for no fetch session and 0 for a new one; `sessionId` 0 in the response
// grants none. From version 13 on, topics are named by id. An offset of -1 is unknown; a leader
// epoch of -1 is not checked.

import { defaulted, since, struct, structs, tagged, until } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { noUuid } from '../reader.ts'
import { int8, int16, int32, int64, listOf, nullable, records, string, uuid } from '../types.ts'

export const fetch = new KafkaApi({
  key: 1,
  name: 'Fetch',
  versions: [4, 16],
  flexibleFrom: 12,
  request: {
    clusterId: tagged(0, 12, nullable(string), null),
    replicaId: until(14, int32, -1),
    replicaState: tagged(1, 15, struct({ replicaId: int32, replicaEpoch: int64 }), null),
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32,
    isolationLevel: int8,
    sessionId: since(7, int32, 0),
    sessionEpoch: since(7, int32, -1),
    topics: structs({
      topic: until(12, string, ''),
      topicId: since(13, uuid, noUuid),
      partitions: structs({
        partition: int32,
        currentLeaderEpoch: since(9, int32, -1),
        fetchOffset: int64,
        lastFetchedEpoch: since(12, int32, -1),
        logStartOffset: since(5, int64, -1),
        partitionMaxBytes: int32,
      }),
    }),
    forgottenTopicsData: since(
      7,
      structs({
        topic: until(12, string, ''),
        topicId: since(13, uuid, noUuid),
        partitions: listOf(int32),
      }),
      [],
    ),
    rackId: since(11, string, ''),
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    errorCode: since(7, int16, 0),
    sessionId: since(7, int32, 0),
    responses: structs({
      topic: until(12, string, ''),
      topicId: since(13, uuid, noUuid),
      partitions: structs({
        partitionIndex: int32,
        errorCode: int16,
        highWatermark: int64,
        lastStableOffset: int64,
        logStartOffset: since(5, int64, -1),
        divergingEpoch: tagged(0, 12, struct({ epoch: int32, endOffset: int64 }), null),
        currentLeader: tagged(1, 12, struct({ leaderId: int32, leaderEpoch: int32 }), null),
        snapshotId: tagged(2, 12, struct({ endOffset: int64, epoch: int32 }), null),
        abortedTransactions: nullable(structs({ producerId: int64, firstOffset: int64 })),
        preferredReadReplica: since(11, int32, -1),
        records: nullable(records),
      }),
    }),
    nodeEndpoints: tagged(
      0,
      16,
      structs({ nodeId: int32, host: string, port: int32, rack: nullable(string) }),
      [],
    ),
  },
})

export type FetchRequest = RequestOf<typeof fetch>
export type FetchResponse = ResponseOf<typeof fetch>
