// One ZooWeeper server: builds every part and joins them, in the given world. The only file that
// knows them all.
//
// Start: data directory, meta, tree, log, client port, ensemble; log entries that the tree lacks
// are delivered by the ensemble once they are known to be committed. Stop: in reverse order.

import type { Address, ListenAddress } from '../address.ts'
import { invariant } from '../invariant.ts'
import { limits } from '../limits.ts'
import { type ListenOrigin, listenError } from '../listen-error.ts'
import type { LogDirectory } from '../log/segment-file.ts'
import type { LogSync } from '../log/sync-pace.ts'
import { packageVersion } from '../package-version.ts'
import type { PeerVersions } from '../protocol/peer/hello.ts'
import type { ServerId } from '../protocol/records.ts'
import type { Credentials, CredentialsParts } from '../protocol/tls/credentials.ts'
import type { TlsPort } from '../protocol/tls/ends.ts'
import type { TlsSettings } from '../protocol/tls/settings.ts'
import type { Transport } from '../protocol/transport/transport.ts'
import { withTls } from '../protocol/transport/with-tls.ts'
import { peerAddresses } from '../protocol/zk/quorum-server.ts'
import { formatZxid, type Zxid, zxidZero } from '../protocol/zxid.ts'
import { RefusedStartError } from '../refused-start.ts'
import type { Part, PartStatus } from '../stoppable.ts'
import { formatUuid, uuidOf } from '../uuid.ts'
import type { World } from '../world.ts'
import { answerWord } from './admin/four-letter-words.ts'
import { RunningServer } from './admin/running-server.ts'
import type { AuditFile } from './audit-file.ts'
import { changingEnsemble, nonVotersOf } from './changing-ensemble.ts'
import type { DaemonConfig } from './config.ts'
import { ClientPort } from './connection/client-port.ts'
import { DynamicConfig, type FileStore } from './dynamic-config.ts'
import { EnsembleDriver } from './ensemble/driver.ts'
import type { EnsembleListener, TransferOutcome } from './ensemble/ensemble.ts'
import type { ChangingEnsemble } from './ensemble/ensemble-options.ts'
import { loadMeta, type Meta, MetaFile } from './ensemble/meta.ts'
import { type PeerSecret, peerKeyOf } from './ensemble/peer-proof.ts'
import { decodeState, groupsIn, membershipText, membersText } from './membership/membership.ts'
import { clientListenOf, type Moves, peerListens } from './membership/moves.ts'
import { groupsText } from './membership/voter-groups.ts'
import { Metrics } from './metrics.ts'
import { RequestProcessors } from './request-processor/chain.ts'
import { AuditLog } from './session/audit-log.ts'
import type { ServerDisk } from './storage/disk.ts'
import { assertNew, Storage } from './storage/storage.ts'
import type { ZabEffect, ZabTiming } from './zab/types.ts'
import type { ZTree } from './ztree/ztree.ts'

/** How often event-loop lag is sampled. */
const loopCheckMs = 100

/** How often the files of certificates are looked at for changes. */
const certificateCheckMs = 1000

/** The data directory belongs to another server of the ensemble. */
class WrongServerError extends RefusedStartError {
  override readonly name = 'WrongServerError'
}

export interface ServerWorld extends World {
  readonly disk: ServerDisk
}

export interface ServerOptions {
  readonly config: DaemonConfig
  readonly world: ServerWorld
  /**
   * Reads the secret of the ensemble, for a configuration that names its file.
   *
   * @throws RefusedStartError
   */
  readonly readSecret?: (path: string) => Uint8Array
  /**
   * Reads key and trust stores, for a configuration that names them.
   *
   * @throws RefusedStartError
   */
  readonly readCredentials?: (parts: CredentialsParts) => Credentials
  /**
   * Opens the file of the audit log, for a configuration that names it.
   *
   * @throws RefusedStartError
   */
  readonly openAudit?: (path: string, onError: (error: Error) => void) => AuditFile
  /** Where the files of the configuration are; without it, they are not written. */
  readonly configStore?: FileStore
  /** who runs the program, for the audit log */
  readonly systemUser?: string
  /** Continuing could lose data: the process must end immediately. */
  readonly onFailure: (error: Error) => void
  /** See `EnsembleOptions`. */
  readonly handoverAt?: number
  /** See `EnsembleOptions`. */
  readonly peerVersions?: PeerVersions
  readonly witness?: ServerWitness
}

/** Observes a server's steps: the simulator checks each of them. */
export interface ServerWitness {
  /** Called once, before anything is delivered. */
  opened(parts: ServerParts): void
  /** The log is durable up to `zxid`; called before any other part. */
  logged(zxid: Zxid): void
  /** Called with each effect of Zab before it is performed. */
  readonly performs?: (effect: ZabEffect) => void
  /** Returns the ensemble's listener in place of `processors`, to which it forwards everything. */
  between(processors: EnsembleListener): EnsembleListener
}

/** The parts of a running server. */
export interface ServerParts {
  readonly storage: Storage
  readonly ensemble: EnsembleDriver
  readonly processors: RequestProcessors
  readonly metrics: Metrics
}

export function assembleServer(options: ServerOptions): Server {
  return new Server(options)
}

export class Server implements Part {
  readonly name = 'server'
  readonly #options: ServerOptions
  readonly #config: DaemonConfig
  readonly #world: ServerWorld
  readonly #metrics = new Metrics()
  readonly #startedMs: number
  /** Functions that undo the start, oldest first. */
  readonly #cleanups: (() => Promise<void> | void)[] = []
  #clientPort: ClientPort | undefined
  #ensemble: EnsembleDriver | undefined
  /** set while it runs */
  #view: RunningServer | undefined

  /** See `assembleServer`. */
  constructor(options: ServerOptions) {
    this.#options = options
    this.#config = options.config
    this.#world = options.world
    this.#startedMs = options.world.clock.nowMs()
  }

  /** The client port, once started. */
  get clientPort(): number {
    return this.#clientPort?.port ?? 0
  }

  /** The client port for TLS, once started. */
  get secureClientPort(): number {
    return this.#clientPort?.securePort ?? 0
  }

  status(): PartStatus {
    const status = this.#view?.summary()
    return status ?? { state: 'starting', detail: '' }
  }

  /** @throws the reason why the server cannot start, after undoing the start */
  async start(): Promise<void> {
    try {
      await this.#start()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    for (let undo = this.#cleanups.pop(); undo !== undefined; undo = this.#cleanups.pop()) {
      await undo()
    }
  }

  async #start(): Promise<void> {
    const { onFailure, handoverAt, peerVersions, witness } = this.#options
    const { clock, turn, transport, randomBytes, disk, logger } = this.#world
    const config = this.#config
    const clientTls = this.#clientTls()
    const { serverId, tickTimeMs, minSessionTimeoutMs, maxSessionTimeoutMs } = this.#config
    this.#cleanups.push(disk.lock())
    const directory = disk.openFiles()
    const metaFile = new MetaFile(directory)
    this.#cleanups.push(async () => {
      await metaFile.settled()
      directory.close()
    })
    const metrics = this.#metrics
    const meta = await this.#loadMeta(directory, metaFile)

    const openedMs = clock.nowMs()
    const storage = await Storage.open(
      {
        disk,
        store: {
          clock,
          turn,
          onFailure: (cause) => onFailure(new Error('Cannot write the tree', { cause })),
          onPersisted: (zxid) => ensemble.persisted(zxid),
          onWritten: (tookMs) => metrics.treeWriteTime.observe(Math.round(tookMs)),
        },
        log: {
          segmentBytes: this.#config.logSegmentBytes,
          nowMs: () => clock.nowMs(),
          onDurable: (zxid) => {
            witness?.logged(zxid)
            ensemble.logged(zxid)
          },
          onFailure,
          onShortage: (error) => logger.warn({ err: error }, 'Could not prepare a log segment'),
          onSync: (sync) => this.#synced(sync),
        },
      },
      meta,
    )
    this.#cleanups.push(() => storage.close())
    metrics.loadTime.observe(Math.round(clock.nowMs() - openedMs))
    const { log, torn, tree } = storage
    if (this.#config.servers.length > 0) tree.showMembership(membershipText(config))
    if (torn !== null) logger.warn({ ...torn }, 'Cut a torn tail off the log')
    const applied = formatZxid(tree.lastApplied)
    const logged = formatZxid(log.lastZxid)
    logger.info({ dataDir: disk.path, znodes: tree.nodeCount, applied, logged }, 'Loaded')

    const ensemble = new EnsembleDriver({
      self: serverId,
      instance: Buffer.from(randomBytes(6)).readUIntBE(0, 6),
      servers: this.#peerAddresses(),
      observers: new Set(nonVotersOf(config)),
      text: membersText(config),
      groupsIn,
      groups: config.groups && groupsText(config.groups),
      changing: this.#changing(tree),
      secret: this.#peerSecret(),
      listen: this.#peerListen,
      meta,
      metaFile,
      txnLog: log,
      logged: storage.epochs,
      logKept: this.#config.logKept,
      snapshots: storage,
      lastApplied: tree.lastApplied,
      timing: timingOf(this.#config),
      bootstrap: this.#config.bootstrap,
      release: packageVersion(),
      peerVersions,
      ...(handoverAt === undefined ? {} : { handoverAt }),
      newEnsembleId: formatUuid(uuidOf(randomBytes(16))),
      transport: this.#peerTransport(),
      verifiesDiallerHost: config.quorumTls?.verifiesDiallerHost,
      turn,
      clock,
      logger: logger.child({ part: 'ensemble' }),
      metrics,
      witness: witness?.performs,
      onFailure,
    })
    this.#ensemble = ensemble
    const audit = this.#openAudit()
    const processors = new RequestProcessors(ensemble, {
      audit,
      tree,
      metrics,
      clock,
      logger: logger.child({ part: 'sessions' }),
      tickTimeMs,
      minSessionTimeoutMs,
      maxSessionTimeoutMs,
      authentication: {
        skipAcl: this.#config.skipAcl,
        superDigest: this.#config.superDigest,
        requiredSchemes: this.#config.enforcedAuthSchemes,
        sasl: this.#config.sasl,
      },
      rules: {
        extendedTypesEnabled: this.#config.extendedTypesEnabled,
        enforceQuota: this.#config.enforceQuota,
        reconfiguration: this.#reconfiguration,
        votersMin: this.#config.standaloneEnabled ? 2 : 1,
        hasSasl: this.#config.sasl !== undefined,
      },
      reaping: {
        checkIntervalMs: this.#config.containerCheckIntervalMs,
        perMinuteMax: this.#config.containerMaxPerMinute,
        neverUsedMs: this.#config.containerMaxNeverUsedIntervalMs,
      },
      readOnlyMode: this.#config.readOnlyModeEnabled,
      outstandingMax: this.#config.globalOutstandingLimit,
      newPassword: () => randomBytes(16),
      onApplied: () => storage.wake(),
      drainClients: (percent, asking) => clientPort.drainSome(percent, asking),
    })
    witness?.opened({ storage, ensemble, processors, metrics })

    this.#cleanups.push(() => processors.close())

    const startedMs = this.#startedMs
    const view = new RunningServer(
      { config, clock, metrics, storage, ensemble, processors, startedMs },
      () => clientPort,
    )
    const clientPort = new ClientPort({
      transport,
      ensemble,
      processors,
      metrics,
      clock,
      logger: logger.child({ part: 'clients' }),
      serverId,
      connectionsPerAddressMax: this.#config.connectionsPerAddressMax,
      connectionsMax: this.#config.connectionsMax,
      frameBytesMax: this.#config.juteMaxBuffer,
      handshakeMs: this.#config.sessionlessCnxnTimeoutMs,
      x509SuperUser: this.#config.x509SuperUser,
      answerWord: (word) => answerWord(word, this.#config.fourLetterWords, view),
    })
    this.#clientPort = clientPort
    this.#cleanups.push(() => clientPort.close())
    const { clientListen, secureClientListen } = config
    if (clientListen !== undefined) {
      const tls = config.clientPortUnification ? clientTls : undefined
      await this.#listen(config.origins.client, () => clientPort.listen(clientListen, tls))
      const facts = { port: clientPort.port }
      logger.info(
        facts,
        tls === undefined ? 'Listening for clients' : 'Listening for clients, by TLS as well',
      )
    }
    if (secureClientListen !== undefined && clientTls !== undefined) {
      const tls = Object.assign({}, clientTls, { takesPlaintext: false })
      await this.#listen(config.origins.secureClient, () =>
        clientPort.listenSecurely(secureClientListen, tls),
      )
      logger.info({ port: clientPort.securePort }, 'Listening for clients by TLS')
    }

    this.#cleanups.push(() => ensemble.stop())
    const listener = witness?.between(processors) ?? processors
    await this.#listen(config.origins.peer, () => ensemble.start(listener))
    this.#cleanups.push(() => {
      this.#view = undefined
    })
    this.#view = view

    this.#cleanups.push(clock.every(tickTimeMs / 2, () => processors.reportTouched()))
    this.#cleanups.push(clock.every(tickTimeMs, () => processors.expireSessions()))
    this.#cleanups.push(this.#watchEventLoop())
    if (config.servers.length > 1) this.#cleanups.push(() => this.#leave(ensemble, clientPort))
    this.#cleanups.push(() => audit?.serverStops())
    audit?.serverStarted()
  }

  /** Other servers go on: leadership first, then the clients, in portions. */
  async #leave(ensemble: EnsembleDriver, clientPort: ClientPort): Promise<void> {
    clientPort.refuseNew()
    const outcome = await new Promise<TransferOutcome>((done) =>
      ensemble.transferLeadership({ leaves: true }, done),
    )
    const { logger } = this.#world
    if (outcome.type === 'transferred') {
      logger.info({ leader: outcome.leader }, 'Another server leads from now on')
    }
    await clientPort.leave(limits.drainMs)
  }

  /** Opened early and closed late: the last line is written before everything else stops. */
  #openAudit(): AuditLog | undefined {
    const { auditEnabled, auditFile } = this.#config
    const { openAudit, systemUser = 'zooweeper' } = this.#options
    if (!auditEnabled) return undefined
    const logger = this.#world.logger.child({ part: 'audit' })
    if (auditFile === undefined) {
      return new AuditLog({ line: (text) => logger.info({}, text) }, systemUser)
    }
    invariant(openAudit !== undefined, 'a program that takes the name of a file can write it')
    const file = openAudit(auditFile, (err) => logger.error({ err }, 'Cannot write the audit log'))
    this.#cleanups.push(() => file.close())
    return new AuditLog(file, systemUser)
  }

  /** @throws ListenError or RefusedStartError that names the options, for errors about listening */
  async #listen(origin: ListenOrigin | undefined, start: () => Promise<void>): Promise<void> {
    try {
      await start()
    } catch (error) {
      throw origin === undefined ? error : listenError(error, origin)
    }
  }

  #synced({ records, queuedMs, tookMs }: LogSync): void {
    const metrics = this.#metrics
    metrics.fsyncTime.observe(Math.round(tookMs))
    metrics.syncQueueTime.observe(Math.round(queuedMs))
    metrics.syncBatchSize.observe(records)
    if (tookMs < this.#config.fsyncWarningThresholdMs) return
    metrics.fsyncThresholdExceeded++
    this.#world.logger.warn({ tookMs: Math.round(tookMs), records }, 'An fsync of the log was slow')
  }

  /** @returns a function that stops it */
  #watchEventLoop(): () => void {
    const { clock } = this.#world
    let dueMs = clock.nowMs() + loopCheckMs
    return clock.every(loopCheckMs, () => {
      const nowMs = clock.nowMs()
      this.#metrics.pauseTime.observe(Math.max(0, Math.round(nowMs - dueMs)))
      dueMs = nowMs + loopCheckMs
    })
  }

  /** A new data directory becomes this server's before anything else is written to it. */
  async #loadMeta(directory: LogDirectory, metaFile: MetaFile): Promise<Meta> {
    const { disk } = this.#world
    const { serverId } = this.#config
    const meta = loadMeta(directory)
    if (meta !== null && meta.serverId !== serverId) {
      const found = `it belongs to server ${meta.serverId}`
      throw new WrongServerError(`Cannot start server ${serverId} on ${disk.path}: ${found}`)
    }
    if (meta !== null) return meta
    assertNew(disk)
    const fresh: Meta = {
      serverId,
      ensembleId: null,
      initialised: false,
      acceptedEpoch: 0,
      currentEpoch: 0,
      treeDir: 'tree',
      logDir: 'log',
      logBaseZxid: zxidZero,
      config: null,
    }
    await new Promise<void>((resolve, reject) =>
      metaFile.save(fresh, (error) => (error === null ? resolve() : reject(error))),
    )
    return fresh
  }

  get #reconfiguration(): 'enabled' | 'disabled' | 'standalone' {
    const { reconfigEnabled, servers } = this.#config
    if (!reconfigEnabled) return 'disabled'
    return servers.length === 0 ? 'standalone' : 'enabled'
  }

  /** A configuration that a transaction made stays in force, whether further ones are allowed or not. */
  #changing(tree: ZTree): ChangingEnsemble | undefined {
    const isChanged = decodeState(tree.configuration) !== undefined
    if (this.#reconfiguration !== 'enabled' && !isChanged) return undefined
    return changingEnsemble({
      self: this.#config.serverId,
      members: this.#config,
      tree,
      dynamicConfig: this.#dynamicConfig(),
      isStarting: () => this.#view === undefined,
      onMoved: (moves) => this.#move(moves),
      logger: this.#world.logger,
    })
  }

  #dynamicConfig(): DynamicConfig | undefined {
    const { configStore: store, world } = this.#options
    const { configFiles: files, serverId: self } = this.#config
    if (files === undefined || store === undefined) return undefined
    const text = membersText(this.#config)
    const logger = world.logger.child({ part: 'files' })
    const dynamicConfig = new DynamicConfig({ self, files, text, store, logger })
    this.#cleanups.push(() => dynamicConfig.settled())
    return dynamicConfig
  }

  #peerSecret(): PeerSecret | undefined {
    const { readSecret, world } = this.#options
    const { peerSecretFile, peerSecretRequired: isRequired } = this.#config
    if (peerSecretFile === undefined) return undefined
    invariant(readSecret !== undefined, 'a program that takes the name of a file can read it')
    const { randomBytes } = world
    return { key: peerKeyOf(readSecret(peerSecretFile)), isRequired, randomBytes }
  }

  /** As a port that takes plaintext as well. */
  #clientTls(): TlsPort | undefined {
    const { clientTls } = this.#config
    if (clientTls === undefined) return undefined
    const { clientAuth, verifiesClientHost, detectionMs } = clientTls
    const credentials = this.#readCredentials(clientTls)
    return { credentials, clientAuth, verifiesClientHost, detectionMs, takesPlaintext: true }
  }

  /** The network to the other servers. */
  #peerTransport(): Transport {
    const { transport } = this.#world
    const { quorumTls } = this.#config
    if (quorumTls === undefined) return transport
    const { settings, dials, takesPlaintext, verifiesHost } = quorumTls
    const { clientAuth, verifiesClientHost, detectionMs } = settings
    const credentials = this.#readCredentials(settings)
    return withTls(transport, {
      dial: dials ? { credentials, verifiesHost } : undefined,
      listen: { credentials, clientAuth, verifiesClientHost, detectionMs, takesPlaintext },
    })
  }

  #readCredentials(settings: TlsSettings): Credentials {
    const { readCredentials, world } = this.#options
    invariant(readCredentials !== undefined, 'a program that takes the name of a store can read it')
    const { clock, logger } = world
    const credentials = readCredentials({ settings, wallMs: () => clock.wallMs(), logger })
    this.#cleanups.push(clock.every(certificateCheckMs, () => credentials.maybeReload()))
    return credentials
  }

  /** The peer addresses of all servers in the configuration. */
  #peerAddresses(): Map<ServerId, readonly Address[]> {
    const { servers, serverId } = this.#config
    const addresses = new Map([[serverId, this.#peerListen]])
    for (const server of servers) addresses.set(server.id, peerAddresses(server))
    return addresses
  }

  get #peerListen(): readonly Address[] {
    return withHosts(this.#config.peerListen)
  }

  /** A configuration gives this server other ports or addresses. */
  #move({ client, peers }: Moves): void {
    const { clientListen: listen, peerListen, servers, serverId } = this.#config
    const line = servers.find(({ id }) => id === serverId)?.client
    // Both log what becomes of it, and never reject.
    if (client !== undefined)
      void this.#clientPort?.moveTo(clientListenOf(client, { line, listen }))
    if (peers === undefined) return
    const onAllAddresses = peerListen.some(({ host }) => host === undefined)
    void this.#ensemble?.listenAlso(withHosts(peerListens(peers, { onAllAddresses })))
  }
}

function withHosts(addresses: readonly ListenAddress[]): readonly Address[] {
  return addresses.map(({ host = '0.0.0.0', port }) => ({ host, port }))
}

/** Derived from zoo.cfg's three times and leaderTimeoutMs. */
function timingOf(config: DaemonConfig): ZabTiming {
  const { leaderTimeoutMs, tickTimeMs, initLimitTicks, syncLimitTicks } = config
  const initLimitMs = tickTimeMs * initLimitTicks
  return {
    // Six, so that one or two late pings have no effect.
    pingMs: leaderTimeoutMs / 6,
    leaderTimeoutMs,
    // An elected leader that finds no quorum blocks a better one.
    discoveryTimeoutMs: Math.min(2 * leaderTimeoutMs, initLimitMs),
    syncTimeoutMs: Math.min(tickTimeMs * syncLimitTicks, initLimitMs),
    // Votes arrive within a round trip or two; a better one that comes later costs an epoch, not
    // data.
    quietMs: Math.min(30, leaderTimeoutMs / 10),
    renotifyMs: Math.min(200, leaderTimeoutMs / 3),
    renotifyMaxMs: 2000,
  }
}
