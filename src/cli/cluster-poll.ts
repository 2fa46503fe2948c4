// Asks again and again who is alive in a cluster and what each one is, for the screen: servers by the
// four-letter word `srvr`, brokers by the metadata that any of them gives.

import type { MqAdmin } from '../client/mq-admin.ts'
import { formatServer, type ServerAddress } from '../client/servers.ts'
import type { Clock } from '../clock.ts'
import { BrokerError } from '../protocol/mq/error-codes.ts'
import type { ClusterInfo } from '../protocol/mq/messages.ts'
import type { BrokerLine, ClusterLines, ServerLine } from './consumer-view.ts'
import { askHealth } from './four-letter-word.ts'

const periodMs = 300

export class ClusterPoll {
  readonly #servers: readonly ServerAddress[]
  readonly #admin: MqAdmin
  readonly #topic: string
  readonly #clock: Clock
  readonly #onState: (cluster: ClusterLines) => void
  /** by id; whoever was seen once is shown as lost when it is gone */
  readonly #addresses = new Map<number, string>()
  #stopped = false

  constructor(options: {
    readonly servers: readonly ServerAddress[]
    /** with a time-out of a second or so */
    readonly admin: MqAdmin
    readonly topic: string
    readonly clock: Clock
    readonly onState: (cluster: ClusterLines) => void
  }) {
    this.#servers = options.servers
    this.#admin = options.admin
    this.#topic = options.topic
    this.#clock = options.clock
    this.#onState = options.onState
  }

  start(): void {
    void this.#run()
  }

  stop(): void {
    this.#stopped = true
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const [servers, brokers] = await Promise.all([this.#askServers(), this.#askBrokers()])
      if (this.#stopped) return
      this.#onState({ servers, brokers })
      await new Promise<void>((resolve) => this.#clock.after(periodMs, resolve))
    }
  }

  #askServers(): Promise<ServerLine[]> {
    return Promise.all(
      this.#servers.map(async (server, i) => {
        const { role } = await askHealth(server)
        return { id: i + 1, address: formatServer(server), role }
      }),
    )
  }

  async #askBrokers(): Promise<BrokerLine[]> {
    try {
      const cluster = await this.#admin.cluster()
      for (const broker of cluster.brokers) this.#addresses.set(broker.id, formatServer(broker))
      return brokerLines(cluster, this.#topic, this.#addresses)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      return brokerLines(undefined, this.#topic, this.#addresses)
    }
  }
}

/**
 * One line per broker that was ever seen or has a replica of the topic. Pure.
 *
 * @param cluster undefined when nobody answers
 * @param addresses by broker id
 */
export function brokerLines(
  cluster: ClusterInfo | undefined,
  topic: string,
  addresses: ReadonlyMap<number, string>,
): BrokerLine[] {
  const partitions = cluster?.topics.find((one) => one.topic === topic)?.partitions ?? []
  const ids = new Set([...addresses.keys(), ...partitions.flatMap(({ replicas }) => replicas)])
  return [...ids]
    .sort((a, b) => a - b)
    .map((id) => ({
      id,
      address: addresses.get(id) ?? '',
      alive: cluster?.brokers.some((broker) => broker.id === id) ?? false,
      controller: cluster?.controller === id,
      leads: partitions.filter(({ leader }) => leader === id).length,
    }))
}
