// What a Producer, a Consumer and an MqAdmin can be told when they are made, and with each call. The
// defaults and bounds are in arguments.ts.

import type { Logger } from '../../logger.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { RequiredAcks } from '../../protocol/mq/produce.ts'
import type { ClientWorld } from '../../world.ts'
import type { ServerList } from '../server-list.ts'
import type { ZkClient } from '../zk/zk-client.ts'

export interface MqClientOptions {
  /**
   * some brokers of the cluster, as `'host:port,host:port'` or a list; the others are learned from
   * them. Default port 9092
   */
  readonly brokers?: ServerList
  /** instead: a client of the ensemble that the brokers are registered with; it is not closed here */
  readonly zk?: ZkClient
  /** what brokers call us in their logs */
  readonly name?: string
  readonly logger?: Logger
  /** what it runs on; clients may share one. Default: this process's network, clock and randomness */
  readonly world?: ClientWorld
}

export interface ProducerOptions extends MqClientOptions {
  /** Default all. */
  readonly acks?: RequiredAcks
  /** How long a record waits for company; 0, the default: for those of the same turn. */
  readonly lingerMs?: number
  /** At most 1 MiB, Kafka's largest batch. Default 64 KiB. */
  readonly batchBytes?: number
  /** Batches per partition on their way at a time, at most 64. Default 5. */
  readonly inFlightMax?: number
  /** One try, at most 2 minutes. Default 5 s. */
  readonly requestTimeoutMs?: number
  /** After it a record's outcome is unknown, and its promise rejects. Default 30 s. */
  readonly deliveryTimeoutMs?: number
  /** Unsettled bytes beyond which `send` refuses. Default 32 MiB. */
  readonly bufferBytesMax?: number
  /** `random`: each batch to a broker picked at random, which passes it on. Default leader. */
  readonly sendTo?: 'leader' | 'random'
}

/**
 * A string stands for its UTF-8. Bytes are not copied: they must stay as they are until the record is
 * settled.
 */
export interface NewRecord {
  readonly topic: string
  readonly partition?: number
  /** Default null: none. */
  readonly key?: Uint8Array | string | null
  readonly value: Uint8Array | string | null
  /** Default now. */
  readonly timestampMs?: number
  readonly headers?: readonly NewHeader[]
}

export interface NewHeader {
  readonly key: string
  readonly value: Uint8Array | string | null
}

export interface ConsumerOptions extends MqClientOptions {
  readonly topic: string
  /** Default all. */
  readonly partitions?: readonly number[]
  /** `committed`: by the group, or the beginning where it committed nothing. Default end. */
  readonly from?: 'beginning' | 'end' | 'committed'
  readonly group?: string
  /**
   * What to do when the offset to read from does not exist: it was committed and is no offset, or
   * the log was lost. `stop`, the default: what takes records gets the error, OFFSET_OUT_OF_RANGE.
   */
  readonly outOfRange?: 'stop' | 'earliest' | 'latest'
  /** Where to read first. Default: any. */
  readonly broker?: BrokerId | number
  /** Read from `broker` only, also when it is down: it may come back. */
  readonly stayWithBroker?: boolean
  /** How long a broker waits for records before it answers with none, at most 30 s. Default 1 s. */
  readonly maxWaitMs?: number
  /** Bytes of records per answer and partition, at most 8 MiB. Default 1 MiB. */
  readonly bytesMax?: number
}

export interface MqAdminOptions extends MqClientOptions {
  /** How long a call is tried. Default 10 s. */
  readonly timeoutMs?: number
}

export interface NewTopic {
  readonly topic: string
  /** Default: the brokers'. */
  readonly partitions?: number
  readonly replicas?: number
}

export interface LeaderChoice {
  readonly topic: string
  readonly partition: number
  /** id of a broker */
  readonly leader: number
  /** of the state that `recoveryChoices` showed */
  readonly version: number
}
