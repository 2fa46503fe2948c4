// A broker: builds its parts, joins them over the given world, and keeps the broker registered. The
// only file that knows all parts.
//
//   sockets ─ connection ─ api, kafka ─ api/dispatch ─ replication/replica-manager ─ partition/* ─ log
//                                            │                   ▲
//                                      broker-links ═▶ others    │ becomes leader, becomes follower
//   ZooWeeper ─ session/session ─ cluster/cluster-watch ─ cluster/cluster-image ─ controller/driver

import type { Address } from '../address.ts'
import { ZkClient } from '../client/zk/zk-client.ts'
import { limits } from '../limits.ts'
import { listenError } from '../listen-error.ts'
import type { Logger } from '../logger.ts'
import { challengeBytes } from '../protocol/link-proof.ts'
import { ClusterSecret } from '../protocol/mq/cluster-secret.ts'
import type { OpenBlock } from '../protocol/mq/compression.ts'
import { noBroker } from '../protocol/mq/messages.ts'
import type { Listener } from '../protocol/transport/transport.ts'
import { withTls } from '../protocol/transport/with-tls.ts'
import { RareWarnings } from '../rare-warnings.ts'
import type { Part, PartStatus } from '../stoppable.ts'
import { uuidOf } from '../uuid.ts'
import type { World } from '../world.ts'
import type { BrokerParts } from './api/broker-parts.ts'
import { makeOffsetsTopic } from './api/make-offsets-topic.ts'
import { ClusterAcls } from './cluster/cluster-acls.ts'
import { ClusterConfigs } from './cluster/cluster-configs.ts'
import { ClusterImage } from './cluster/cluster-image.ts'
import { readCredentials } from './cluster/credentials.ts'
import type { BrokerConfig } from './config.ts'
import { BrokerConnection } from './connection.ts'
import { DataDir } from './data-dir.ts'
import { GroupCoordinator } from './group/group-coordinator.ts'
import { handOver } from './hand-over.ts'
import { KafkaDialect } from './kafka/connection.ts'
import { type OpenTls, openTls, type ReadCredentials } from './open-tls.ts'
import { Checkpoint } from './partition/checkpoint.ts'
import { BrokerLinks } from './replication/broker-links.ts'
import { LeftoverRemoval } from './replication/leftover-removal.ts'
import { ReplicaManager } from './replication/replica-manager.ts'
import { TopicRemoval } from './replication/topic-removal.ts'
import { OldCopyError } from './session/marks.ts'
import { ProducerIds } from './session/producer-ids.ts'
import { BrokerSession } from './session/session.ts'
import { BrokerSessions } from './session/sessions.ts'

const checkpointMs = 5000

/** How often the files of certificates are looked at for changes. */
const certificateCheckMs = 1000

interface BrokerOptions {
  readonly config: BrokerConfig
  readonly world: World
  /** Reads the secret that the brokers of the cluster share. @throws RefusedStartError */
  readonly readSecret: () => Uint8Array
  /**
   * Reads key and trust stores, for a configuration that names them.
   *
   * @throws RefusedStartError
   */
  readonly readCredentials?: ReadCredentials
  /** The broker must stop: its disk failed, or the cluster is not the one of its data directory. */
  readonly onFailure: (error: Error) => void
  /** undefined: compressed records are stored unchecked */
  readonly loadOpenBlock?: () => Promise<OpenBlock>
  readonly witness?: BrokerWitness
}

/** Observes the broker at work: the simulator checks every step. */
interface BrokerWitness {
  /** Called once, before any replica is opened. */
  opened(replicas: ReplicaManager): void
}

export function assembleBroker(options: BrokerOptions): Broker {
  return new Broker(options)
}

export class Broker implements Part {
  readonly name = 'broker'
  readonly #options: BrokerOptions
  readonly #log: Logger
  readonly #image: ClusterImage
  readonly #acls: ClusterAcls | undefined
  readonly #connections = new Set<BrokerConnection>()
  readonly #warnings: RareWarnings
  readonly #sessions: BrokerSessions
  #running: Running | undefined
  /**
   * Whether the image of the cluster is complete. Before that every topic would seem not to exist, and
   * clients that are told so drop what they were to send: connections are refused, as while it is down.
   */
  #isServing = false
  #isStopping = false
  #isCheckpointing = false
  #isRaisingMark = false

  /** See `assembleBroker`. */
  constructor(options: BrokerOptions) {
    this.#options = options
    const { logger, clock } = options.world
    this.#log = logger
    this.#image = new ClusterImage(new ClusterConfigs(options.config.configs))
    const { acls } = options.config
    this.#acls = acls === undefined ? undefined : new ClusterAcls(acls)
    this.#warnings = new RareWarnings(logger.child({ part: 'api' }), clock)
    this.#sessions = new BrokerSessions({
      make: (onExpired) => this.#makeSession(onExpired),
      resign: () => this.#running?.replicas.resign(),
      onFailure: options.onFailure,
      clock,
      log: logger,
    })
  }

  /** The port that it listens on; undefined unless it runs. */
  get port(): number | undefined {
    return this.#running?.listener.port
  }

  /** Of its current registration; undefined while it has none. */
  get brokerEpoch(): number | undefined {
    return this.#sessions.current?.membership?.life.brokerEpoch
  }

  get isController(): boolean {
    return this.#sessions.current?.isController ?? false
  }

  status(): PartStatus {
    const replicas = [...(this.#running?.replicas.replicas ?? [])]
    const leading = replicas.filter(({ role }) => role.type === 'leading').length
    return {
      state: `broker ${this.#options.config.id}, ${this.#standing()}`,
      detail: `leads ${leading} of its ${replicas.length} partitions`,
    }
  }

  #standing(): string {
    if (this.brokerEpoch === undefined) return 'without a session'
    if (this.isController) return 'controller'
    const { controller } = this.#image
    return controller === noBroker ? 'no controller' : `controller is broker ${controller}`
  }

  /**
   * Resolves when the broker is registered and its image of the cluster is complete.
   *
   * @throws DataDirError, DataDirLockedError, BrokerError, ZkError, or what the system throws
   */
  async start(): Promise<void> {
    const { config, world, loadOpenBlock } = this.#options
    const openBlock = loadOpenBlock === undefined ? undefined : await loadOpenBlock()
    const dataDir = new DataDir(world.disk, config.id, () => this.#makeUuid())
    const checkpoint = await this.#openCheckpoint(dataDir)
    const secret = await orRelease(dataDir, () => new ClusterSecret(this.#options.readSecret()))
    const tls = await orRelease(dataDir, () => openTls(this.#options))
    const links = this.#makeLinks({ dataDir, secret, tls })
    const replicas = this.#makeReplicas({ checkpoint, links })
    const groups = this.#makeGroups(replicas, (partitionCount, replicationFactor) =>
      makeOffsetsTopic(parts, { partitionCount, replicationFactor }),
    )
    const removals = this.#makeRemovals(replicas)
    const parts = this.#makeParts({ openBlock, dataDir, secret, links, replicas, groups })
    let running: Running | undefined
    try {
      const listener = await this.#listen(parts, tls)
      const cancelCheckpoints = world.clock.every(checkpointMs, () => this.#checkpointInTime())
      const cancelReloads =
        tls.reload && world.clock.every(certificateCheckMs, () => tls.reload?.())
      running = {
        dataDir,
        secret,
        checkpoint,
        links,
        replicas,
        groups,
        removals,
        listener,
        cancelCheckpoints,
        cancelReloads,
        tls,
      }
      this.#running = running
      this.#options.witness?.opened(replicas)
      if (this.#isStopping) throw new Error('Cannot start: the broker was stopped meanwhile')
      await this.#sessions.open()
    } catch (error) {
      // Once `#running` is set, `stop` releases the parts, and may have done so already.
      if (running === undefined) {
        await replicas.close()
        await dataDir.release()
      }
      await this.stop()
      throw error
    }
    this.#log.info({ ...this.#endpoint(), dataDir: world.disk.path }, 'Broker is ready')
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#sessions.stop()
    await this.#handOver()
    const running = this.#running
    this.#running = undefined
    // The session ends first, so that other brokers take over meanwhile. Without one we lead
    // nothing.
    running?.groups.close()
    running?.replicas.resign()
    for (const removal of running?.removals ?? []) removal.close()
    await this.#sessions.close()
    if (running === undefined) return
    running.cancelCheckpoints()
    running.cancelReloads?.()
    running.links.close()
    for (const connection of this.#connections) connection.close()
    await running.listener.close()
    this.#warnings.close()
    running.replicas.saveSnapshots({ isLast: true })
    await running.replicas.close()
    // Everything is durable now, so that the next start has nothing to read again.
    await this.#checkpoint(running)
    await running.dataDir.release()
  }

  async #handOver(): Promise<void> {
    const { config, world } = this.#options
    const session = this.#sessions.registered
    const running = this.#running
    if (session === undefined || running === undefined) return
    const replicas = () => running.replicas.replicas
    const [image, log] = [this.#image, this.#log]
    await handOver({ self: config.id, image, replicas, session, clock: world.clock, log })
  }

  // --- the session -------------------------------------------------------------------------------

  #makeSession(onExpired: () => void): BrokerSession | undefined {
    const { config, world } = this.#options
    const running = this.#running
    if (running === undefined) return undefined
    const { sessionTimeoutMs, connectTimeoutMs } = config
    const { secret, tls } = running
    const transport = withTls(world.transport, { dial: tls.zooKeeper })
    return new BrokerSession({
      id: config.id,
      zk: new ZkClient({
        ...config.zooweeper,
        sessionTimeoutMs,
        connectTimeoutMs,
        defaultAcl: secret.acl,
        logger: this.#log.child({ part: 'zk' }),
        world: tls.zooKeeper === undefined ? world : { ...world, transport },
      }),
      secret,
      sessionTimeoutMs,
      registrationPatienceMs: config.registrationTimeoutMs,
      endpoint: this.#endpoint(),
      image: this.#image,
      acls: this.#acls,
      clock: world.clock,
      turn: world.turn,
      makeUuid: () => this.#makeUuid(),
      log: this.#log,
      dataDir: running.dataDir,
      recoveryWaitMs: config.recoveryWaitMs,
      rebalanceMs: config.rebalanceMs,
      rack: config.rack,
      openReplicas: async () => (await this.#running?.replicas.open()) ?? [],
      onComplete: () => {
        this.#isServing = true
      },
      onChange: () => this.#imageChanged(),
      onExpired,
    })
  }

  #imageChanged(): void {
    const life = this.#sessions.current?.membership?.life
    const running = this.#running
    if (life === undefined || running === undefined) return
    running.links.imageChanged()
    running.replicas.imageChanged(life)
    running.groups.imageChanged()
    for (const removal of running.removals) removal.imageChanged()
  }

  #endpoint(): Address & { readonly isSecure: boolean } {
    const {
      advertisedHost: host,
      advertisedPort: port = this.port ?? 0,
      tls,
    } = this.#options.config
    return { host, port, isSecure: tls !== undefined }
  }

  // --- parts -------------------------------------------------------------------------------------

  #makeLinks(made: {
    readonly dataDir: DataDir
    readonly secret: ClusterSecret
    readonly tls: OpenTls
  }): BrokerLinks {
    const { dataDir, secret, tls } = made
    const { config, world } = this.#options
    return new BrokerLinks({
      image: this.#image,
      transport: world.transport,
      secureTransport: tls.links && withTls(world.transport, { dial: tls.links }),
      clock: world.clock,
      hello: () => ({
        role: 'broker',
        clusterId: dataDir.clusterId,
        name: `broker ${config.id}`,
        brokerId: config.id,
        brokerEpoch: this.brokerEpoch ?? 0,
      }),
      prover: (acceptor) => {
        const challenge = Buffer.from(world.randomBytes(challengeBytes))
        return { secret, challenge, acceptor }
      },
    })
  }

  #makeReplicas(made: {
    readonly checkpoint: Checkpoint
    readonly links: BrokerLinks
  }): ReplicaManager {
    const { config, world, onFailure } = this.#options
    return new ReplicaManager({
      self: config.id,
      image: this.#image,
      links: made.links,
      clock: world.clock,
      turn: world.turn,
      log: this.#log.child({ part: 'replica' }),
      disk: world.disk,
      flush: config.flush,
      lagTimeMsMax: config.replicaLagTimeMsMax,
      checkpoint: made.checkpoint,
      writeState: async (replica, state) => this.#sessions.current?.writeState(replica, state),
      report: (reports) => this.#sessions.current?.report(reports),
      failed: onFailure,
      maintenanceMs: config.retentionCheckMs,
      checkedBytesPerSecond: config.checkedBytesPerSecond,
    })
  }

  #makeRemovals(replicas: ReplicaManager): readonly Removal[] {
    const { config, world } = this.#options
    const options = {
      self: config.id,
      image: this.#image,
      replicas,
      clock: world.clock,
      log: this.#log,
      zk: () => this.#sessions.registered?.zk,
    }
    return [new TopicRemoval(options), new LeftoverRemoval(options)]
  }

  #makeGroups(
    replicas: ReplicaManager,
    makeTopic: (partitionCount: number, replicationFactor: number) => Promise<void>,
  ): GroupCoordinator {
    const { config, world } = this.#options
    const { partitionCount, replicaCountMax } = config.offsets
    const { commitTimeoutMs, retentionMs, retentionCheckMs } = config.offsets
    const { groupMembersMax: membersMax, groupBytesMax: bytesMax } = limits
    return new GroupCoordinator({
      image: this.#image,
      replicas,
      clock: world.clock,
      log: this.#log.child({ part: 'group' }),
      rules: {
        initialDelayMs: config.group.initialRebalanceDelayMs,
        sessionTimeoutMsMin: config.group.sessionTimeoutMsMin,
        sessionTimeoutMsMax: config.group.sessionTimeoutMsMax,
        membersMax,
        bytesMax,
      },
      offsetsTopic: { partitionCount, replicaCountMax },
      commitTimeoutMs,
      retentionMs,
      retentionCheckMs,
      makeTopic,
    })
  }

  #makeParts(made: {
    readonly openBlock: OpenBlock | undefined
    readonly dataDir: DataDir
    readonly secret: ClusterSecret
    readonly links: BrokerLinks
    readonly replicas: ReplicaManager
    readonly groups: GroupCoordinator
  }): BrokerParts {
    const { config, world } = this.#options
    const { dataDir, secret, links, replicas, groups } = made
    const { partitionCount, replicationFactor } = config
    return {
      self: config.id,
      get clusterId() {
        return dataDir.clusterId ?? ''
      },
      dataDir: config.dataDir,
      secret,
      image: this.#image,
      replicas,
      followers: replicas.followers,
      links,
      producerIds: new ProducerIds(config.id),
      groups,
      sasl: {
        mechanisms: config.sasl.mechanisms,
        isRequired: config.sasl.isRequired,
        credentials: (user) => readCredentials(this.#sessions.current, user),
        makeNonce: () => this.#makeUuid(),
      },
      acls: this.#acls,
      openBlock: made.openBlock,
      clock: world.clock,
      randomBytes: world.randomBytes,
      makeUuid: () => this.#makeUuid(),
      log: this.#log,
      warnings: this.#warnings,
      defaults: { partitionCount, replicationFactor },
      autoCreatesTopics: config.autoCreatesTopics,
      session: () => this.#sessions.registered,
    }
  }

  #listen(parts: BrokerParts, { port: tls }: OpenTls): Promise<Listener> {
    const linkOptions = {
      frameBytesMax: limits.brokerFrameBytesMax,
      queueBytesMax: limits.connectionQueueBytesMax,
      handshakeMs: limits.handshakeMs,
      pauseWhenCongested: true,
      reusesBuffers: true,
      port: 'broker',
      tls,
    } as const
    const { config, world } = this.#options
    const { listen, origins } = config
    const kafka = new KafkaDialect(parts)
    const listening = world.transport.listen(listen, linkOptions, (link) => {
      if (!this.#isServing) return undefined
      const connection = new BrokerConnection(kafka, link, () =>
        this.#connections.delete(connection),
      )
      this.#connections.add(connection)
      return connection
    })
    return listening.catch((error: unknown) => {
      throw listenError(error, origins.listen)
    })
  }

  /**
   * Names directories, so as in Kafka none begins with a dash, which a shell takes for an option.
   */
  #makeUuid(): string {
    for (;;) {
      const uuid = uuidOf(this.#options.world.randomBytes(16)).toString('base64url')
      if (!uuid.startsWith('-')) return uuid
    }
  }

  /** Releases the directory when it throws. @throws what the file system throws */
  async #openCheckpoint(dataDir: DataDir): Promise<Checkpoint> {
    const checkpoint = await orRelease(dataDir, () => new Checkpoint(dataDir.checkpoints))
    if (checkpoint.isDamaged) {
      const { path } = dataDir.checkpoints
      this.#log.error(
        { path },
        'The checkpoints are damaged: damage to logs may be taken for torn tails',
      )
    }
    return checkpoint
  }

  /** Skips a part whose previous write is still in flight. */
  #checkpointInTime(): void {
    const running = this.#running
    if (running !== undefined && !this.#isCheckpointing) {
      this.#isCheckpointing = true
      void this.#checkpoint(running).finally(() => {
        this.#isCheckpointing = false
      })
    }
    const session = this.#sessions.current
    if (session !== undefined && !this.#isRaisingMark) {
      this.#isRaisingMark = true
      void this.#raiseMark(session).finally(() => {
        this.#isRaisingMark = false
      })
    }
  }

  async #checkpoint({ checkpoint, replicas }: Running): Promise<void> {
    try {
      await checkpoint.write(replicas.checkpoints())
      replicas.saveSnapshots({ isLast: false })
    } catch (error) {
      this.#log.warn({ err: error }, 'Could not write the checkpoints')
    }
  }

  async #raiseMark(session: BrokerSession): Promise<void> {
    try {
      await session.raiseMark()
    } catch (error) {
      const level = error instanceof OldCopyError ? 'error' : 'debug'
      this.#log[level](
        { err: (error as Error).message },
        'Could not raise the mark of the data directory',
      )
    }
  }
}

/** The result of `make`; releases the directory when that throws. */
async function orRelease<T>(dataDir: DataDir, make: () => T): Promise<T> {
  try {
    return make()
  } catch (error) {
    await dataDir.release()
    throw error
  }
}

type Removal = Pick<TopicRemoval, 'imageChanged' | 'close'>

interface Running {
  readonly dataDir: DataDir
  readonly secret: ClusterSecret
  readonly checkpoint: Checkpoint
  readonly links: BrokerLinks
  readonly replicas: ReplicaManager
  readonly groups: GroupCoordinator
  readonly removals: readonly Removal[]
  readonly listener: Listener
  readonly cancelCheckpoints: () => void
  readonly cancelReloads: (() => void) | undefined
  readonly tls: OpenTls
}
