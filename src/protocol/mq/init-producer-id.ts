// initProducerId: a new producer id, unique in the cluster.
//
// Next on the path: broker/api/metadata.ts.

import { natural } from '../fields.ts'
import type { Message } from './messages.ts'
import type { ProducerId } from './record-batch.ts'

export const initProducerIdRequest = {}
export type InitProducerIdRequest = Message<'initProducerId', typeof initProducerIdRequest>

export const initProducerIdResponse = {
  producerId: natural<ProducerId>(),
  producerEpoch: natural(),
}
export type InitProducerIdResponse = Message<'initProducerId', typeof initProducerIdResponse>
