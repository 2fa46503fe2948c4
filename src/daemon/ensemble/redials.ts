// When to redial a peer whose link broke: soon, then with doubling delays until it answers; after a
// refusal by either side, in a second.

import type { Clock } from '../../clock.ts'
import type { ServerId } from '../../protocol/records.ts'

const delaysMs = { first: 10, most: 320, refused: 1000 }

interface Redial {
  readonly delayMs: number
  /** of the attempt that is due */
  readonly cancel: () => void
}

export class Redials {
  readonly #clock: Pick<Clock, 'after'>
  readonly #peers = new Map<ServerId, Redial>()

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock
  }

  /** The attempt to reach `peer` has ended: calls `dial` when the next one is due. */
  schedule(peer: ServerId, dial: () => void): void {
    const delayMs = this.#peers.get(peer)?.delayMs ?? delaysMs.first
    const cancel = this.#clock.after(delayMs, dial)
    this.#peers.set(peer, { delayMs: Math.min(delayMs * 2, delaysMs.most), cancel })
  }

  refused(peer: ServerId): void {
    const cancel = this.#peers.get(peer)?.cancel ?? (() => undefined)
    this.#peers.set(peer, { delayMs: delaysMs.refused, cancel })
  }

  /** There is a link: when it breaks, the first redial is soon. */
  linked(peer: ServerId): void {
    this.#peers.delete(peer)
  }

  close(): void {
    for (const { cancel } of this.#peers.values()) cancel()
  }
}
