// What the request processors ask of the ensemble, and what it tells them. driver.ts implements it
// over Zab; nothing behind this interface knows what a transaction means.
//
// Next on the path: peer-link.ts, by which a request travels to the leader.

import type { LeaderMessage, LearnerMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'

/** `leading` and `following` begin when the server may serve: its state is the epoch's. */
export type EnsembleRole =
  | { readonly type: 'looking' }
  | { readonly type: 'leading'; readonly epoch: number }
  | { readonly type: 'following'; readonly epoch: number; readonly leader: ServerId }

export interface Ensemble {
  readonly self: ServerId
  /** Made with the first epoch; undefined before. */
  readonly ensembleId: string | undefined
  readonly role: EnsembleRole

  /** False while a leader that stood still cannot know whether it leads; `resumed` ends it. */
  readonly mayAnswer: boolean

  /** Leader only: the zxid that the next `propose` is for. */
  nextZxid(): Zxid

  /** Leader only; copies `payload`. What one turn of the event loop proposes is one batch. */
  propose(zxid: Zxid, payload: Uint8Array): void

  /** Proposals not committed yet; 0 when not leading. */
  readonly inFlight: number

  /**
   * While leading: the epoch's counter nears its end, and the next epoch begins as soon as nothing is
   * in flight. Until then `fromLearner` brings nothing that would have to be proposed, and nothing
   * may be proposed. It is no change of roles.
   */
  readonly handingOver: boolean

  /**
   * To the leader, in the order of the calls; on the leader itself straight to `fromLearner`.
   * Only while following or leading.
   */
  sendToLeader(message: LearnerMessage): void

  /** Leader only; behind every commit sent before. To itself: straight to `fromLeader`. */
  sendToLearner(learner: ServerId, message: LeaderMessage): void

  /** Leader only; to every learner but itself. One that is not synchronized yet may get it too. */
  sendToLearners(message: LeaderMessage): void

  /**
   * Leader only: calls `confirmed` once a quorum answered a ping sent after this call. Never calls
   * it if leadership ends first; the role change says so.
   */
  confirmLeadership(confirmed: () => void): void
}

/** Called synchronously, in the order of what happened. */
export interface EnsembleListener {
  /**
   * A transaction that is committed and durable here: each exactly once per process, in zxid order,
   * those replayed from the log at start included. `payload` is valid during the call only.
   */
  deliver(zxid: Zxid, payload: Buffer): void

  /** Before `leading` or `following`, everything of the epoch's initial history was delivered. */
  roleChanged(role: EnsembleRole): void

  /** Leader only. `learner` may be the leader itself. */
  fromLearner(learner: ServerId, message: LearnerMessage): void

  fromLeader(message: LeaderMessage): void

  /** Leader only: clients may be answered again. */
  resumed(): void
}
