// offsetForLeaderEpoch: where leader epochs end in the logs of partitions.
//
// Next on the path: broker/api/offset-for-leader-epoch.ts.

import { int, listOf, record, type ValuesOf } from '../fields.ts'
import { error, intOrNone, type Message, partition, topic } from './messages.ts'

const epochPartition = {
  topic,
  partition,
  /** the partition's leader epoch as the client knows it, or `anyEpoch` */
  leaderEpoch: int(),
  /** the epoch whose end is requested */
  epoch: int(),
}
export type EpochPartition = ValuesOf<typeof epochPartition>

export const offsetForLeaderEpochRequest = { partitions: listOf(record(epochPartition)) }
export type OffsetForLeaderEpochRequest = Message<
  'offsetForLeaderEpoch',
  typeof offsetForLeaderEpochRequest
>

const epochOffset = {
  topic,
  partition,
  error,
  /** the last epoch with records, at or before the requested one; -1 if there is none */
  epoch: intOrNone,
  /** where it ends; -1 if there is none */
  endOffset: intOrNone,
}
export type EpochOffset = ValuesOf<typeof epochOffset>

export const offsetForLeaderEpochResponse = { partitions: listOf(record(epochOffset)) }
export type OffsetForLeaderEpochResponse = Message<
  'offsetForLeaderEpoch',
  typeof offsetForLeaderEpochResponse
>
