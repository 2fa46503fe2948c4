// Requests that name a part twice where the two would contradict each other, or where Kafka refuses
// them: INVALID_REQUEST for both.

import { BrokerError } from '../../protocol/mq/error-codes.ts'

/** @returns those that occur more than once */
export function repeated<T>(keys: Iterable<T>): ReadonlySet<T> {
  const seen = new Set<T>()
  const found = new Set<T>()
  for (const key of keys) {
    if (seen.has(key)) found.add(key)
    seen.add(key)
  }
  return found
}

/** @param what cannot be done */
export function repeatedError(what: string): BrokerError {
  return new BrokerError('INVALID_REQUEST', `Cannot ${what}: the request names it more than once`)
}
