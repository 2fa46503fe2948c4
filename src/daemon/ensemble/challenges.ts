// A process comes with the server id of another that has a link. The one that has it is probed: if it
// answers, the newcomer is refused; if it does not, it was a former life of the newcomer whose end was
// not noticed.

import type { Clock } from '../../clock.ts'
import type { ServerId } from '../../protocol/records.ts'

/** How long the process that has a link may take to answer a probe. */
const probeMs = 1000

/** `unknown`: we closed its link ourselves; whichever process comes first has the next one. */
export type HolderState = 'alive' | 'gone' | 'unknown'

/** The link of the process that has the id. */
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
   * Probes `holder`, and calls `settled` once with what became of it.
   *
   * @returns false if there is a challenge of this id already: a third process comes again later
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

  /** What is known of `holder` now, if anything waits for it. */
  settle(holder: Holder, state: HolderState): void {
    const challenge = this.#byId.get(holder.id)
    if (challenge?.holder === holder) challenge.settle(state)
  }
}
