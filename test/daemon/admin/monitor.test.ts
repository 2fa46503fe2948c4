import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { mntr, mntrRows } from '../../../src/daemon/admin/monitor.ts'
import type { ServerStatus } from '../../../src/daemon/admin/server-view.ts'
import { fourLetterWords } from '../../../src/daemon/four-letter-word.ts'
import { Metrics } from '../../../src/daemon/metrics.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { status } from './view.ts'

/** mntr as a map, every line checked for its form. */
function rowsOf(t: Test, given: Partial<ServerStatus> = {}): Map<string, string> {
  const lines = mntr(status(given)).split('\n')
  t.equal(lines.pop(), '', 'the last line ends like the others')
  for (const line of lines) t.match(line, /^zk_[a-z0-9_]+\t[^\t]+$/)
  const rows = new Map(lines.map((line) => line.slice(3).split('\t') as [string, string]))
  t.equal(rows.size, lines.length, 'every key comes once')
  return rows
}

t.test('mntr of a follower', async (t) => {
  const metrics = new Metrics()
  metrics.proposalsReceived = 7
  metrics.commitsReceived = 3
  const rows = rowsOf(t, { metrics })
  const want = {
    version: '3.9.5-zooweeper-1.2.3, built on 2026-11-23 00:00 UTC',
    server_state: 'follower',
    peer_state: 'following - broadcast',
    avg_latency: '0.0',
    znode_count: '43',
    ephemerals_count: '2',
    watch_count: '5',
    approximate_data_size: '900',
    num_alive_connections: '2',
    non_mtls_local_conn_count: '1',
    non_mtls_remote_conn_count: '1',
    outstanding_requests: '1',
    open_file_descriptor_count: '30',
    max_file_descriptor_count: '1024',
    global_sessions: '3',
    quorum_size: '3',
    uptime: '1235',
    connection_drop_probability: '0.0',
    last_client_response_size: '-1',
    learner_proposal_received_count: '7',
    learner_commit_received_count: '3',
    synced_observers: '0',
  }
  for (const [key, value] of Object.entries(want)) t.equal(rows.get(key), value, key)
  t.equal(rows.has('followers'), false)
})

t.test('mntr of a leader has its followers and proposals', async (t) => {
  const counts = { connectedLearners: 4, syncedFollowers: 1, syncedObservers: 2 }
  const leading = { ...counts, pendingSyncs: 4, uptimeMs: 99.6 }
  const rows = rowsOf(t, { mode: 'leader', leading })
  const want = {
    peer_state: 'leading - broadcast',
    learners: '4',
    followers: '4',
    synced_followers: '1',
    synced_observers: '2',
    pending_syncs: '4',
    leader_uptime: '100',
    last_proposal_size: '-1',
    proposal_count: '0',
  }
  for (const [key, value] of Object.entries(want)) t.equal(rows.get(key), value, key)
})

t.test('mntr of an observer names the server that it follows', async (t) => {
  const rows = rowsOf(t, { mode: 'observer', leader: 3 as ServerId })
  const want = {
    server_state: 'observer',
    peer_state: 'observing - broadcast',
    observer_master_id: '3',
  }
  for (const [key, value] of Object.entries(want)) t.equal(rows.get(key), value, key)
})

t.test('a summary has five rows, a distribution nine', async (t) => {
  const metrics = new Metrics()
  for (const ms of [1, 2, 6]) metrics.fsyncTime.observe(ms)
  for (let ms = 1; ms <= 1000; ms++) metrics.answered(true, ms)
  const rows = rowsOf(t, { metrics })
  const want = {
    avg_fsynctime: '3.0',
    min_fsynctime: '1',
    max_fsynctime: '6',
    cnt_fsynctime: '3',
    sum_fsynctime: '9',
    avg_readlatency: '500.5',
    cnt_readlatency: '1000',
    max_readlatency: '1000',
    avg_latency: '500.5',
    cnt_updatelatency: '0',
    p99_updatelatency: '0',
  }
  for (const [key, value] of Object.entries(want)) t.equal(rows.get(key), value, key)
  t.equal(rows.has('p99_fsynctime'), false)
  for (const [key, exact] of [
    ['p50', 500],
    ['p95', 950],
    ['p99', 990],
    ['p999', 999],
  ] as const) {
    const found = Number(rows.get(`${key}_readlatency`))
    t.ok(found >= exact && found <= exact * 1.125, `${key} is ${found}`)
  }
})

// As reference tools read them, by kind of server.
const wanted = {
  every: `version server_state peer_state avg_latency min_latency max_latency packets_received
    packets_sent num_alive_connections outstanding_requests znode_count watch_count ephemerals_count
    approximate_data_size open_file_descriptor_count max_file_descriptor_count uptime global_sessions
    local_sessions connection_drop_probability last_client_response_size min_client_response_size
    max_client_response_size outstanding_tls_handshake auth_failed_count non_mtls_local_conn_count
    non_mtls_remote_conn_count quorum_size fsync_threshold_exceed_count connection_request_count
    connection_revalidate_count connection_drop_count connection_rejected
    unsuccessful_handshake tls_handshake_exceeded
    sessionless_connections_expired stale_sessions_expired bytes_received_count response_bytes
    watch_bytes diff_count snap_count commit_count looking_count digest_mismatches_count
    unrecoverable_error_count large_requests_rejected throttled_ops stale_requests
    request_throttle_wait_count proposal_count learner_proposal_received_count
    learner_commit_received_count quit_leading_due_to_disloyal_voter`,
  leader: `learners followers synced_followers synced_non_voting_followers synced_observers
    pending_syncs leader_uptime last_proposal_size min_proposal_size max_proposal_size`,
  follower: 'synced_observers',
}
const summaries = `fsynctime snapshottime dbinittime election_time leader_unavailable_time
  unavailable_time follower_sync_time node_created_watch_count node_deleted_watch_count
  node_changed_watch_count node_children_watch_count prep_processor_queue_size
  sync_processor_queue_size sync_processor_batch_size`
const distributions = `readlatency updatelatency propagation_latency proposal_latency
  quorum_ack_latency commit_propagation_latency sync_processor_queue_time_ms jvm_pause_time_ms`

const words = (text: string): string[] => text.split(/\s+/)

t.test('every key that monitoring tools read is there', async (t) => {
  const statistics = [
    ...words(summaries).flatMap((name) =>
      ['avg', 'min', 'max', 'cnt', 'sum'].map((part) => `${part}_${name}`),
    ),
    ...words(distributions).flatMap((name) =>
      ['avg', 'min', 'max', 'cnt', 'sum', 'p50', 'p95', 'p99', 'p999'].map(
        (part) => `${part}_${name}`,
      ),
    ),
  ]
  for (const mode of ['leader', 'follower'] as const) {
    const rows = rowsOf(t, { mode })
    for (const key of [...words(wanted.every), ...words(wanted[mode]), ...statistics]) {
      t.ok(rows.has(key), `${mode}: ${key}`)
    }
  }
})

/** Before the name of a summary or a distribution, and of no other key. */
const part = /^(avg|min|max|cnt|sum|p50|p95|p99|p999)_(?!latency$|client_|proposal_size|file_)/

t.test('docs/monitoring.md has every key, and no other', async (t) => {
  const file = readFileSync(new URL('../../../docs/monitoring.md', import.meta.url), 'utf8')
  const [, text = ''] = file.split('\n## `mntr`\n')
  const documented = [...text.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, key = '']) => key),
  )
  const shown = new Set<string>()
  for (const mode of ['leader', 'follower', 'observer', 'standalone', 'read-only'] as const) {
    for (const [key] of mntrRows(status({ mode }))) shown.add(key.replace(part, ''))
  }
  t.same(documented.sort(), [...shown].sort())
})

t.test('docs/monitoring.md has every word', async (t) => {
  const file = readFileSync(new URL('../../../docs/monitoring.md', import.meta.url), 'utf8')
  const [text = ''] = file.split('\n## `mntr`\n')
  const documented = [...text.matchAll(/^\| `(\w{4})`( ★)? \|/gm)].map(([, word]) => word)
  t.same(documented.sort(), [...fourLetterWords].sort())
})
