// Proves that this server still leads: a quorum answers a ping that was sent after the question.
// This makes `sync` linearizable; in ZooKeeper, a deposed leader may answer it (ZOOKEEPER-3600).
// Questions that arrive while a ping is in flight share the next one.

import type { ServerId } from '../../protocol/records.ts'
import type { ServerState } from './server-state.ts'

export class LeadershipCheck {
  readonly #state: Pick<ServerState, 'quorum' | 'self'>
  readonly #answers = new Map<ServerId, number>()
  #round = 0
  /** The latest question whose ping was not sent yet. */
  #waiting: number | undefined
  /** The question that the ping of `round` covers. */
  #sent: { readonly token: number; readonly round: number } | undefined

  /** @param state the quorum may change with each transaction */
  constructor(state: Pick<ServerState, 'quorum' | 'self'>) {
    this.#state = state
  }

  /** Whether a question waits for its ping. */
  get asking(): boolean {
    return this.#waiting !== undefined
  }

  /** @returns whether to send a ping now, because none is in flight */
  ask(token: number): boolean {
    this.#waiting = token
    return this.#sent === undefined
  }

  /** The round of a ping that is sent now. */
  nextRound(): number {
    this.#round++
    if (this.#waiting !== undefined && this.#sent === undefined) {
      this.#sent = { token: this.#waiting, round: this.#round }
      this.#waiting = undefined
    }
    return this.#round
  }

  answered(by: ServerId, round: number): void {
    this.#answers.set(by, round)
  }

  forget(peer: ServerId): void {
    this.#answers.delete(peer)
  }

  /** The latest token that a quorum confirmed since the last call. */
  takeConfirmed(): number | undefined {
    const sent = this.#sent
    if (sent === undefined) return undefined
    const answered = (voter: ServerId): boolean =>
      voter === this.#state.self || (this.#answers.get(voter) ?? 0) >= sent.round
    if (!this.#state.quorum.has(answered)) return undefined
    this.#sent = undefined
    return sent.token
  }
}
