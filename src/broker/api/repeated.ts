// Requests that name a part twice, where the two could contradict each other or Kafka refuses them:
// both get INVALID_REQUEST.

import { BrokerError } from '../../protocol/mq/error-codes.ts'

/** @returns the keys that occur more than once */
export function repeated<T>(keys: Iterable<T>): ReadonlySet<T> {
  const seen = new Set<T>()
  const found = new Set<T>()
  for (const key of keys) {
    if (seen.has(key)) found.add(key)
    seen.add(key)
  }
  return found
}

/** @param what the attempted operation, for the message */
export function repeatedError(what: string): BrokerError {
  return new BrokerError('INVALID_REQUEST', `Cannot ${what}: the request names it more than once`)
}
