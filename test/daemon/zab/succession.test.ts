import t from 'tap'
import type { Learner } from '../../../src/daemon/zab/learner.ts'
import { Succession } from '../../../src/daemon/zab/succession.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { id, inStep, learnersOf, stateOf, syncing, z } from './leader-parts.ts'

const end = z(2, 5)

function begun(all: Readonly<Record<number, Learner>> = { 2: inStep(), 3: inStep() }) {
  const state = stateOf(3)
  const learners = learnersOf(all)
  const logged: Record<number, Zxid> = { 2: end, 3: end, 4: end }
  const reconfiguration = { isSettled: true }
  const dropped: number[] = []
  const succession = new Succession({
    state,
    learners,
    reconfiguration,
    loggedBy: (voter) => logged[voter],
    drop: (peer) => {
      dropped.push(peer)
      learners.delete(peer)
      succession.forget(peer)
    },
  })
  const effects = () =>
    state
      .takeEffects()
      .map((effect) =>
        effect.type === 'send'
          ? `${effect.message.type} ${effect.to}`
          : effect.type === 'transferRefused'
            ? effect.reason
            : effect.type,
      )
  const request = (obstacle?: string) =>
    succession.request(0, { to: id(2), leaves: false }, obstacle)
  return { succession, learners, logged, reconfiguration, dropped, effects, request }
}

/** Everything is drained, and the successor is told to lead. */
function handing() {
  const parts = begun({ 2: inStep(), 3: inStep(), 4: inStep() })
  parts.request()
  for (const from of [2, 3, 4]) parts.succession.held(id(from), 1)
  parts.succession.drained()
  parts.effects()
  return parts
}

t.test('all in step hold, then all is drained, then the successor is named', async (t) => {
  const { succession, effects, request } = begun()
  request()
  t.same(effects(), ['hold', 'HOLD 2', 'HOLD 3'])
  succession.held(id(2), 1)
  t.same(effects(), [])
  succession.held(id(3), 1)
  t.same(effects(), ['drain'])
  succession.drained()
  t.same(effects(), ['SUCCESSOR 2'])
  t.ok(succession.isHandingTo(id(2)))
  t.notOk(succession.isHandingTo(id(3)))
})

const refusals = [
  {
    ...{ name: 'a change of the ensemble is in progress', isSettled: false },
    obstacle: undefined,
  },
  { name: 'there are no more epochs', isSettled: true, obstacle: 'there are no more epochs' },
]
for (const { name, isSettled, obstacle } of refusals) {
  t.test(`nothing begins while ${name}`, async (t) => {
    const { succession, reconfiguration, effects, request } = begun()
    reconfiguration.isSettled = isSettled
    request(obstacle)
    t.same(effects(), [name])
    t.notOk(succession.isUnderWay)
  })
}

t.test('one transfer at a time', async (t) => {
  const { effects, request } = begun()
  request()
  effects()
  request()
  t.same(effects(), ['a transfer of leadership is in progress'])
})

t.test('a learner that gets in step while others hold is asked, and waited for', async (t) => {
  const { succession, learners, effects, request } = begun({ 2: inStep(), 3: syncing() })
  request()
  t.same(effects(), ['hold', 'HOLD 2'])
  learners.get(id(3))?.finishSync()
  succession.joined(id(3))
  t.same(effects(), ['HOLD 3'])
  succession.held(id(2), 1)
  t.same(effects(), [])
  succession.held(id(3), 1)
  t.same(effects(), ['drain'])
})

t.test('HELD of an attempt that was given up does not count', async (t) => {
  const { succession, effects, request } = begun()
  request()
  succession.tick(1e9)
  request()
  effects()
  for (const from of [2, 3]) succession.held(id(from), 1)
  t.same(effects(), [])
})

t.test('the successor is named once it has everything', async (t) => {
  const { succession, logged, effects, request } = begun()
  request()
  for (const from of [2, 3]) succession.held(id(from), 1)
  logged[2] = z(2, 4)
  effects()
  succession.drained()
  t.same(effects(), [])
  logged[2] = end
  succession.maybeName()
  t.same(effects(), ['SUCCESSOR 2'])
})

t.test('the others go on with the successor once it leads', async (t) => {
  const { succession, learners, dropped, effects } = handing()
  learners.add(id(5), inStep())
  t.equal(succession.maybeHandOver(id(3)), undefined)
  t.same(succession.maybeHandOver(id(2)), { type: 'following', leader: 2, continues: true })
  t.same(effects(), ['SUCCESSOR 3', 'SUCCESSOR 4'])
  t.same(dropped, [5], 'it did not hold its requests')
})

t.test('a transfer that takes too long is given up, and all go on', async (t) => {
  const { succession, dropped, effects } = handing()
  succession.tick(1000)
  t.same(effects(), [])
  succession.tick(1e9)
  t.same(dropped, [2], 'it may be about to lead')
  t.same(effects(), [
    'RESUME 3',
    'RESUME 4',
    'resume',
    'server 2 could not take over: it took too long',
  ])
  t.notOk(succession.isUnderWay)
})

t.test('a lost successor ends it, another lost learner is not waited for', async (t) => {
  const lost = begun()
  lost.request()
  lost.succession.held(id(2), 1)
  lost.effects()
  lost.learners.delete(id(3))
  lost.succession.forget(id(3))
  t.same(lost.effects(), ['drain'])
  lost.learners.delete(id(2))
  lost.succession.forget(id(2))
  t.same(lost.effects(), ['resume', 'server 2 could not take over: server 2 was lost'])
})
