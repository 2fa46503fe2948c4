// Settles which process owns a server id when a second one connects with it. The process that holds
// the link is probed: if it answers, the newcomer is refused; if not, it was an earlier life of the
// newcomer, whose end went unnoticed.

import type { Clock } from '../../clock.ts'
import type { ServerId } from '../../protocol/records.ts'

/** How long the holder may take to answer a probe. */
const probeMs = 1000

/** `unknown`: we closed its link ourselves; the first process to connect gets the next link. */
export type HolderState = 'alive' | 'gone' | 'unknown'

/** The link of the process that holds the id. */
export interface Holder {
  readonly id: ServerId
  send(message: { readonly type: 'PROBE' }): void
}

interface Challenge {
  readonly holder: Holder
  readonly settle: (state: HolderState) => void
}

export class Challenges {
  readonly #clock: Pick<Clock, 'after'>
  readonly #byId = new Map<ServerId, Challenge>()

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock
  }

  /**
   * Probes `holder`, and calls `settled` once with the result.
   *
   * @returns false if a challenge of this id is under way already: a third process retries later
   */
  maybeBegin(holder: Holder, settled: (state: HolderState) => void): boolean {
    const { id } = holder
    if (this.#byId.has(id)) return false
    const cancel = this.#clock.after(probeMs, () => settle('gone'))
    const settle = (state: HolderState): void => {
      cancel()
      this.#byId.delete(id)
      settled(state)
    }
    this.#byId.set(id, { holder, settle })
    holder.send({ type: 'PROBE' })
    return true
  }

  /** Ends the challenge of `holder`, if there is one. */
  settle(holder: Holder, state: HolderState): void {
    const challenge = this.#byId.get(holder.id)
    if (challenge?.holder === holder) challenge.settle(state)
  }
}
