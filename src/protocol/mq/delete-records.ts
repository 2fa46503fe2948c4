// deleteRecords: removes the records before an offset from partitions, for good.
//
// Next on the path: broker/api/delete-records.ts.

import { boolean, int, listOf, natural, record, type ValuesOf } from '../fields.ts'
import { error, intOrNone, type Message, partition, topic } from './messages.ts'

/** In place of an offset: everything that is committed. */
export const allCommitted = -1

const deletePartition = {
  topic,
  partition,
  /** everything before it is removed; -1 stands for the high watermark */
  offset: int(),
}
export type DeletePartition = ValuesOf<typeof deletePartition>

export const deleteRecordsRequest = {
  /** how long to wait until all replicas in sync have removed them */
  timeoutMs: natural(),
  passedOn: boolean(),
  partitions: listOf(record(deletePartition)),
}
export type DeleteRecordsRequest = Message<'deleteRecords', typeof deleteRecordsRequest>

const deletedRecords = {
  topic,
  partition,
  error,
  /** the smallest log start of the replicas in sync */
  lowWatermark: intOrNone,
}
export type DeletedRecords = ValuesOf<typeof deletedRecords>

export const deleteRecordsResponse = { partitions: listOf(record(deletedRecords)) }
export type DeleteRecordsResponse = Message<'deleteRecords', typeof deleteRecordsResponse>
