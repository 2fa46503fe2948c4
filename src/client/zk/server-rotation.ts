// Chooses the next server, and the delay before it is tried. Pure.

import type { Address } from '../../address.ts'
import { invariant } from '../../invariant.ts'
import type { Random } from '../../random.ts'

const firstDelayMs = 20
const delayGrowth = 1.5
const delayMaxMs = 320

/**
 * Cycles through the servers in a shuffled order (clients must not all go to the same one) and
 * returns the delay before each attempt: none until all have failed, then up to 20 ms, 30 ms … 320
 * ms after each further round, so that a new leader is reached soon.
 */
export class ServerRotation {
  readonly #order: readonly Address[]
  readonly #random: Random
  #at = 0
  #failures = 0

  constructor(servers: readonly Address[], random: Random) {
    invariant(servers.length > 0, 'a session has servers to try')
    this.#order = random.shuffled(servers)
    this.#random = random
  }

  next(): Address {
    const server = this.#order[this.#at] as Address
    this.#at = (this.#at + 1) % this.#order.length
    return server
  }

  succeeded(): void {
    this.#failures = 0
  }

  /** @returns ms to wait before the next try */
  failed(): number {
    this.#failures++
    if (this.#failures % this.#order.length !== 0) return 0
    const rounds = this.#failures / this.#order.length
    const most = Math.min(firstDelayMs * delayGrowth ** (rounds - 1), delayMaxMs)
    return most / 2 + (this.#random.next() * most) / 2
  }
}
