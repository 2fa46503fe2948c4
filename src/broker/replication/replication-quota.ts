// How many bytes may pass now, at a rate of bytes per second. Pure: the caller has the clock.
//
//   bytes   one second's worth ┬─────╮                 ╭── saved up while nothing is taken
//                              0     │  a batch passes ╱   whole: the rest is a debt
//                                    ╰────────────────╱
//
// A debt is forgiven after `forgivenMs`: a low rate and a large batch, or a rate of 0, delay what they
// limit, and never stop it.

/** One batch passes at least as often as this. */
const forgivenMs = 10_000
/** What less time saves up waits for more: few large reads take less than many small ones. */
const savedMsMin = 50

export class ReplicationQuota {
  /** may be taken now; below 0: a debt */
  #bytes = 0
  #countedMs: number
  /** when something was taken last */
  #takenMs: number

  constructor(nowMs: number) {
    this.#countedMs = this.#takenMs = nowMs
  }

  /**
   * @param rate bytes per second
   * @returns how many bytes may pass now, or the first batch if it is larger; 0: none
   */
  room(rate: number, nowMs: number): number {
    this.#count(rate, nowMs)
    if (this.#bytes >= Math.max(1, (rate * savedMsMin) / 1000)) return Math.floor(this.#bytes)
    return this.#isForgiven(nowMs) ? 1 : 0
  }

  /** These bytes pass, which may be more than there is room for. */
  take(bytes: number, nowMs: number): void {
    if (this.#isForgiven(nowMs)) this.#bytes = Math.max(0, this.#bytes)
    this.#bytes -= bytes
    this.#takenMs = nowMs
  }

  #count(rate: number, nowMs: number): void {
    const saved = this.#bytes + (rate * (nowMs - this.#countedMs)) / 1000
    this.#bytes = Math.min(saved, rate)
    this.#countedMs = nowMs
  }

  #isForgiven(nowMs: number): boolean {
    return nowMs - this.#takenMs >= forgivenMs
  }
}
