// offsetCommit: the offsets at which a consumer group continues. A member commits in its generation, a
// consumer outside the group while that has no members. Each commit names the commit that it follows, so
// that a late one is refused.
//
// Next on the path: broker/api/offsets.ts.

import {
  boolean,
  int,
  listOf,
  natural,
  number,
  optional,
  record,
  text,
  type ValuesOf,
} from '../fields.ts'
import { error, type Message, partition, topic } from './messages.ts'

/** Of a committed offset: where its record is in the offsets topic. */
export type CommitVersion = number

/** In place of a version: the group has committed nothing here. */
export const noCommit: CommitVersion = -1

const offsetCommitPartition = {
  topic,
  partition,
  /** any number: if it is not an offset of the log, the answer's error holds the bounds */
  offset: number(),
  /** version of the commit that this one follows */
  version: int<CommitVersion>(),
}
export type OffsetCommitPartition = ValuesOf<typeof offsetCommitPartition>

export const offsetCommitRequest = {
  group: text(),
  /** -1: of no member */
  generation: int(),
  /** empty: of no member */
  memberId: text(),
  instanceId: optional(text()),
  /** nothing is written after it has passed */
  timeoutMs: natural(),
  /** a broker passed it on for a client; it is not passed on again */
  passedOn: boolean(),
  partitions: listOf(record(offsetCommitPartition)),
}
export type OffsetCommitRequest = Message<'offsetCommit', typeof offsetCommitRequest>

const committedVersion = { topic, partition, error, version: int<CommitVersion>() }
export type CommittedVersion = ValuesOf<typeof committedVersion>

export const offsetCommitResponse = { partitions: listOf(record(committedVersion)) }
export type OffsetCommitResponse = Message<'offsetCommit', typeof offsetCommitResponse>
