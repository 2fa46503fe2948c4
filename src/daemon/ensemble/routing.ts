// Routes a peer's messages to their receivers, or drops them. Zab judges its own messages. A
// request or answer on behalf of clients counts only in the role that it is meant for, because its
// sender may have stopped following or leading us a moment ago.
//
// driver.ts passes the receivers in. Next on the path: request-processor/leader.ts.

import type {
  LeaderMessage,
  LearnerMessage,
  RoutedMessage,
  SnapshotMessage,
  ZabMessage,
} from '../../protocol/peer/messages.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { EnsembleRole } from './ensemble.ts'

/** The current role of this server. */
export interface Standing {
  readonly role: () => EnsembleRole
  /** While leading: whether `peer` has taken our history; without it, it has no clients of ours. */
  readonly hasLearner: (peer: ServerId) => boolean
}

export interface Receivers {
  readonly zab: (from: ServerId, message: ZabMessage) => void
  /** a piece of a tree, in either direction */
  readonly snapshot: (from: ServerId, message: SnapshotMessage) => void
  /** from a learner of ours */
  readonly fromLearner: (from: ServerId, message: LearnerMessage) => void
  /** from our leader */
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
      case 'OWNED':
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
      case 'INFORM':
      case 'CONFIGURATION':
      case 'PING':
      case 'PONG':
      case 'HOLD':
      case 'HELD':
      case 'RESUME':
      case 'SUCCESSOR':
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
