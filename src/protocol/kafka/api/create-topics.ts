// CreateTopics: creates topics. -1 partitions or replicas: the broker's default, or the number that
// `assignments` has. `configSource` and `configType` are as in describe-configs.ts.

import { since, structs, tagged } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { noUuid } from '../reader.ts'
import { boolean, int8, int16, int32, listOf, nullable, string, uuid } from '../types.ts'

export const createTopics = new KafkaApi({
  key: 19,
  name: 'CreateTopics',
  versions: [0, 7],
  flexibleFrom: 5,
  request: {
    topics: structs({
      name: string,
      numPartitions: int32,
      replicationFactor: int16,
      assignments: structs({ partitionIndex: int32, brokerIds: listOf(int32) }),
      configs: structs({ name: string, value: nullable(string) }),
    }),
    timeoutMs: int32,
    validateOnly: since(1, boolean, false),
  },
  response: {
    throttleTimeMs: since(2, int32, 0),
    topics: structs({
      name: string,
      topicId: since(7, uuid, noUuid),
      errorCode: int16,
      errorMessage: since(1, nullable(string), null),
      topicConfigErrorCode: tagged(0, 5, int16, 0),
      numPartitions: since(5, int32, -1),
      replicationFactor: since(5, int16, -1),
      configs: since(
        5,
        nullable(
          structs({
            name: string,
            value: nullable(string),
            readOnly: boolean,
            configSource: int8,
            isSensitive: boolean,
          }),
        ),
        null,
      ),
    }),
  },
})

export type CreateTopicsRequest = RequestOf<typeof createTopics>
export type CreateTopicsResponse = ResponseOf<typeof createTopics>
