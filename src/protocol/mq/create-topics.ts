// createTopics: new topics.
//
// Next on the path: broker/api/create-topics.ts.

import { int, listOf, natural, record, text, type ValuesOf } from '../fields.ts'
import { error, type Message, topic } from './messages.ts'

const newTopic = {
  topic,
  /** -1 asks for the broker's default */
  partitionCount: int(),
  /** -1 asks for the broker's default; at most the number of live brokers */
  replicationFactor: int(),
}
export type NewTopic = ValuesOf<typeof newTopic>

export const createTopicsRequest = {
  /** how long to wait for leaders; a topic that timed out may still be created */
  timeoutMs: natural(),
  topics: listOf(record(newTopic)),
}
export type CreateTopicsRequest = Message<'createTopics', typeof createTopicsRequest>

const createdTopic = {
  topic,
  error,
  /** empty on failure */
  topicId: text(),
}
export type CreatedTopic = ValuesOf<typeof createdTopic>

export const createTopicsResponse = { topics: listOf(record(createdTopic)) }
export type CreateTopicsResponse = Message<'createTopics', typeof createTopicsResponse>
