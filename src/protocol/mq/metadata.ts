// metadata: the brokers and topics of the cluster.
//
// Next on the path: broker/api/metadata.ts.

import {
  defaulted,
  int,
  listOf,
  natural,
  optional,
  record,
  text,
  type ValuesOf,
} from '../fields.ts'
import { brokerId, type Message } from './messages.ts'

export const metadataRequest = {
  /** undefined: all topics */
  topics: optional(listOf(text())),
}
export type MetadataRequest = Message<'metadata', typeof metadataRequest>

const brokerInfo = {
  id: brokerId,
  host: text(),
  port: natural(),
  rack: defaulted(optional(text()), undefined),
}
export type BrokerInfo = ValuesOf<typeof brokerInfo>

const partitionProblem = {
  /** noBroker: the problem is with the partition itself, not with one of its replicas */
  broker: brokerId,
  reason: text(),
}
export type PartitionProblem = ValuesOf<typeof partitionProblem>

const partitionInfo = {
  partition: natural(),
  /** noBroker while there is none */
  leader: brokerId,
  leaderEpoch: int(),
  replicas: listOf(brokerId),
  isr: listOf(brokerId),
  /** why replicas cannot be used */
  problems: listOf(record(partitionProblem)),
  /** of `replicas`: those that a reassignment makes, and those that it will remove */
  adding: defaulted(listOf(brokerId), []),
  removing: defaulted(listOf(brokerId), []),
}
export type PartitionInfo = ValuesOf<typeof partitionInfo>

const topicInfo = {
  topic: text(),
  /** empty when `problem` is not undefined */
  topicId: text(),
  /** why nothing else is known about it */
  problem: optional(text()),
  partitions: listOf(record(partitionInfo)),
}
export type TopicInfo = ValuesOf<typeof topicInfo>

const clusterInfo = {
  clusterId: text(),
  controller: brokerId,
  /** the live brokers, by id */
  brokers: listOf(record(brokerInfo)),
  /** by name; a requested topic that is missing does not exist */
  topics: listOf(record(topicInfo)),
}
export type ClusterInfo = ValuesOf<typeof clusterInfo>

export const metadataResponse = { cluster: record(clusterInfo) }
export type MetadataResponse = Message<'metadata', typeof metadataResponse>
