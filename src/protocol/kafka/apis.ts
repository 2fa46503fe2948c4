// The apis of Kafka's protocol that have a codec here; broker/kafka/handlers.ts lists those that a
// broker serves.

import { alterConfigs } from './api/alter-configs.ts'
import { alterPartitionReassignments } from './api/alter-partition-reassignments.ts'
import { apiVersions } from './api/api-versions.ts'
import { createAcls } from './api/create-acls.ts'
import { createPartitions } from './api/create-partitions.ts'
import { createTopics } from './api/create-topics.ts'
import { deleteAcls } from './api/delete-acls.ts'
import { deleteGroups } from './api/delete-groups.ts'
import { deleteRecords } from './api/delete-records.ts'
import { deleteTopics } from './api/delete-topics.ts'
import { describeAcls } from './api/describe-acls.ts'
import { describeCluster } from './api/describe-cluster.ts'
import { describeConfigs } from './api/describe-configs.ts'
import { describeGroups } from './api/describe-groups.ts'
import { describeLogDirs } from './api/describe-log-dirs.ts'
import { describeProducers } from './api/describe-producers.ts'
import { electLeaders } from './api/elect-leaders.ts'
import { fetch } from './api/fetch.ts'
import { findCoordinator } from './api/find-coordinator.ts'
import { heartbeat } from './api/heartbeat.ts'
import { incrementalAlterConfigs } from './api/incremental-alter-configs.ts'
import { initProducerId } from './api/init-producer-id.ts'
import { joinGroup } from './api/join-group.ts'
import { leaveGroup } from './api/leave-group.ts'
import { listGroups } from './api/list-groups.ts'
import { listOffsets } from './api/list-offsets.ts'
import { listPartitionReassignments } from './api/list-partition-reassignments.ts'
import { metadata } from './api/metadata.ts'
import { offsetCommit } from './api/offset-commit.ts'
import { offsetDelete } from './api/offset-delete.ts'
import { offsetFetch } from './api/offset-fetch.ts'
import { offsetForLeaderEpoch } from './api/offset-for-leader-epoch.ts'
import { produce } from './api/produce.ts'
import { saslAuthenticate } from './api/sasl-authenticate.ts'
import { saslHandshake } from './api/sasl-handshake.ts'
import { syncGroup } from './api/sync-group.ts'

/** In the order of their keys. */
export const kafkaApis = [
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  saslHandshake,
  apiVersions,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  describeAcls,
  createAcls,
  deleteAcls,
  describeConfigs,
  alterConfigs,
  describeLogDirs,
  saslAuthenticate,
  createPartitions,
  deleteGroups,
  electLeaders,
  incrementalAlterConfigs,
  alterPartitionReassignments,
  listPartitionReassignments,
  offsetDelete,
  describeCluster,
  describeProducers,
] as const
