// The leader's side of a transfer of leadership (transfer.ts has the protocol, and one attempt): it
// accepts one request at a time, asks the learners to hold, names the successor, and lets the others
// go on with it; or it gives up, and leads on.
//
// Beside a write's path: while a transfer is under way, writes wait in ensemble/hold.ts.

import type { ServerId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Learners } from './learners.ts'
import type { Reconfiguration } from './reconfiguration.ts'
import type { NextRole } from './role.ts'
import type { ServerState } from './server-state.ts'
import {
  type Candidate,
  type Choice,
  chooseSuccessor,
  Transfer,
  type TransferRequest,
} from './transfer.ts'

export interface SuccessionOptions {
  readonly state: ServerState
  readonly learners: Pick<Learners, 'has' | 'inStep' | 'sorted'>
  readonly reconfiguration: Pick<Reconfiguration, 'isSettled'>
  /** what `voter` has on its disk of our epoch */
  readonly loggedBy: (voter: ServerId) => Zxid | undefined
  readonly drop: (peer: ServerId, reason: string) => void
}

export class Succession {
  readonly #options: SuccessionOptions
  #transfer: Transfer | undefined
  #transferCount = 0

  constructor(options: SuccessionOptions) {
    this.#options = options
  }

  get isUnderWay(): boolean {
    return this.#transfer !== undefined
  }

  /** Whether the successor was told to lead; from here on, this server proposes nothing. */
  get isHanding(): boolean {
    return this.#transfer?.isHanding === true
  }

  /** Whether `peer` was told to lead, and so has no leader that it could answer. */
  isHandingTo(peer: ServerId): boolean {
    return this.#transfer?.isHanding === true && peer === this.#transfer.successor
  }

  /**
   * Begins to hand leadership over, if a server can take it.
   *
   * @param obstacle why this leader cannot hand over now; undefined if it can
   */
  request(nowMs: number, request: TransferRequest, obstacle: string | undefined): void {
    const { learners, state } = this.#options
    const choice = this.#choose(request, obstacle)
    if (choice.type === 'refused') {
      const { reason } = choice
      return state.emit({ type: 'transferRefused', reason })
    }
    const { successor } = choice
    const attempt = ++this.#transferCount
    const { discoveryTimeoutMs } = state.timing
    const allowedMs = Math.max(discoveryTimeoutMs, 2 * state.patience.allowedMs(nowMs))
    this.#transfer = new Transfer({ attempt, successor, deadlineMs: nowMs + allowedMs })
    state.emit({ type: 'hold' })
    for (const id of learners.inStep) this.#sendHold(id, this.#transfer)
  }

  #choose(request: TransferRequest, obstacle: string | undefined): Choice {
    const { learners, loggedBy, reconfiguration, state } = this.#options
    const { self, membership, quorum } = state
    const refused = (reason: string): Choice => ({ type: 'refused', reason })
    if (this.#transfer !== undefined) return refused('a transfer of leadership is in progress')
    if (!reconfiguration.isSettled) return refused('a change of the ensemble is in progress')
    if (obstacle !== undefined) return refused(obstacle)
    const candidates = learners.inStep.flatMap((id): Candidate[] => {
      const logged = loggedBy(id)
      return logged === undefined || !membership.isVoter(id) ? [] : [{ id, logged }]
    })
    return chooseSuccessor(request, { self, voters: membership.voters, quorum, candidates })
  }

  #sendHold(to: ServerId, { attempt }: Transfer): void {
    this.#options.state.send(to, { type: 'HOLD', attempt })
  }

  /** A learner that gets in step while the others are asked to hold is asked, too. */
  joined(learner: ServerId): void {
    if (this.#transfer?.isHolding === true) this.#sendHold(learner, this.#transfer)
  }

  held(from: ServerId, attempt: number): void {
    if (attempt === this.#transfer?.attempt) this.#transfer.held(from)
    this.#maybeDrain()
  }

  #maybeDrain(): void {
    const { learners, state } = this.#options
    if (this.#transfer?.maybeDrain(learners.inStep) !== true) return
    state.emit({ type: 'drain' })
  }

  /** Nothing is in flight any more; `drain` asked for it. */
  drained(): void {
    this.#transfer?.drained()
    this.maybeName()
  }

  /** Tells the successor to lead, once that has everything on its disk, and we too. */
  maybeName(): void {
    const transfer = this.#transfer
    const { loggedBy, reconfiguration, state } = this.#options
    if (transfer?.isDrained !== true || !reconfiguration.isSettled) return
    const { delivered, history } = state
    const { successor } = transfer
    const { last: zxid } = history
    if (delivered !== zxid || loggedBy(successor) !== zxid) return
    transfer.hand()
    state.send(successor, { type: 'SUCCESSOR', successor, zxid })
  }

  /**
   * `leader` says that it leads. If it is the successor, everybody follows it, and we too. Learners
   * that hold nothing back start over.
   *
   * @returns our next role, if this one is over
   */
  maybeHandOver(leader: ServerId): NextRole | undefined {
    const transfer = this.#transfer
    if (transfer?.isHanding !== true || leader !== transfer.successor) return undefined
    const { drop, learners, state } = this.#options
    const { successor } = transfer
    const { last: zxid } = state.history
    this.#transfer = undefined
    for (const [id] of learners.sorted) {
      if (id === successor) continue
      if (!transfer.hasHeld(id)) drop(id, `server ${successor} leads from now on`)
      else {
        state.send(id, { type: 'SUCCESSOR', successor, zxid })
        state.endSession(id)
      }
    }
    return { type: 'following', leader: successor, continues: true }
  }

  tick(nowMs: number): void {
    if (this.#transfer !== undefined && nowMs > this.#transfer.deadlineMs) {
      this.#giveUp('it took too long')
    }
  }

  /** A learner is gone. */
  forget(peer: ServerId): void {
    this.#transfer?.forget(peer)
    if (this.#transfer?.successor === peer) this.#giveUp(`server ${peer} was lost`)
    else this.#maybeDrain()
  }

  #giveUp(why: string): void {
    const transfer = this.#transfer
    if (transfer === undefined) return
    const { drop, learners, state } = this.#options
    const { successor, isHanding } = transfer
    this.#transfer = undefined
    // It may be about to lead, and must not find learners.
    if (isHanding && learners.has(successor)) drop(successor, 'it did not take over in time')
    for (const id of learners.inStep) state.send(id, { type: 'RESUME' })
    state.emit({ type: 'resume' })
    const reason = `server ${successor} could not take over: ${why}`
    state.emit({ type: 'transferRefused', reason })
  }

  /** This server leads no more; its shell learns that from its next role. */
  abandon(): void {
    this.#transfer = undefined
  }
}
