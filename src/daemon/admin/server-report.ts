// `srvr`: the state of the server, for display; `stat`: the same with its clients. As ZooKeeper's
// StatCommand.

import { formatZxid } from '../../protocol/zxid.ts'
import { connectionLine } from './connections-report.ts'
import { decimal } from './decimal.ts'
import type { ConnectionView, ServerStatus } from './server-view.ts'

/** @param connections listed between the version and the rest; left out if undefined */
export function serverReport(
  status: ServerStatus,
  connections?: readonly ConnectionView[],
): string {
  const { metrics, mode } = status
  const { average, min, max } = metrics.latency
  const lines = [`Zookeeper version: ${status.version}`]
  if (mode === 'read-only') lines.push('READ-ONLY mode; serving only read-only clients')
  if (connections !== undefined) {
    const clients = connections.map((connection) => connectionLine(connection, { brief: true }))
    lines.push('Clients:', ...clients, '')
  }
  lines.push(
    `Latency min/avg/max: ${min}/${decimal(average)}/${max}`,
    `Received: ${metrics.packetsReceived}`,
    `Sent: ${metrics.packetsSent}`,
    `Connections: ${status.connectionCount}`,
    `Outstanding: ${status.outstandingCount}`,
    `Zxid: ${formatZxid(status.lastApplied)}`,
    `Mode: ${mode}`,
    `Node count: ${status.nodeCount}`,
  )
  if (mode === 'leader') {
    const { last, min, max } = metrics.proposalBytes.range(-1)
    lines.push(`Proposal sizes last/min/max: ${last}/${min}/${max}`)
  }
  return lines.map((line) => `${line}\n`).join('')
}
