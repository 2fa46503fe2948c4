// Do we still lead? A quorum that answers a ping sent after the question proves it: this is what
// makes `sync` linearizable, where ZooKeeper's may be answered by a deposed leader (its issue 3600).
// Questions that come while a ping is under way share the next one.

import type { ServerId } from '../../protocol/records.ts'
import type { Quorum } from './quorum.ts'

export class LeadershipCheck {
  readonly #quorum: Quorum
  readonly #self: ServerId
  readonly #answers = new Map<ServerId, number>()
  #round = 0
  /** Asked, and in need of a ping that was not sent yet. */
  #waiting: number | undefined
  /** Covered by the ping of `round`. */
  #sent: { readonly token: number; readonly round: number } | undefined

  constructor(quorum: Quorum, self: ServerId) {
    this.#quorum = quorum
    this.#self = self
  }

  /** Whether a question waits for its ping. */
  get asking(): boolean {
    return this.#waiting !== undefined
  }

  /** @returns whether a ping should go out now, because none is under way */
  ask(token: number): boolean {
    this.#waiting = token
    return this.#sent === undefined
  }

  /** The number for a ping that goes out now. */
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
      voter === this.#self || (this.#answers.get(voter) ?? 0) >= sent.round
    if (!this.#quorum.has(answered)) return undefined
    this.#sent = undefined
    return sent.token
  }
}
