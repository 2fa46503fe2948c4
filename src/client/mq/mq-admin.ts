// Administration of a Mimic Queue cluster: its brokers and topics, new topics, log offsets, and the
// committed offsets of groups.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type {
  BrokerId,
  ClusterInfo,
  RecoveryChoices,
  TopicInfo,
} from '../../protocol/mq/messages.ts'
import { mqMethods, take, takeAdminOptions } from './arguments.ts'
import { type MqClientOptions, MqCluster } from './mq-cluster.ts'

export { BrokerError } from '../../protocol/mq/error-codes.ts'

export interface NewTopic {
  readonly topic: string
  /** Default: the brokers' defaults. */
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
  /** stored records that are not committed */
  readonly lag: number
}

export interface LeaderChoice {
  readonly topic: string
  readonly partition: number
  /** id of a broker */
  readonly leader: number
  /** of the state that `recoveryChoices` showed */
  readonly version: number
}

export interface MqAdminOptions extends MqClientOptions {
  /** How long a call is retried. Default 10 s. */
  readonly timeoutMs?: number
}

/** How often a topic that should exist is looked up, with a pause in between. */
const knownWithinTries = 10

/** All failures are BrokerErrors; an invalid argument is named. */
export class MqAdmin {
  readonly #cluster: MqCluster
  readonly #timeoutMs: number

  /** @throws BrokerError INVALID_REQUEST */
  constructor(given: MqAdminOptions) {
    const options = takeAdminOptions(given)
    this.#cluster = new MqCluster(options)
    this.#timeoutMs = options.timeoutMs
  }

  /** The current view of one broker. */
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

  /** undefined if it does not exist. */
  async topic(name: string): Promise<TopicInfo | undefined> {
    take(mqMethods.topic, [name])
    return (await this.topics()).find(({ topic }) => topic === name)
  }

  /** Resolves when each partition has a leader. @throws BrokerError TOPIC_ALREADY_EXISTS … */
  async createTopic(newTopic: NewTopic): Promise<void> {
    const { topic: taken } = take(mqMethods.createTopic, [newTopic])
    const { topic, partitions = -1, replicas = -1 } = taken
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
    take(mqMethods.offsets, [topic])
    const { partitions } = await this.#existing(topic)
    return Promise.all(
      partitions.map(async ({ partition }) => {
        const request = { type: 'listOffsets', topic, partition, passedOn: false } as const
        const { earliest, latest } = await this.#cluster.call(request, this.#timeoutMs)
        return { partition, earliest, latest }
      }),
    )
  }

  /** A newly created topic is not yet known to every broker. */
  async #existing(topic: string): Promise<TopicInfo> {
    for (let tries = 0; tries < knownWithinTries; tries++) {
      const found = await this.topic(topic)
      if (found !== undefined) return found
      await this.#cluster.pause()
    }
    const message = `Cannot find the offsets of topic '${topic}': the topic does not exist`
    throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', message)
  }

  /** @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION */
  async groupOffsets(group: string, topic: string): Promise<readonly GroupOffset[]> {
    take(mqMethods.groupOffsets, [group, topic])
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

  /** The choices when no replica may lead. @throws BrokerError */
  async recoveryChoices(topic: string, partition: number): Promise<RecoveryChoices> {
    take(mqMethods.recoveryChoices, [topic, partition])
    const request = { type: 'recoveryChoices', topic, partition } as const
    return (await this.#cluster.call(request, this.#timeoutMs)).found
  }

  /**
   * Makes a replica the leader, even one that lacks committed records, which are then lost.
   *
   * @throws BrokerError INVALID_UPDATE_VERSION if the state has changed
   */
  async recover(choice: LeaderChoice): Promise<void> {
    const { choice: taken } = take(mqMethods.recover, [choice])
    const { topic, partition, version } = taken
    const leader = taken.leader as BrokerId
    const request = { type: 'recover', topic, partition, leader, version } as const
    await this.#cluster.call(request, this.#timeoutMs)
  }

  /** Pending calls fail, and so do later ones. */
  close(): void {
    this.#cluster.close()
  }
}
