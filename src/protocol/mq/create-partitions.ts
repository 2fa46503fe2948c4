// createPartitions: more partitions for existing topics. Records keep their partitions; keys that are
// hashed over more partitions find others.
//
// Next on the path: broker/api/create-partitions.ts.

import { boolean, defaulted, int, listOf, natural, record, type ValuesOf } from '../fields.ts'
import { brokerId, error, type Message, topic } from './messages.ts'

const newPartitions = {
  topic,
  /** of partitions, with those that exist */
  count: int(),
  /** the replicas of each new partition, the preferred leader first; empty: the broker places them */
  assignments: defaulted(listOf(listOf(brokerId)), []),
}
export type NewPartitions = ValuesOf<typeof newPartitions>

export const createPartitionsRequest = {
  /** how long to wait for leaders; partitions that timed out may still be created */
  timeoutMs: natural(),
  /** whether to check only what would be done */
  validateOnly: defaulted(boolean(), false),
  topics: listOf(record(newPartitions)),
}
export type CreatePartitionsRequest = Message<'createPartitions', typeof createPartitionsRequest>

const createdPartitions = { topic, error }
export type CreatedPartitions = ValuesOf<typeof createdPartitions>

export const createPartitionsResponse = { topics: listOf(record(createdPartitions)) }
export type CreatePartitionsResponse = Message<'createPartitions', typeof createPartitionsResponse>
