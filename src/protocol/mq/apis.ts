// The apis of a broker: each with its number, its request and its response.

import { type MessageOf, Messages } from '../fields.ts'
import { authenticateRequest, authenticateResponse } from './authenticate.ts'
import {
  alterConfigsRequest,
  alterConfigsResponse,
  describeConfigsRequest,
  describeConfigsResponse,
} from './configs.ts'
import { createPartitionsRequest, createPartitionsResponse } from './create-partitions.ts'
import { createTopicsRequest, createTopicsResponse } from './create-topics.ts'
import { deleteRecordsRequest, deleteRecordsResponse } from './delete-records.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from './delete-topics.ts'
import { describeLogDirsRequest, describeLogDirsResponse } from './describe-log-dirs.ts'
import { electLeadersRequest, electLeadersResponse } from './elect-leaders.ts'
import { fetchRequest, fetchResponse } from './fetch.ts'
import {
  deleteGroupRequest,
  deleteGroupResponse,
  deleteOffsetsRequest,
  deleteOffsetsResponse,
  describeGroupRequest,
  describeGroupResponse,
  heartbeatRequest,
  heartbeatResponse,
  joinGroupRequest,
  joinGroupResponse,
  lastRebalanceRequest,
  lastRebalanceResponse,
  leaveGroupRequest,
  leaveGroupResponse,
  listGroupsRequest,
  listGroupsResponse,
  syncGroupRequest,
  syncGroupResponse,
} from './groups.ts'
import { initProducerIdRequest, initProducerIdResponse } from './init-producer-id.ts'
import { listOffsetsRequest, listOffsetsResponse } from './list-offsets.ts'
import { metadataRequest, metadataResponse } from './metadata.ts'
import { offsetCommitRequest, offsetCommitResponse } from './offset-commit.ts'
import { offsetFetchRequest, offsetFetchResponse } from './offset-fetch.ts'
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from './offset-for-leader-epoch.ts'
import {
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
} from './partition-reassignments.ts'
import { produceRequest, produceResponse } from './produce.ts'
import {
  recoverRequest,
  recoverResponse,
  recoveryChoicesRequest,
  recoveryChoicesResponse,
} from './recover.ts'
import { replicaFetchRequest, replicaFetchResponse } from './replica-fetch.ts'

export const requests = new Messages('request', {
  produce: { code: 1, fields: produceRequest },
  fetch: { code: 2, fields: fetchRequest },
  replicaFetch: { code: 3, fields: replicaFetchRequest },
  listOffsets: { code: 4, fields: listOffsetsRequest },
  offsetForLeaderEpoch: { code: 5, fields: offsetForLeaderEpochRequest },
  metadata: { code: 6, fields: metadataRequest },
  createTopics: { code: 7, fields: createTopicsRequest },
  initProducerId: { code: 8, fields: initProducerIdRequest },
  offsetCommit: { code: 9, fields: offsetCommitRequest },
  offsetFetch: { code: 10, fields: offsetFetchRequest },
  recoveryChoices: { code: 11, fields: recoveryChoicesRequest },
  recover: { code: 12, fields: recoverRequest },
  deleteRecords: { code: 13, fields: deleteRecordsRequest },
  describeLogDirs: { code: 14, fields: describeLogDirsRequest },
  describeConfigs: { code: 20, fields: describeConfigsRequest },
  alterConfigs: { code: 21, fields: alterConfigsRequest },
  deleteTopics: { code: 22, fields: deleteTopicsRequest },
  createPartitions: { code: 23, fields: createPartitionsRequest },
  electLeaders: { code: 24, fields: electLeadersRequest },
  alterPartitionReassignments: { code: 25, fields: alterPartitionReassignmentsRequest },
  listPartitionReassignments: { code: 26, fields: listPartitionReassignmentsRequest },
  joinGroup: { code: 30, fields: joinGroupRequest },
  syncGroup: { code: 31, fields: syncGroupRequest },
  heartbeat: { code: 32, fields: heartbeatRequest },
  leaveGroup: { code: 33, fields: leaveGroupRequest },
  listGroups: { code: 34, fields: listGroupsRequest },
  describeGroup: { code: 35, fields: describeGroupRequest },
  deleteGroup: { code: 36, fields: deleteGroupRequest },
  deleteOffsets: { code: 37, fields: deleteOffsetsRequest },
  lastRebalance: { code: 38, fields: lastRebalanceRequest },
  authenticate: { code: 40, fields: authenticateRequest },
})

/** The response to the request of the same type. */
export const responses = new Messages('response', {
  produce: { code: 1, fields: produceResponse },
  fetch: { code: 2, fields: fetchResponse },
  replicaFetch: { code: 3, fields: replicaFetchResponse },
  listOffsets: { code: 4, fields: listOffsetsResponse },
  offsetForLeaderEpoch: { code: 5, fields: offsetForLeaderEpochResponse },
  metadata: { code: 6, fields: metadataResponse },
  createTopics: { code: 7, fields: createTopicsResponse },
  initProducerId: { code: 8, fields: initProducerIdResponse },
  offsetCommit: { code: 9, fields: offsetCommitResponse },
  offsetFetch: { code: 10, fields: offsetFetchResponse },
  recoveryChoices: { code: 11, fields: recoveryChoicesResponse },
  recover: { code: 12, fields: recoverResponse },
  deleteRecords: { code: 13, fields: deleteRecordsResponse },
  describeLogDirs: { code: 14, fields: describeLogDirsResponse },
  describeConfigs: { code: 20, fields: describeConfigsResponse },
  alterConfigs: { code: 21, fields: alterConfigsResponse },
  deleteTopics: { code: 22, fields: deleteTopicsResponse },
  createPartitions: { code: 23, fields: createPartitionsResponse },
  electLeaders: { code: 24, fields: electLeadersResponse },
  alterPartitionReassignments: { code: 25, fields: alterPartitionReassignmentsResponse },
  listPartitionReassignments: { code: 26, fields: listPartitionReassignmentsResponse },
  joinGroup: { code: 30, fields: joinGroupResponse },
  syncGroup: { code: 31, fields: syncGroupResponse },
  heartbeat: { code: 32, fields: heartbeatResponse },
  leaveGroup: { code: 33, fields: leaveGroupResponse },
  listGroups: { code: 34, fields: listGroupsResponse },
  describeGroup: { code: 35, fields: describeGroupResponse },
  deleteGroup: { code: 36, fields: deleteGroupResponse },
  deleteOffsets: { code: 37, fields: deleteOffsetsResponse },
  lastRebalance: { code: 38, fields: lastRebalanceResponse },
  authenticate: { code: 40, fields: authenticateResponse },
})

export type MqRequest = MessageOf<typeof requests>
export type MqResponse = MessageOf<typeof responses>
export type ApiName = MqRequest['type']

/** The response that answers a request of type `T`. */
export type ResponseOf<T extends ApiName> = Extract<MqResponse, { readonly type: T }>
