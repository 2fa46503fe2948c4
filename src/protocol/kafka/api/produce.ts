// Produce: appends record batches to partitions. `acks` is 0, 1 or -1; with 0 there is no response.
// Versions 0 to 2 are advertised but not served, because clients check for them to decide whether
// they may compress (KAFKA-18659). A duplicate batch is answered with the base offset of the
// original. `logAppendTimeMs` is -1 unless the topic uses LogAppendTime.

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
