// What a leader sends to its observers: no proposals, but what is committed, in one message, INFORM.
// Proposals wait here until then, and only while there are observers.
//
// leading.ts passes proposals in, and asks for what is committed. Next on the path:
// ensemble/undelivered.ts, at the observer.

import { Fifo } from '../../fifo.ts'
import { copyOf, type Entries, lastOf } from '../../protocol/peer/entries.ts'
import type { ServerId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { Learner } from './learner.ts'
import type { ServerState } from './server-state.ts'

export class ObserverFeed {
  readonly #state: Pick<ServerState, 'send'>
  /** Proposals that are not committed yet. */
  readonly #uncommitted = new Fifo<Entries>()

  constructor(state: Pick<ServerState, 'send'>) {
    this.#state = state
  }

  /** @param entries valid during the call */
  proposed(entries: Entries): void {
    this.#uncommitted.push(copyOf(entries))
  }

  /** The proposals that an observer lacks when it begins to vote: it would be informed of them later. */
  lackedBy(learner: Learner): readonly Entries[] {
    return [...this.#uncommitted].filter((entries) => entries.first > learner.sentUpTo)
  }

  /** The batches of which everything is committed now. */
  takeCommitted(zxid: Zxid): readonly Entries[] {
    const news: Entries[] = []
    for (let head = this.#uncommitted.head; head !== undefined; head = this.#uncommitted.head) {
      if (lastOf(head) > zxid) break
      news.push(head)
      this.#uncommitted.shift()
    }
    return news
  }

  /** Tells an observer what is committed: of the history that it was sent, and what came after. */
  inform(id: ServerId, learner: Learner, committed: Zxid, news: readonly Entries[]): void {
    if (!learner.takesProposals) return
    const sent = committed < learner.sentUpTo ? committed : learner.sentUpTo
    if (learner.phase.type === 'synced' && sent > learner.toldUpTo) {
      learner.told(sent)
      this.#state.send(id, { type: 'COMMIT', zxid: sent })
    }
    for (const entries of news) {
      if (entries.first <= learner.sentUpTo) continue
      learner.told(lastOf(entries))
      this.#state.send(id, { type: 'INFORM', entries })
    }
  }
}
