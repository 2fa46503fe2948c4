// What an administrator asks of a server over the native protocol, beside reads and writes: to hand
// leadership over, and to close clients' connections. commit.ts checks that the client may, and
// keeps the order of its answers.

import type { ReplyBody, Request } from '../../protocol/zk/messages.ts'
import type { Ensemble, TransferOutcome } from '../ensemble/ensemble.ts'
import type { Client } from '../session/request.ts'

export type Administration = Extract<Request, { type: 'moveLeader' | 'drain' }>

export class Administrator {
  readonly #ensemble: Pick<Ensemble, 'self' | 'transferLeadership'>
  readonly #drain: DrainClients

  constructor(ensemble: Pick<Ensemble, 'self' | 'transferLeadership'>, drain: DrainClients) {
    this.#ensemble = ensemble
    this.#drain = drain
  }

  /** `answer` is called once, now or later. */
  perform(client: Client, request: Administration, answer: (body: ReplyBody) => void): void {
    switch (request.type) {
      case 'moveLeader':
        return this.#ensemble.transferLeadership({ to: request.to, leaves: false }, (outcome) =>
          answer(this.#moved(outcome)),
        )
      case 'drain':
        return answer({ type: 'drain', count: this.#drain(request.percent, client) })
    }
  }

  #moved(outcome: TransferOutcome): ReplyBody {
    const type = 'moveLeader'
    switch (outcome.type) {
      case 'transferred':
        return { type, leader: outcome.leader, refusal: undefined }
      case 'refused':
        return { type, leader: undefined, refusal: outcome.reason }
      case 'not leading': {
        const refusal = `server ${this.#ensemble.self} does not lead`
        return { type, leader: undefined, refusal }
      }
    }
  }
}

/**
 * Begins to close so many of the clients' connections, all but the one that asks.
 *
 * @returns how many
 */
export type DrainClients = (percent: number, asking: Client) => number
