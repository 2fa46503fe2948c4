// One ZooWeeper session of a broker, from its registration to its end: its view of the cluster, its
// work as controller, and the writes of its partitions' states. When the session expires, the
// broker stops leading and begins another session.

import type { Address } from '../../address.ts'
import { ZkMultiError } from '../../client/zk/errors.ts'
import type { Clock } from '../../clock.ts'
import { invariant } from '../../invariant.ts'
import type { Logger } from '../../logger.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import type { AclPattern } from '../../protocol/mq/acls.ts'
import type { ClusterSecret } from '../../protocol/mq/cluster-secret.ts'
import type { ConfigEntity } from '../../protocol/mq/configs.ts'
import type { BrokerId, DirectoryId, Life } from '../../protocol/mq/messages.ts'
import { encodeRegistration, type Registration } from '../../protocol/mq/registration.ts'
import type { Turn } from '../../turn.ts'
import { AclWatch } from '../cluster/acl-watch.ts'
import type { ClusterAcls } from '../cluster/cluster-acls.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import { ClusterWatch } from '../cluster/cluster-watch.ts'
import type { ReplicaReport } from '../cluster/replica-status.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'
import { encodeState, zkPaths } from '../cluster/zk-paths.ts'
import { ControllerDriver } from '../controller/driver.ts'
import type { DataDir } from '../data-dir.ts'
import type { PartitionState } from '../partition/partition-state.ts'
import { Marks } from './marks.ts'
import { makeAclNodes, makeSharedNodes, readClusterId, register } from './registration.ts'
import { ReplicaReports } from './replica-reports.ts'

/** Delay between attempts to read a znode while the session has no connection. */
const rereadMs = 50

interface SessionOptions {
  readonly id: BrokerId
  /** not yet connected; creates znodes with the ACL of `secret`; closed with the session */
  readonly zk: ZkAccess
  readonly secret: ClusterSecret
  /** as requested; the ensemble may grant another */
  readonly sessionTimeoutMs: number
  readonly registrationPatienceMs: number
  readonly endpoint: Address & { readonly isSecure?: boolean }
  readonly dataDir: DataDir
  readonly recoveryWaitMs: number
  readonly rebalanceMs?: number | undefined
  readonly rack?: string | undefined
  readonly image: ClusterImage
  /** undefined: there are no rules of access */
  readonly acls?: ClusterAcls | undefined
  readonly clock: Clock
  readonly turn: Turn
  readonly makeUuid: () => string
  readonly log: Logger
  /** See `ReplicaManager.open`. */
  readonly openReplicas: () => Promise<readonly ReplicaReport[]>
  /** The image is complete. Called before the broker registers, perhaps long before. */
  readonly onComplete: () => void
  readonly onChange: () => void
  readonly onExpired: () => void
}

/** The replica whose leader writes a state. */
interface StateWriter {
  readonly topic: string
  readonly partition: number
  /** version of the topic's znode that named the replicas which the leader knows */
  readonly assignmentVersion: number
}

/** The cluster that an open session has joined, and the broker's life in it. */
interface Membership {
  readonly clusterId: string
  readonly life: Life
}

export class BrokerSession {
  readonly zk: ZkAccess
  readonly #options: SessionOptions
  readonly #clock: Clock
  readonly #watch: ClusterWatch
  readonly #acls: AclWatch | undefined
  readonly #controller: ControllerDriver
  readonly #reports: ReplicaReports
  readonly #marks: Marks
  #membership: Membership | undefined
  #isOver = false

  constructor(options: SessionOptions) {
    this.#options = options
    const { id, zk, clock, turn, image, log, onChange, dataDir } = options
    this.zk = zk
    this.#clock = clock
    const changed = () => {
      if (this.membership === undefined) return
      onChange()
      this.#controller.imageChanged()
    }
    this.#watch = new ClusterWatch({ zk, image, turn, log, onChange: changed })
    const watch = this.#watch
    const { acls } = options
    this.#acls = acls === undefined ? undefined : new AclWatch({ zk, acls, turn, log })
    const { recoveryWaitMs, rebalanceMs } = options
    const rules = { recoveryWaitMs, rebalanceMs }
    this.#controller = new ControllerDriver({ self: id, zk, image, watch, clock, log, ...rules })
    this.#marks = new Marks({ zk, directory: dataDir, log })
    this.#reports = new ReplicaReports({ self: id, zk, clock, log })
    zk.once('expired', () => {
      this.#end()
      options.onExpired()
    })
  }

  /** undefined before `open` and after the session's end. */
  get membership(): Membership | undefined {
    return this.#isOver ? undefined : this.#membership
  }

  get isController(): boolean {
    return this.#controller.isController
  }

  /**
   * Connects, reads the cluster, checks the directory's mark, opens the replicas, registers and
   * raises the mark, in this order: no replica is elected before it was opened, and none leads or
   * fetches in this life before the mark records it. The caller closes the session, also after a
   * failure.
   *
   * @throws ZkError SESSIONEXPIRED as soon as the session expires; otherwise as `Broker.start`
   */
  open(): Promise<Membership> {
    const expired = new Promise<never>((_, reject) => {
      const message = 'Cannot enter the cluster: the session expired meanwhile'
      this.zk.once('expired', () => reject(new ZkError('SESSIONEXPIRED', undefined, message)))
    })
    return Promise.race([this.#open(), expired])
  }

  async #open(): Promise<Membership> {
    const { id, endpoint, dataDir, makeUuid, log, secret, sessionTimeoutMs } = this.#options
    const { zk } = this
    const clock = this.#clock
    await zk.connect()
    await zk.addAuth('digest', secret.credential)
    if (zk.sessionTimeoutMs > sessionTimeoutMs) {
      const facts = { asked: sessionTimeoutMs, got: zk.sessionTimeoutMs }
      log.warn(facts, 'The ensemble grants only longer sessions: a dead broker is noticed later')
    }
    await makeSharedNodes(zk, secret.acl)
    if (this.#acls !== undefined) {
      await makeAclNodes(zk, secret.acl)
      await this.#acls.start()
    }
    const clusterId = await readClusterId(zk, makeUuid())
    await dataDir.claim(clusterId)
    await zk.sync(zkPaths.brokers)
    await this.#watch.start()
    this.#options.onComplete()
    const prepare = async () => {
      await this.#marks.check()
      await this.#reports.begin(await this.#options.openReplicas())
    }
    const registration = () => this.#registration(false)
    const patienceMs = this.#options.registrationPatienceMs
    const brokerEpoch = await register({ zk, id, registration, clock, log, patienceMs, prepare })
    await this.#marks.raise(brokerEpoch)
    const life = { directory: this.#directory, brokerEpoch }
    this.#membership = { clusterId, life }
    log.info({ clusterId, ...life, ...endpoint }, 'Registered')
    await this.#watch.readBroker(id)
    return this.#membership
  }

  #registration(isLeaving: boolean): Registration {
    const { endpoint, rack } = this.#options
    const { host, port, isSecure = false } = endpoint
    return { host, port, directory: this.#directory, rack, isLeaving, isSecure }
  }

  /** Tells the cluster that this broker is about to stop. @throws ZkError */
  async leave(): Promise<void> {
    const path = zkPaths.brokerId(this.#options.id)
    await this.zk.setData(path, encodeRegistration(this.#registration(true), this.#clock.wallMs()))
  }

  get #directory(): DirectoryId {
    const { directoryId } = this.#options.dataDir
    invariant(directoryId !== undefined, 'a directory that belongs to a cluster has an identity')
    return directoryId
  }

  /** Raises the directory's mark, at a checkpoint. @throws OldCopyError, ZkError, … */
  async raiseMark(): Promise<void> {
    const life = this.membership?.life
    if (life !== undefined) await this.#marks.raise(life.brokerEpoch)
  }

  /** The session's ephemerals go at once: other brokers take over now, not after the timeout. */
  async close(): Promise<void> {
    this.#end()
    await this.zk.close()
  }

  #end(): void {
    this.#isOver = true
    this.#watch.stop()
    this.#acls?.stop()
    this.#controller.stop()
    this.#reports.stop()
  }

  /** Replaces all reports on this broker's replicas. */
  report(reports: readonly ReplicaReport[]): void {
    if (!this.#isOver) this.#reports.report(reports)
  }

  /** Waits until the image reflects every write made before this call. Reads only what has changed. */
  async readChanges(): Promise<void> {
    await this.zk.sync(zkPaths.brokerIds)
    await this.#watch.catchUp()
  }

  /** Reads these topics again, with the states and reports of their replicas, and all brokers. */
  async readTopics(topics: Iterable<string>): Promise<void> {
    await this.zk.sync(zkPaths.brokerIds)
    await this.#watch.readTopics(topics)
  }

  /** The same for which brokers and topics there are, not for what has become of known topics. */
  async readMembers(): Promise<void> {
    await this.zk.sync(zkPaths.brokerIds)
    await this.#watch.readMembers()
  }

  /** Reads a configuration again. Reflects every write of this session made before this call. */
  async readConfig(entity: ConfigEntity): Promise<void> {
    await this.#watch.readConfig(entity)
  }

  /** Reads the rules of a pattern again. Reflects every write of this session made before this call. */
  async readRules(pattern: AclPattern): Promise<void> {
    await this.#acls?.read(pattern)
  }

  /** See `ReplicaHost.writeState`. */
  async writeState(
    { topic, partition, assignmentVersion }: StateWriter,
    state: PartitionState,
  ): Promise<PartitionState | undefined> {
    const { image, log } = this.#options
    const version = state.version + 1
    let isReassigned = false
    try {
      await this.zk.multi([
        // A broker that has left the replicas must not return to the ISR.
        { type: 'check', path: zkPaths.topic(topic), version: assignmentVersion },
        {
          type: 'setData',
          path: zkPaths.state(topic, partition),
          data: Buffer.from(encodeState(state)),
          version: state.version,
        },
      ])
      image.setState(topic, partition, { ...state, version })
      return this.#isOver ? undefined : { ...state, version }
    } catch (error) {
      log.debug({ topic, partition, err: (error as Error).message }, 'An ISR write failed')
      isReassigned = error instanceof ZkMultiError && error.index === 0
    }
    while (!this.#isOver) {
      try {
        if (isReassigned) await this.#watch.readTopic(topic)
        else await this.#watch.readState(topic, partition)
        return this.#isOver ? undefined : image.state(topic, partition)
      } catch (error) {
        const err = (error as Error).message
        log.debug({ topic, partition, err }, 'Could not read the state after a failed ISR write')
        await new Promise<void>((resolve) => this.#clock.after(rereadMs, resolve))
      }
    }
    return undefined
  }
}
