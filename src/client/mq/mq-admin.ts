// Administration of a Mimic Queue cluster: its brokers and topics, new topics, their replicas and
// leaders, log offsets, and the committed offsets of groups.

import { allBrokers, type ConfigEntity, type ConfigEntry } from '../../protocol/mq/configs.ts'
import { allCommitted } from '../../protocol/mq/delete-records.ts'
import type { ReplicaSize } from '../../protocol/mq/describe-log-dirs.ts'
import type { ElectedLeader } from '../../protocol/mq/elect-leaders.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { anyEpoch, type BrokerId, onlyOne } from '../../protocol/mq/messages.ts'
import type { ClusterInfo, TopicInfo } from '../../protocol/mq/metadata.ts'
import type { Reassignment, WantedReplicas } from '../../protocol/mq/partition-reassignments.ts'
import type { RecoveryChoices } from '../../protocol/mq/recover.ts'
import { adminMethods, takeAdminOptions } from './admin-arguments.ts'
import { take } from './argument-kinds.ts'
import { GroupAdmin, type GroupDetails, type GroupListing } from './group/group-admin.ts'
import { type BrokerAttempt, MqCluster } from './mq-cluster.ts'
import type {
  BrokerConfigChange,
  LeaderChoice,
  MqAdminOptions,
  NewTopic,
  OffsetReset,
  PartitionReplicas,
  PlannedOffset,
  RecordsBefore,
  TopicConfigChange,
  TopicPartition,
} from './options.ts'

export type { ConfigEntry } from '../../protocol/mq/configs.ts'
export type { ReplicaSize } from '../../protocol/mq/describe-log-dirs.ts'
export type { ElectedLeader } from '../../protocol/mq/elect-leaders.ts'
export { BrokerError } from '../../protocol/mq/error-codes.ts'
export type { Reassignment } from '../../protocol/mq/partition-reassignments.ts'
export type {
  GroupDetails,
  GroupListing,
  GroupMemberDetails,
  GroupPartition,
} from './group/group-admin.ts'
export type {
  BrokerConfigChange,
  LeaderChoice,
  MqAdminOptions,
  NewTopic,
  OffsetReset,
  OffsetTarget,
  PartitionReplicas,
  PlannedOffset,
  RecordsBefore,
  TopicConfigChange,
  TopicPartition,
} from './options.ts'

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

/** Where the log of a partition begins. */
export interface LogStart extends TopicPartition {
  readonly earliest: number
}

/** The logs of one broker. */
export interface LogDir {
  readonly broker: BrokerId
  /** undefined: it did not answer */
  readonly dataDir: string | undefined
  readonly replicas: readonly ReplicaSize[]
  readonly problem: BrokerError | undefined
}

/** How often a topic that should exist is looked up, with a pause in between. */
const knownWithinTries = 10

/** All failures are BrokerErrors; an invalid argument is named. */
export class MqAdmin {
  readonly #cluster: MqCluster
  readonly #timeoutMs: number
  readonly #groups: GroupAdmin

  /** @throws BrokerError INVALID_REQUEST */
  constructor(given: MqAdminOptions) {
    const options = takeAdminOptions(given)
    this.#cluster = new MqCluster(options)
    this.#timeoutMs = options.timeoutMs
    this.#groups = new GroupAdmin(this.#cluster, options.timeoutMs)
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
    take(adminMethods.topic, [name])
    const request = { type: 'metadata', topics: [name] } as const
    const { cluster } = await this.#cluster.call(request, this.#timeoutMs)
    return cluster.topics[0]
  }

  /** Resolves when each partition has a leader. @throws BrokerError TOPIC_ALREADY_EXISTS … */
  async createTopic(newTopic: NewTopic): Promise<void> {
    const { topic: taken } = take(adminMethods.createTopic, [newTopic])
    const { topic, partitions: partitionCount = -1, replicas: replicationFactor = -1 } = taken
    const configs = Object.entries(taken.configs).map(([name, value]) => ({ name, value }))
    const topics = [{ topic, partitionCount, replicationFactor, configs }]
    const timeoutMs = this.#timeoutMs
    const request = { type: 'createTopics', timeoutMs, topics } as const
    await this.#cluster.call(request, timeoutMs + 1000)
  }

  /** With all their records. @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION … */
  async deleteTopics(topics: readonly string[]): Promise<void> {
    const { topics: taken } = take(adminMethods.deleteTopics, [topics])
    const timeoutMs = this.#timeoutMs
    const named = taken.map((topic) => ({ topic, topicId: '' }))
    await this.#cluster.call({ type: 'deleteTopics', timeoutMs, topics: named }, timeoutMs + 1000)
  }

  /**
   * Resolves when each new partition has a leader.
   *
   * @param count of partitions, with those that exist
   * @throws BrokerError INVALID_PARTITIONS, UNKNOWN_TOPIC_OR_PARTITION …
   */
  async createPartitions(topic: string, count: number): Promise<void> {
    take(adminMethods.createPartitions, [topic, count])
    const timeoutMs = this.#timeoutMs
    const topics = [{ topic, count }]
    await this.#cluster.call({ type: 'createPartitions', timeoutMs, topics }, timeoutMs + 1000)
  }

  /**
   * Begins to move replicas of partitions; a partition that is being moved gets this target instead.
   * The moves go on by themselves: `reassignments` shows those in progress.
   *
   * @throws BrokerError of the first partition that was refused, such as INVALID_REPLICA_ASSIGNMENT;
   *   those of others are begun
   */
  async reassign(moves: readonly PartitionReplicas[]): Promise<void> {
    const taken = take(adminMethods.reassign, [moves])
    await this.#alterReassignments(
      taken.moves.map(({ topic, partition, replicas }) => {
        return { topic, partition, replicas: replicas as BrokerId[] }
      }),
    )
  }

  /**
   * Resolves when these partitions have their original replicas alone again.
   *
   * @throws BrokerError NO_REASSIGNMENT_IN_PROGRESS, REQUEST_TIMED_OUT …
   */
  async cancelReassignments(partitions: readonly TopicPartition[]): Promise<void> {
    const taken = take(adminMethods.cancelReassignments, [partitions])
    await this.#alterReassignments(
      taken.partitions.map(({ topic, partition }) => ({ topic, partition, replicas: undefined })),
    )
  }

  async #alterReassignments(partitions: readonly WantedReplicas[]): Promise<void> {
    const timeoutMs = this.#timeoutMs
    const request = { type: 'alterPartitionReassignments', timeoutMs, partitions } as const
    await this.#cluster.call(request, timeoutMs + 1000)
  }

  /** Those in progress. */
  async reassignments(): Promise<readonly Reassignment[]> {
    const request = { type: 'listPartitionReassignments', partitions: undefined } as const
    return (await this.#cluster.callForParts(request, this.#timeoutMs)).partitions
  }

  /**
   * Makes preferred replicas leaders, the first of each partition, where they are in sync.
   *
   * @param topic default: all
   * @returns the partitions that were not led by their preferred replica; with an error, still are not
   */
  async electLeaders(topic?: string): Promise<readonly ElectedLeader[]> {
    const taken = take(adminMethods.electLeaders, [topic])
    const request = { type: 'electLeaders', partitions: undefined } as const
    if (taken.topic === undefined) {
      return (await this.#cluster.callForParts(request, this.#timeoutMs)).partitions
    }
    const { partitions } = await this.#existing(taken.topic)
    const places = partitions.map(({ partition }) => ({ topic: taken.topic ?? '', partition }))
    const asked = { type: 'electLeaders', partitions: places } as const
    const elected = await this.#cluster.callForParts(asked, this.#timeoutMs)
    return elected.partitions.filter(({ error }) => error?.code !== 'ELECTION_NOT_NEEDED')
  }

  /** Every key with the value in force and its source. @throws BrokerError */
  async topicConfig(topic: string): Promise<readonly ConfigEntry[]> {
    take(adminMethods.topicConfig, [topic])
    const entities = [{ type: 'topic', name: topic } as const]
    const answer = await this.#cluster.call({ type: 'describeConfigs', entities }, this.#timeoutMs)
    return answer.entities[0]?.entries ?? []
  }

  /** @throws BrokerError INVALID_CONFIG, UNKNOWN_TOPIC_OR_PARTITION … */
  async alterTopicConfig(topic: string, change: TopicConfigChange): Promise<void> {
    const { change: taken } = take(adminMethods.alterTopicConfig, [topic, change])
    await this.#alterConfig({ type: 'topic', name: topic }, taken)
  }

  /**
   * The same keys of several topics.
   *
   * @param names default: every key
   * @returns by topic; those that do not exist are left out
   */
  async topicConfigs(
    topics: readonly string[],
    names?: readonly string[],
  ): Promise<ReadonlyMap<string, readonly ConfigEntry[]>> {
    const taken = take(adminMethods.topicConfigs, [topics, names])
    const entities = taken.topics.map((name) => {
      return { type: 'topic', name, keys: taken.names } as const
    })
    const request = { type: 'describeConfigs', entities } as const
    const described = (await this.#cluster.callForParts(request, this.#timeoutMs)).entities
    return new Map(
      described.flatMap(({ name, error, entries }) => {
        return error === undefined ? [[name, entries] as const] : []
      }),
    )
  }

  /**
   * Every key of a live broker with the value in force and its source; it is asked itself.
   *
   * @throws BrokerError
   */
  async brokerConfig(broker: number): Promise<readonly ConfigEntry[]> {
    take(adminMethods.brokerConfig, [broker])
    await this.cluster()
    const found = this.#cluster.metadata.brokers.find(({ id }) => id === broker)
    if (found === undefined) {
      const message = `Cannot describe broker ${broker}: it is not alive`
      throw new BrokerError('BROKER_NOT_AVAILABLE', message)
    }
    const entities = [{ type: 'broker', name: String(broker) } as const]
    const connection = this.#cluster.connectionTo(found)
    const answer = await connection.call({ type: 'describeConfigs', entities }, this.#timeoutMs)
    return onlyOne(answer.entities).entries
  }

  /**
   * Changes what is set of a broker while it runs; it need not be alive.
   *
   * @param broker all: what holds for brokers without a value of their own
   * @throws BrokerError INVALID_CONFIG …
   */
  async alterBrokerConfig(broker: number | 'all', change: BrokerConfigChange): Promise<void> {
    const taken = take(adminMethods.alterBrokerConfig, [broker, change])
    const name = taken.broker === 'all' ? allBrokers : String(taken.broker)
    await this.#alterConfig({ type: 'broker', name }, taken.change)
  }

  async #alterConfig(
    { type, name }: ConfigEntity,
    change: Required<TopicConfigChange>,
  ): Promise<void> {
    const changes = [
      ...Object.entries(change.set).map(([key, value]) => {
        return { name: key, operation: 'set', value } as const
      }),
      ...change.delete.map(
        (key) => ({ name: key, operation: 'delete', value: undefined }) as const,
      ),
    ]
    const entities = [{ type, name, changes }]
    await this.#cluster.call({ type: 'alterConfigs', entities }, this.#timeoutMs)
  }

  /** @throws BrokerError UNKNOWN_TOPIC_OR_PARTITION */
  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    take(adminMethods.offsets, [topic])
    const { partitions } = await this.#existing(topic)
    const request = {
      type: 'listOffsets',
      passedOn: false,
      partitions: partitions.map(({ partition }) => ({ topic, partition, leaderEpoch: anyEpoch })),
    } as const
    const listed = await this.#cluster.call(request, this.#timeoutMs)
    return listed.partitions.map(({ partition, earliest, latest }) => {
      return { partition, earliest, latest }
    })
  }

  /**
   * Deletes the records before an offset, for good. Resolves when every replica in sync has.
   *
   * @returns where the logs begin now
   * @throws BrokerError OFFSET_OUT_OF_RANGE beyond the committed records, POLICY_VIOLATION for a
   *   compacted topic, …: other partitions of the call may be done
   */
  async deleteRecords(partitions: readonly RecordsBefore[]): Promise<readonly LogStart[]> {
    const { partitions: taken } = take(adminMethods.deleteRecords, [partitions])
    const asked = taken.map(({ topic, partition, before }) => {
      return { topic, partition, offset: before === 'end' ? allCommitted : before }
    })
    const timeoutMs = this.#timeoutMs
    const request = {
      type: 'deleteRecords',
      timeoutMs,
      passedOn: false,
      partitions: asked,
    } as const
    const deleted = await this.#cluster.call(request, timeoutMs + 1000)
    return deleted.partitions.map(({ topic, partition, lowWatermark: earliest }) => {
      return { topic, partition, earliest }
    })
  }

  /**
   * The sizes of the replicas on each live broker, of these topics or of all.
   *
   * @returns by broker; one that does not answer has a `problem`
   */
  async logDirs(topics?: readonly string[]): Promise<readonly LogDir[]> {
    const { topics: taken } = take(adminMethods.logDirs, [topics])
    await this.cluster()
    const request = { type: 'describeLogDirs', topics: taken } as const
    const asked = this.#cluster.metadata.brokers.map(async (broker): Promise<LogDir> => {
      try {
        const connection = this.#cluster.connectionTo(broker)
        const { dataDir, replicas } = await connection.call(request, this.#timeoutMs)
        return { broker: broker.id, dataDir, replicas, problem: undefined }
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        return { broker: broker.id, dataDir: undefined, replicas: [], problem: error }
      }
    })
    return (await Promise.all(asked)).sort((a, b) => a.broker - b.broker)
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
    take(adminMethods.groupOffsets, [group, topic])
    const ends = await this.offsets(topic)
    const places = ends.map(({ partition }) => ({ topic, partition }))
    const request = { type: 'offsetFetch', group, passedOn: false, partitions: places } as const
    const fetched = await this.#cluster.call(request, this.#timeoutMs)
    return ends.map(({ partition, earliest, latest }, i) => {
      const committed = fetched.partitions[i]?.offset
      const lag = Math.max(0, latest - (committed ?? earliest))
      return { partition, earliest, latest, committed, lag }
    })
  }

  /** All groups, those without members included. */
  async groups(): Promise<readonly GroupListing[]> {
    return this.#groups.list()
  }

  /** Members, partitions and lag of a group; undefined if it does not exist. */
  async group(name: string): Promise<GroupDetails | undefined> {
    const { group } = take(adminMethods.group, [name])
    return this.#groups.describe(group)
  }

  /** @throws BrokerError NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND */
  async deleteGroup(name: string): Promise<void> {
    const { group } = take(adminMethods.deleteGroup, [name])
    await this.#groups.delete(group)
  }

  /** What moving a group's offsets would do; nothing is changed. @throws BrokerError */
  async planOffsets(group: string, reset: OffsetReset): Promise<readonly PlannedOffset[]> {
    const taken = take(adminMethods.planOffsets, [group, reset])
    const { topic, partitions, to } = taken.reset
    return this.#groups.plan(taken.group, { topic, partitions, to })
  }

  /**
   * Moves the offsets of a group without members as planned.
   *
   * @throws BrokerError INVALID_UPDATE_VERSION if the group has committed since, NON_EMPTY_GROUP
   */
  async applyOffsets(group: string, planned: readonly PlannedOffset[]): Promise<void> {
    const taken = take(adminMethods.applyOffsets, [group, planned])
    await this.#groups.apply(taken.group, taken.planned)
  }

  /** The choices when no replica may lead. @throws BrokerError */
  async recoveryChoices(topic: string, partition: number): Promise<RecoveryChoices> {
    take(adminMethods.recoveryChoices, [topic, partition])
    const request = { type: 'recoveryChoices', topic, partition } as const
    return (await this.#cluster.call(request, this.#timeoutMs)).found
  }

  /**
   * Makes a replica the leader, even one that lacks committed records, which are then lost.
   *
   * @throws BrokerError INVALID_UPDATE_VERSION if the state has changed
   */
  async recover(choice: LeaderChoice): Promise<void> {
    const { choice: taken } = take(adminMethods.recover, [choice])
    const { topic, partition, version } = taken
    const leader = taken.leader as BrokerId
    const request = { type: 'recover', topic, partition, leader, version } as const
    await this.#cluster.call(request, this.#timeoutMs)
  }

  /** Gives up the waits for brokers that are down or silent, and tries all of them now. */
  async reconnect(): Promise<readonly BrokerAttempt[]> {
    return this.#cluster.reconnect()
  }

  /** Pending calls fail, and so do later ones. */
  close(): void {
    this.#cluster.close()
  }
}
