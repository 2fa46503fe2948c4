import t from 'tap'
import { InSyncReplicas } from '../../../src/broker/partition/high-watermark.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'

const id = (n: number) => n as BrokerId
const ids = (...numbers: number[]) => numbers as BrokerId[]

/** Broker 1 leads 1, 2, 3 from offset 5; its own log is durable up to 10. */
function leader(isr: number[], minInsyncReplicas = 2): InSyncReplicas {
  const replicas = new InSyncReplicas({
    self: id(1),
    replicas: ids(1, 2, 3),
    isr: isr as BrokerId[],
    highWatermark: 4,
    epochStart: 5,
    minInsyncReplicas,
    lagTimeMsMax: 100,
    nowMs: 0,
  })
  replicas.ownLogDurable(10, 0)
  return replicas
}

const fetched = (replicas: InSyncReplicas, broker: number, end: number, nowMs = 1) =>
  replicas.followerFetched(id(broker), { end, leaderEnd: 10, nowMs })

t.test('the high watermark is what everyone in sync has on the disk', async (t) => {
  const replicas = leader([1, 2, 3])
  t.notOk(fetched(replicas, 2, 9), 'broker 3 has not said anything yet')
  t.ok(fetched(replicas, 3, 7))
  t.equal(replicas.highWatermark, 7)
  t.ok(fetched(replicas, 3, 10))
  t.equal(replicas.highWatermark, 9)
})

t.test('it never goes back', async (t) => {
  const replicas = leader([1, 2, 3])
  fetched(replicas, 2, 9)
  fetched(replicas, 3, 9)
  t.notOk(fetched(replicas, 3, 6))
  t.equal(replicas.highWatermark, 9)
})

t.test('it stands still with too few in sync', async (t) => {
  const replicas = leader([1])
  t.notOk(replicas.enough)
  t.equal(replicas.highWatermark, 4)
  t.equal(leader([1], 1).highWatermark, 10, 'unless one is enough')
})

t.test('a replica that lags is proposed to leave, and counts until it has left', async (t) => {
  const replicas = leader([1, 2, 3])
  fetched(replicas, 2, 10, 90)
  fetched(replicas, 3, 6, 90)
  t.equal(replicas.propose(10, 100), undefined, 'not yet')
  t.same(replicas.propose(10, 150), [1, 2])
  t.equal(replicas.propose(10, 200), undefined, 'one change at a time')
  t.equal(replicas.highWatermark, 6)
  t.ok(replicas.settled(ids(1, 2), 200))
  t.equal(replicas.highWatermark, 10)
})

t.test('a replica that keeps up is not behind for being one fetch late', async (t) => {
  const replicas = leader([1, 2])
  for (let i = 0; i < 10; i++) {
    // Each time it has what the leader had the time before.
    const nowMs = i * 40
    replicas.followerFetched(id(2), { end: 10 + i, leaderEnd: 11 + i, nowMs })
    t.equal(replicas.propose(11 + i, nowMs), undefined)
  }
})

t.test('a replica joins at the high watermark and the start of the epoch', async (t) => {
  const replicas = leader([1, 2])
  fetched(replicas, 3, 4)
  t.equal(replicas.propose(10, 2), undefined, 'at the high watermark, but not in this epoch')
  fetched(replicas, 3, 6)
  t.same(replicas.propose(10, 3), [1, 2, 3])
  fetched(replicas, 2, 10)
  t.equal(replicas.highWatermark, 6, 'who is joining counts already')
})

t.test('a replica that has caught up is waited for before it has joined', async (t) => {
  const replicas = leader([1, 2])
  replicas.followerFetched(id(3), { end: 8, leaderEnd: 8, nowMs: 1 })
  fetched(replicas, 2, 10, 2)
  t.equal(replicas.highWatermark, 8)
  t.notOk(fetched(replicas, 2, 10, 50))
  t.ok(fetched(replicas, 2, 10, 150), 'but not for ever')
  t.equal(replicas.highWatermark, 10)
})

t.test('what a dead replica said does not let it join', async (t) => {
  const replicas = leader([1, 2])
  fetched(replicas, 3, 10)
  replicas.followerGone(id(3))
  t.equal(replicas.propose(10, 2), undefined)
})
