// The interface between the request processors and the ensemble. driver.ts implements it over Zab;
// nothing behind it knows what a transaction means.
//
// Next on the path: peer-link.ts, over which a request travels to the leader.

import type { LeaderMessage, LearnerMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { ConfigurationState, ProposedConfiguration } from '../zab/configuration.ts'
import type { ReconfigurationVerdict } from '../zab/reconfiguration.ts'
import type { TransferRequest } from '../zab/transfer.ts'

export type TransferOutcome =
  | { readonly type: 'transferred'; readonly leader: ServerId }
  /** This server goes on leading. */
  | { readonly type: 'refused'; readonly reason: string }
  /** It does not lead, or lost its leadership meanwhile otherwise. */
  | { readonly type: 'not leading' }

/** `leading` and `following` begin when the server may serve, in step with the epoch. */
export type EnsembleRole =
  | { readonly type: 'looking' }
  | { readonly type: 'leading'; readonly epoch: number }
  | { readonly type: 'following'; readonly epoch: number; readonly leader: ServerId }

export interface Ensemble {
  readonly self: ServerId
  /** Made with the first epoch; undefined before. */
  readonly ensembleId: string | undefined
  readonly role: EnsembleRole

  /** False while a leader that stood still does not know whether it leads; `resumed` ends this. */
  readonly mayAnswer: boolean

  /** Leader only: the zxid that the next `propose` is for. */
  nextZxid(): Zxid

  /** Leader only; copies `payload`. The proposals of one turn of the event loop form one batch. */
  propose(zxid: Zxid, payload: Uint8Array): void

  /** The last configuration of the ensemble in the log, or that of the files. */
  readonly configuration: ConfigurationState

  /** Leader only: whether `next` may be proposed as the next configuration. */
  judgeConfiguration(next: ProposedConfiguration): ReconfigurationVerdict

  /** Proposals not committed yet; 0 when not leading. */
  readonly inFlight: number

  /**
   * The epoch's counter nears its end, or leadership is transferred: the next epoch begins as soon
   * as nothing is in flight. Until then nothing may be proposed, and `fromLearner` delivers nothing that would
   * have to be. The role does not change.
   */
  readonly handingOver: boolean

  /**
   * Asks to hand leadership over; `done` is called once, also if this server does not lead. Clients
   * stay connected, and their requests wait until the next leader takes them.
   */
  transferLeadership(request: TransferRequest, done: (outcome: TransferOutcome) => void): void

  /**
   * Only while following or leading: sends to the leader, in the order of the calls; on the leader
   * itself, calls `fromLearner` directly.
   */
  sendToLeader(message: LearnerMessage): void

  /** Leader only: sends after every commit sent before; to itself, calls `fromLeader` directly. */
  sendToLearner(learner: ServerId, message: LeaderMessage): void

  /** Leader only: sends to every other learner, including those not synchronized yet. */
  sendToLearners(message: LeaderMessage): void

  /**
   * Leader only: calls `confirmed` once a quorum answers a ping sent after this call. It is never
   * called if the leadership ends first; `roleChanged` reports that.
   */
  confirmLeadership(confirmed: () => void): void
}

/** Called synchronously, in the order of the events. */
export interface EnsembleListener {
  /**
   * A transaction is committed, and durable here. Called exactly once per transaction and process,
   * in zxid order, including those replayed from the log at start. `payload` is valid during the
   * call.
   */
  deliver(zxid: Zxid, payload: Buffer): void

  /** Before `leading` or `following`, the whole initial history of the epoch is delivered. */
  roleChanged(role: EnsembleRole): void

  /** Leader only. `learner` may be the leader itself. */
  fromLearner(learner: ServerId, message: LearnerMessage): void

  fromLeader(message: LeaderMessage): void

  /** Leader only: the last configuration is committed; its activation is to be proposed. */
  activate(): void

  /** Leader only: clients may be answered again. */
  resumed(): void
}
