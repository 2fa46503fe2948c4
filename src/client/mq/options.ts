// The options of a Producer, a Consumer and an MqAdmin, and of their calls. The defaults and bounds
// are in producer-arguments.ts, consumer-arguments.ts and admin-arguments.ts.

import type { Logger } from '../../logger.ts'
import type { CodecName } from '../../protocol/mq/compression.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { RequiredAcks } from '../../protocol/mq/produce.ts'
import type { ClientWorld } from '../../world.ts'
import type { ServerList } from '../server-list.ts'
import type { TlsOptions } from '../tls.ts'
import type { ZkClient } from '../zk/zk-client.ts'
import type { AssignorName } from './group/assignor-names.ts'
import type { SaslOptions } from './login.ts'

export interface MqClientOptions {
  /**
   * some brokers of the cluster, as `'host:port,host:port'` or a list; the others are discovered.
   * Default port 9092
   */
  readonly brokers?: ServerList
  /** instead: a client of the brokers' ensemble; it is not closed here */
  readonly zk?: ZkClient
  /** our name in the brokers' logs */
  readonly name?: string
  /** of the connections to brokers. Default: they are not encrypted */
  readonly tls?: TlsOptions
  /** the user of the connections to brokers. Default: none */
  readonly sasl?: SaslOptions
  readonly logger?: Logger
  /**
   * the world it runs in; clients may share one. Default: this process's network, clock and
   * randomness
   */
  readonly world?: ClientWorld
}

export interface ProducerOptions extends MqClientOptions {
  /** Default: all. */
  readonly acks?: RequiredAcks
  /** How long a record waits for others; 0, the default: for those of the same turn. */
  readonly lingerMs?: number
  /** At most 1 MiB, Kafka's largest batch. Default 64 KiB. */
  readonly batchBytes?: number
  /**
   * Of whole batches, unless that does not make them smaller; snappy, lz4, and zstd before Node.js
   * 22.15 need an optional package. Default none.
   */
  readonly compression?: CodecName
  /** Batches in flight per partition, at most 64. Default 5. */
  readonly inFlightMax?: number
  /** Time limit of one attempt, at most 2 minutes. Default 5 s. */
  readonly requestTimeoutMs?: number
  /** Time after which a record's outcome is unknown and its promise rejects. Default 30 s. */
  readonly deliveryTimeoutMs?: number
  /**
   * Unsettled bytes above which `send` waits; once as many wait, it refuses with
   * THROTTLING_QUOTA_EXCEEDED. Default 32 MiB.
   */
  readonly bufferBytesMax?: number
  /** `random`: each batch goes to a randomly picked broker, which passes it on. Default leader. */
  readonly sendTo?: 'leader' | 'random'
}

/** Options of a call that waits. */
export interface CallOptions {
  /** When it is aborted, the call rejects with its reason. */
  readonly signal?: AbortSignal
}

/**
 * A string is encoded as UTF-8. Bytes are not copied: they must not change until the record is
 * settled.
 */
export interface NewRecord {
  readonly topic: string
  readonly partition?: number
  /** Default: null, no key. */
  readonly key?: Uint8Array | string | null
  readonly value: Uint8Array | string | null
  /** Default: now. */
  readonly timestampMs?: number
  readonly headers?: readonly NewHeader[]
}

export interface NewHeader {
  readonly key: string
  readonly value: Uint8Array | string | null
}

/**
 * Without a group, and with `partitions`, a consumer reads its partitions alone. With a group it is a
 * member, to which the group gives partitions of its topics.
 */
export interface ConsumerOptions extends MqClientOptions, MemberOptions {
  readonly topic?: string
  /** Several, instead of `topic`. */
  readonly topics?: readonly string[]
  /** Reading begins where it committed last; `commit` commits for it. */
  readonly group?: string
  /** Default: all; with a group, those that it gives. */
  readonly partitions?: readonly PartitionRef[]
  /**
   * Where to begin; with a group, only in partitions for which it committed nothing. Default end; with
   * a group, beginning.
   */
  readonly from?: SeekTarget
  /**
   * When the offset to read does not exist: the committed value is not an offset, or the log was
   * lost. `stop`, the default: taking records fails with OFFSET_OUT_OF_RANGE.
   */
  readonly outOfRange?: 'stop' | 'earliest' | 'latest'
  /** The broker to read first. Default: any. */
  readonly broker?: BrokerId | number
  /** Read only from `broker`, even while it is down. */
  readonly stayWithBroker?: boolean
  /** How long a broker waits for records before an empty answer, at most 30 s. Default 1 s. */
  readonly maxWaitMs?: number
  /** Bytes of records per answer and partition, at most 8 MiB. Default 1 MiB. */
  readonly bytesMax?: number
  /**
   * Bytes of records that wait to be handed out, of all partitions together; above, only partitions
   * of which nothing waits are fetched. Default 32 MiB.
   */
  readonly bufferBytesMax?: number
  /**
   * Check the producer's checksum of each batch; one that fails is fetched from another broker.
   * Default true.
   */
  readonly checkCrcs?: boolean
}

/** Of a member of a group. */
export interface MemberOptions {
  /**
   * Ways to divide the partitions, the preferred one first; members agree on one that all of them
   * have. Default `cooperative-sticky`, which cannot be listed with the others.
   */
  readonly assignors?: readonly AssignorName[]
  /** Of a static member: it may restart within `sessionTimeoutMs` without a rebalance. */
  readonly instanceId?: string
  /** Called, and awaited, before the group goes on. */
  readonly listener?: GroupListener
  /** A silent member is expelled after this time. Default 10 s; brokers allow 6 s to 30 min. */
  readonly sessionTimeoutMs?: number
  /** How long a rebalance waits for this member. Default 60 s. */
  readonly rebalanceTimeoutMs?: number
  /** Default 3 s. */
  readonly heartbeatMs?: number
}

export interface GroupListener {
  assigned?(partitions: readonly TopicPartition[]): Promise<void> | void
  /** They are still this member's: the last time to commit. */
  revoked?(partitions: readonly TopicPartition[]): Promise<void> | void
  /** Others may have them already. */
  lost?(partitions: readonly TopicPartition[]): Promise<void> | void
}

/** A number, if the consumer reads one topic. */
export type PartitionRef = number | TopicPartition

/**
 * Where to read: at the first record, after the last one, at an offset, that many offsets before
 * the end, or at the first record with at least that timestamp, or the end if there is none.
 */
export type SeekTarget =
  | 'beginning'
  | 'end'
  | number
  | { readonly last: number }
  | { readonly timestampMs: number }

export interface SeekOptions extends CallOptions {
  /** Default: all that are read. */
  readonly partitions?: readonly PartitionRef[]
}

export interface EachBatchOptions extends CallOptions {
  /** Batches of different partitions that are handled at the same time. Default 1. */
  readonly concurrency?: number
  /** Commits after each batch that was handled; needs a group. Default false. */
  readonly commits?: boolean
}

export interface MqAdminOptions extends MqClientOptions {
  /** How long a call is retried. Default 10 s. */
  readonly timeoutMs?: number
}

export interface NewTopic {
  readonly topic: string
  /** Default: the brokers' defaults. */
  readonly partitions?: number
  readonly replicas?: number
  /** Values of its own, by Kafka's names: `{ 'retention.ms': '1000' }`. */
  readonly configs?: Readonly<Record<string, string>>
}

export interface TopicConfigChange {
  /** by Kafka's names */
  readonly set?: Readonly<Record<string, string>>
  /** names; the brokers' values hold again */
  readonly delete?: readonly string[]
}

export interface BrokerConfigChange {
  /** by Kafka's names */
  readonly set?: Readonly<Record<string, string>>
  /** names; the values of all brokers, of the file, or the defaults hold again */
  readonly delete?: readonly string[]
}

export interface OffsetReset {
  /** Default: every topic for which the group committed. */
  readonly topic?: string
  /** Of the topic. Default: all. */
  readonly partitions?: readonly number[]
  readonly to: OffsetTarget
}

/** Beyond the ends of a log, its nearest end. */
export type OffsetTarget =
  | { readonly type: 'start' }
  | { readonly type: 'end' }
  | { readonly type: 'offset'; readonly offset: number }
  /** forward from the committed offset; back if it is negative */
  | { readonly type: 'shift'; readonly by: number }
  /** the first record with at least this timestamp, or the end if there is none */
  | { readonly type: 'time'; readonly timestampMs: number }

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** The offset of a record to read next. */
export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number
}

/** What a reset does for one partition. */
export interface PlannedOffset extends TopicPartition {
  /** undefined: the group committed nothing here */
  readonly committed: number | undefined
  /** where the log begins and ends */
  readonly earliest: number
  readonly latest: number
  readonly to: number
  /** of the commit that the plan was made from */
  readonly version: number
}

/** The replicas that a partition is to have. */
export interface PartitionReplicas extends TopicPartition {
  /** ids of brokers, the preferred leader first */
  readonly replicas: readonly number[]
}

/** Records of a partition that are deleted. */
export interface RecordsBefore extends TopicPartition {
  /** The first offset that stays; `end`: all committed records are deleted. */
  readonly before: number | 'end'
}

export interface LeaderChoice {
  readonly topic: string
  readonly partition: number
  /** id of a broker */
  readonly leader: number
  /** of the state that `recoveryChoices` showed */
  readonly version: number
}
