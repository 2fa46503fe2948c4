// The one message of SASL's mechanism PLAIN (RFC 4616): authzid NUL name NUL password.

import { SaslRefusal } from './sasl-refusal.ts'

const mechanism = 'PLAIN'

/** @throws SaslRefusal */
export function readPlainMessage(message: Buffer): { user: string; password: string } {
  const [authzid = '', user = '', password = '', ...more] = message.toString().split('\0')
  if (user === '' || password === '' || more.length > 0) {
    throw SaslRefusal.ofMessage(mechanism, 'the message is malformed')
  }
  if (authzid !== '' && authzid !== user) {
    throw SaslRefusal.ofMessage(mechanism, 'a user cannot act as another one')
  }
  return { user, password }
}
