// createTopics: new topics.
//
// Next on the path: broker/api/create-topics.ts.

import { boolean, defaulted, int, listOf, natural, record, text, type ValuesOf } from '../fields.ts'
import { brokerId, error, intOrNone, type Message, topic } from './messages.ts'

const newTopic = {
  topic,
  /** -1 asks for the broker's default, or for as many as `assignments` has */
  partitionCount: int(),
  /** the same; at most the number of live brokers */
  replicationFactor: int(),
  /** the replicas of each partition, the preferred leader first; empty: the broker places them */
  assignments: defaulted(listOf(listOf(brokerId)), []),
  /** values of its own: broker/cluster/topic-config.ts */
  configs: defaulted(listOf(record({ name: text(), value: text() })), []),
}
export type NewTopic = ValuesOf<typeof newTopic>

export const createTopicsRequest = {
  /** how long to wait for leaders; a topic that timed out may still be created */
  timeoutMs: natural(),
  /** whether to check only what would be done */
  validateOnly: defaulted(boolean(), false),
  topics: listOf(record(newTopic)),
}
export type CreateTopicsRequest = Message<'createTopics', typeof createTopicsRequest>

const createdTopic = {
  topic,
  error,
  /** empty on failure, and when nothing was created */
  topicId: text(),
  /** both -1 on failure */
  partitionCount: intOrNone,
  replicationFactor: intOrNone,
}
export type CreatedTopic = ValuesOf<typeof createdTopic>

export const createTopicsResponse = { topics: listOf(record(createdTopic)) }
export type CreateTopicsResponse = Message<'createTopics', typeof createTopicsResponse>
