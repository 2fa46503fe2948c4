// The session that a request needs, if this broker has one.

import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerParts, ServingSession } from './broker-parts.ts'

/** @throws BrokerError BROKER_NOT_AVAILABLE, for something to be tried at another broker */
export function openSession(parts: BrokerParts, what: string): ServingSession {
  const session = parts.session()
  if (session !== undefined) return session
  const found = 'this broker has no session with ZooWeeper'
  throw new BrokerError('BROKER_NOT_AVAILABLE', `Cannot ${what}: ${found}`)
}
