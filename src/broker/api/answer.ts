// How a request is answered, and who asks.

import { ZkError } from '../../protocol/error-codes.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId, MqResponse } from '../../protocol/mq/messages.ts'

/** Called exactly once per request. */
export type Respond = (answer: MqResponse | BrokerError) => void

/** Who asks: a broker in one of its lives, or a client. */
export interface Requester {
  readonly role: 'client' | 'broker'
  readonly brokerId: BrokerId
  readonly brokerEpoch: number
}

/** What ZooWeeper could not do is, for a client of ours, something to be tried again. */
export function answerLater(answer: Promise<MqResponse>, respond: Respond): void {
  answer.then(respond, (error: unknown) => {
    if (error instanceof BrokerError) respond(error)
    else if (error instanceof ZkError) {
      respond(new BrokerError('BROKER_NOT_AVAILABLE', error.message, { cause: error }))
    } else throw error
  })
}
