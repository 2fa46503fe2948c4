// How long a peer may be silent before it counts as dead. On a busy machine every process is late,
// again and again: a peer that just came back after 300 ms is not dead after 600. So the allowance
// grows with the silences seen recently, and shrinks again when answers are quick. This is an
// accrual failure detector (Hayashibara et al., SRDS 2004) in its simplest form.

/** A silence is remembered for at least this long, and for at most twice as long. */
const memoryMs = 15_000

/** The allowance is the longest silence that ended well, times this. */
const factor = 3

export class Patience {
  readonly #leastMs: number
  readonly #mostMs: number
  #longestMs = 0
  #longestBeforeMs = 0
  #sinceMs = 0

  constructor({ leastMs, mostMs }: { readonly leastMs: number; readonly mostMs: number }) {
    this.#leastMs = leastMs
    this.#mostMs = Math.max(leastMs, mostMs)
  }

  /** A peer was heard again after `silentMs`. */
  heard(nowMs: number, silentMs: number): void {
    this.#forget(nowMs)
    if (silentMs > this.#longestMs) this.#longestMs = silentMs
  }

  /** How long a peer may be silent now. */
  allowedMs(nowMs: number): number {
    this.#forget(nowMs)
    const longestMs = Math.max(this.#longestMs, this.#longestBeforeMs)
    return Math.min(Math.max(this.#leastMs, factor * longestMs), this.#mostMs)
  }

  #forget(nowMs: number): void {
    const agoMs = nowMs - this.#sinceMs
    if (agoMs < memoryMs) return
    this.#longestBeforeMs = agoMs < 2 * memoryMs ? this.#longestMs : 0
    this.#longestMs = 0
    this.#sinceMs = nowMs
  }
}
