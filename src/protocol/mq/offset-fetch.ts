// offsetFetch: the committed offsets of a consumer group.
//
// Next on the path: broker/api/offsets.ts.

import { boolean, int, listOf, optional, record, text, type ValuesOf } from '../fields.ts'
import { error, type Message, offset, partition, place, topic } from './messages.ts'
import type { CommitVersion } from './offset-commit.ts'

export const offsetFetchRequest = {
  group: text(),
  /** a broker passed it on for a client; it is not passed on again */
  passedOn: boolean(),
  /** undefined: all that the group committed */
  partitions: optional(listOf(record(place))),
}
export type OffsetFetchRequest = Message<'offsetFetch', typeof offsetFetchRequest>

const committedOffset = {
  topic,
  partition,
  error,
  /** undefined, with `noCommit`: the group has committed nothing here */
  offset: optional(offset),
  version: int<CommitVersion>(),
}
export type CommittedOffset = ValuesOf<typeof committedOffset>

export const offsetFetchResponse = { partitions: listOf(record(committedOffset)) }
export type OffsetFetchResponse = Message<'offsetFetch', typeof offsetFetchResponse>
