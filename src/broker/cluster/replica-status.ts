// What a broker reports on one of its replicas, in the ephemeral znode /brokers/reports/I-P-N: that it
// cannot use it, or, while no leader is in office, what lies in its log. The controller decides by it:
// controller/controller.ts, controller/recovery-election.ts.
//
//   unavailable   it cannot be opened for now, or its state is older than its log
//   damaged       bytes are not what they were when they were durable; nothing was changed on the disk
//   whole         everything that was ever durable here is here, as far as can be told
//   tail-cut      bytes behind the last good record were cut: a torn write, or a record that was durable
//   incomplete    its directory was taken away: it holds what it has fetched since, and promises nothing
//   ahead         it would have to drop committed records to follow the leader in office
//
// What is said of a log holds for one life of the broker and one version of the partition's state.

import { isNatural, objectOf } from '../../json.ts'
import type { BrokerId, DirectoryId, Life } from '../../protocol/mq/messages.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'

export const logConditions = ['whole', 'tail-cut', 'incomplete', 'ahead'] as const
export type LogCondition = (typeof logConditions)[number]

export interface LogStatus {
  readonly type: LogCondition
  readonly life: Life
  /** of the state znode */
  readonly stateVersion: number
  /** epoch of its last record; -1 for an empty log */
  readonly lastEpoch: number
  /** durable */
  readonly end: Offset
  /** it knows all before to be committed */
  readonly highWatermark: Offset
}

export interface FaultStatus {
  readonly type: 'unavailable' | 'damaged'
  readonly reason: string
  /** as checkpointed when it could be used */
  readonly lastEpoch: number
  readonly highWatermark: Offset
}

export type ReplicaStatus = FaultStatus | LogStatus

/** What is known of a replica now: the life of its broker, and what that reports in it. */
export interface Standing {
  readonly broker: BrokerId
  /** undefined: not registered */
  readonly life: Life | undefined
  readonly status: ReplicaStatus | undefined
}

/** What a broker says of one of its replicas. */
export interface ReplicaReport {
  readonly topicId: string
  readonly partition: number
  /** for those who read the znode: the topic's name */
  readonly topic: string
  readonly status: ReplicaStatus
}

/** One replica of one partition; a report's znode is named by it. */
export interface ReplicaPlace {
  readonly topicId: string
  readonly partition: number
  readonly broker: BrokerId
}

export function reportName({ topicId, partition, broker }: ReplicaPlace): string {
  return `${topicId}-${partition}-${broker}`
}

export function isFault(status: ReplicaStatus): status is FaultStatus {
  return status.type === 'unavailable' || status.type === 'damaged'
}

/** Why this replica cannot be used; undefined: it can. */
export function faultOf(status: ReplicaStatus | undefined): string | undefined {
  return status !== undefined && isFault(status) ? status.reason : undefined
}

export function encodeReport({ topic, partition, status }: ReplicaReport): string {
  const { lastEpoch, highWatermark } = status
  const common = { version: 1, topic, partition, status: status.type }
  const known = { last_epoch: lastEpoch, high_watermark: highWatermark }
  if (isFault(status)) return JSON.stringify({ ...common, reason: status.reason, ...known })
  const { life, stateVersion, end } = status
  return JSON.stringify({
    ...common,
    directory: life.directory,
    broker_epoch: life.brokerEpoch,
    state_version: stateVersion,
    ...known,
    end,
  })
}

/** The place is in the znode's name. */
export function decodeReport(data: Buffer | null): ReplicaStatus | undefined {
  const found = objectOf(data)
  const { version, status, reason, directory, end } = found
  const [lastEpoch, highWatermark] = [found['last_epoch'], found['high_watermark']]
  if (version !== 1 || !isEpoch(lastEpoch) || !isNatural(highWatermark)) return undefined
  if (status === 'unavailable' || status === 'damaged') {
    if (typeof reason !== 'string') return undefined
    return { type: status, reason, lastEpoch, highWatermark }
  }
  const type = logConditions.find((each) => each === status)
  const [brokerEpoch, stateVersion] = [found['broker_epoch'], found['state_version']]
  if (type === undefined || typeof directory !== 'string') return undefined
  if (!isNatural(brokerEpoch) || !isNatural(stateVersion) || !isNatural(end)) return undefined
  const life = { directory: directory as DirectoryId, brokerEpoch }
  return { type, life, stateVersion, lastEpoch, end, highWatermark }
}

/** -1: there is no record. */
function isEpoch(value: unknown): value is number {
  return value === -1 || isNatural(value)
}
