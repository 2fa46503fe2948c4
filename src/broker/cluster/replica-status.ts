// A broker's report on one of its replicas, in the ephemeral znode /brokers/reports/I-P-N: a fault
// that makes the replica unusable or, while the partition has no leader, the state of its log. The
// controller elects by it: controller/controller.ts, controller/recovery-election.ts.
//
//   unavailable   it cannot be opened at present, or its state is older than its log
//   damaged       bytes that were durable have changed or are missing; the disk was left as it is
//   whole         nothing that was durable is known to be missing
//   tail-cut      bytes after the last good record were cut: a torn write, or a durable record
//   incomplete    its directory was lost: it has only what it fetched since, and is not in sync
//   ahead         it could follow the current leader only by dropping committed records
//
// A report on a log holds for one life of the broker and one version of the partition's state.

import { isNatural, objectOf } from '../../json.ts'
import type { BrokerId, DirectoryId, Life } from '../../protocol/mq/messages.ts'
import type { Offset } from '../../protocol/mq/record-batch.ts'
import { isSameLife, type Member } from '../partition/partition-state.ts'

export const logConditions = ['whole', 'tail-cut', 'incomplete', 'ahead'] as const
export type LogCondition = (typeof logConditions)[number]

export interface LogStatus {
  readonly type: LogCondition
  readonly life: Life
  /** version of the state znode */
  readonly stateVersion: number
  /** epoch of its last record; -1 for an empty log */
  readonly lastEpoch: number
  /** everything before it is durable */
  readonly end: Offset
  /** everything before it is committed */
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

/** What is known about a replica now: its broker's life and the report from that life. */
export interface Standing {
  readonly broker: BrokerId
  /** undefined: not registered */
  readonly life: Life | undefined
  readonly status: ReplicaStatus | undefined
}

/** A broker's report on one of its replicas. */
export interface ReplicaReport {
  readonly topicId: string
  readonly partition: number
  /** the topic's name, for operators who read the znode */
  readonly topic: string
  readonly status: ReplicaStatus
}

/** One replica of one partition, which names the znode of its report. */
export interface ReplicaPlace {
  readonly topicId: string
  readonly partition: number
  readonly broker: BrokerId
}

export function reportName({ topicId, partition, broker }: ReplicaPlace): string {
  return `${topicId}-${partition}-${broker}`
}

/** @returns undefined for a name that `reportName` does not make */
export function placeOf(name: string): ReplicaPlace | undefined {
  const [, topicId, partition, broker] = /^(.+)-(\d+)-(\d+)$/.exec(name) ?? []
  if (topicId === undefined) return undefined
  return { topicId, partition: Number(partition), broker: Number(broker) as BrokerId }
}

export function isFault(status: ReplicaStatus): status is FaultStatus {
  return status.type === 'unavailable' || status.type === 'damaged'
}

/** The member has been in sync ever since the ISR named it. */
export function isUnbroken(member: Member, standing: Standing | undefined): boolean {
  if (member.isAwaited || standing?.life === undefined) return false
  return isSameLife(member, standing.life) && faultOf(standing.status) === undefined
}

/** Why this replica cannot be used; undefined if it can. */
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

/** The replica's place is not in the data but in the znode's name. */
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
