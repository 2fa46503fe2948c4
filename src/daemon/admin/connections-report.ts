// `cons`: one line per client connection; shortened lines are part of `stat`, and the expiry of
// connections is part of `dump`. As ZooKeeper's ServerCnxn.dumpConnectionInfo.

import { formatAddress } from '../../address.ts'
import type { OpType } from '../session/connection-stats.ts'
import type { ConnectionView, ExpirySet, ServerView } from './server-view.ts'
import { expirySets } from './sessions-report.ts'

/** ZooKeeper's names for a connection's last operation. */
const opNames = {
  createSession: 'SESS',
  ping: 'PING',
  create: 'CREA',
  delete: 'DELE',
  setData: 'SETD',
  getData: 'GETD',
  exists: 'EXIS',
  getChildren: 'GETC',
  getACL: 'GETA',
  setACL: 'SETA',
  sync: 'SYNC',
  multi: 'MULT',
  multiRead: 'MLTR',
  setWatches: 'SETW',
  addWatch: 'ADDW',
  checkWatches: 'CHKW',
  removeWatches: 'REMW',
  getEphemerals: 'GETE',
  getAllChildrenNumber: 'GETACN',
  whoAmI: 'HOMI',
  reconfig: 'RECO',
  moveLeader: 'MOVL',
  drain: 'DRAN',
  getChildrenPage: 'GETCP',
  closeSession: 'CLOS',
  auth: 'AUTH',
  sasl: 'SASL',
  refused: 'NA',
} as const satisfies Record<OpType, string>

export function connectionsReport(connections: readonly ConnectionView[]): string {
  const lines = connections.map((connection) => connectionLine(connection, { brief: false }))
  return [...lines, ''].map((line) => `${line}\n`).join('')
}

export function connectionLine(
  connection: ConnectionView,
  { brief }: { readonly brief: boolean },
): string {
  const { stats, session } = connection
  // The interest set of a Java selector: 1 to read, 4 to write.
  const interest = (connection.reading ? 1 : 0) + (connection.congested ? 4 : 0)
  const facts = [
    `queued=${connection.queuedCount}`,
    `recved=${stats.received}`,
    `sent=${stats.sent}`,
  ]
  if (!brief && session !== 0) {
    facts.push(
      `sid=0x${session.toString(16)}`,
      `lop=${stats.lastOp === undefined ? 'NA' : opNames[stats.lastOp]}`,
      `est=${stats.establishedMs}`,
      `to=${connection.timeoutMs}`,
    )
    if (stats.lastXid >= 0) facts.push(`lcxid=0x${stats.lastXid.toString(16)}`)
    facts.push(
      `lzxid=0x${stats.lastZxid < 0 ? 'ffffffffffffffff' : stats.lastZxid.toString(16)}`,
      `lresp=${Math.round(stats.lastResponseMs)}`,
      `llat=${stats.lastLatencyMs}`,
      `minlat=${stats.minLatencyMs}`,
      `avglat=${stats.averageLatencyMs}`,
      `maxlat=${stats.maxLatencyMs}`,
    )
  }
  return ` ${addressOf(connection)}[${interest}](${facts.join(',')})`
}

/**
 * In the format of Java's socket addresses: nothing before the slash, since no name was looked up.
 */
function addressOf({ remoteAddress, remotePort }: ConnectionView): string {
  const host = remoteAddress.replace(/^::ffff:(?=\d+\.)/, '')
  return `/${formatAddress({ host, port: remotePort })}`
}

/** Connections by the tick in which their sessions expire, if the clients stay silent. */
export function connectionsDump(view: ServerView): string {
  const nowMs = view.nowMs()
  const tickMs = view.tickTimeMs()
  const sets = new Map<number, ConnectionView[]>()
  for (const connection of view.connections()) {
    const atMs = (Math.floor((nowMs + connection.timeoutMs) / tickMs) + 1) * tickMs
    const set = sets.get(atMs)
    if (set === undefined) sets.set(atMs, [connection])
    else set.push(connection)
  }
  const expiry: ExpirySet<ConnectionView>[] = [...sets].map(([atMs, items]) => ({ atMs, items }))
  expiry.sort((a, b) => a.atMs - b.atMs)
  const line = (connection: ConnectionView): string =>
    `ip: ${addressOf(connection)} sessionId: 0x${connection.session.toString(16)}`
  return `Connections dump:\n${expirySets('Connections', expiry, line)}`
}
