// SaslAuthenticate: one token of the client, and the answer to it. A refusal ends the connection.
//
// Next on the path: api/sasl-exchange.ts.

import type {
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
} from '../../protocol/kafka/api/sasl-authenticate.ts'
import { takeToken } from '../api/sasl-exchange.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

const noBytes = Buffer.alloc(0)

export function answerSaslAuthenticate(
  context: KafkaContext,
  { authBytes }: SaslAuthenticateRequest,
  reply: KafkaReply<SaslAuthenticateResponse>,
): void {
  if (!context.sasl.expectsToken) {
    const errorMessage = 'Cannot authenticate: there was no handshake, or it is done already'
    reply.send({ errorCode: numberOf('ILLEGAL_SASL_STATE'), errorMessage, authBytes: noBytes })
    return
  }
  const { parts, sasl, clientHost: address } = context
  takeToken({ parts, exchange: sasl.exchange, address }, Buffer.from(authBytes), {
    accepted: (answer) => reply.send({ errorCode: numberOf('NONE'), authBytes: answer }),
    refused: (errorMessage) => {
      const errorCode = numberOf('SASL_AUTHENTICATION_FAILED')
      reply.last({ errorCode, errorMessage, authBytes: noBytes })
    },
    failed: (reason) => reply.close(reason),
  })
}
