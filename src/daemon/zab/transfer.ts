// A leader hands its leadership to a follower, without an election and without a lost request:
//
//   holding    HOLD to all learners in step: they keep their clients' requests back. Each answers
//              HELD, behind the last request that it has sent
//   draining   all have: what they sent is proposed, committed and answered, and the successor has
//              all of it on its disk
//   handing    SUCCESSOR to the one that is to lead, which begins to lead at once
//   (over)     once it says so: SUCCESSOR to the others, which follow it at once, as we do
//
// Until the last step this server leads. If the successor is lost, or it takes too long, RESUME
// ends the attempt, and nothing has changed. Safety does not depend on any of this: a successor
// leads only after discovery and synchronization, as every leader does (leading.ts). What the
// transfer adds is that nothing is in flight, so that each server knows of each of its clients'
// requests whether it took effect.
//
// Pure: leading.ts sends the messages.

import type { ServerId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Quorum } from './quorum.ts'

/** How leadership is to be transferred. */
export interface TransferRequest {
  /** the server that is to lead; undefined: the one with the longest log */
  readonly to?: ServerId | undefined
  /** Whether this server stops afterwards: the others must be a quorum without it. */
  readonly leaves: boolean
}

/** A voter that is in step with its leader. */
export interface Candidate {
  readonly id: ServerId
  /** the end of its log on its disk */
  readonly logged: Zxid
}

export type Choice =
  | { readonly type: 'chosen'; readonly successor: ServerId }
  /** `reason` completes the sentence "cannot hand over leadership: …". */
  | { readonly type: 'refused'; readonly reason: string }

/** Which of the voters in step is to lead. */
export function chooseSuccessor(
  { to, leaves }: TransferRequest,
  ensemble: {
    readonly self: ServerId
    readonly voters: readonly ServerId[]
    readonly quorum: Pick<Quorum, 'has'>
    readonly candidates: readonly Candidate[]
  },
): Choice {
  const { self, voters, quorum, candidates } = ensemble
  if (to === self) return refused(`server ${to} leads already`)
  if (to !== undefined && !voters.includes(to)) return refused(`server ${to} is no voter`)
  if (voters.length === 1) return refused('this server is the only voter')
  const inStep = (voter: ServerId): boolean => candidates.some(({ id }) => id === voter)
  if (to !== undefined && !inStep(to)) {
    return refused(`server ${to} does not follow, or has not caught up yet`)
  }
  if (leaves && !quorum.has(inStep)) {
    const found = `${candidates.length} of the ${voters.length - 1} other voters follow`
    return refused(`without this server there is no quorum: ${found}`)
  }
  const best = candidates.reduce<Candidate | undefined>(better, undefined)
  const successor = to ?? best?.id
  if (successor === undefined) return refused('no other voter follows and has caught up')
  return { type: 'chosen', successor }
}

function better(best: Candidate | undefined, other: Candidate): Candidate {
  if (best === undefined || other.logged > best.logged) return other
  return other.logged === best.logged && other.id > best.id ? other : best
}

function refused(reason: string): Choice {
  return { type: 'refused', reason }
}

/** One attempt. */
export class Transfer {
  /** distinguishes the HELD of this attempt from a late one of an earlier attempt */
  readonly attempt: number
  readonly successor: ServerId
  readonly deadlineMs: number
  readonly #held = new Set<ServerId>()
  #phase: 'holding' | 'draining' | 'drained' | 'handing' = 'holding'

  constructor(options: {
    readonly attempt: number
    readonly successor: ServerId
    readonly deadlineMs: number
  }) {
    this.attempt = options.attempt
    this.successor = options.successor
    this.deadlineMs = options.deadlineMs
  }

  /** Whether learners that get in step now are to hold their requests too. */
  get isHolding(): boolean {
    return this.#phase === 'holding'
  }

  /** Whether only the log of the successor is waited for. */
  get isDrained(): boolean {
    return this.#phase === 'drained'
  }

  /** Whether the successor was told to lead; from here on, this server proposes nothing. */
  get isHanding(): boolean {
    return this.#phase === 'handing'
  }

  /** It sends no more requests. A HELD that comes when all others have is not waited for. */
  held(learner: ServerId): void {
    if (this.#phase === 'holding') this.#held.add(learner)
  }

  forget(learner: ServerId): void {
    this.#held.delete(learner)
  }

  /** Whether `learner` may go on with the successor: all that it has sent has taken effect. */
  hasHeld(learner: ServerId): boolean {
    return this.#held.has(learner)
  }

  /** @returns whether all of `learners`, those in step, hold their requests, for the first time */
  maybeDrain(learners: readonly ServerId[]): boolean {
    if (this.#phase !== 'holding' || !learners.every((id) => this.#held.has(id))) return false
    this.#phase = 'draining'
    return true
  }

  /** Nothing is in flight, and nothing will be. */
  drained(): void {
    if (this.#phase === 'draining') this.#phase = 'drained'
  }

  hand(): void {
    this.#phase = 'handing'
  }
}
