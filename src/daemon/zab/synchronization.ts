// Zab phase 2 on the leader: how to bring a learner's log to the leader's with the least work, and
// the messages that do it.
//
// Before a write's path: from NEWLEADER on, leading.ts sends each proposal to the learner.

import type { ServerId } from '../../protocol/records.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { History } from './history.ts'
import type { Learner } from './learner.ts'
import type { ServerState } from './server-state.ts'

export type Sync =
  /** the learner's log is a prefix of ours: send what follows */
  | { readonly type: 'DIFF'; readonly after: Zxid }
  /** it holds transactions that ours does not: cut them, then send what follows */
  | { readonly type: 'TRUNC'; readonly to: Zxid }
  /** it ends before our log begins: send the tree */
  | { readonly type: 'SNAP' }

/**
 * Decides against the leader's whole log, committed or not: what the leader knows to be committed
 * may lag behind what is, and plays no part.
 *
 * @param lastZxid end of the learner's log, from its ACKEPOCH
 * Source: LearnerHandler.syncFollower in ZooKeeper; Zab (Junqueira et al., DSN 2011), phase 2.
 */
export function decideSync(lastZxid: Zxid, history: History): Sync {
  const floor = history.floor(lastZxid)
  if (floor === undefined) return { type: 'SNAP' }
  return floor === lastZxid ? { type: 'DIFF', after: lastZxid } : { type: 'TRUNC', to: floor }
}

/**
 * From here on every proposal reaches the learner: the history sent ends where our log ends now,
 * and NEWLEADER follows it, with the ensemble's first configuration. A learner that needs our tree
 * gets that first, and nothing else until
 * it has it, so that no proposals pile up in memory for it.
 *
 * @param to `from` is the end of its log
 */
export function synchronize(
  state: ServerState,
  to: {
    readonly id: ServerId
    readonly learner: Learner
    readonly from: Zxid
    readonly epoch: number
  },
): void {
  const { id, learner, from, epoch } = to
  const { history } = state
  const sync = decideSync(from, history)
  state.send(id, sync)
  if (sync.type === 'SNAP') {
    learner.sendSnapshot()
    state.emit({ type: 'sendSnapshot', to: id })
    return
  }
  const after = sync.type === 'DIFF' ? sync.after : sync.to
  if (after < history.last) state.emit({ type: 'sendHistory', to: id, after, upTo: history.last })
  const { agreed, ensembleId = state.newEnsembleId } = state.epochs
  if (agreed !== undefined) {
    const { version, voters, text } = agreed
    state.send(id, { type: 'CONFIGURATION', version, voters: [...voters], text })
  }
  state.send(id, { type: 'NEWLEADER', epoch, ensembleId })
  learner.sync(history.last)
}
