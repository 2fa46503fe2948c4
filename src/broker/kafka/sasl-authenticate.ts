// SaslAuthenticate: one token of the client, and the answer to it. A refusal is told after a while, so
// that passwords are not guessed quickly, and ends the connection.
//
// Next on the path: sasl-session.ts.

import { limits } from '../../limits.ts'
import type {
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
} from '../../protocol/kafka/api/sasl-authenticate.ts'
import { SaslRefusal } from '../../protocol/sasl/sasl-refusal.ts'
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
  takeToken(context, Buffer.from(authBytes), {
    accepted: (answer) => reply.send({ errorCode: numberOf('NONE'), authBytes: answer }),
    refused: (errorMessage) => {
      const errorCode = numberOf('SASL_AUTHENTICATION_FAILED')
      reply.last({ errorCode, errorMessage, authBytes: noBytes })
    },
    failed: (reason) => reply.close(reason),
  })
}

interface TokenReply {
  accepted(answer: Buffer): void
  refused(why: string): void
  /** The credentials could not be read: the client may try again. */
  failed(reason: string): void
}

export function takeToken(
  { parts, sasl, clientHost: address }: Pick<KafkaContext, 'parts' | 'sasl' | 'clientHost'>,
  token: Buffer,
  reply: TokenReply,
): void {
  sasl.take(token).then(
    (answer) => {
      if (sasl.user !== undefined) parts.log.debug({ user: sasl.user }, 'A user is authenticated')
      reply.accepted(answer)
    },
    (error: Error) => {
      if (!(error instanceof SaslRefusal)) {
        reply.failed(`Cannot read the credentials of a user: ${error.message}`)
        return
      }
      parts.warnings.warn('sasl', { address, reason: error.message }, 'Refused a user')
      parts.clock.after(limits.saslRefusalDelayMs, () => reply.refused(error.message))
    },
  )
}
