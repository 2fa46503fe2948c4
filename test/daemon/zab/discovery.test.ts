import t from 'tap'
import { Discovery } from '../../../src/daemon/zab/discovery.ts'
import type { Learner } from '../../../src/daemon/zab/learner.ts'
import type { ZabOptions } from '../../../src/daemon/zab/types.ts'
import { epochs, id, joined, learnersOf, promised, stateOf } from './leader-parts.ts'

const empty = { acceptedEpoch: 0, currentEpoch: 0, initialised: false, ensembleId: undefined }
const blank = { epochs: empty, logged: [], lastApplied: 0 as ZabOptions['lastApplied'] }
const noHistory = { acceptedEpoch: 0, currentEpoch: 0, initialised: false }

const discoveryOf = (
  learners: Readonly<Record<number, Learner>>,
  options: Partial<ZabOptions> = {},
) => new Discovery(stateOf(3, options), learnersOf(learners))

t.test("an ensemble's first epoch: no voter has ever held a history", async (t) => {
  const all = { 2: joined(noHistory), 3: joined(noHistory) }
  t.ok(discoveryOf(all, blank).isFirst)
  t.notOk(discoveryOf({ 2: joined(noHistory) }, blank).isFirst, 'one is absent')
  t.ok(
    discoveryOf({ 2: joined(noHistory) }, { ...blank, bootstrap: true }).isFirst,
    'the operator vouches for it',
  )
  t.notOk(discoveryOf({ ...all, 3: joined() }, { ...blank, bootstrap: true }).isFirst)
  t.notOk(discoveryOf(all).isFirst, 'we hold one')
})

t.test('a new epoch is chosen once a quorum is present that counts', async (t) => {
  const has = (learners: Readonly<Record<number, Learner>>) =>
    discoveryOf(learners).hasQuorum({ first: false })
  t.ok(has({ 2: joined() }))
  t.notOk(has({}))
  t.notOk(has({ 2: joined(noHistory) }), 'a new disk may have forgotten what it promised')
  t.notOk(has({ 4: joined(), 5: joined() }), 'observers')
  const first = discoveryOf({ 2: joined(noHistory) }, blank)
  t.ok(first.hasQuorum({ first: true }), 'none of them promised anything before the first epoch')
})

t.test('a new epoch is above every epoch that was promised', async (t) => {
  t.equal(discoveryOf({ 2: joined({ acceptedEpoch: 9 }), 3: joined() }).nextEpoch, 10)
  t.equal(discoveryOf({ 2: joined({ acceptedEpoch: 1 }) }).nextEpoch, epochs.acceptedEpoch + 1)
})

t.test('an epoch begins with the promises of a quorum', async (t) => {
  const has = (learners: Readonly<Record<number, Learner>>, first = false) =>
    discoveryOf(learners).hasPromises({ first })
  t.ok(has({ 2: promised() }))
  t.notOk(has({ 2: joined() }))
  t.notOk(has({ 2: promised({ counts: false }) }), 'a promise that was counted before')
  t.notOk(has({ 2: promised({ initialised: false }) }))
  t.notOk(has({ 2: promised() }, true), 'the first epoch needs the promises of all')
  t.ok(has({ 2: promised(), 3: promised() }, true))
  const bootstrap = discoveryOf({ 2: promised() }, { bootstrap: true })
  t.ok(bootstrap.hasPromises({ first: true }), 'unless the operator vouches for the absent')
})

t.test('a leader keeps its quorum as long as enough promised', async (t) => {
  t.ok(discoveryOf({ 3: promised({ counts: false }) }).keepsQuorum)
  t.notOk(discoveryOf({ 3: joined() }).keepsQuorum)
  t.notOk(discoveryOf({ 4: promised() }).keepsQuorum, 'an observer')
})

t.test('what binds a leader is the word of an initialised voter of its ensemble', async (t) => {
  const cepoch = { type: 'CEPOCH', acceptedEpoch: 7, currentEpoch: 2, initialised: true } as const
  const state = stateOf(3)
  const discovery = new Discovery(state, learnersOf({}))
  t.equal(discovery.learnerOf(0, id(2), cepoch).acceptedEpoch, 7)
  t.equal(discovery.learnerOf(0, id(4), cepoch).acceptedEpoch, 0, 'no voter')
  t.equal(discovery.learnerOf(0, id(4), cepoch).promisedEpoch, 7, 'it may vote later')
  t.equal(discovery.learnerOf(0, id(2), { ...cepoch, initialised: false }).acceptedEpoch, 0)
  state.disconnected(id(2))
  state.connect(id(2), { isMember: false })
  const stranger = discovery.learnerOf(0, id(2), cepoch)
  t.same([stranger.acceptedEpoch, stranger.promisedEpoch], [0, 0])
})

t.test('an epoch far beyond ours is believed step by step, while ours has no number', async (t) => {
  const state = stateOf(3, { epochSkipsMax: 100 })
  const discovery = new Discovery(state, learnersOf({}))
  t.ok(discovery.believes(0, 20, { isOpen: false }))
  t.notOk(discovery.believes(0, 500, { isOpen: false }))
  t.equal(state.epochs.acceptedEpoch, 2)
  t.notOk(discovery.believes(0, 500, { isOpen: true }))
  t.equal(state.epochs.acceptedEpoch, 52)
})
