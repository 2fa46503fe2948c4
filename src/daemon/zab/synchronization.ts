// Zab phase 2, the decision: how to bring a learner's log to the leader's with the least work.

import type { Zxid } from '../../protocol/zxid.ts'
import type { History } from './history.ts'

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
