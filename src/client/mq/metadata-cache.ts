// A client's view of the cluster: the live brokers, and the leader of each partition. It is
// refreshed after an error that means it is out of date. Pure.

import type { MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { BrokerInfo, ClusterInfo, TopicInfo } from '../../protocol/mq/metadata.ts'
import type { Random } from '../../random.ts'

/** Errors that mean that this view may be outdated. */
const staleCodes: ReadonlySet<MqErrorCode> = new Set<MqErrorCode>([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'REQUEST_TIMED_OUT',
  'BROKER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
])

export function makesStale(code: MqErrorCode): boolean {
  return staleCodes.has(code)
}

export class MetadataCache {
  #cluster: ClusterInfo | undefined
  readonly #topics = new Map<string, TopicInfo>()

  /** undefined before the first answer. */
  get cluster(): ClusterInfo | undefined {
    return this.#cluster
  }

  get brokers(): readonly BrokerInfo[] {
    return this.#cluster?.brokers ?? []
  }

  update(cluster: ClusterInfo): void {
    this.#cluster = cluster
    this.#topics.clear()
    for (const topic of cluster.topics) this.#topics.set(topic.topic, topic)
  }

  topic(name: string): TopicInfo | undefined {
    return this.#topics.get(name)
  }

  broker(id: BrokerId): BrokerInfo | undefined {
    return this.brokers.find((broker) => broker.id === id)
  }

  leader(topic: string, partition: number): BrokerInfo | undefined {
    const found = this.topic(topic)?.partitions[partition]
    return found === undefined ? undefined : this.broker(found.leader)
  }

  /** Any live broker, preferably not `except`. */
  pick(random: Random, except?: BrokerId): BrokerInfo | undefined {
    const others = this.brokers.filter(({ id }) => id !== except)
    const choice = others.length > 0 ? others : this.brokers
    return choice.length === 0 ? undefined : random.pick(choice)
  }
}
