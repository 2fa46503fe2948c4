// The partitions of a consumer that reads alone: those that were named, or all of its topics, with those
// that are added later. A member of a group has its partitions from group/group-membership.ts instead.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { TopicInfo } from '../../protocol/mq/metadata.ts'
import type { MqCluster } from './mq-cluster.ts'
import type { TopicPartition } from './options.ts'

interface ManualAssignmentOptions {
  readonly cluster: MqCluster
  readonly topics: readonly string[]
  /** undefined: all */
  readonly partitions: readonly TopicPartition[] | undefined
  /** @param isNew the topic has them since the start: all their records are newer than this consumer */
  readonly onAssigned: (partitions: readonly TopicPartition[], isNew: boolean) => Promise<void>
}

/** How often the topics are looked up, as they may have more partitions. */
const lookUpMs = 30_000

export class ManualAssignment {
  readonly #options: ManualAssignmentOptions
  /** how many partitions of each topic are read */
  readonly #counts = new Map<string, number>()
  #cancelLookUp: () => void = () => undefined
  #isClosed = false

  constructor(options: ManualAssignmentOptions) {
    this.#options = options
  }

  /** @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION, … */
  async start(): Promise<void> {
    const { cluster, topics, partitions, onAssigned } = this.#options
    const found = await existingTopics(cluster, topics)
    for (const { topic, partition } of partitions ?? []) {
      const count = found.find((info) => info.topic === topic)?.partitions.length ?? 0
      if (partition < count) continue
      const message = `Cannot read partition ${partition} of topic '${topic}': it has ${count}`
      throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', message)
    }
    await onAssigned(partitions ?? found.flatMap((info) => placesFrom(info, 0)), false)
    for (const { topic, partitions } of found) this.#counts.set(topic, partitions.length)
    if (partitions === undefined && !this.#isClosed) this.#lookUpLater()
  }

  close(): void {
    this.#isClosed = true
    this.#cancelLookUp()
  }

  #lookUpLater(): void {
    this.#cancelLookUp = this.#options.cluster.clock.after(lookUpMs, () => {
      void this.#lookUp().finally(() => {
        if (!this.#isClosed) this.#lookUpLater()
      })
    })
  }

  async #lookUp(): Promise<void> {
    const { cluster, topics, onAssigned } = this.#options
    try {
      await cluster.refresh()
      const found = topics.flatMap((topic) => cluster.metadata.topic(topic) ?? [])
      const added = found.flatMap((info) => placesFrom(info, this.#counts.get(info.topic) ?? 0))
      if (added.length === 0 || this.#isClosed) return
      await onAssigned(added, true)
      for (const { topic, partition } of added) this.#counts.set(topic, partition + 1)
    } catch (error) {
      cluster.log.debug({ topics, err: String(error) }, 'Could not look up the topics')
    }
  }
}

/** @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION, KAFKA_STORAGE_ERROR, … */
export async function existingTopics(
  cluster: MqCluster,
  topics: readonly string[],
): Promise<readonly TopicInfo[]> {
  await cluster.refresh()
  // A new topic is not yet known to every broker.
  if (topics.some((topic) => cluster.metadata.topic(topic) === undefined)) await cluster.refresh()
  const existing: TopicInfo[] = []
  for (const topic of topics) {
    const found = cluster.metadata.topic(topic)
    if (found === undefined) throw await cluster.whyMissing(topic, `read topic '${topic}'`)
    if (found.problem !== undefined) {
      throw new BrokerError('KAFKA_STORAGE_ERROR', `Cannot read topic '${topic}': ${found.problem}`)
    }
    existing.push(found)
  }
  return existing
}

function placesFrom({ topic, partitions }: TopicInfo, first: number): TopicPartition[] {
  return partitions
    .filter(({ partition }) => partition >= first)
    .map(({ partition }) => ({ topic, partition }))
}
