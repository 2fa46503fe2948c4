// Bounds how far a peer's claims can advance this server's epoch. There are 2^21 epochs, and in Zab
// they only rise: a leader starts an epoch above every acceptedEpoch that it receives, and promises
// are permanent. A single server that claims 2^21 - 2, damaged or malicious, would exhaust the
// epochs, and no server could lead again.
//
// A peer that is not a member (it did not name our ensemble) cannot advance the epoch at all:
// leading.ts and following.ts ignore its claims. A member's claim is compared with what this server
// knows itself: its own disk, and the epoch that a majority of members reports as established. One
// step is free, as every leader change takes one; the epochs that a claim skips are paid from an
// allowance of `skipsMax`, which refills at a rate r = skipsMax / 2 per minute.
//
//   honest claims    A server that missed more than `skipsMax` leader changes returns to an
//                    established leader, which a majority vouches for. A server gets ahead of all
//                    others by one epoch for each attempt that fails between its own promise and
//                    the first promise of another server.
//   claims beyond    These are refused with the reason, but not forever, since a majority may need
//                    that very server. Each refusal advances our own epoch by half of `skipsMax`,
//                    if the allowance covers it, so the claim is within reach after gap / r
//                    minutes. However far apart two honest servers are, they meet, and no ensemble
//                    is locked out. False claims repeated without pause take 2^21 / r minutes to
//                    exhaust the epochs: nearly three days of warnings.

const skipsMaxDefault = 1024

/** As a share of `skipsMax`. */
const refillPerMs = 0.5 / 60_000

export class EpochBound {
  readonly #skipsMax: number
  #allowance: number
  #filledMs = 0
  /**
   * The highest epoch that a majority reports as established, or that was believed and paid for.
   */
  #known = 0

  constructor(skipsMax: number = skipsMaxDefault) {
    this.#skipsMax = skipsMax
    this.#allowance = skipsMax
  }

  /** A majority of members reports `epoch` as established. */
  vouched(epoch: number): void {
    if (epoch > this.#known) this.#known = epoch
  }

  /**
   * Whether to believe a member's claim; if so, the allowance pays for it.
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

  /** Our next acceptedEpoch after a refused claim; `accepted` while the allowance is too small. */
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
