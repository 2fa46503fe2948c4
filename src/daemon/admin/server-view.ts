// What the four-letter words show, as functions of the running server: each is called only for a word
// that needs it. server.ts implements it; the words themselves are pure.

import type { SessionId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Metrics } from '../metrics.ts'
import type { ConnectionStats } from '../session/connection-stats.ts'

export type ServerMode = 'leader' | 'follower' | 'standalone' | 'read-only'

export interface ServerStatus {
  /** undefined while it serves nobody */
  readonly mode: ServerMode | undefined
  /** as ZooKeeper words it: 3.9.5-zooweeper-1.2.3, built on … */
  readonly version: string
  readonly lastApplied: Zxid
  readonly nodeCount: number
  readonly ephemeralCount: number
  readonly dataBytes: number
  readonly watchCount: number
  readonly sessionCount: number
  readonly connectionCount: number
  /** of those, from this machine itself */
  readonly localConnectionCount: number
  readonly outstandingCount: number
  readonly openDescriptorCount: number
  readonly descriptorCountMax: number
  readonly uptimeMs: number
  readonly serverCount: number
  /** undefined on any other server than a leader of others */
  readonly leading: LeadingStatus | undefined
  readonly metrics: Metrics
}

export interface LeadingStatus {
  readonly connectedFollowers: number
  readonly syncedFollowers: number
  readonly pendingSyncs: number
  readonly uptimeMs: number
}

/** One client connection. */
export interface ConnectionView {
  readonly remoteAddress: string
  readonly remotePort: number
  /** 0 before it has one */
  readonly session: SessionId
  readonly timeoutMs: number
  /** requests without an answer */
  readonly queuedCount: number
  /** whether it is read from, and whether it has more to read than it takes */
  readonly reading: boolean
  readonly congested: boolean
  readonly stats: ConnectionStats
}

/** Items whose time is over together; `atMs` is by the wall clock. */
export interface ExpirySet<T> {
  readonly atMs: number
  readonly items: readonly T[]
}

export interface SessionsView {
  /** on a leader: when sessions expire, ascending */
  readonly expiry: readonly ExpirySet<SessionId>[] | undefined
  readonly timeoutsMs: ReadonlyMap<SessionId, number>
  readonly ephemerals: ReadonlyMap<SessionId, readonly string[]>
}

/** One path that is watched, and the sessions that do. */
export interface WatchedPath {
  readonly path: string
  readonly sessions: readonly SessionId[]
}

export interface ServerView {
  status(): ServerStatus
  connections(): readonly ConnectionView[]
  sessions(): SessionsView
  /** watches of data: all but those for children only */
  watches(): readonly WatchedPath[]
  /** `key=value`, as ZooKeeper names the keys */
  configuration(): readonly (readonly [string, string | number])[]
  /** the ensemble as /zookeeper/config shows it; undefined for a server that stands alone */
  membership(): string | undefined
  environment(): readonly (readonly [string, string])[]
  directorySizes(): { readonly dataBytes: number; readonly logBytes: number }
  /** zxids with the digest that the tree had there, ascending */
  digests(): readonly (readonly [Zxid, string])[]
  /** by the wall clock */
  nowMs(): number
  tickTimeMs(): number
  resetStats(): void
  resetConnectionStats(): void
}
