// A client's view of a Mimic Queue cluster: finds it, by a list of brokers or through ZooWeeper, keeps
// its metadata, and has one connection per broker. Producer, consumer and admin are built on it.

import type { Clock } from '../clock.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { ZkError } from '../protocol/error-codes.ts'
import { BrokerError } from '../protocol/mq/error-codes.ts'
import {
  type BrokerInfo,
  type MqRequest,
  noBroker,
  type ResponseOf,
} from '../protocol/mq/messages.ts'
import type { Transport } from '../protocol/transport/transport.ts'
import { type Random, seededBy } from '../random.ts'
import { realWorld } from '../real-world.ts'
import type { Turn } from '../turn.ts'
import type { ClientWorld } from '../world.ts'
import { MetadataCache } from './metadata-cache.ts'
import { type BrokerAddress, MqConnection } from './mq-connection.ts'
import { formatServer } from './servers.ts'
import type { ZkClient } from './zk-client.ts'

export interface MqClientOptions {
  /** some brokers of the cluster; the others are learned from them */
  readonly brokers?: readonly BrokerAddress[]
  /** instead: a connected client of the ensemble that the brokers are registered with */
  readonly zk?: ZkClient
  /** what brokers call us in their logs */
  readonly name?: string
  readonly logger?: Logger
  /** what it runs on; clients may share one. Default: this process's network, clock and randomness */
  readonly world?: ClientWorld
}

/** One try of a metadata request: a broker that lives answers at once. */
const metadataMs = 2000
const retryMs = 50
const brokerIdsPath = '/brokers/ids'

export class MqCluster {
  readonly metadata = new MetadataCache()
  readonly clock: Clock
  readonly turn: Turn
  readonly random: Random
  readonly log: Logger
  readonly #options: MqClientOptions
  readonly #transport: Transport
  readonly #connections = new Map<string, MqConnection>()
  #refreshing: Promise<void> | undefined
  #isClosed = false

  /** @throws RangeError when it is not said where the cluster is */
  constructor(options: MqClientOptions) {
    if (options.zk === undefined && (options.brokers ?? []).length === 0) {
      throw new RangeError('Cannot find a cluster: give brokers or a ZooWeeper client')
    }
    this.#options = options
    const { transport, turn, clock, randomBytes } = options.world ?? realWorld()
    this.clock = clock
    this.turn = turn
    this.random = seededBy(randomBytes)
    this.log = options.logger ?? silentLogger
    this.#transport = transport
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * Asks one broker after the other until one tells about the cluster; callers at the same time
   * share one asking.
   *
   * @throws BrokerError BROKER_NOT_AVAILABLE when none does
   */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /** The connection to this broker, made if needed. */
  connectionTo(address: BrokerAddress): MqConnection {
    if (this.#isClosed)
      throw new BrokerError('NETWORK_EXCEPTION', 'Cannot send: the client is closed')
    const key = formatServer(address)
    const known = this.#connections.get(key)
    if (known !== undefined) return known
    const connection = new MqConnection({
      transport: this.#transport,
      address: { host: address.host, port: address.port },
      hello: {
        role: 'client',
        clusterId: this.metadata.cluster?.clusterId,
        name: this.#options.name ?? `client ${process.pid}`,
        brokerId: noBroker,
        brokerEpoch: 0,
      },
      clock: this.clock,
      onClosed: (closed) => {
        if (this.#connections.get(key) === closed) this.#connections.delete(key)
      },
    })
    this.#connections.set(key, connection)
    return connection
  }

  /**
   * Asks any broker, and others when one fails, until the time is up.
   *
   * @throws BrokerError the last one
   */
  async call<T extends MqRequest>(request: T, timeoutMs: number): Promise<ResponseOf<T['type']>> {
    const deadlineMs = this.clock.nowMs() + timeoutMs
    let last: BrokerInfo | undefined
    for (;;) {
      try {
        if (this.metadata.brokers.length === 0) await this.refresh()
        last = this.metadata.pick(this.random, last?.id)
        if (last === undefined)
          throw new BrokerError('BROKER_NOT_AVAILABLE', 'Cannot ask: no broker lives')
        const leftMs = Math.max(1, deadlineMs - this.clock.nowMs())
        return await this.connectionTo(last).call(request, leftMs)
      } catch (error) {
        const isOver = this.#isClosed || this.clock.nowMs() + retryMs >= deadlineMs
        if (!(error instanceof BrokerError) || !error.retriable || isOver) throw error
        await this.pause()
        await this.refresh().catch(() => undefined)
      }
    }
  }

  /** A moment, before something that failed is tried again. */
  pause(delayMs = retryMs): Promise<void> {
    return new Promise((resolve) => this.clock.after(delayMs, resolve))
  }

  close(): void {
    this.#isClosed = true
    for (const connection of [...this.#connections.values()]) connection.close()
  }

  async #refresh(): Promise<void> {
    const tried: string[] = []
    for (const address of await this.#candidates()) {
      if (this.#isClosed) break
      try {
        const connection = this.connectionTo(address)
        const { cluster } = await connection.call(
          { type: 'metadata', topics: undefined },
          metadataMs,
        )
        if (cluster.brokers.length === 0) continue // it is starting, and knows nobody yet
        this.metadata.update(cluster)
        this.#closeConnectionsToTheGone(address)
        return
      } catch (error) {
        tried.push(`${formatServer(address)} (${(error as Error).message})`)
      }
    }
    const found = tried.length === 0 ? 'no broker is known' : `tried ${tried.join(', ')}`
    throw new BrokerError('BROKER_NOT_AVAILABLE', `Cannot find the cluster: ${found}`)
  }

  /** A broker that hangs does not say so: what waits for it fails when the others give it up. */
  #closeConnectionsToTheGone(asked: BrokerAddress): void {
    const living = new Set([asked, ...this.metadata.brokers].map(formatServer))
    for (const [key, connection] of [...this.#connections]) {
      if (!living.has(key)) connection.close()
    }
  }

  /** Those known to live, in random order, then those we were told of at the beginning. */
  async #candidates(): Promise<BrokerAddress[]> {
    const rest: BrokerAddress[] = [...this.metadata.brokers]
    const candidates: BrokerAddress[] = []
    while (rest.length > 0) candidates.push(...rest.splice(this.random.below(rest.length), 1))
    const first = await this.#firstAddresses()
    const isNew = (one: BrokerAddress) =>
      !candidates.some(({ host, port }) => host === one.host && port === one.port)
    return [...candidates, ...first.filter(isNew)]
  }

  async #firstAddresses(): Promise<readonly BrokerAddress[]> {
    const { brokers, zk } = this.#options
    if (brokers !== undefined && brokers.length > 0) return brokers
    if (zk === undefined) return []
    try {
      const { children } = await zk.getChildren(brokerIdsPath)
      const found = await Promise.all(children.map((id) => zk.getData(`${brokerIdsPath}/${id}`)))
      return found.flatMap(({ data }) => addressIn(data) ?? [])
    } catch (error) {
      if (error instanceof ZkError) return [] // none has registered, or one has just gone
      throw error
    }
  }
}

/** Host and port out of a broker's registration. */
function addressIn(data: Buffer | null): BrokerAddress | undefined {
  try {
    const { host, port } = JSON.parse(data?.toString('utf8') ?? '') as Record<string, unknown>
    return typeof host === 'string' && typeof port === 'number' ? { host, port } : undefined
  } catch {
    return undefined
  }
}
