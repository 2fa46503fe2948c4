// The requester of a request and its answer. A request that names several partitions is answered
// when each of them has been.

import { ZkError } from '../../protocol/error-codes.ts'
import type { MqResponse } from '../../protocol/mq/apis.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { Access } from './access.ts'
import type { SaslExchange } from './sasl-exchange.ts'

/** Called exactly once per request. */
export type Respond = (answer: MqResponse | BrokerError) => void

/** A client, or a broker in one of its lives. */
export interface Requester {
  readonly role: 'client' | 'broker'
  readonly brokerId: BrokerId
  readonly brokerEpoch: number
  /** of a client, its address */
  readonly host?: string
  /** whether a client has authenticated itself */
  readonly exchange?: SaslExchange
  /** of a client, where rules decide what it may do */
  readonly access?: Access | undefined
}

/** Collects the answers for the parts of one request, which arrive in any order. */
export class Answers<T> {
  readonly #answers: T[] = []
  readonly #done: (answers: readonly T[]) => void
  #missingCount: number

  /** @param done called once, with all answers in request order; at once if `count` is 0 */
  constructor(count: number, done: (answers: readonly T[]) => void) {
    this.#missingCount = count
    this.#done = done
    if (count === 0) done(this.#answers)
  }

  /** To be called once for each place from 0 up. */
  set(place: number, answer: T): void {
    this.#answers[place] = answer
    this.#missingCount -= 1
    if (this.#missingCount === 0) this.#done(this.#answers)
  }
}

export function answerLater(answer: Promise<MqResponse>, respond: Respond): void {
  answer.then(respond, (error: unknown) => respond(asBrokerError(error)))
}

/**
 * A failed ZooWeeper request becomes a retriable error for our client.
 *
 * @throws the error itself if it is a programming error
 */
export function asBrokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error
  if (!(error instanceof ZkError)) throw error
  return new BrokerError('BROKER_NOT_AVAILABLE', error.message, { cause: error })
}
