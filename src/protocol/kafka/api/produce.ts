// Produce: record batches for partitions, a list of topics in. `acks` is 0, 1 or -1, and with 0 there is
// no response at all. Clients look for versions 0 to 2 to learn whether they may compress: these are
// offered, and not served (KAFKA-18659). The base offset of a batch that was there already is the first
// one's. `logAppendTimeMs` is -1 unless the topic's timestamps are the broker's.

import { defaulted, since, structs } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, int64, nullable, records, string } from '../types.ts'

export const produce = new KafkaApi({
  key: 0,
  name: 'Produce',
  versions: [3, 9],
  offeredFrom: 0,
  flexibleFrom: 9,
  request: {
    transactionalId: nullable(string),
    acks: int16,
    timeoutMs: int32,
    topicData: structs({
      name: string,
      partitionData: structs({ index: int32, records: nullable(records) }),
    }),
  },
  response: {
    responses: structs({
      name: string,
      partitionResponses: structs({
        index: int32,
        errorCode: int16,
        baseOffset: int64,
        logAppendTimeMs: int64,
        logStartOffset: since(5, int64, -1),
        recordErrors: since(
          8,
          structs({ batchIndex: int32, batchIndexErrorMessage: nullable(string) }),
          [],
        ),
        errorMessage: since(8, nullable(string), null),
      }),
    }),
    throttleTimeMs: defaulted(int32, 0),
  },
})

export type ProduceRequest = RequestOf<typeof produce>
export type ProduceResponse = ResponseOf<typeof produce>
