// The apis of Kafka that a broker serves, each with its handler. ApiVersions offers clients exactly
// this list.

import { alterConfigs } from '../../protocol/kafka/api/alter-configs.ts'
import { alterPartitionReassignments } from '../../protocol/kafka/api/alter-partition-reassignments.ts'
import { apiVersions } from '../../protocol/kafka/api/api-versions.ts'
import { createAcls } from '../../protocol/kafka/api/create-acls.ts'
import { createPartitions } from '../../protocol/kafka/api/create-partitions.ts'
import { createTopics } from '../../protocol/kafka/api/create-topics.ts'
import { deleteAcls } from '../../protocol/kafka/api/delete-acls.ts'
import { deleteGroups } from '../../protocol/kafka/api/delete-groups.ts'
import { deleteRecords } from '../../protocol/kafka/api/delete-records.ts'
import { deleteTopics } from '../../protocol/kafka/api/delete-topics.ts'
import { describeAcls } from '../../protocol/kafka/api/describe-acls.ts'
import { describeCluster } from '../../protocol/kafka/api/describe-cluster.ts'
import { describeConfigs } from '../../protocol/kafka/api/describe-configs.ts'
import { describeGroups } from '../../protocol/kafka/api/describe-groups.ts'
import { describeLogDirs } from '../../protocol/kafka/api/describe-log-dirs.ts'
import { describeProducers } from '../../protocol/kafka/api/describe-producers.ts'
import { electLeaders } from '../../protocol/kafka/api/elect-leaders.ts'
import { fetch } from '../../protocol/kafka/api/fetch.ts'
import { findCoordinator } from '../../protocol/kafka/api/find-coordinator.ts'
import { heartbeat } from '../../protocol/kafka/api/heartbeat.ts'
import { incrementalAlterConfigs } from '../../protocol/kafka/api/incremental-alter-configs.ts'
import { initProducerId } from '../../protocol/kafka/api/init-producer-id.ts'
import { joinGroup } from '../../protocol/kafka/api/join-group.ts'
import { leaveGroup } from '../../protocol/kafka/api/leave-group.ts'
import { listGroups } from '../../protocol/kafka/api/list-groups.ts'
import { listOffsets } from '../../protocol/kafka/api/list-offsets.ts'
import { listPartitionReassignments } from '../../protocol/kafka/api/list-partition-reassignments.ts'
import { metadata } from '../../protocol/kafka/api/metadata.ts'
import { offsetCommit } from '../../protocol/kafka/api/offset-commit.ts'
import { offsetDelete } from '../../protocol/kafka/api/offset-delete.ts'
import { offsetFetch } from '../../protocol/kafka/api/offset-fetch.ts'
import { offsetForLeaderEpoch } from '../../protocol/kafka/api/offset-for-leader-epoch.ts'
import { produce } from '../../protocol/kafka/api/produce.ts'
import { saslAuthenticate } from '../../protocol/kafka/api/sasl-authenticate.ts'
import { saslHandshake } from '../../protocol/kafka/api/sasl-handshake.ts'
import { syncGroup } from '../../protocol/kafka/api/sync-group.ts'
import { writeResponse } from '../../protocol/kafka/headers.ts'
import { answerCreateAcls, answerDeleteAcls, answerDescribeAcls } from './acls.ts'
import {
  answerAlterConfigs,
  answerDescribeConfigs,
  answerIncrementalAlterConfigs,
} from './configs.ts'
import { answerCreatePartitions } from './create-partitions.ts'
import { answerCreateTopics } from './create-topics.ts'
import { answerDeleteGroups } from './delete-groups.ts'
import { answerDeleteRecords } from './delete-records.ts'
import { answerDeleteTopics } from './delete-topics.ts'
import { answerDescribeCluster } from './describe-cluster.ts'
import { answerDescribeGroups } from './describe-groups.ts'
import { answerDescribeLogDirs } from './describe-log-dirs.ts'
import { answerDescribeProducers } from './describe-producers.ts'
import { answerElectLeaders } from './elect-leaders.ts'
import { answerFetch } from './fetch.ts'
import { answerFindCoordinator } from './find-coordinator.ts'
import { answerHeartbeat } from './heartbeat.ts'
import { answerInitProducerId } from './init-producer-id.ts'
import { answerJoinGroup } from './join-group.ts'
import { answerLeaveGroup } from './leave-group.ts'
import { answerListGroups } from './list-groups.ts'
import { answerListOffsets } from './list-offsets.ts'
import { answerMetadata } from './metadata.ts'
import { answerOffsetCommit } from './offset-commit.ts'
import { answerOffsetDelete } from './offset-delete.ts'
import { answerOffsetFetch } from './offset-fetch.ts'
import { answerOffsetForLeaderEpoch } from './offset-for-leader-epoch.ts'
import {
  answerAlterPartitionReassignments,
  answerListPartitionReassignments,
} from './partition-reassignments.ts'
import { answerProduce } from './produce.ts'
import { answerSaslAuthenticate } from './sasl-authenticate.ts'
import { answerSaslHandshake } from './sasl-handshake.ts'
import { numberOf, type ServedApi, serve, type WriteResponse } from './serving.ts'
import { answerSyncGroup } from './sync-group.ts'

const served: readonly ServedApi[] = [
  serve(produce, answerProduce, { overlaps: true }),
  serve(fetch, answerFetch),
  serve(listOffsets, answerListOffsets),
  serve(metadata, answerMetadata),
  serve(offsetCommit, answerOffsetCommit),
  serve(offsetFetch, answerOffsetFetch),
  serve(findCoordinator, answerFindCoordinator),
  serve(joinGroup, answerJoinGroup),
  serve(heartbeat, answerHeartbeat),
  serve(leaveGroup, answerLeaveGroup),
  serve(syncGroup, answerSyncGroup),
  serve(describeGroups, answerDescribeGroups),
  serve(listGroups, answerListGroups),
  serve(saslHandshake, answerSaslHandshake),
  serve(apiVersions, (_, _request, reply) => {
    reply.send({ errorCode: numberOf('NONE'), apiKeys: offered() })
  }),
  serve(createTopics, answerCreateTopics),
  serve(deleteTopics, answerDeleteTopics),
  serve(deleteRecords, answerDeleteRecords),
  serve(initProducerId, answerInitProducerId),
  serve(offsetForLeaderEpoch, answerOffsetForLeaderEpoch),
  serve(saslAuthenticate, answerSaslAuthenticate),
  serve(describeAcls, answerDescribeAcls),
  serve(createAcls, answerCreateAcls),
  serve(deleteAcls, answerDeleteAcls),
  serve(describeConfigs, answerDescribeConfigs),
  serve(alterConfigs, answerAlterConfigs),
  serve(describeLogDirs, answerDescribeLogDirs),
  serve(createPartitions, answerCreatePartitions),
  serve(deleteGroups, answerDeleteGroups),
  serve(electLeaders, answerElectLeaders),
  serve(incrementalAlterConfigs, answerIncrementalAlterConfigs),
  serve(alterPartitionReassignments, answerAlterPartitionReassignments),
  serve(listPartitionReassignments, answerListPartitionReassignments),
  serve(offsetDelete, answerOffsetDelete),
  serve(describeCluster, answerDescribeCluster),
  serve(describeProducers, answerDescribeProducers),
]

/** by api key */
export const handlers: ReadonlyMap<number, ServedApi> = new Map(served.map((api) => [api.key, api]))

function offered() {
  return served.map(({ key, offeredFrom, lastVersion }) => {
    return { apiKey: key, minVersion: offeredFrom, maxVersion: lastVersion }
  })
}

/**
 * Answers an ApiVersions request of a version that is too new. The answer has version 0, which
 * every client can read; some clients then use the version that it offers, others version 0.
 */
export function unknownVersion(correlationId: number): WriteResponse {
  const response = { errorCode: numberOf('UNSUPPORTED_VERSION'), apiKeys: offered() }
  return (to) => writeResponse(to, apiVersions, { correlationId, version: 0 }, response)
}
