// How far a claim may take this server's epoch. There are 2^21 epochs, and Zab has no way back: a leader
// begins an epoch above every acceptedEpoch that it is told, and every promise is for good. One server
// that says 2^21 - 2, by damage or by malice, would use all of them up, and no server could lead again.
//
// A peer that is no member (it did not name our ensemble) cannot move the epoch at all: leading.ts and
// following.ts see to that. The claim of a member counts up to `jumpMax` above what this server
// itself knows: its own disk, and the epoch that a majority of members says is established.
//
//   honest claims    A server that is away for longer than `jumpMax` leader changes comes back to an
//                    established leader, which a majority vouches for. A server runs ahead of all others
//                    by one epoch for each attempt that fails between its own promise and the first
//                    promise of another server.
//   claims beyond    They are refused with the reason, but not for ever, since a majority may need
//                    that very server: each such claim raises our own epoch by half of `jumpMax`,
//                    so that the others still believe us, and at most once per `raiseEveryMs`. So two
//                    honest servers meet after (gap / 512) minutes, however far apart they are, and no
//                    ensemble is locked out. A lie that is repeated without rest takes 2^21 / 512
//                    minutes, nearly three days of warnings, to use up the epochs.

/** Leader changes that one server may miss and still join at once a leader that is not established. */
export const epochJumpMaxDefault = 1024

export const raiseEveryMs = 60_000

export class EpochBound {
  readonly #jumpMax: number
  /** A majority of members said that it is established. */
  #vouched = 0
  #raisedMs = Number.NEGATIVE_INFINITY

  constructor(jumpMax: number = epochJumpMaxDefault) {
    this.#jumpMax = jumpMax
  }

  vouched(epoch: number): void {
    if (epoch > this.#vouched) this.#vouched = epoch
  }

  /** @param accepted this server's own acceptedEpoch */
  allows(claimed: number, accepted: number): boolean {
    return claimed <= Math.max(accepted, this.#vouched) + this.#jumpMax
  }

  /** The acceptedEpoch to move on to after a claim was refused; `accepted` if it is too early. */
  raised(nowMs: number, claimed: number, accepted: number): number {
    if (nowMs - this.#raisedMs < raiseEveryMs) return accepted
    this.#raisedMs = nowMs
    return Math.min(claimed - 1, accepted + Math.floor(this.#jumpMax / 2))
  }
}
