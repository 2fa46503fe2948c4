import t from 'tap'
import { ObserverFeed } from '../../../src/daemon/zab/observer-feed.ts'
import { id, inStep, promised, stateOf, syncing, z } from './leader-parts.ts'

const batch = (first: number, count: number) => ({
  first: z(3, first),
  count,
  bytes: new Uint8Array(0),
})

function begun() {
  const state = stateOf(3)
  const feed = new ObserverFeed(state)
  feed.proposed(batch(1, 2))
  feed.proposed(batch(3, 2))
  const sent = () =>
    state.takeEffects().map((effect) => {
      if (effect.type !== 'send') return effect.type
      const { message, to } = effect
      if (message.type === 'INFORM') return [to, 'INFORM', message.entries.first]
      return message.type === 'COMMIT' ? [to, 'COMMIT', message.zxid] : message.type
    })
  return { feed, sent }
}

t.test('a batch is passed on once all of it is committed', async (t) => {
  const { feed } = begun()
  t.same(feed.takeCommitted(z(3, 1)), [])
  t.same(feed.takeCommitted(z(3, 3)), [batch(1, 2)])
  t.same(feed.takeCommitted(z(3, 4)), [batch(3, 2)])
  t.same(feed.takeCommitted(z(3, 9)), [])
})

t.test('an observer in step is informed of it, after its history is committed', async (t) => {
  const { feed, sent } = begun()
  const observer = inStep()
  feed.inform(id(4), observer, z(3, 2), feed.takeCommitted(z(3, 2)))
  t.same(sent(), [
    [4, 'COMMIT', z(2, 5)],
    [4, 'INFORM', z(3, 1)],
  ])
  feed.inform(id(4), observer, z(3, 4), feed.takeCommitted(z(3, 4)))
  t.same(sent(), [[4, 'INFORM', z(3, 3)]])
})

t.test('what its history held is not sent again', async (t) => {
  const { feed, sent } = begun()
  feed.inform(id(4), inStep(z(3, 2)), z(3, 4), feed.takeCommitted(z(3, 4)))
  t.same(sent(), [
    [4, 'COMMIT', z(3, 2)],
    [4, 'INFORM', z(3, 3)],
  ])
})

t.test('one that synchronizes is informed, too; before, nothing reaches it', async (t) => {
  const { feed, sent } = begun()
  const news = feed.takeCommitted(z(3, 2))
  feed.inform(id(4), syncing(), z(3, 2), news)
  t.same(sent(), [[4, 'INFORM', z(3, 1)]])
  feed.inform(id(4), promised(), z(3, 2), news)
  t.same(sent(), [])
})

t.test('an observer that begins to vote lacks what is not committed', async (t) => {
  const { feed } = begun()
  t.same(feed.lackedBy(inStep()), [batch(1, 2), batch(3, 2)])
  t.same(feed.lackedBy(inStep(z(3, 2))), [batch(3, 2)])
  feed.takeCommitted(z(3, 4))
  t.same(feed.lackedBy(inStep()), [])
})
