// How far claims may take this server's epoch. There are 2^21 epochs, and Zab has no way back: a leader
// begins an epoch above every acceptedEpoch that it is told, and every promise is for good. One server
// that says 2^21 - 2, by damage or by malice, would use all of them up, and no server could lead again.
//
// A peer that is no member (it did not name our ensemble) cannot move the epoch at all: leading.ts and
// following.ts see to that. The claims of members count from what this server itself knows, its own
// disk and the epoch that a majority of members says is established. One step is free, as every
// leader change takes it; what a claim skips is paid from an allowance of `skipsMax` epochs, which
// fills again at `skipsPerMinute`.
//
//   honest claims    A server that is away for longer than `skipsMax` leader changes comes back to an
//                    established leader, which a majority vouches for. A server runs ahead of all others
//                    by one epoch for each attempt that fails between its own promise and the first
//                    promise of another server.
//   claims beyond    They are refused with the reason, but not for ever, since a majority may need
//                    that very server. Each refusal moves our own epoch by half an allowance, if
//                    that much is left, so that the other one is within reach after
//                    (gap / skipsPerMinute) minutes. However far apart two honest servers are, they
//                    meet, and no ensemble is locked out. Lies that are repeated without rest take
//                    2^21 / skipsPerMinute minutes to use up the epochs: nearly three days of warnings.

const skipsMaxDefault = 1024

/** As a share of `skipsMax`. */
const refillPerMs = 0.5 / 60_000

export class EpochBound {
  readonly #skipsMax: number
  #allowance: number
  #filledMs = 0
  /** The highest epoch that a majority says is established, or that was believed and paid for. */
  #known = 0

  constructor(skipsMax: number = skipsMaxDefault) {
    this.#skipsMax = skipsMax
    this.#allowance = skipsMax
  }

  /** A majority of members said that it is established. */
  vouched(epoch: number): void {
    if (epoch > this.#known) this.#known = epoch
  }

  /**
   * Whether a member's claim counts; if so, it is paid for.
   *
   * @param accepted this server's own acceptedEpoch
   */
  believes(nowMs: number, claimed: number, accepted: number): boolean {
    this.#refill(nowMs)
    const skipped = claimed - Math.max(accepted, this.#known) - 1
    if (skipped > this.#allowance) return false
    if (skipped >= 0) this.#known = claimed
    if (skipped > 0) this.#allowance -= skipped
    return true
  }

  /** The acceptedEpoch to move on to after a claim was refused; `accepted` if it is too early. */
  raised(nowMs: number, claimed: number, accepted: number): number {
    this.#refill(nowMs)
    const step = Math.floor(this.#skipsMax / 2)
    if (this.#allowance < step) return accepted
    this.#allowance -= step
    return Math.min(claimed - 1, accepted + step)
  }

  #refill(nowMs: number): void {
    const filled = this.#allowance + (nowMs - this.#filledMs) * refillPerMs * this.#skipsMax
    this.#allowance = Math.min(this.#skipsMax, filled)
    this.#filledMs = nowMs
  }
}
