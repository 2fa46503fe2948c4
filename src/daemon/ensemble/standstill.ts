// Did this process stand still: stopped by a signal, swapped out, its machine asleep? A leader that did
// goes on leading, since every follower that left it has closed its link; but before it answers any
// client, a quorum has to say that it still follows. Pure.

export class Standstill {
  readonly #toleratedMs: number
  /** When this process was last known to run. */
  #ranMs: number
  #isDoubtful = false

  /** @param leaderTimeoutMs the silence after which followers give a leader up */
  constructor({
    leaderTimeoutMs,
    nowMs,
  }: {
    readonly leaderTimeoutMs: number
    readonly nowMs: number
  }) {
    // Followers count from our last word, a ping or so before we stood still.
    this.#toleratedMs = leaderTimeoutMs / 2
    this.#ranMs = nowMs
  }

  /** Whether a leader must not answer: there may be another one by now. */
  get isDoubtful(): boolean {
    return this.#isDoubtful
  }

  /**
   * This process runs. While it leads, a standstill raises the doubt that `resolve` ends.
   *
   * @returns how long it stood still; undefined if that was no matter
   */
  noteRunning(nowMs: number, isLeading: boolean): number | undefined {
    const stoodStillMs = nowMs - this.#ranMs
    this.#ranMs = nowMs
    if (stoodStillMs <= this.#toleratedMs || !isLeading) return undefined
    this.#isDoubtful = true
    return stoodStillMs
  }

  /** A quorum follows, or the leadership is over. */
  resolve(): void {
    this.#isDoubtful = false
  }
}
