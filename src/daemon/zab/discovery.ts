// Zab phase 1 on the leader, the decisions: which voters' words count, and when they are enough to
// choose the new epoch (CEPOCH from a quorum), to begin it (ACKEPOCH from a quorum) and to go on
// with it. leading.ts sends the messages and takes the steps.
//
// The ensemble's first epoch is another matter: it begins only when no voter has ever held a history.
//
// Before a write's path begins. Next: synchronization.ts, then broadcast.ts.
// Source: Zab (Junqueira et al., DSN 2011), phase 1.

import type { ZabMessage } from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import { Learner } from './learner.ts'
import type { Learners } from './learners.ts'
import type { ServerState } from './server-state.ts'

type Cepoch = Extract<ZabMessage, { type: 'CEPOCH' }>

export class Discovery {
  readonly #state: ServerState
  readonly #learners: Pick<Learners, 'acceptedEpoch' | 'get' | 'has'>

  constructor(state: ServerState, learners: Pick<Learners, 'acceptedEpoch' | 'get' | 'has'>) {
    this.#state = state
    this.#learners = learners
  }

  /** Whether the epochs that `from` claims bind a leader. */
  countsWordOf(from: ServerId, { initialised }: Cepoch): boolean {
    const { membership } = this.#state
    return initialised && membership.isVoter(from) && this.#state.isMember(from)
  }

  /** What `from` is to us after its CEPOCH. */
  learnerOf(nowMs: number, from: ServerId, cepoch: Cepoch): Learner {
    const { acceptedEpoch, currentEpoch, initialised } = cepoch
    const counts = this.countsWordOf(from, cepoch)
    const hasPromised = initialised && this.#state.isMember(from)
    return new Learner({
      acceptedEpoch: counts ? acceptedEpoch : 0,
      promisedEpoch: hasPromised ? acceptedEpoch : 0,
      currentEpoch,
      initialised: counts,
      nowMs,
    })
  }

  /**
   * Whether to believe that a learner accepted `claimed`; if not, a later attempt may succeed.
   *
   * @param isOpen whether the new epoch has no number yet: only then may our acceptedEpoch rise
   */
  believes(nowMs: number, claimed: number, { isOpen }: { readonly isOpen: boolean }): boolean {
    const { epochBound, epochs } = this.#state
    const { acceptedEpoch } = epochs
    if (epochBound.believes(nowMs, claimed, acceptedEpoch)) return true
    if (!isOpen) return false
    const raised = epochBound.raised(nowMs, claimed, acceptedEpoch)
    if (raised > acceptedEpoch) this.#state.saveEpochs({ acceptedEpoch: raised })
    return false
  }

  /**
   * Whether no voter has ever held a history: each one said so on its current link, or the operator
   * vouches for the absent ones with --bootstrap. A history that exists after all would be lost.
   */
  get isFirst(): boolean {
    const { bootstrap, epochs, quorum, self } = this.#state
    return quorum.all((voter) => {
      const learner = this.#learners.get(voter)
      const currentEpoch = voter === self ? epochs.currentEpoch : learner?.currentEpoch
      return currentEpoch === undefined ? bootstrap : currentEpoch === 0
    })
  }

  /** Above every epoch that a counted promise names, ours among them. */
  get nextEpoch(): number {
    return Math.max(this.#state.epochs.acceptedEpoch, this.#learners.acceptedEpoch) + 1
  }

  /** Whether a promise or an ack of `voter` counts in a quorum. */
  counts(voter: ServerId): boolean {
    const { epochs, self } = this.#state
    if (voter === self) return epochs.initialised
    return this.#learners.get(voter)?.initialised === true
  }

  /** Whether enough voters sent CEPOCH to choose the epoch. */
  hasQuorum({ first }: { readonly first: boolean }): boolean {
    const { quorum, self } = this.#state
    const present = (voter: ServerId): boolean => voter === self || this.#learners.has(voter)
    return quorum.has((voter) => present(voter) && (first || this.counts(voter)))
  }

  /** Whether enough voters promised the epoch to begin it. */
  hasPromises({ first }: { readonly first: boolean }): boolean {
    const { bootstrap, quorum, self } = this.#state
    const promised = (voter: ServerId): boolean => {
      const phase = this.#learners.get(voter)?.phase
      return voter === self || (phase?.type === 'promised' && phase.counts)
    }
    const everybody = first && !bootstrap
    if (everybody) return quorum.all(promised)
    return quorum.has((voter) => promised(voter) && this.counts(voter))
  }

  /** Whether a quorum is with us still: without it, nothing more can be committed. */
  get keepsQuorum(): boolean {
    const { quorum, self } = this.#state
    return quorum.has(
      (voter) =>
        voter === self || (this.#learners.get(voter)?.hasPromised === true && this.counts(voter)),
    )
  }
}
