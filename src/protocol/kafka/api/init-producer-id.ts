// InitProducerId: allocates an id for an idempotent producer. From version 3 on, a transactional
// producer may send its current id to have its epoch raised.

import { defaulted, since } from '../fields.ts'
import { KafkaApi, type RequestOf, type ResponseOf } from '../message.ts'
import { int16, int32, int64, nullable, string } from '../types.ts'

export const initProducerId = new KafkaApi({
  key: 22,
  name: 'InitProducerId',
  versions: [0, 4],
  flexibleFrom: 2,
  request: {
    transactionalId: nullable(string),
    transactionTimeoutMs: int32,
    producerId: since(3, int64, -1),
    producerEpoch: since(3, int16, -1),
  },
  response: {
    throttleTimeMs: defaulted(int32, 0),
    errorCode: int16,
    producerId: int64,
    producerEpoch: int16,
  },
})

export type InitProducerIdRequest = RequestOf<typeof initProducerId>
export type InitProducerIdResponse = ResponseOf<typeof initProducerId>
