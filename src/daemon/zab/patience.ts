// How long a silent peer is waited for. A machine that is busy makes everybody on it late, again and
// again: who came back from a silence of 300 ms a moment ago is not dead after 600. So the allowance
// grows with what was seen lately, and shrinks again when all is quick. As accrual failure detectors
// do (Hayashibara et al., SRDS 2004), in its simplest form.

/** A silence is remembered for this long at least, and for twice as long at most. */
const memoryMs = 15_000

/** The allowance is as many times the longest silence that ended well. */
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
