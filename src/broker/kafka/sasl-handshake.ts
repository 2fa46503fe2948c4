// SaslHandshake: the client names the mechanism by which it authenticates itself.
//
// Next on the path: sasl-session.ts.

import type {
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from '../../protocol/kafka/api/sasl-handshake.ts'
import { type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

/** From here on tokens come as SaslAuthenticate. */
const authenticateFrom = 1

export function answerSaslHandshake(
  { sasl, version }: KafkaContext,
  { mechanism }: SaslHandshakeRequest,
  reply: KafkaReply<SaslHandshakeResponse>,
): void {
  const code = sasl.choose(mechanism, { isBare: version < authenticateFrom })
  const response = { errorCode: numberOf(code), mechanisms: sasl.mechanisms }
  if (code === 'UNSUPPORTED_SASL_MECHANISM') reply.last(response)
  else reply.send(response)
}
