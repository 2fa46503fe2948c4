// Detects that this process stood still: stopped by a signal, swapped out, or its machine asleep. A
// leader that did continues to lead, since every follower that left it has closed its link; but
// before it answers any client, a quorum must confirm that it still follows. Pure.

export class Standstill {
  readonly #toleratedMs: number
  /** When this process was last known to run. */
  #ranMs: number
  #isDoubtful = false

  /** @param leaderTimeoutMs the silence after which followers leave a leader */
  constructor({
    leaderTimeoutMs,
    nowMs,
  }: {
    readonly leaderTimeoutMs: number
    readonly nowMs: number
  }) {
    // Followers count from our last message, about a ping before the standstill.
    this.#toleratedMs = leaderTimeoutMs / 2
    this.#ranMs = nowMs
  }

  /** Whether a leader must not answer: there may be another one by now. */
  get isDoubtful(): boolean {
    return this.#isDoubtful
  }

  /**
   * This process runs. A standstill while it leads makes `isDoubtful` true until `resolve`.
   *
   * @returns how long it stood still; undefined if that has no consequence
   */
  noteRunning(nowMs: number, isLeading: boolean): number | undefined {
    const stoodStillMs = nowMs - this.#ranMs
    this.#ranMs = nowMs
    if (stoodStillMs <= this.#toleratedMs || !isLeading) return undefined
    this.#isDoubtful = true
    return stoodStillMs
  }

  /** A quorum still follows, or the leadership is over. */
  resolve(): void {
    this.#isDoubtful = false
  }
}
