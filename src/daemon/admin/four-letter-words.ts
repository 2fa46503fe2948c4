// The four-letter words: what monitoring and people ask a client port in plain text. Answers have
// ZooKeeper's exact shape; tools parse them. Pure: the server's state is an argument.
//
// Source: ZooKeeper's StatCommand (srvr) and MonitorCommand (mntr).

import { formatZxid, type Zxid } from '../../protocol/zxid.ts'
import type { EnsembleRole } from '../ensemble/ensemble.ts'
import type { Metrics } from './metrics.ts'

/** ZooKeeper's version that we behave as: clients parse it, and choose what they send by it. */
const zooKeeperVersion = '3.9.5'

export interface ServerStatus {
  readonly role: EnsembleRole
  /** no other servers: shown as `standalone` */
  readonly standalone: boolean
  /** of ZooWeeper */
  readonly version: string
  readonly builtOn: string
  readonly lastApplied: Zxid
  readonly nodeCount: number
  readonly ephemeralCount: number
  readonly dataBytes: number
  readonly watchCount: number
  readonly sessionCount: number
  readonly connectionCount: number
  readonly outstandingCount: number
  readonly openDescriptorCount: number
  readonly descriptorCountMax: number
  readonly uptimeMs: number
  readonly serverCount: number
  /** what a leader knows of its followers; undefined on any other server */
  readonly followers: { readonly connected: number; readonly synced: number } | undefined
  readonly metrics: Metrics
}

const notServing = 'This ZooKeeper instance is not currently serving requests\n'

/**
 * @param status is called only for a word that needs it
 * @returns undefined if `word` is none
 */
export function answerWord(word: string, status: () => ServerStatus): string | undefined {
  switch (word) {
    case 'ruok':
      return 'imok'
    case 'isro':
      return status().role.type === 'looking' ? 'null' : 'rw'
    case 'srvr':
      return whileServing(status(), srvr)
    case 'mntr':
      return whileServing(status(), mntr)
  }
  return undefined
}

function whileServing(status: ServerStatus, answer: (status: ServerStatus) => string): string {
  return status.role.type === 'looking' ? notServing : answer(status)
}

function mode({ role, standalone }: ServerStatus): string {
  if (standalone) return 'standalone'
  return role.type === 'leading' ? 'leader' : 'follower'
}

function versionLine({ version, builtOn }: ServerStatus): string {
  return `${zooKeeperVersion}-zooweeper-${version}, built on ${builtOn}`
}

function srvr(status: ServerStatus): string {
  const { metrics, role } = status
  const latency = metrics.latency.range(0)
  const lines = [
    `Zookeeper version: ${versionLine(status)}`,
    `Latency min/avg/max: ${latency.min}/${decimal(metrics.latency.average)}/${latency.max}`,
    `Received: ${metrics.packetsReceived}`,
    `Sent: ${metrics.packetsSent}`,
    `Connections: ${status.connectionCount}`,
    `Outstanding: ${status.outstandingCount}`,
    `Zxid: ${formatZxid(status.lastApplied)}`,
    `Mode: ${mode(status)}`,
    `Node count: ${status.nodeCount}`,
  ]
  if (role.type === 'leading' && !status.standalone) {
    const { last, min, max } = metrics.proposalBytes.range(-1)
    lines.push(`Proposal sizes last/min/max: ${last}/${min}/${max}`)
  }
  return lines.map((line) => `${line}\n`).join('')
}

function mntr(status: ServerStatus): string {
  const { metrics } = status
  const latency = metrics.latency.range(0)
  const rows: [string, string | number][] = [
    ['version', versionLine(status)],
    ['server_state', mode(status)],
    ['peer_state', peerState(status)],
    ['avg_latency', decimal(metrics.latency.average)],
    ['min_latency', latency.min],
    ['max_latency', latency.max],
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
    ['quorum_size', status.serverCount],
    ['connection_request_count', metrics.connectionRequests],
    ['connection_revalidate_count', metrics.revalidations],
    ['connection_rejected', metrics.connectionsRejected],
    ['connection_drop_count', metrics.protocolErrors],
    ['stale_sessions_expired', metrics.sessionsExpired],
  ]
  if (status.role.type === 'leading' && !status.standalone) rows.push(...leaderRows(status))
  return rows.map(([key, value]) => `zk_${key}\t${value}\n`).join('')
}

function peerState({ role, standalone }: ServerStatus): string {
  if (standalone) return 'standalone'
  return role.type === 'leading' ? 'leading - broadcast' : 'following - broadcast'
}

function leaderRows({ metrics, followers }: ServerStatus): [string, number][] {
  const { last, min, max } = metrics.proposalBytes.range(-1)
  const { connected, synced } = followers ?? { connected: 0, synced: 0 }
  return [
    ['learners', connected],
    // Its name up to 3.5, which older tools still want.
    ['followers', connected],
    ['synced_followers', synced],
    ['synced_non_voting_followers', 0],
    ['synced_observers', 0],
    ['last_proposal_size', last],
    ['min_proposal_size', min],
    ['max_proposal_size', max],
    ['proposal_count', metrics.proposalBytes.count],
  ]
}

/** As Java prints a double of up to four places: `0.0`, `1.5`. */
function decimal(value: number): string {
  const rounded = Number(value.toFixed(4))
  return Number.isInteger(rounded) ? rounded.toFixed(1) : String(rounded)
}
