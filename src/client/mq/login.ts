// The option `sasl` of every client of brokers: the user whose name it proves on each of its connections,
// before the first request.
//
// Next on the path: mq-connection.ts; at the other end, broker/api/sasl-exchange.ts.

import type { AuthenticateRequest, AuthenticateResponse } from '../../protocol/mq/authenticate.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import { type SaslMechanism, saslMechanisms } from '../../protocol/sasl/mechanisms.ts'
import { ScramClient, ScramServerError } from '../../protocol/sasl/scram-client.ts'
import { nonEmptyText, oneOf, optional, type RowsOf, record, type Taken } from '../arguments.ts'

export interface SaslOptions {
  /** as `zw users` made it */
  readonly user: string
  readonly password: string
  /** Default SCRAM-SHA-512. PLAIN sends the password itself: use it with TLS only. */
  readonly mechanism?: SaslMechanism
}

const rows = {
  user: nonEmptyText,
  password: nonEmptyText,
  mechanism: optional(oneOf(saslMechanisms), 'SCRAM-SHA-512'),
} satisfies RowsOf<SaslOptions>

export const saslOption = record(rows)

/** The option, with its default. */
export type UserLogin = Taken<typeof rows>

/** Sends one message of the exchange. @throws BrokerError */
export type SendToken = (request: AuthenticateRequest) => Promise<AuthenticateResponse>

const nonceBytes = 24

/**
 * @throws BrokerError SASL_AUTHENTICATION_FAILED, also for a broker that does not know the user;
 *   UNSUPPORTED_SASL_MECHANISM; UNSUPPORTED_VERSION from a broker before this api; what `send` throws
 */
export async function logIn(
  { user, password, mechanism }: UserLogin,
  send: SendToken,
  randomBytes: (count: number) => Uint8Array,
): Promise<void> {
  const say = async (token: Buffer) => await send({ type: 'authenticate', mechanism, token })
  if (mechanism === 'PLAIN') {
    await say(Buffer.from(`\0${user}\0${password}`))
    return
  }
  const nonce = Buffer.from(randomBytes(nonceBytes)).toString('base64')
  const scram = new ScramClient(mechanism, { user, password, nonce })
  try {
    const challenge = await say(scram.first())
    scram.finish((await say(await scram.final(challenge.token))).token)
  } catch (error) {
    if (!(error instanceof ScramServerError)) throw error
    throw new BrokerError('SASL_AUTHENTICATION_FAILED', error.message, { cause: error })
  }
}

const refusals: ReadonlySet<MqErrorCode> = new Set<MqErrorCode>([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'CLUSTER_AUTHORIZATION_FAILED',
])

/** Another broker, with the same users and rules, would answer the same. */
export function isRefusedUser({ code }: BrokerError): boolean {
  return refusals.has(code)
}
