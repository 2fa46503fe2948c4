// One learner as its leader sees it, from its CEPOCH to the end of its link:
//
//   joined ── NEWEPOCH sent ─▶ asked ── ACKEPOCH ─▶ promised ── DIFF or TRUNC ─▶ syncing
//     ▲                                                 └ SNAP ─▶ snapshot            │
//     │                                            restored ◀─ ACKSNAP ─┘             │
//     │                                                └─ DIFF ─▶ syncing             │
//     └─ our next epoch begins ── synced ◀────────────── ACKNEWLEADER ────────────────┘
//
// Each phase holds its own data, so nothing of an earlier phase is left over. leading.ts decides
// when a phase ends.

import { invariant } from '../../invariant.ts'
import { type Zxid, zxidZero } from '../../protocol/zxid.ts'

export type LearnerPhase =
  /** It sent CEPOCH. */
  | { readonly type: 'joined' }
  /** It was sent NEWEPOCH; `founds`: as the ensemble's first one. */
  | { readonly type: 'asked'; readonly founds: boolean }
  /** Its log ends at `lastZxid`; `counts`: its promise counts for the epoch's quorum. */
  | { readonly type: 'promised'; readonly lastZxid: Zxid; readonly counts: boolean }
  /** It is sent our tree, and nothing else until it has it. */
  | { readonly type: 'snapshot' }
  /** It has our tree as of `lastZxid`, and needs what follows. */
  | { readonly type: 'restored'; readonly lastZxid: Zxid }
  /** It was sent our history up to `upTo`, then NEWLEADER; proposals reach it from here on. */
  | { readonly type: 'syncing'; readonly upTo: Zxid }
  /** It acknowledged NEWLEADER. */
  | { readonly type: 'synced' }

export interface LearnerOptions {
  /**
   * from its CEPOCH; 0 if it does not vote, is not a member, or not initialised: none of its promises
   * was counted
   */
  readonly acceptedEpoch: number
  /** as it says, if it is a member and initialised */
  readonly promisedEpoch: number
  readonly currentEpoch: number
  /** See `Learner.initialised`. */
  readonly initialised: boolean
  readonly nowMs: number
}

export class Learner {
  readonly acceptedEpoch: number
  readonly promisedEpoch: number
  readonly currentEpoch: number
  heardMs: number
  #phase: LearnerPhase = joined
  #initialised: boolean
  #hasRejoined = false
  #sentUpTo: Zxid = zxidZero
  #toldUpTo: Zxid = zxidZero

  constructor(options: LearnerOptions) {
    const { acceptedEpoch, promisedEpoch, currentEpoch, initialised, nowMs } = options
    this.acceptedEpoch = acceptedEpoch
    this.promisedEpoch = promisedEpoch
    this.currentEpoch = currentEpoch
    this.#initialised = initialised
    this.heardMs = nowMs
  }

  get phase(): LearnerPhase {
    return this.#phase
  }

  /**
   * Whether it counts in quorums, if it votes: a member that came initialised, or a learner that has
   * promised the ensemble's first epoch or acknowledged our history.
   */
  get initialised(): boolean {
    return this.#initialised
  }

  /** Whether it sent ACKEPOCH for our epoch. */
  get hasPromised(): boolean {
    return this.#phase.type !== 'joined' && this.#phase.type !== 'asked'
  }

  /**
   * Whether what it sent in our last epoch may still arrive: an ACK if it did not vote in the end, or
   * HELD of a transfer that was given up.
   */
  get mayBeLate(): boolean {
    return this.#hasRejoined && !this.hasPromised
  }

  /** Whether new proposals are sent to it. */
  get takesProposals(): boolean {
    return this.#phase.type === 'syncing' || this.#phase.type === 'synced'
  }

  /** Whether our history or tree is on its way to it. */
  get isSynchronizing(): boolean {
    return this.#phase.type === 'snapshot' || this.#phase.type === 'syncing'
  }

  /** The end of the history that it was sent, and of what was sent since. */
  get sentUpTo(): Zxid {
    return this.#sentUpTo
  }

  /** It knows that everything up to here is committed. */
  get toldUpTo(): Zxid {
    return this.#toldUpTo
  }

  /** Where its log ends, if it waits for our history. */
  get syncsFrom(): Zxid | undefined {
    const phase = this.#phase
    return phase.type === 'promised' || phase.type === 'restored' ? phase.lastZxid : undefined
  }

  ask({ founds }: { readonly founds: boolean }): void {
    invariant(this.#phase.type === 'joined', 'a learner is asked for one promise per epoch')
    this.#phase = { type: 'asked', founds }
  }

  promise({ lastZxid, counts }: { readonly lastZxid: Zxid; readonly counts: boolean }): void {
    const phase = this.#phase
    invariant(phase.type === 'asked', 'a learner promises what it was asked for')
    // The promise of an ensemble's first epoch initialises a server, durably.
    if (phase.founds) this.#initialised = true
    this.#phase = { type: 'promised', lastZxid, counts }
  }

  sendSnapshot(): void {
    invariant(this.syncsFrom !== undefined, 'a tree is sent to a learner that waits for history')
    this.#phase = snapshot
  }

  restore(lastZxid: Zxid): void {
    invariant(this.#phase.type === 'snapshot', 'a learner has a tree that it was sent')
    this.#phase = { type: 'restored', lastZxid }
  }

  /** @param upTo end of the history sent */
  sync(upTo: Zxid): void {
    invariant(this.syncsFrom !== undefined, 'history is sent to a learner that waits for it')
    this.#phase = { type: 'syncing', upTo }
    this.#sentUpTo = upTo
    this.#toldUpTo = zxidZero
  }

  sent(upTo: Zxid): void {
    this.#sentUpTo = upTo
  }

  /** It is told that everything up to `zxid` is committed, and has been sent it. */
  told(zxid: Zxid): void {
    if (zxid > this.#sentUpTo) this.#sentUpTo = zxid
    if (zxid > this.#toldUpTo) this.#toldUpTo = zxid
  }

  finishSync(): void {
    invariant(this.#phase.type === 'syncing', 'a learner is in step after NEWLEADER')
    this.#initialised = true
    this.#phase = synced
  }

  /** Our next epoch begins, and the learner must promise again. */
  rejoin(): void {
    invariant(this.#phase.type === 'synced', 'an epoch is handed over to learners in step')
    this.#phase = joined
    this.#hasRejoined = true
  }
}

const joined: LearnerPhase = { type: 'joined' }
const snapshot: LearnerPhase = { type: 'snapshot' }
const synced: LearnerPhase = { type: 'synced' }
