// listOffsets: where the logs of partitions begin and end, and which record was the first at a time.
//
// Next on the path: broker/api/list-offsets.ts.

import { boolean, defaulted, int, listOf, optional, record, type ValuesOf } from '../fields.ts'
import { error, intOrNone, type Message, partition, topic } from './messages.ts'

/** In place of a timestamp: the latest of any record, or none. */
export const [latestTimestamp, noTimestamp] = [-3, -1]

const listOffsetsPartition = {
  topic,
  partition,
  /** the partition's leader epoch as the client knows it, or `anyEpoch` */
  leaderEpoch: int(),
  /**
   * asks for the first record with at least this timestamp; -3 stands for the latest timestamp, -1 for
   * none: only where the log begins and ends
   */
  timestampMs: defaulted(int({ min: latestTimestamp }), noTimestamp),
}
export type ListOffsetsPartition = ValuesOf<typeof listOffsetsPartition>

export const listOffsetsRequest = {
  passedOn: boolean(),
  partitions: listOf(record(listOffsetsPartition)),
}
export type ListOffsetsRequest = Message<'listOffsets', typeof listOffsetsRequest>

const listedOffsets = {
  topic,
  partition,
  error,
  earliest: intOrNone,
  /** after the last record that can be read */
  latest: intOrNone,
  /** leader epoch of the leader that answered */
  leaderEpoch: int(),
  /** nil if there is no such record that can be read */
  found: defaulted(optional(record({ offset: intOrNone, timestampMs: int() })), undefined),
}
export type ListedOffsets = ValuesOf<typeof listedOffsets>

export const listOffsetsResponse = { partitions: listOf(record(listedOffsets)) }
export type ListOffsetsResponse = Message<'listOffsets', typeof listOffsetsResponse>
