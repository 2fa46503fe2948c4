// deleteTopics: topics with all their records, configuration and committed offsets.
//
// Next on the path: broker/api/delete-topics.ts.

import { listOf, natural, record, text, type ValuesOf } from '../fields.ts'
import { error, type Message } from './messages.ts'

const doomedTopic = {
  /** empty: it is named by its id */
  topic: text(),
  /** empty: it is named by its name */
  topicId: text(),
}
export type DoomedTopic = ValuesOf<typeof doomedTopic>

export const deleteTopicsRequest = {
  /** how long to wait for this broker to see that they are gone */
  timeoutMs: natural(),
  topics: listOf(record(doomedTopic)),
}
export type DeleteTopicsRequest = Message<'deleteTopics', typeof deleteTopicsRequest>

/** On success with both its name and its id. */
const deletedTopic = { topic: text(), topicId: text(), error }
export type DeletedTopic = ValuesOf<typeof deletedTopic>

export const deleteTopicsResponse = { topics: listOf(record(deletedTopic)) }
export type DeleteTopicsResponse = Message<'deleteTopics', typeof deleteTopicsResponse>
