import t from 'tap'
import { Reconfiguration } from '../../../src/daemon/zab/reconfiguration.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { ids, stateOf, z } from './leader-parts.ts'

const isOf =
  (...numbers: number[]) =>
  (voter: ServerId): boolean =>
    ids(...numbers).includes(voter)

const of = (...voters: number[]) => ({ voters: ids(...voters), text: '' })

function begun() {
  const state = stateOf(3)
  const { configurations } = state
  const reconfiguration = new Reconfiguration(state)
  let next = 1
  let committed = state.delivered
  const batch = () => ({ first: z(3, next++), count: 1, bytes: new Uint8Array(0) })
  state.saveEpochs({ acceptedEpoch: 3, currentEpoch: 3 })
  const append = (change: Parameters<typeof configurations.append>[1]) => {
    const entries = batch()
    const { since } = configurations
    state.append(entries)
    configurations.append(entries.first, change)
    reconfiguration.logged(since, committed)
    return entries.first
  }
  /** A quorum has it, without this server. */
  const commitElsewhere = (zxid: typeof state.durable) => {
    committed = zxid
  }
  const judge = (
    voters: ReturnType<typeof of>,
    isInStep: (voter: ServerId) => boolean,
    isComing: (voter: ServerId) => boolean = () => false,
  ) => reconfiguration.judge(voters, { isInStep, isComing, committed })
  const commit = (zxid: typeof state.durable) => {
    commitElsewhere(zxid)
    state.logged(zxid)
    state.deliver(zxid)
  }
  const activations = () => state.takeEffects().filter(({ type }) => type === 'activate').length
  const propose = (...voters: number[]) =>
    append({ type: 'propose', voters: ids(...voters), text: '' })
  const activate = () => append({ type: 'activate' })
  return { state, reconfiguration, judge, propose, activate, commit, commitElsewhere, activations }
}

t.test('voters may be proposed if a majority of them is in step', async (t) => {
  const { judge } = begun()
  t.equal(judge(of(1, 2, 4), isOf(1, 4)), 'possible')
  t.equal(judge(of(1, 4, 5), isOf(1, 2, 3)), 'no quorum')
})

t.test('they may be soon, if enough of them are about to be in step', async (t) => {
  const { judge } = begun()
  t.equal(judge(of(1, 2), isOf(1, 3), isOf(2)), 'not yet')
  t.equal(judge(of(1, 4, 5), isOf(1), isOf(2, 3)), 'no quorum')
})

t.test('one change at a time: the last one is active, and committed', async (t) => {
  const { reconfiguration, propose, activate, commit, commitElsewhere, ...rest } = begun()
  const judge = () => rest.judge(of(1, 2), () => true)
  t.equal(judge(), 'possible')
  const proposal = propose(1, 2, 4)
  t.equal(judge(), 'in progress')
  commit(proposal)
  t.equal(judge(), 'in progress')
  reconfiguration.maybeActivate()
  const activation = activate()
  t.equal(judge(), 'in progress')
  commitElsewhere(activation)
  t.equal(judge(), 'possible', 'a client may know of it before our own disk has it')
  t.doesNotThrow(() => propose(2, 4, 5))
})

t.test('the activation is asked for once, when the proposal is committed', async (t) => {
  const { reconfiguration, propose, commit, activations } = begun()
  const proposal = propose(1, 2, 4)
  reconfiguration.maybeActivate()
  t.equal(activations(), 0)
  commit(proposal)
  reconfiguration.maybeActivate()
  reconfiguration.maybeActivate()
  t.equal(activations(), 1)
  reconfiguration.restart()
  reconfiguration.maybeActivate()
  t.equal(activations(), 1, 'again in another epoch')
})

t.test('an activation that was not asked for is a mistake of ours', async (t) => {
  const { propose, activate, commit } = begun()
  commit(propose(1, 2, 4))
  t.throws(activate, /activated once it is committed/)
})

t.test('the ensemble goes on without us once the activation is committed', async (t) => {
  const { reconfiguration, propose, activate, commit } = begun()
  const proposal = propose(2, 3)
  commit(proposal)
  t.notOk(reconfiguration.excludesUs(proposal), 'both majorities are needed still')
  reconfiguration.maybeActivate()
  const activation = activate()
  t.notOk(reconfiguration.excludesUs(proposal))
  t.ok(reconfiguration.excludesUs(activation))
})
