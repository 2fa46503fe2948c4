// Keeps a cluster image up to date from the znodes, for one session. It reads everything once, sets
// a persistent-recursive watch on each of /brokers/topics, /brokers/ids, /brokers/reports,
// /brokers/deleted and /config, and a persistent one on /controller, reads again the znode that an event names, and after a
// reconnect reads everything again. Configurations are read before topics, and created before them:
// no topic is led or followed before its configuration is known.
//
// A session's reads are answered in order, so a later read never returns an older state.

import type { Logger } from '../../logger.ts'
import type { ConfigEntity } from '../../protocol/mq/configs.ts'
import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import { decodeRegistration } from '../../protocol/mq/registration.ts'
import type { WatchEvent } from '../../protocol/zk/messages.ts'
import type { Turn } from '../../turn.ts'
import type { ClusterImage } from './cluster-image.ts'
import { decodeDeletedTopic } from './deleted-topics.ts'
import { decodeReport, reportName } from './replica-status.ts'
import type { ZkAccess } from './zk-access.ts'
import {
  decodeController,
  decodeState,
  decodeTopic,
  meaningOf,
  type PathMeaning,
  zkPaths,
} from './zk-paths.ts'
import { ZnodeReads } from './znode-reads.ts'

interface ClusterWatchOptions {
  readonly zk: ZkAccess
  readonly image: ClusterImage
  readonly turn: Turn
  readonly log: Logger
  /** The image may have changed; called at most once per turn of the event loop. */
  readonly onChange: () => void
}

export class ClusterWatch {
  readonly #options: ClusterWatchOptions
  readonly #reads: ZnodeReads
  /** those that events, or a reconnect, began */
  readonly #reading = new Set<Promise<void>>()
  #isStopped = false
  /** the session that created /controller */
  #controllerSession = 0
  readonly #onEvent = (event: WatchEvent) => this.#changed(event)
  readonly #takeUp = () => {
    if (!this.#isStopped) this.#options.onChange()
  }
  readonly #onConnected = () => this.#detached(this.readAll())

  constructor(options: ClusterWatchOptions) {
    this.#options = options
    const { zk, turn } = options
    this.#reads = new ZnodeReads({ zk, turn })
  }

  /** Resolves when the image is complete. */
  async start(): Promise<void> {
    const { zk } = this.#options
    await Promise.all([
      zk.addWatch(zkPaths.config, 'persistentRecursive', this.#onEvent),
      zk.addWatch(zkPaths.topics, 'persistentRecursive', this.#onEvent),
      zk.addWatch(zkPaths.deleted, 'persistentRecursive', this.#onEvent),
      zk.addWatch(zkPaths.brokerIds, 'persistentRecursive', this.#onEvent),
      zk.addWatch(zkPaths.reports, 'persistentRecursive', this.#onEvent),
      zk.addWatch(zkPaths.controller, 'persistent', this.#onEvent),
    ])
    // From here on, a reconnect makes up for events that are lost with the connection.
    zk.on('connected', this.#onConnected)
    await this.readAll()
  }

  stop(): void {
    this.#isStopped = true
    this.#options.zk.off('connected', this.#onConnected)
  }

  /** Whether our session created /controller. */
  get isController(): boolean {
    return this.#controllerSession === this.#options.zk.sessionId
  }

  /**
   * Reads everything that is listed, and everything in the image that was not: that may be gone, or
   * it was created after the listing.
   */
  async readAll(): Promise<void> {
    const { zk, image } = this.#options
    const [configTopics, configBrokers, deleted, brokers, topics, reports] = await Promise.all([
      zk.getChildren(zkPaths.configTopics),
      zk.getChildren(zkPaths.configBrokers),
      zk.getChildren(zkPaths.deleted),
      zk.getChildren(zkPaths.brokerIds),
      zk.getChildren(zkPaths.topics),
      zk.getChildren(zkPaths.reports),
      this.#read({ type: 'controller' }),
    ])
    const ids = new Set([...brokers.children, ...[...image.brokers.keys()].map(String)])
    const known = [...image.topics.keys(), ...image.topicProblems.keys()]
    const names = new Set([...topics.children, ...known])
    const gone = new Set([...deleted.children, ...image.deleted.keys()])
    const reported = new Set([...reports.children, ...image.reports.keys()])
    const listed: ConfigEntity[] = [
      ...configTopics.children.map((name) => ({ type: 'topic', name }) as const),
      ...configBrokers.children.map((name) => ({ type: 'broker', name }) as const),
    ]
    const configs = new Map(
      [...image.configs.entities(), ...listed].map((entity) => [zkPaths.configOf(entity), entity]),
    )
    await Promise.all([
      ...[...configs.values()].map((entity) => this.#read({ type: 'config', entity })),
      ...[...ids].map((id) => this.#readPath(`${zkPaths.brokerIds}/${id}`)),
      ...[...names].map((topic) => this.#readTopic(topic)),
      ...[...gone].map((topicId) => this.#read({ type: 'deleted', topicId })),
      ...[...reported].map((name) => this.#read({ type: 'report', name })),
    ])
    this.#changeSoon()
  }

  /**
   * Reads which brokers and topics there are by now: each broker, and of the topics those that have
   * come or gone. Reflects every write of this session made before this call.
   */
  async readMembers(): Promise<void> {
    const { zk, image } = this.#options
    const [brokers, topics] = await Promise.all([
      zk.getChildren(zkPaths.brokerIds),
      zk.getChildren(zkPaths.topics),
    ])
    const known = new Set([...image.topics.keys(), ...image.topicProblems.keys()])
    const listed = new Set(topics.children)
    const ids = new Set([...brokers.children, ...[...image.brokers.keys()].map(String)])
    const changed = [
      ...topics.children.filter((topic) => !known.has(topic)),
      ...[...known].filter((topic) => !listed.has(topic)),
    ]
    await Promise.all([
      ...[...ids].map((id) => this.#readPath(`${zkPaths.brokerIds}/${id}`)),
      ...changed.map((topic) => this.#readTopic(topic)),
    ])
    this.#changeSoon()
  }

  /**
   * Reads each broker, and these topics with their states and reports. Reflects every write of this
   * session made before this call.
   */
  async readTopics(topics: Iterable<string>): Promise<void> {
    const { zk, image } = this.#options
    const { children } = await zk.getChildren(zkPaths.brokerIds)
    const ids = new Set([...children, ...[...image.brokers.keys()].map(String)])
    await Promise.all([
      ...[...ids].map((id) => this.#readPath(`${zkPaths.brokerIds}/${id}`)),
      ...[...new Set(topics)].map((topic) =>
        this.#readTopic(topic).then(() => this.#readReports(topic)),
      ),
    ])
    this.#changeSoon()
  }

  /**
   * Waits for what the events so far began to read. An event arrives before the answer to a later
   * sync, so that the image then reflects every write made before the sync.
   */
  async catchUp(): Promise<void> {
    await Promise.all(this.#reading)
  }

  /** The image shows what this session has just written: no event has to come first. */
  wrote(): void {
    this.#changeSoon()
  }

  /** Reads one broker's registration again. */
  async readBroker(id: BrokerId): Promise<void> {
    await this.#read({ type: 'broker', id })
    this.#changeSoon()
  }

  /** Reads a configuration again. Reflects every write of this session made before this call. */
  async readConfig(entity: ConfigEntity): Promise<void> {
    await this.#read({ type: 'config', entity })
    this.#changeSoon()
  }

  /** Reads one partition's znode again. Reflects every write made before this call. */
  async readState(topic: string, partition: number): Promise<void> {
    await this.#options.zk.sync(zkPaths.state(topic, partition))
    await this.#read({ type: 'state', topic, partition })
    this.#changeSoon()
  }

  /** Reads a topic again, with its states. Reflects every write made before this call. */
  async readTopic(topic: string): Promise<void> {
    await this.#options.zk.sync(zkPaths.topic(topic))
    await this.#readTopic(topic)
    this.#changeSoon()
  }

  #changed({ path }: WatchEvent): void {
    this.#detached(this.#readPath(path).then(() => this.#changeSoon()))
  }

  async #readPath(path: string): Promise<void> {
    const meaning = meaningOf(path)
    if (meaning?.type === 'topic') await this.#readTopic(meaning.topic)
    else if (meaning !== undefined) await this.#read(meaning)
  }

  /**
   * Reads the states too: events for those created before the topic was known here were ignored.
   */
  async #readTopic(topic: string): Promise<void> {
    const { image } = this.#options
    await this.#read({ type: 'topic', topic })
    const partitions = image.topics.get(topic)?.assignment.replicas ?? []
    await Promise.all(
      partitions.map((_, partition) => this.#read({ type: 'state', topic, partition })),
    )
  }

  async #readReports(topic: string): Promise<void> {
    const assignment = this.#options.image.topics.get(topic)?.assignment
    if (assignment === undefined) return
    const { topicId, replicas } = assignment
    await Promise.all(
      replicas.flatMap((brokers, partition) =>
        brokers.map((broker) => {
          return this.#read({ type: 'report', name: reportName({ topicId, partition, broker }) })
        }),
      ),
    )
  }

  async #read(meaning: PathMeaning): Promise<void> {
    const { image, log } = this.#options
    switch (meaning.type) {
      case 'broker': {
        const { id } = meaning
        const found = await this.#reads.readNow(zkPaths.brokerId(id))
        const endpoint = decodeRegistration(found?.data ?? null)
        if (found === undefined || endpoint === undefined) image.removeBroker(id)
        else {
          const { czxid: epoch, ephemeralOwner: session } = found.stat
          image.setBroker({ id, ...endpoint, epoch, session })
        }
        return
      }
      case 'report': {
        const { name } = meaning
        const found = await this.#reads.read(`${zkPaths.reports}/${name}`)
        const status = decodeReport(found?.data ?? null)
        if (found === undefined || status === undefined) image.removeReport(name)
        else image.setReport(name, { status, session: found.stat.ephemeralOwner })
        return
      }
      case 'topic': {
        const { topic } = meaning
        const found = await this.#reads.readNow(zkPaths.topic(topic))
        const assignment = decodeTopic(found?.data ?? null)
        if (found === undefined) image.removeTopic(topic)
        else if (assignment !== undefined) image.setTopic(topic, assignment, found.stat.version)
        else if (image.setBadTopic(topic)) {
          log.error({ topic }, 'A topic is unavailable: its znode cannot be read')
        }
        return
      }
      case 'state': {
        const { topic, partition } = meaning
        const found = await this.#reads.read(zkPaths.state(topic, partition))
        const state = decodeState(found?.data ?? null, found?.stat.version ?? 0)
        if (found === undefined || state !== undefined) image.setState(topic, partition, state)
        else if (image.setBadState(topic, partition)) {
          log.error({ topic, partition }, 'A partition is unavailable: its state cannot be read')
        }
        return
      }
      case 'deleted': {
        const { topicId } = meaning
        const found = await this.#reads.readNow(zkPaths.deletedTopic(topicId))
        const { data = null, stat } = found ?? {}
        const deleted = decodeDeletedTopic(topicId, data, stat?.version ?? 0)
        if (deleted === undefined) image.deleted.delete(topicId)
        else image.deleted.set(topicId, deleted)
        return
      }
      case 'config': {
        const { entity } = meaning
        const path = zkPaths.configOf(entity)
        const found = await this.#reads.readNow(path)
        for (const problem of image.setConfig(entity, found?.data)) {
          log.error({ path, problem }, 'Part of a configuration is unusable: the default holds')
        }
        return
      }
      case 'controller': {
        const found = await this.#reads.readNow(zkPaths.controller)
        image.controller = found === undefined ? noBroker : decodeController(found.data)
        this.#controllerSession = found?.stat.ephemeralOwner ?? 0
        return
      }
    }
  }

  #changeSoon(): void {
    this.#options.turn.seal(this.#takeUp)
  }

  /** A read fails only with its session or its connection, after which everything is read again. */
  #detached(reading: Promise<void>): void {
    this.#reading.add(reading)
    reading
      .catch((error: Error) => {
        if (this.#isStopped) return
        this.#options.log.debug({ err: error.message }, 'Could not read znodes')
      })
      .finally(() => this.#reading.delete(reading))
  }
}
