import t from 'tap'
import { Challenges, type HolderState } from '../../../src/daemon/ensemble/challenges.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { VirtualClock } from '../../virtual-clock.ts'

function holderOf(id: number) {
  const sent: string[] = []
  return { id: id as ServerId, sent, send: ({ type }: { type: string }) => sent.push(type) }
}

function made() {
  const clock = new VirtualClock()
  const challenges = new Challenges(clock)
  const states: HolderState[] = []
  const settled = (state: HolderState) => states.push(state)
  return { clock, challenges, states, settled }
}

t.test('the holder of the id is probed, and alive if it answers in time', async (t) => {
  const { clock, challenges, states, settled } = made()
  const holder = holderOf(2)
  t.ok(challenges.maybeBegin(holder, settled))
  t.same(holder.sent, ['PROBE'])
  clock.advanceNow(999)
  challenges.settle(holder, 'alive')
  clock.advanceNow(10_000)
  t.same(states, ['alive'], 'once')
})

t.test('a holder that does not answer within a second is gone', async (t) => {
  const { clock, challenges, states, settled } = made()
  const holder = holderOf(2)
  challenges.maybeBegin(holder, settled)
  clock.advanceNow(999)
  t.same(states, [])
  clock.advanceNow(1)
  challenges.settle(holder, 'alive')
  t.same(states, ['gone'])
})

t.test('a third process gets no probe, a process with another id gets its own', async (t) => {
  const { challenges, states, settled } = made()
  const [two, three] = [holderOf(2), holderOf(3)]
  challenges.maybeBegin(two, settled)
  t.notOk(challenges.maybeBegin(two, () => t.fail('it retries later')))
  t.same(two.sent, ['PROBE'])
  t.ok(challenges.maybeBegin(three, settled))
  challenges.settle(three, 'alive')
  t.same(states, ['alive'])
})

t.test('the end of another link with the same id settles nothing', async (t) => {
  const { challenges, states, settled } = made()
  challenges.maybeBegin(holderOf(2), settled)
  challenges.settle(holderOf(2), 'gone')
  t.same(states, [])
})

t.test('once settled, the id can be challenged again', async (t) => {
  const { challenges, states, settled } = made()
  const holder = holderOf(2)
  challenges.maybeBegin(holder, settled)
  challenges.settle(holder, 'unknown')
  t.ok(challenges.maybeBegin(holder, settled))
  t.same(states, ['unknown'])
})
