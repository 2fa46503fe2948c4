// DeleteTopics: deletes topics by name; from version 6 on, by name or id.

import { since, structs, until } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { noUuid } from '../reader.ts'
import { int16, int32, listOf, nullable, string, uuid } from '../types.ts'

export const deleteTopics = new KafkaApi({
  key: 20,
  name: 'DeleteTopics',
  versions: [0, 6],
  flexibleFrom: 4,
  request: {
    topics: since(6, structs({ name: nullable(string), topicId: uuid }), []),
    topicNames: until(5, listOf(string), []),
    timeoutMs: int32,
  },
  response: {
    throttleTimeMs: since(1, int32, 0),
    responses: structs({
      name: nullable(string, 6),
      topicId: since(6, uuid, noUuid),
      errorCode: int16,
      errorMessage: since(5, nullable(string), null),
    }),
  },
})

export type DeleteTopicsRequest = RequestOf<typeof deleteTopics>
export type DeleteTopicsResponse = ResponseOf<typeof deleteTopics>
