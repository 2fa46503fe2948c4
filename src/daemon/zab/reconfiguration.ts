// A change of the configuration, on the leader that proposes it: when it may be proposed, when it is
// to be activated, and when the ensemble goes on without this leader. configuration.ts has the two
// transactions and their quorums, request-processor/ makes them.
//
// Beside a write's path: leading.ts asks here when a batch holds a change, and after each commit.

import { invariant } from '../../invariant.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { ProposedConfiguration } from './configuration.ts'
import { Membership } from './membership.ts'
import type { ServerState } from './server-state.ts'

export type ReconfigurationVerdict =
  | 'possible'
  /** the last change is not done yet */
  | 'in progress'
  /** no quorum of the new voters is in step with us, or can count in our epoch */
  | 'no quorum'
  /** the same, but of those that vote now enough are about to be */
  | 'not yet'

/** How far the servers are with a leader. */
interface Standing {
  readonly isInStep: (voter: ServerId) => boolean
  readonly isComing: (voter: ServerId) => boolean
  /** what a quorum has on disk */
  readonly committed: Zxid
}

type ReconfiguredState = Pick<
  ServerState,
  'configurations' | 'delivered' | 'electorateOf' | 'emit' | 'self'
>

export class Reconfiguration {
  readonly #state: ReconfiguredState
  /** The activation of the last configuration was asked for. */
  #activates = false

  constructor(state: ReconfiguredState) {
    this.#state = state
  }

  /** The last configuration is active, and delivered. */
  get isSettled(): boolean {
    const { configurations, delivered } = this.#state
    return !configurations.isJoint && configurations.since <= delivered
  }

  /**
   * Whether `next` may be proposed as the next configuration. The last one need not be on our own disk,
   * whose voters do without us: a client that its server told of it may ask at once.
   */
  judge(
    next: ProposedConfiguration,
    { isInStep, isComing, committed }: Standing,
  ): ReconfigurationVerdict {
    const { configurations } = this.#state
    if (configurations.isJoint || configurations.since > committed) return 'in progress'
    const { quorum } = new Membership(this.#state.electorateOf(next))
    if (quorum.has(isInStep)) return 'possible'
    const mayCome = (voter: ServerId): boolean => isInStep(voter) || isComing(voter)
    return quorum.has(mayCome) ? 'not yet' : 'no quorum'
  }

  /**
   * A change of the configuration has just been logged.
   *
   * @param since where the configuration began that was in force before
   * @param committed what a quorum has on disk
   */
  logged(since: Zxid, committed: Zxid): void {
    const { configurations } = this.#state
    invariant(since <= committed, 'a change of the configuration begins when the last one is done')
    invariant(
      configurations.isJoint || this.#activates,
      'a configuration is activated once it is committed',
    )
    this.#activates = false
  }

  /** Asks for the activation of a configuration that is committed, once. */
  maybeActivate(): void {
    const { configurations, delivered } = this.#state
    if (this.#activates || !configurations.isJoint || configurations.since > delivered) return
    this.#activates = true
    this.#state.emit({ type: 'activate' })
  }

  /** Another epoch begins. */
  restart(): void {
    this.#activates = false
  }

  /** Whether a configuration is active, and known to be, in which this server does not vote. */
  excludesUs(committed: Zxid): boolean {
    const { configurations, self } = this.#state
    const { isJoint, membership, since } = configurations
    return !isJoint && since <= committed && !membership.isVoter(self)
  }
}
