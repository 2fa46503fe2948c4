// Which of a peer's messages count, and with whom. Zab judges its own messages itself. What is asked
// and answered on behalf of clients counts only in the role that it is meant for, because its sender
// may have followed us, or led us, a moment ago.
//
// driver.ts gives the receivers. Next on the path: request-processor/leader.ts.

import type {
  LeaderMessage,
  LearnerMessage,
  RoutedMessage,
  SnapshotMessage,
  ZabMessage,
} from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { EnsembleRole } from './ensemble.ts'

/** What this server is at the moment. */
export interface Standing {
  readonly role: () => EnsembleRole
  /** While leading: whether `peer` has taken our history, without which it has no clients of ours. */
  readonly hasLearner: (peer: ServerId) => boolean
}

export interface Receivers {
  readonly zab: (from: ServerId, message: ZabMessage) => void
  /** a tree on its way, either way */
  readonly snapshot: (from: ServerId, message: SnapshotMessage) => void
  /** of a learner of ours */
  readonly fromLearner: (from: ServerId, message: LearnerMessage) => void
  /** of our leader */
  readonly fromLeader: (message: LeaderMessage) => void
}

export class Routing {
  readonly #standing: Standing
  readonly #to: Receivers

  constructor(standing: Standing, to: Receivers) {
    this.#standing = standing
    this.#to = to
  }

  received(from: ServerId, message: RoutedMessage): void {
    switch (message.type) {
      case 'REQUEST':
      case 'ATTACH':
      case 'SYNC':
      case 'TOUCH':
        if (this.#isLearner(from)) this.#to.fromLearner(from, message)
        return
      case 'ATTACHED':
      case 'SYNCED':
      case 'MOVED':
      case 'DIGEST':
        if (this.#isLeader(from)) this.#to.fromLeader(message)
        return
      case 'NOTIFICATION':
      case 'CEPOCH':
      case 'NEWEPOCH':
      case 'ACKEPOCH':
      case 'DIFF':
      case 'TRUNC':
      case 'SNAP':
      case 'ACKSNAP':
      case 'PROPOSAL':
      case 'NEWLEADER':
      case 'ACKNEWLEADER':
      case 'UPTODATE':
      case 'ACK':
      case 'COMMIT':
      case 'PING':
      case 'PONG':
        return this.#to.zab(from, message)
      case 'SNAPCHUNK':
      case 'SNAPEND':
      case 'SNAPTAKEN':
        return this.#to.snapshot(from, message)
    }
  }

  #isLearner(peer: ServerId): boolean {
    return this.#standing.role().type === 'leading' && this.#standing.hasLearner(peer)
  }

  #isLeader(peer: ServerId): boolean {
    const role = this.#standing.role()
    return role.type === 'following' && role.leader === peer
  }
}
