// How a request is answered, and who asks. A request that names several partitions is answered when
// each of them is.

import { ZkError } from '../../protocol/error-codes.ts'
import type { MqResponse } from '../../protocol/mq/apis.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'

/** Called exactly once per request. */
export type Respond = (answer: MqResponse | BrokerError) => void

/** Who asks: a broker in one of its lives, or a client. */
export interface Requester {
  readonly role: 'client' | 'broker'
  readonly brokerId: BrokerId
  readonly brokerEpoch: number
}

/** Answers for the parts of one request, which come in any order. */
export class Answers<T> {
  readonly #answers: T[] = []
  readonly #done: (answers: readonly T[]) => void
  #missingCount: number

  /** @param done called once, with all in the order of the request; at once if there are none */
  constructor(count: number, done: (answers: readonly T[]) => void) {
    this.#missingCount = count
    this.#done = done
    if (count === 0) done(this.#answers)
  }

  /** Once for each place from 0 up. */
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
 * What ZooWeeper could not do is, for a client of ours, something to be tried again.
 *
 * @throws the error itself when it is a mistake of ours
 */
export function asBrokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error
  if (!(error instanceof ZkError)) throw error
  return new BrokerError('BROKER_NOT_AVAILABLE', error.message, { cause: error })
}
