// Polls the members of a cluster for the screen: servers by the four-letter word `srvr`, each
// broker for itself by metadata and by a fetch that returns its high watermark. Servers and brokers
// are polled separately, so that one side that hangs does not make the other side's answers stale.

import { type Address, formatAddress } from '../../address.ts'
import { MqCluster } from '../../client/mq/mq-cluster.ts'
import { type TlsClient, tlsClient } from '../../client/tls.ts'
import type { Clock } from '../../clock.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { anyEpoch, onlyOne } from '../../protocol/mq/messages.ts'
import type { BrokerInfo, ClusterInfo } from '../../protocol/mq/metadata.ts'
import { askHealth } from '../four-letter-word.ts'
import type { MqPlace } from '../mq-options.ts'
import {
  addressesIn,
  type BrokerAnswer,
  brokersKnown,
  type ClusterLines,
  nothingKnown,
  type ServerLine,
  StoredWith,
} from './cluster-lines.ts'

const periodMs = 300
/** A live broker answers immediately. */
const answerMs = 700
/**
 * Maximum fetches per second for high watermarks; with more replicas each is fetched less often.
 */
const fetchesPerSecond = 100

export class ClusterPoll {
  readonly #servers: readonly Address[]
  /** finds brokers; drops its links to unregistered ones, so `#links` are separate */
  readonly #finder: MqCluster
  readonly #links: MqCluster
  readonly #topic: string
  readonly #clock: Clock
  readonly #onState: (cluster: ClusterLines) => void
  /** by id: a broker that was seen once is shown as lost when it is gone */
  readonly #brokers = new Map<number, BrokerInfo>()
  /** how the servers are asked */
  readonly #serverTls: TlsClient | undefined
  /** by broker and partition, the latest known */
  readonly #highWatermarks = new Map<number, Map<number, number>>()
  readonly #storedWith = new StoredWith()
  #fetchedMs = Number.NEGATIVE_INFINITY
  #state: ClusterLines = nothingKnown
  #isSearching = false
  #hasSearched = false
  #stopped = false

  constructor(options: {
    readonly servers: readonly Address[]
    /** where the cluster's brokers are */
    readonly client: MqPlace['client']
    readonly topic: string
    readonly clock: Clock
    readonly onState: (cluster: ClusterLines) => void
  }) {
    this.#servers = options.servers
    const { tls, ...place } = options.client
    this.#serverTls = tlsClient(tls)
    const client = { ...place, tls: this.#serverTls }
    this.#finder = new MqCluster(client)
    this.#links = new MqCluster(client)
    this.#topic = options.topic
    this.#clock = options.clock
    this.#onState = options.onState
  }

  start(): void {
    if (this.#servers.length > 0) void this.#repeat(() => this.#pollServers())
    void this.#repeat(() => this.#pollBrokers())
  }

  stop(): void {
    this.#stopped = true
    this.#finder.close()
    this.#links.close()
  }

  async #repeat(poll: () => Promise<Partial<ClusterLines>>): Promise<void> {
    while (!this.#stopped) {
      const news = await poll()
      if (this.#stopped) return
      this.#state = { ...this.#state, ...news }
      this.#onState(this.#state)
      await new Promise<void>((resolve) => this.#clock.after(periodMs, resolve))
    }
  }

  // --- servers -----------------------------------------------------------------------------------

  async #pollServers(): Promise<Partial<ClusterLines>> {
    const servers = await Promise.all(
      this.#servers.map(async (server, i): Promise<ServerLine> => {
        const { role } = await askHealth(server, this.#serverTls)
        return { id: i + 1, address: formatAddress(server), role }
      }),
    )
    return { servers, serversAtMs: this.#clock.nowMs() }
  }

  // --- brokers -----------------------------------------------------------------------------------

  async #pollBrokers(): Promise<Partial<ClusterLines>> {
    const answers = new Map<number, BrokerAnswer | undefined>()
    const isFetching = this.#clock.nowMs() >= this.#nextFetchMs()
    if (isFetching) this.#fetchedMs = this.#clock.nowMs()
    await Promise.all(
      [...this.#brokers.values()].map(async (broker) => {
        answers.set(broker.id, await this.#ask(broker, isFetching))
      }),
    )
    for (const answer of answers.values()) {
      for (const broker of answer?.cluster.brokers ?? []) this.#brokers.set(broker.id, broker)
    }
    // Brokers may be new, or have moved: the initial addresses may know them.
    const isAnyMissing = [...answers.values()].some((answer) => answer === undefined)
    if (answers.size === 0 || isAnyMissing) this.#search()
    const addresses = new Map([...this.#brokers].map(([id, one]) => [id, formatAddress(one)]))
    for (const [id, address] of addressesIn(answers)) addresses.set(id, address)
    const known = brokersKnown(this.#topic, answers, addresses, this.#storedWith.known)
    if (isFetching) this.#learn(known.partitions ?? [], answers)
    // Before the first search, the lack of answers means nothing.
    return answers.size === 0 && !this.#hasSearched
      ? {}
      : { ...known, brokersAtMs: this.#clock.nowMs() }
  }

  #learn(
    partitions: NonNullable<ClusterLines['partitions']>,
    answers: ReadonlyMap<number, BrokerAnswer | undefined>,
  ): void {
    for (const partition of partitions) {
      const seen = [...answers.values()].flatMap(
        (answer) => answer?.highWatermarks.get(partition.partition) ?? [],
      )
      if (seen.length > 0) this.#storedWith.saw(partition, Math.max(...seen))
    }
  }

  /** This broker's own answer; undefined if it does not answer. */
  async #ask(broker: BrokerInfo, isFetching: boolean): Promise<BrokerAnswer | undefined> {
    try {
      const { cluster } = await this.#links
        .connectionTo(broker)
        .call({ type: 'metadata', topics: undefined }, answerMs)
      const known = this.#highWatermarks.get(broker.id) ?? new Map<number, number>()
      this.#highWatermarks.set(broker.id, known)
      if (isFetching) await this.#fetchHighWatermarks(broker, cluster, known)
      return { cluster, highWatermarks: new Map(known) }
    } catch (error) {
      if (error instanceof BrokerError) return undefined
      throw error
    }
  }

  /** For the partitions of which this broker has a replica: from its own log. */
  async #fetchHighWatermarks(
    broker: BrokerInfo,
    cluster: ClusterInfo,
    known: Map<number, number>,
  ): Promise<void> {
    const topic = cluster.topics.find((one) => one.topic === this.#topic)
    const own = topic?.partitions.filter(({ replicas }) => replicas.includes(broker.id)) ?? []
    await Promise.all(
      own.map(async ({ partition }) => {
        try {
          const asked = {
            topic: this.#topic,
            partition,
            offset: known.get(partition) ?? (await this.#startOf(broker, partition)),
            bytesMax: 1,
            leaderEpoch: anyEpoch,
          }
          const { partitions } = await this.#links.connectionTo(broker).call(
            {
              type: 'fetch',
              maxWaitMs: 0,
              bytesMin: 0,
              bytesMax: 1,
              passedOn: false,
              partitions: [asked],
            },
            answerMs,
          )
          known.set(partition, onlyOne(partitions).highWatermark)
        } catch (error) {
          if (!(error instanceof BrokerError)) throw error
          known.delete(partition) // its log now begins later, or was truncated
        }
      }),
    )
  }

  async #startOf(broker: BrokerInfo, partition: number): Promise<number> {
    const partitions = [{ topic: this.#topic, partition, leaderEpoch: anyEpoch }]
    const request = { type: 'listOffsets', passedOn: false, partitions } as const
    const listed = await this.#links.connectionTo(broker).call(request, answerMs)
    return onlyOne(listed.partitions).earliest
  }

  #nextFetchMs(): number {
    const replicas = this.#state.brokers.reduce((sum, { replicas }) => sum + replicas, 0)
    return this.#fetchedMs + Math.max(periodMs, (replicas * 1000) / fetchesPerSecond)
  }

  /** In the background: it may take long if no broker answers. */
  #search(): void {
    if (this.#isSearching) return
    this.#isSearching = true
    void this.#finder
      .refresh()
      .then(
        () => {
          for (const broker of this.#finder.metadata.brokers) this.#brokers.set(broker.id, broker)
        },
        (error: unknown) => {
          if (!(error instanceof BrokerError)) throw error
        },
      )
      .finally(() => {
        this.#isSearching = false
        this.#hasSearched = true
      })
  }
}
