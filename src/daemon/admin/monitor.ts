// `mntr`: all numbers for monitoring tools, one per line, `zk_key TAB value`. The keys are
// ZooKeeper's; docs/monitoring.md documents their meaning here, and those that are always 0.
//
// Source: ZooKeeper's MonitorCommand, ServerMetrics and the keys read by telegraf, Datadog,
// Elastic, OpenTelemetry and the Prometheus exporters.

import { Distribution, type Metrics, type Summary } from '../metrics.ts'
import { decimal } from './decimal.ts'
import type { ServerMode, ServerStatus } from './server-view.ts'

export type Row = readonly [string, string | number]

export function mntr(status: ServerStatus): string {
  const text = (value: string | number): string | number =>
    typeof value === 'number' && !Number.isInteger(value) ? decimal(value) : value
  return mntrRows(status)
    .map(([key, value]) => `zk_${key}\t${text(value)}\n`)
    .join('')
}

/** Also used to check docs/monitoring.md: keys without `zk_`. */
export function mntrRows(status: ServerStatus): readonly Row[] {
  const { mode } = status
  return [
    ...serverRows(status),
    ...(mode === 'leader' ? leaderRows(status) : []),
    ...(mode === 'follower' ? followerRows : []),
    ...(mode === 'observer' ? observerRows(status) : []),
    ...counterRows(status.metrics),
    ...summaryRows(status.metrics),
  ]
}

function serverRows(status: ServerStatus): Row[] {
  const { metrics, mode } = status
  const { average, min, max } = metrics.latency
  const responses = metrics.clientResponseBytes.range(-1)
  return [
    ['version', status.version],
    ['server_state', String(mode)],
    ['peer_state', mode === undefined ? '' : peerStates[mode]],
    ['avg_latency', decimal(average)],
    ['min_latency', min],
    ['max_latency', max],
    ['packets_received', metrics.packetsReceived],
    ['packets_sent', metrics.packetsSent],
    ['num_alive_connections', status.connectionCount],
    ['outstanding_requests', status.outstandingCount],
    ['znode_count', status.nodeCount],
    ['watch_count', status.watchCount],
    ['ephemerals_count', status.ephemeralCount],
    ['approximate_data_size', status.dataBytes],
    ['open_file_descriptor_count', status.openDescriptorCount],
    ['max_file_descriptor_count', status.descriptorCountMax],
    ['uptime', Math.round(status.uptimeMs)],
    ['global_sessions', status.sessionCount],
    ['local_sessions', 0],
    ['quorum_size', status.voterCount],
    ['connection_drop_probability', decimal(0)],
    ['last_client_response_size', responses.last],
    ['min_client_response_size', responses.min],
    ['max_client_response_size', responses.max],
    ['outstanding_tls_handshake', status.handshakeCount],
    ['auth_failed_count', metrics.authFailures],
    ['non_mtls_local_conn_count', status.localConnectionCount],
    ['non_mtls_remote_conn_count', status.connectionCount - status.localConnectionCount],
  ]
}

const peerStates = {
  leader: 'leading - broadcast',
  follower: 'following - broadcast',
  observer: 'observing - broadcast',
  standalone: 'standalone',
  'read-only': 'looking - election',
} as const satisfies Record<ServerMode, string>

function leaderRows({ metrics, leading }: ServerStatus): Row[] {
  const { last, min, max } = metrics.proposalBytes.range(-1)
  const connected = leading?.connectedLearners ?? 0
  return [
    ['learners', connected],
    // Its name up to 3.5, which older tools still read.
    ['followers', connected],
    ['synced_followers', leading?.syncedFollowers ?? 0],
    ['synced_non_voting_followers', 0],
    ['synced_observers', leading?.syncedObservers ?? 0],
    ['pending_syncs', leading?.pendingSyncs ?? 0],
    ['leader_uptime', Math.round(leading?.uptimeMs ?? 0)],
    ['last_proposal_size', last],
    ['min_proposal_size', min],
    ['max_proposal_size', max],
  ]
}

/** No observer of ours follows a follower. */
const followerRows: readonly Row[] = [['synced_observers', 0]]

function observerRows({ leader }: ServerStatus): Row[] {
  return [['observer_master_id', leader ?? -1]]
}

function counterRows(metrics: Metrics): Row[] {
  return [
    ['fsync_threshold_exceed_count', metrics.fsyncThresholdExceeded],
    ['connection_request_count', metrics.connectionRequests],
    ['connection_revalidate_count', metrics.revalidations],
    ['connection_drop_count', metrics.connectionsDropped],
    ['connection_rejected', metrics.connectionsRejected],
    ['unsuccessful_handshake', metrics.handshakesFailed],
    ['tls_handshake_exceeded', 0],
    ['sessionless_connections_expired', metrics.sessionlessConnectionsExpired],
    ['stale_sessions_expired', metrics.sessionsExpired],
    ['bytes_received_count', metrics.bytesReceived],
    ['response_bytes', metrics.clientResponseBytes.sum],
    ['watch_bytes', metrics.watchBytes],
    ['proposal_count', metrics.proposalBytes.count],
    ['learner_proposal_received_count', metrics.proposalsReceived],
    ['learner_commit_received_count', metrics.commitsReceived],
    ['diff_count', metrics.diffs],
    ['snap_count', metrics.snapshots],
    ['commit_count', metrics.committed],
    ['looking_count', metrics.looking],
    ['digest_mismatches_count', 0],
    ['unrecoverable_error_count', 0],
    ['large_requests_rejected', 0],
    ['throttled_ops', metrics.throttledOps],
    ['stale_requests', 0],
    ['request_throttle_wait_count', metrics.requestThrottleWaits],
    ['quit_leading_due_to_disloyal_voter', 0],
  ]
}

/** For values that are never observed here. */
const none = new Distribution()

function summaryRows(metrics: Metrics): Row[] {
  const fired = metrics.watchesFired
  return [
    ...summary('fsynctime', metrics.fsyncTime),
    ...summary('snapshottime', metrics.treeWriteTime),
    ...summary('dbinittime', metrics.loadTime),
    ...summary('election_time', metrics.electionTime),
    ...summary('leader_unavailable_time', metrics.unavailableTime),
    ...summary('unavailable_time', metrics.unavailableTime),
    ...summary('follower_sync_time', metrics.followerSyncTime),
    ...summary('node_created_watch_count', fired.NodeCreated),
    ...summary('node_deleted_watch_count', fired.NodeDeleted),
    ...summary('node_changed_watch_count', fired.NodeDataChanged),
    ...summary('node_children_watch_count', fired.NodeChildrenChanged),
    ...summary('prep_processor_queue_size', none),
    ...summary('sync_processor_queue_size', metrics.syncBatchSize),
    ...summary('sync_processor_batch_size', metrics.syncBatchSize),
    ...distribution('readlatency', metrics.readLatency),
    ...distribution('updatelatency', metrics.updateLatency),
    ...distribution('propagation_latency', metrics.propagationLatency),
    ...distribution('commit_propagation_latency', metrics.propagationLatency),
    ...distribution('proposal_latency', none),
    ...distribution('quorum_ack_latency', metrics.quorumAckLatency),
    ...distribution('sync_processor_queue_time_ms', metrics.syncQueueTime),
    ...distribution('jvm_pause_time_ms', metrics.pauseTime),
  ]
}

function summary(name: string, values: Summary): Row[] {
  const { min, max } = values.range(0)
  return [
    [`avg_${name}`, decimal(values.average)],
    [`min_${name}`, min],
    [`max_${name}`, max],
    [`cnt_${name}`, values.count],
    [`sum_${name}`, values.sum],
  ]
}

function distribution(name: string, values: Distribution): Row[] {
  return [
    ...summary(name, values),
    [`p50_${name}`, values.quantile(0.5)],
    [`p95_${name}`, values.quantile(0.95)],
    [`p99_${name}`, values.quantile(0.99)],
    [`p999_${name}`, values.quantile(0.999)],
  ]
}
