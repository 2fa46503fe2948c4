import t from 'tap'
import { Learner } from '../../../src/daemon/zab/learner.ts'
import { InvariantError } from '../../../src/invariant.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'

const newcomer = {
  acceptedEpoch: 0,
  promisedEpoch: 0,
  currentEpoch: 0,
  initialised: false,
  nowMs: 0,
}
const end = 7 as Zxid

/** Each step of a learner, and its properties from then on. */
const way: readonly {
  readonly phase: string
  readonly step: (learner: Learner) => void
  readonly hasPromised?: true
  readonly takesProposals?: true
  readonly isSynchronizing?: true
  readonly syncsFrom?: number
}[] = [
  { phase: 'joined', step: () => undefined },
  { phase: 'asked', step: (learner) => learner.ask({ founds: false }) },
  {
    phase: 'promised',
    step: (learner) => learner.promise({ lastZxid: 3 as Zxid, counts: true }),
    hasPromised: true,
    syncsFrom: 3,
  },
  {
    phase: 'snapshot',
    step: (learner) => learner.sendSnapshot(),
    hasPromised: true,
    isSynchronizing: true,
  },
  {
    phase: 'restored',
    step: (learner) => learner.restore(5 as Zxid),
    hasPromised: true,
    syncsFrom: 5,
  },
  {
    phase: 'syncing',
    step: (learner) => learner.sync(end),
    hasPromised: true,
    takesProposals: true,
    isSynchronizing: true,
  },
  {
    phase: 'synced',
    step: (learner) => learner.finishSync(),
    hasPromised: true,
    takesProposals: true,
  },
  { phase: 'joined', step: (learner) => learner.rejoin() },
]

t.test('a learner goes from its CEPOCH to our history, and to the next epoch', async (t) => {
  const learner = new Learner(newcomer)
  for (const { phase, step, ...facts } of way) {
    step(learner)
    t.equal(learner.phase.type, phase)
    t.equal(learner.hasPromised, facts.hasPromised ?? false, `${phase}: hasPromised`)
    t.equal(learner.takesProposals, facts.takesProposals ?? false, `${phase}: takesProposals`)
    t.equal(learner.isSynchronizing, facts.isSynchronizing ?? false, `${phase}: isSynchronizing`)
    t.equal(learner.syncsFrom, facts.syncsFrom, `${phase}: syncsFrom`)
  }
})

t.test('a server without data counts from its promise of a first epoch on', async (t) => {
  const learner = new Learner(newcomer)
  learner.ask({ founds: true })
  t.notOk(learner.initialised)
  learner.promise({ lastZxid: 0 as Zxid, counts: true })
  t.ok(learner.initialised)
})

t.test('in any later epoch it counts once it has our history', async (t) => {
  const learner = new Learner(newcomer)
  learner.ask({ founds: false })
  learner.promise({ lastZxid: 0 as Zxid, counts: true })
  learner.sync(end)
  t.notOk(learner.initialised)
  learner.finishSync()
  t.ok(learner.initialised)
  t.equal(learner.mayBeLate, false)
  learner.rejoin()
  t.equal(learner.mayBeLate, true, 'until it promises, what it sent before may arrive')
  t.ok(learner.initialised)
})

t.test('no step is taken out of order', async (t) => {
  const learner = new Learner(newcomer)
  for (const { phase, step } of way.slice(2)) {
    t.throws(() => step(learner), InvariantError, `${phase} right after CEPOCH`)
  }
})
