// InitProducerId: ids for idempotent producers. There are no transactions: a producer with a
// transactional id is refused with an error that it does not retry.

import type {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '../../protocol/kafka/api/init-producer-id.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { noProducer } from '../../protocol/mq/record-batch.ts'
import { ask, type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

export function answerInitProducerId(
  context: KafkaContext,
  { transactionalId }: InitProducerIdRequest,
  reply: KafkaReply<InitProducerIdResponse>,
): void {
  const refuse = (code: MqErrorCode) => {
    reply.send({ errorCode: numberOf(code), producerId: noProducer, producerEpoch: -1 })
  }
  if (transactionalId !== null) {
    refuse('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
    return
  }
  if (!context.access.mayWriteIdempotently) {
    refuse('CLUSTER_AUTHORIZATION_FAILED')
    return
  }
  ask(context, { type: 'initProducerId' }, (answer) => {
    if (answer instanceof BrokerError) {
      // Clients retry this error, but not BROKER_NOT_AVAILABLE.
      refuse(answer.code === 'BROKER_NOT_AVAILABLE' ? 'COORDINATOR_NOT_AVAILABLE' : answer.code)
      return
    }
    const { producerId, producerEpoch } = answer
    reply.send({ errorCode: numberOf('NONE'), producerId, producerEpoch })
  })
}
