// Every znode the broker uses, with its JSON. Paths and shapes are Kafka's (3.9), so people who know
// that layout find their way; `leader_broker_epoch` and the reports are ours. What cannot be read as
// such (anybody may write into the tree) decodes to undefined and is left alone.
//
//   /cluster/id                                 made by the first broker
//   /brokers/ids/N                              ephemeral; its czxid is the broker's epoch
//   /brokers/reports/I-P-N                      ephemeral; what broker N says of its replica of partition P
//                                               of the topic with id I
//   /brokers/topics/T                           topic id, replicas of each partition
//   /brokers/topics/T/partitions/P/state        leader, ISR; every write conditional on its version
//   /controller                                 ephemeral
//   /controller_epoch                           a number; its version guards the controller's writes
//   /latest_producer_id_block                   the last block given out
//   /consumers/G/offsets/T/P                    a number

import { type BrokerId, noBroker } from '../../protocol/mq/messages.ts'
import type { PartitionState } from '../partition/partition.ts'

export const zkPaths = {
  cluster: '/cluster',
  clusterId: '/cluster/id',
  brokers: '/brokers',
  brokerIds: '/brokers/ids',
  brokerId: (id: BrokerId) => `/brokers/ids/${id}`,
  reports: '/brokers/reports',
  report: ({ topicId, partition, broker }: ReplicaPlace) =>
    `/brokers/reports/${reportName({ topicId, partition, broker })}`,
  topics: '/brokers/topics',
  topic: (topic: string) => `/brokers/topics/${topic}`,
  partitions: (topic: string) => `/brokers/topics/${topic}/partitions`,
  partition: (topic: string, partition: number) =>
    `/brokers/topics/${topic}/partitions/${partition}`,
  state: (topic: string, partition: number) =>
    `/brokers/topics/${topic}/partitions/${partition}/state`,
  controller: '/controller',
  controllerEpoch: '/controller_epoch',
  producerIdBlock: '/latest_producer_id_block',
  consumers: '/consumers',
  groupOffset: (group: string, topic: string, partition: number) =>
    `/consumers/${group}/offsets/${topic}/${partition}`,
} as const

/** One replica of one partition. */
export interface ReplicaPlace {
  readonly topicId: string
  readonly partition: number
  readonly broker: BrokerId
}

export function reportName({ topicId, partition, broker }: ReplicaPlace): string {
  return `${topicId}-${partition}-${broker}`
}

/** What a path below /brokers stands for. */
export type PathMeaning =
  | { readonly type: 'broker'; readonly id: BrokerId }
  | { readonly type: 'report'; readonly name: string }
  | { readonly type: 'topic'; readonly topic: string }
  | { readonly type: 'state'; readonly topic: string; readonly partition: number }
  | { readonly type: 'controller' }

export function meaningOf(path: string): PathMeaning | undefined {
  if (path === zkPaths.controller) return { type: 'controller' }
  const [, root, kind, name, below, number, leaf, ...rest] = path.split('/')
  if (root !== 'brokers' || name === undefined || rest.length > 0) return undefined
  if (kind === 'ids' && below === undefined) {
    const id = naturalOf(name)
    return id === undefined ? undefined : { type: 'broker', id: id as BrokerId }
  }
  if (kind === 'reports' && below === undefined) return { type: 'report', name }
  if (kind !== 'topics') return undefined
  if (below === undefined) return { type: 'topic', topic: name }
  const partition = naturalOf(number)
  if (below !== 'partitions' || partition === undefined || leaf !== 'state') return undefined
  return { type: 'state', topic: name, partition }
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

export function encodeRegistration({ host, port }: Endpoint, wallMs: number): string {
  return JSON.stringify({
    version: 5,
    host,
    port,
    endpoints: [`NATIVE://${host}:${port}`],
    listener_security_protocol_map: { NATIVE: 'PLAINTEXT' },
    rack: null,
    jmx_port: -1,
    features: {},
    timestamp: String(wallMs),
  })
}

export function decodeRegistration(data: Buffer | null): Endpoint | undefined {
  const { host, port } = objectOf(data)
  return typeof host === 'string' && isNatural(port) ? { host, port } : undefined
}

export interface TopicAssignment {
  readonly topicId: string
  /** replicas by partition; the first of each is preferred as leader */
  readonly replicas: readonly (readonly BrokerId[])[]
}

export function encodeTopic({ topicId, replicas }: TopicAssignment): string {
  return JSON.stringify({
    version: 3,
    topic_id: topicId,
    partitions: Object.fromEntries(replicas.entries()),
    adding_replicas: {},
    removing_replicas: {},
  })
}

export function decodeTopic(data: Buffer | null): TopicAssignment | undefined {
  const { topic_id: topicId, partitions } = objectOf(data)
  if (typeof topicId !== 'string' || !/^[\w-]{1,100}$/.test(topicId)) return undefined
  if (typeof partitions !== 'object' || partitions === null) return undefined
  const replicas: (readonly BrokerId[])[] = []
  for (const [partition, ids] of Object.entries(partitions)) {
    if (partition !== String(replicas.length) || !isBrokerIds(ids)) return undefined
    replicas.push(ids)
  }
  return replicas.length === 0 ? undefined : { topicId, replicas }
}

export function encodeState(state: PartitionState): string {
  return JSON.stringify({
    version: 1,
    leader: state.leader,
    leader_epoch: state.leaderEpoch,
    controller_epoch: state.controllerEpoch,
    isr: state.isr,
    leader_broker_epoch: state.leaderBrokerEpoch,
  })
}

/** @param version of the znode */
export function decodeState(data: Buffer | null, version: number): PartitionState | undefined {
  const found = objectOf(data)
  const { leader, isr } = found
  const leaderEpoch = found['leader_epoch']
  const controllerEpoch = found['controller_epoch']
  const leaderBrokerEpoch = found['leader_broker_epoch']
  if (leader !== noBroker && !isNatural(leader)) return undefined
  if (!isNatural(leaderEpoch) || !isNatural(controllerEpoch)) return undefined
  if (!isNatural(leaderBrokerEpoch) || !isBrokerIds(isr)) return undefined
  if (leader !== noBroker && !isr.includes(leader as BrokerId)) return undefined
  const ledBy = { leader: leader as BrokerId, leaderBrokerEpoch }
  return { ...ledBy, leaderEpoch, controllerEpoch, isr, version }
}

/** What a broker says of one of its replicas. */
export interface ReplicaReport {
  readonly topicId: string
  readonly partition: number
  /** for those who read the znode: the topic's name */
  readonly topic: string
  readonly status: ReplicaStatus
}

export type ReplicaStatus = { readonly type: 'unavailable'; readonly reason: string }

export function encodeReport({ topic, partition, status }: ReplicaReport): string {
  const { type, reason } = status
  return JSON.stringify({ version: 1, topic, partition, status: type, reason })
}

/** The place is in the znode's name. */
export function decodeReport(data: Buffer | null): ReplicaStatus | undefined {
  const { version, status, reason } = objectOf(data)
  if (version !== 1 || status !== 'unavailable' || typeof reason !== 'string') return undefined
  return { type: 'unavailable', reason }
}

export function encodeController(id: BrokerId, wallMs: number): string {
  const timestamp = String(wallMs)
  return JSON.stringify({ version: 2, brokerid: id, timestamp, kraftControllerEpoch: -1 })
}

export function decodeController(data: Buffer | null): BrokerId {
  const { brokerid: id } = objectOf(data)
  return isNatural(id) ? (id as BrokerId) : noBroker
}

export interface ProducerIdBlock {
  readonly broker: BrokerId
  readonly first: number
  readonly last: number
}

export function encodeProducerIdBlock({ broker, first, last }: ProducerIdBlock): string {
  const block = { block_start: String(first), block_end: String(last) }
  return JSON.stringify({ version: 1, broker, ...block })
}

export function decodeProducerIdBlock(data: Buffer | null): ProducerIdBlock | undefined {
  const found = objectOf(data)
  const broker = found['broker']
  const first = naturalOf(found['block_start'])
  const last = naturalOf(found['block_end'])
  if (!isNatural(broker) || first === undefined || last === undefined) return undefined
  return { broker: broker as BrokerId, first, last }
}

/** A number written as text: an epoch, an offset. */
export function decodeNumber(data: Buffer | null): number | undefined {
  return naturalOf(data?.toString('utf8'))
}

function objectOf(data: Buffer | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data?.toString('utf8') ?? '')
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function isNatural(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Each once. */
function isBrokerIds(value: unknown): value is BrokerId[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isNatural)) return false
  return new Set(value).size === value.length
}

function naturalOf(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/^\d{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}
