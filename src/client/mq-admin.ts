// What tools ask a Mimic Queue cluster: its brokers and topics, new topics, where logs begin and end,
// what groups have committed.

import type { ClusterInfo, TopicInfo } from '../protocol/mq/messages.ts'
import { type MqClientOptions, MqCluster } from './mq-cluster.ts'

export interface NewTopic {
  readonly topic: string
  /** Default: the brokers'. */
  readonly partitions?: number
  readonly replicas?: number
}

export interface PartitionOffsets {
  readonly partition: number
  readonly earliest: number
  readonly latest: number
}

export interface GroupOffset extends PartitionOffsets {
  /** undefined: the group committed nothing here */
  readonly committed: number | undefined
  /** records that are stored and not committed */
  readonly lag: number
}

const defaultTimeoutMs = 10_000

/** All failures are a BrokerError. */
export class MqAdmin {
  readonly #cluster: MqCluster
  readonly #timeoutMs: number

  constructor(options: MqClientOptions & { readonly timeoutMs?: number }) {
    this.#cluster = new MqCluster(options)
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs
  }

  /** As a broker knows it now. */
  async cluster(): Promise<ClusterInfo> {
    const { cluster } = await this.#cluster.call(
      { type: 'metadata', topics: undefined },
      this.#timeoutMs,
    )
    this.#cluster.metadata.update(cluster)
    return cluster
  }

  async topics(): Promise<readonly TopicInfo[]> {
    return (await this.cluster()).topics
  }

  /** undefined: there is none. */
  async topic(name: string): Promise<TopicInfo | undefined> {
    return (await this.topics()).find(({ topic }) => topic === name)
  }

  /** Resolves when each partition has a leader. @throws BrokerError TOPIC_ALREADY_EXISTS … */
  async createTopic({ topic, partitions = -1, replicas = -1 }: NewTopic): Promise<void> {
    const [partitionCount, replicationFactor] = [partitions, replicas]
    const timeoutMs = this.#timeoutMs
    const request = {
      type: 'createTopic',
      topic,
      partitionCount,
      replicationFactor,
      timeoutMs,
    } as const
    await this.#cluster.call(request, timeoutMs + 1000)
  }

  /** @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION */
  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    const partitions = (await this.topic(topic))?.partitions ?? [{ partition: 0 }]
    return Promise.all(
      partitions.map(async ({ partition }) => {
        const request = { type: 'listOffsets', topic, partition, passedOn: false } as const
        const { earliest, latest } = await this.#cluster.call(request, this.#timeoutMs)
        return { partition, earliest, latest }
      }),
    )
  }

  async groupOffsets(group: string, topic: string): Promise<readonly GroupOffset[]> {
    const ends = await this.offsets(topic)
    return Promise.all(
      ends.map(async (end) => {
        const { partition, earliest, latest } = end
        const request = { type: 'committedOffset', group, topic, partition } as const
        const { offset: committed } = await this.#cluster.call(request, this.#timeoutMs)
        return { ...end, committed, lag: Math.max(0, latest - (committed ?? earliest)) }
      }),
    )
  }

  close(): void {
    this.#cluster.close()
  }
}
