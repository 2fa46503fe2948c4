// The data of the four-letter words, as functions of the running server: each is called only for a
// word that needs it. running-server.ts implements it; the words themselves are pure.

import type { ServerId, SessionId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Metrics } from '../metrics.ts'
import type { ConnectionStats } from '../session/connection-stats.ts'

export type ServerMode = 'leader' | 'follower' | 'observer' | 'standalone' | 'read-only'

export interface ServerStatus {
  /** undefined while it serves no client */
  readonly mode: ServerMode | undefined
  /** in ZooKeeper's format: 3.9.5-zooweeper-1.2.3, built on … */
  readonly version: string
  readonly lastApplied: Zxid
  readonly nodeCount: number
  readonly ephemeralCount: number
  readonly dataBytes: number
  readonly watchCount: number
  readonly sessionCount: number
  readonly connectionCount: number
  /** of these, the local ones */
  readonly localConnectionCount: number
  /** TLS handshakes that have begun and not ended */
  readonly handshakeCount: number
  readonly outstandingCount: number
  readonly openDescriptorCount: number
  readonly descriptorCountMax: number
  readonly uptimeMs: number
  readonly voterCount: number
  /** of an observer */
  readonly leader: ServerId | undefined
  /** undefined unless this server leads others */
  readonly leading: LeadingStatus | undefined
  readonly metrics: Metrics
}

export interface LeadingStatus {
  readonly connectedLearners: number
  readonly syncedFollowers: number
  readonly syncedObservers: number
  readonly pendingSyncs: number
  readonly uptimeMs: number
}

/** One client connection. */
export interface ConnectionView {
  readonly remoteAddress: string
  readonly remotePort: number
  /** 0 until it has one */
  readonly session: SessionId
  readonly timeoutMs: number
  /** requests without an answer */
  readonly queuedCount: number
  /** whether it is being read, and whether it has unread output */
  readonly reading: boolean
  readonly congested: boolean
  readonly stats: ConnectionStats
}

/** Items that expire together; `atMs` is wall-clock time. */
export interface ExpirySet<T> {
  readonly atMs: number
  readonly items: readonly T[]
}

export interface SessionsView {
  /** on a leader: the times at which sessions expire, ascending */
  readonly expiry: readonly ExpirySet<SessionId>[] | undefined
  readonly timeoutsMs: ReadonlyMap<SessionId, number>
  readonly ephemerals: ReadonlyMap<SessionId, readonly string[]>
}

/** A watched path with the sessions that watch it. */
export interface WatchedPath {
  readonly path: string
  readonly sessions: readonly SessionId[]
}

export interface ServerView {
  status(): ServerStatus
  connections(): readonly ConnectionView[]
  sessions(): SessionsView
  /** data watches: all except those only for children */
  watches(): readonly WatchedPath[]
  /** `key=value`, with ZooKeeper's keys */
  configuration(): readonly (readonly [string, string | number])[]
  /** the ensemble in the format of /zookeeper/config; undefined for a server that stands alone */
  membership(): string | undefined
  environment(): readonly (readonly [string, string])[]
  directorySizes(): { readonly dataBytes: number; readonly logBytes: number }
  /** zxids with the digest of the tree at each, ascending */
  digests(): readonly (readonly [Zxid, string])[]
  /** wall-clock time */
  nowMs(): number
  tickTimeMs(): number
  resetStats(): void
  resetConnectionStats(): void
}
