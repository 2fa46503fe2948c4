// The learners of a leader, each from its CEPOCH to the end of its link (learner.ts). What is sent to
// several of them is sent by ascending id, so that the same inputs have the same effects.
//
// On a write's path: leading.ts sends each proposal to those that take proposals.

import type { ServerId } from '../../protocol/records.ts'
import type { Learner } from './learner.ts'
import type { Membership } from './membership.ts'

/** The servers that are connected to us as their leader, and of these the ones in step. */
export interface LearnerCounts {
  readonly connected: number
  readonly syncedFollowers: number
  readonly syncedObservers: number
}

export class Learners {
  readonly #byId = new Map<ServerId, Learner>()
  /** By ascending id; undefined after a change. */
  #sorted: readonly (readonly [ServerId, Learner])[] | undefined

  get(id: ServerId): Learner | undefined {
    return this.#byId.get(id)
  }

  has(id: ServerId): boolean {
    return this.#byId.has(id)
  }

  add(id: ServerId, learner: Learner): void {
    this.#byId.set(id, learner)
    this.#sorted = undefined
  }

  delete(id: ServerId): void {
    this.#byId.delete(id)
    this.#sorted = undefined
  }

  /** By ascending id. A learner that is deleted during a walk stays in the list that is walked. */
  get sorted(): readonly (readonly [ServerId, Learner])[] {
    this.#sorted ??= [...this.#byId].sort(([a], [b]) => a - b)
    return this.#sorted
  }

  /** Those that acknowledged our history, by ascending id. */
  get inStep(): ServerId[] {
    return this.sorted.flatMap(([id, { phase }]) => (phase.type === 'synced' ? [id] : []))
  }

  /** Whether our history or tree is on its way to one of them. */
  get isSynchronizing(): boolean {
    return this.sorted.some(([, learner]) => learner.isSynchronizing)
  }

  /** The highest epoch that a counted promise of one of them names; 0 if there is none. */
  get acceptedEpoch(): number {
    return this.sorted.reduce((epoch, [, learner]) => Math.max(epoch, learner.acceptedEpoch), 0)
  }

  counts(membership: Membership): LearnerCounts {
    const { inStep } = this
    const syncedFollowers = inStep.filter((id) => membership.isVoter(id)).length
    const syncedObservers = inStep.length - syncedFollowers
    return { connected: this.#byId.size, syncedFollowers, syncedObservers }
  }
}
