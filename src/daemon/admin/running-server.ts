// The view that the four-letter words have of the running server.

import { readdirSync, readFileSync } from 'node:fs'
import type { Clock } from '../../clock.ts'
import type { ServerId, SessionId } from '../../protocol/records.ts'
import { isObserver, type QuorumServer } from '../../protocol/zk/quorum-server.ts'
import { formatZxid, type Zxid, zxidZero } from '../../protocol/zxid.ts'
import type { PartStatus } from '../../stoppable.ts'
import type { ClientPort } from '../connection/client-port.ts'
import type { EnsembleDriver } from '../ensemble/driver.ts'
import {
  configurationText,
  type Members,
  membershipText,
  noMembers,
  parseMembers,
  votersOf,
} from '../membership/membership.ts'
import type { Metrics } from '../metrics.ts'
import type { RequestProcessors } from '../request-processor/chain.ts'
import type { Storage } from '../storage/storage.ts'
import { formatDigest } from '../ztree/digest.ts'
import { environmentRows } from './environment.ts'
import type {
  ConnectionView,
  LeadingStatus,
  ServerMode,
  ServerStatus,
  ServerView,
  SessionsView,
  WatchedPath,
} from './server-view.ts'
import { fullVersion } from './version.ts'

/** The displayed options. */
export interface ShownOptions extends Members {
  readonly serverId: ServerId
  readonly tickTimeMs: number
  readonly initLimitTicks: number
  readonly syncLimitTicks: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  /** Infinity is no limit */
  readonly connectionsPerAddressMax: number
}

export interface RunningParts {
  readonly config: ShownOptions
  readonly clock: Clock
  readonly metrics: Metrics
  readonly storage: Storage
  readonly ensemble: EnsembleDriver
  readonly processors: RequestProcessors
  readonly startedMs: number
}

export class RunningServer implements ServerView {
  readonly #parts: RunningParts
  readonly #clientPort: () => ClientPort
  readonly #version = fullVersion()

  /** @param clientPort is called only once a word has come through it */
  constructor(parts: RunningParts, clientPort: () => ClientPort) {
    this.#parts = parts
    this.#clientPort = clientPort
  }

  status(): ServerStatus {
    const { clock, ensemble, metrics, storage, processors, startedMs } = this.#parts
    const { tree } = storage
    const connections = this.connections()
    return {
      mode: this.#mode(),
      version: this.#version,
      lastApplied: tree.lastApplied,
      nodeCount: tree.nodeCount,
      ephemeralCount: tree.ephemeralCount,
      dataBytes: tree.dataBytes,
      watchCount: processors.watches.watchCount,
      sessionCount: tree.sessions.size,
      connectionCount: connections.length,
      localConnectionCount: connections.filter(isLocal).length,
      handshakeCount: this.#clientPort().handshakeCount,
      outstandingCount: processors.outstanding,
      ...descriptorCounts(),
      uptimeMs: clock.nowMs() - startedMs,
      voterCount: Math.max(1, votersOf(this.#members).length),
      leader: ensemble.role.type === 'following' ? ensemble.role.leader : undefined,
      leading: this.#leading(),
      metrics,
    }
  }

  /** For a service manager: 'leader, epoch 3', 'follower of server 2, epoch 3' … */
  summary(): PartStatus {
    const { tree } = this.#parts.storage
    return {
      state: this.#state(),
      detail: `zxid ${formatZxid(tree.lastApplied)}, ${tree.sessions.size} sessions`,
    }
  }

  #state(): string {
    const { role } = this.#parts.ensemble
    const mode = this.#mode()
    switch (role.type) {
      case 'looking':
        return `${mode ?? 'not serving'}, looking for a quorum`
      case 'leading':
        return `${mode ?? 'about to lead'}, epoch ${role.epoch}`
      case 'following':
        return `${mode ?? 'about to follow'}, epoch ${role.epoch} of server ${role.leader}`
    }
  }

  #mode(): ServerMode | undefined {
    const { config, ensemble, processors } = this.#parts
    if (processors.readOnly) return 'read-only'
    if (!processors.serving) return undefined
    if (config.servers.length === 0) return 'standalone'
    if (ensemble.role.type === 'leading') return 'leader'
    return this.#observes ? 'observer' : 'follower'
  }

  /** Of the last configuration, or of the files. */
  get #members(): Members {
    const { last } = this.#parts.ensemble.configuration
    return last.version === zxidZero ? this.#parts.config : (parseMembers(last.text) ?? noMembers)
  }

  get #self(): QuorumServer | undefined {
    const { serverId, servers } = this.#parts.config
    const isSelf = ({ id }: QuorumServer): boolean => id === serverId
    return this.#members.servers.find(isSelf) ?? servers.find(isSelf)
  }

  get #observes(): boolean {
    return this.#self !== undefined && isObserver(this.#self)
  }

  #leading(): LeadingStatus | undefined {
    const { clock, ensemble } = this.#parts
    const { learnerCounts, leadingSinceMs } = ensemble
    if (learnerCounts === undefined || leadingSinceMs === undefined) return undefined
    return {
      connectedLearners: learnerCounts.connected,
      syncedFollowers: learnerCounts.syncedFollowers,
      syncedObservers: learnerCounts.syncedObservers,
      pendingSyncs: ensemble.confirmationCount,
      uptimeMs: clock.nowMs() - leadingSinceMs,
    }
  }

  connections(): readonly ConnectionView[] {
    return [...this.#clientPort().connections]
  }

  sessions(): SessionsView {
    const { ensemble, processors, storage, clock } = this.#parts
    const { tree } = storage
    const timeoutsMs = new Map<SessionId, number>()
    const ephemerals = new Map<SessionId, string[]>()
    for (const [id, { timeoutMs }] of tree.sessions) {
      timeoutsMs.set(id, timeoutMs)
      const paths = [...tree.ephemeralsOf(id)]
      if (paths.length > 0) ephemerals.set(id, paths)
    }
    if (ensemble.role.type !== 'leading') return { expiry: undefined, timeoutsMs, ephemerals }
    const wallMs = clock.wallMs() - clock.nowMs()
    const expiry = processors.sessionDeadlines.map(({ deadlineMs, items }) => ({
      atMs: deadlineMs + wallMs,
      items,
    }))
    return { expiry, timeoutsMs, ephemerals }
  }

  watches(): readonly WatchedPath[] {
    return [...this.#parts.processors.watches.dataWatches()].map(({ path, watchers }) => ({
      path,
      sessions: watchers.map(({ session }) => session),
    }))
  }

  configuration(): readonly (readonly [string, string | number])[] {
    const { config } = this.#parts
    const { dataBytes, logBytes } = this.directorySizes()
    const { treeDirectory, logDirectory } = this.#parts.storage
    const perAddressMax = config.connectionsPerAddressMax
    const rows: [string, string | number][] = [
      ['clientPort', this.#clientPort().port || -1],
      ['secureClientPort', this.#clientPort().securePort || -1],
      ['dataDir', treeDirectory],
      ['dataDirSize', dataBytes],
      ['dataLogDir', logDirectory],
      ['dataLogSize', logBytes],
      ['tickTime', config.tickTimeMs],
      ['maxClientCnxns', perAddressMax === Infinity ? 0 : perAddressMax],
      ['minSessionTimeout', config.minSessionTimeoutMs],
      ['maxSessionTimeout', config.maxSessionTimeoutMs],
      ['clientPortListenBacklog', -1],
      ['serverId', config.serverId],
    ]
    const self = this.#self
    if (self === undefined) return rows
    return [
      ...rows,
      ['initLimit', config.initLimitTicks],
      ['syncLimit', config.syncLimitTicks],
      // ZooKeeper's numbers of its only algorithm, and of the kind of server.
      ['electionAlg', 3],
      ['electionPort', self.addresses[0]?.electionPort ?? 0],
      ['quorumPort', self.addresses[0]?.peerPort ?? 0],
      ['peerType', this.#observes ? 1 : 0],
    ]
  }

  membership(): string | undefined {
    const { last } = this.#parts.ensemble.configuration
    if (last.version !== zxidZero) return configurationText(last)
    const { config } = this.#parts
    return config.servers.length === 0 ? undefined : membershipText(config)
  }

  environment(): readonly (readonly [string, string])[] {
    return environmentRows(this.#version)
  }

  directorySizes(): { readonly dataBytes: number; readonly logBytes: number } {
    return this.#parts.storage.sizes
  }

  digests(): readonly (readonly [Zxid, string])[] {
    return [...this.#parts.processors.digests].map(([zxid, digest]) => [zxid, formatDigest(digest)])
  }

  nowMs(): number {
    return this.#parts.clock.wallMs()
  }

  tickTimeMs(): number {
    return this.#parts.config.tickTimeMs
  }

  resetStats(): void {
    this.#parts.metrics.reset()
  }

  resetConnectionStats(): void {
    for (const { stats } of this.connections()) stats.reset()
  }
}

function isLocal({ remoteAddress }: ConnectionView): boolean {
  return /^(127\.|::1$|::ffff:127\.)/i.test(remoteAddress)
}

/** -1, as in ZooKeeper, if the system does not report it. */
function descriptorCounts(): { openDescriptorCount: number; descriptorCountMax: number } {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
    const openDescriptorCount = readdirSync('/proc/self/fd').length
    return { openDescriptorCount, descriptorCountMax: Number(limit ?? -1) }
  } catch {
    return { openDescriptorCount: -1, descriptorCountMax: -1 }
  }
}
