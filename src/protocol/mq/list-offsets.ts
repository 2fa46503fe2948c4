// listOffsets: where the logs of partitions begin and end.
//
// Next on the path: broker/api/list-offsets.ts.

import { boolean, int, listOf, record, type ValuesOf } from '../fields.ts'
import { error, intOrNone, type Message, partition, topic } from './messages.ts'

const listOffsetsPartition = {
  topic,
  partition,
  /** the partition's leader epoch as the client knows it, or `anyEpoch` */
  leaderEpoch: int(),
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
}
export type ListedOffsets = ValuesOf<typeof listedOffsets>

export const listOffsetsResponse = { partitions: listOf(record(listedOffsets)) }
export type ListOffsetsResponse = Message<'listOffsets', typeof listOffsetsResponse>
