// A server as the four-letter words see it; a test replaces the parts that it is about.

import type {
  ConnectionView,
  ServerStatus,
  ServerView,
} from '../../../src/daemon/admin/server-view.ts'
import { Metrics } from '../../../src/daemon/metrics.ts'
import { ConnectionStats } from '../../../src/daemon/session/connection-stats.ts'
import { noSession, type SessionId } from '../../../src/protocol/records.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'

export function status(given: Partial<ServerStatus> = {}): ServerStatus {
  return {
    mode: 'follower',
    version: '3.9.5-zooweeper-1.2.3, built on 2026-11-23 00:00 UTC',
    lastApplied: 0x1_0000_0f65 as Zxid,
    nodeCount: 43,
    ephemeralCount: 2,
    dataBytes: 900,
    watchCount: 5,
    sessionCount: 3,
    connectionCount: 2,
    localConnectionCount: 1,
    handshakeCount: 0,
    outstandingCount: 1,
    openDescriptorCount: 30,
    descriptorCountMax: 1024,
    uptimeMs: 1234.5,
    voterCount: 3,
    leader: undefined,
    leading: undefined,
    metrics: new Metrics(),
    ...given,
  }
}

export function connection(given: Partial<ConnectionView> = {}): ConnectionView {
  return {
    remoteAddress: '127.0.0.1',
    remotePort: 40_000,
    session: noSession,
    timeoutMs: 0,
    queuedCount: 0,
    reading: true,
    congested: false,
    stats: new ConnectionStats(0),
    ...given,
  }
}

/** A part that the test does not give must not be used. */
export function view(given: Partial<ServerView> = {}): ServerView {
  const refuse = (): never => {
    throw new Error('not needed')
  }
  return {
    status: () => status(),
    connections: refuse,
    sessions: refuse,
    watches: refuse,
    configuration: refuse,
    membership: refuse,
    environment: refuse,
    directorySizes: refuse,
    digests: refuse,
    nowMs: refuse,
    tickTimeMs: refuse,
    resetStats: refuse,
    resetConnectionStats: refuse,
    ...given,
  }
}

export const session = (id: number): SessionId => id as SessionId
