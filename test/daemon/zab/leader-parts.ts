// The state of server 1, which leads, and its learners, for tests of the parts of a leader.

import { Learner } from '../../../src/daemon/zab/learner.ts'
import { Learners } from '../../../src/daemon/zab/learners.ts'
import { ServerState } from '../../../src/daemon/zab/server-state.ts'
import type { Epochs, ZabOptions } from '../../../src/daemon/zab/types.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { makeZxid, type Zxid } from '../../../src/protocol/zxid.ts'
import { timing } from '../../sim/zab/server.ts'

export const id = (number: number) => number as ServerId
export const ids = (...numbers: number[]) => numbers as ServerId[]
export const z = (epoch: number, counter: number): Zxid => makeZxid({ epoch, counter })

export const epochs: Epochs = {
  acceptedEpoch: 2,
  currentEpoch: 2,
  initialised: true,
  ensembleId: 'some',
}

/** Its log holds (2,1) to (2,5), all applied. */
export function stateOf(voters: number, options: Partial<ZabOptions> = {}): ServerState {
  const state = new ServerState({
    self: id(1),
    voters: ids(...Array.from({ length: voters }, (_, i) => i + 1)),
    epochs,
    logBase: z(0, 0),
    logged: [{ epoch: 2, firstCounter: 1, lastCounter: 5 }],
    lastApplied: z(2, 5),
    timing,
    bootstrap: false,
    newEnsembleId: 'new',
    ...options,
  })
  for (const peer of ids(2, 3, 4, 5, 6)) state.connect(peer, { isMember: true })
  return state
}

export interface Joining {
  readonly acceptedEpoch?: number
  readonly currentEpoch?: number
  readonly initialised?: boolean
}

export function joined({
  acceptedEpoch = 2,
  currentEpoch = 2,
  initialised = true,
}: Joining = {}): Learner {
  const promisedEpoch = acceptedEpoch
  return new Learner({ acceptedEpoch, promisedEpoch, currentEpoch, initialised, nowMs: 0 })
}

export function promised({ counts = true, ...joining }: Joining & { counts?: boolean } = {}) {
  const learner = joined(joining)
  learner.ask({ founds: false })
  learner.promise({ lastZxid: z(2, 5), counts })
  return learner
}

export function syncing(upTo: Zxid = z(2, 5)): Learner {
  const learner = promised()
  learner.sync(upTo)
  return learner
}

export function inStep(upTo?: Zxid): Learner {
  const learner = syncing(upTo)
  learner.finishSync()
  return learner
}

export function learnersOf(learners: Readonly<Record<number, Learner>>): Learners {
  const all = new Learners()
  // Backwards, as their order must not depend on it.
  for (const [number, learner] of Object.entries(learners).reverse())
    all.add(id(Number(number)), learner)
  return all
}
