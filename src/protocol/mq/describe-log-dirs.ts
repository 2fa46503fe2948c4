// describeLogDirs: how large the replicas of one broker are. Each broker answers for itself alone.
//
// Next on the path: broker/api/describe-log-dirs.ts.

import { listOf, natural, optional, record, text, type ValuesOf } from '../fields.ts'
import { type Message, offset, partition, topic } from './messages.ts'

export const describeLogDirsRequest = {
  /** undefined: all */
  topics: optional(listOf(topic)),
}
export type DescribeLogDirsRequest = Message<'describeLogDirs', typeof describeLogDirsRequest>

const replicaSize = {
  topic,
  partition,
  /** of its segments */
  sizeBytes: natural(),
  /** committed records that it lacks */
  lag: offset,
}
export type ReplicaSize = ValuesOf<typeof replicaSize>

export const describeLogDirsResponse = {
  /** where the logs lie */
  dataDir: text(),
  replicas: listOf(record(replicaSize)),
}
export type DescribeLogDirsResponse = Message<'describeLogDirs', typeof describeLogDirsResponse>
