import t from 'tap'
import { ReplicationQuota } from '../../../src/broker/replication/replication-quota.ts'

t.test('at most a second’s bytes are saved up', async (t) => {
  const quota = new ReplicationQuota(0)
  t.equal(quota.room(1000, 0), 0)
  t.equal(quota.room(1000, 49), 0, 'not yet enough for a read')
  t.equal(quota.room(1000, 50), 50)
  t.equal(quota.room(1000, 500), 500)
  t.equal(quota.room(1000, 60_000), 1000)
  quota.take(300, 60_000)
  t.equal(quota.room(1000, 60_100), 800)
})

t.test('a batch passes whole, and what it was too large is waited for', async (t) => {
  const quota = new ReplicationQuota(0)
  t.equal(quota.room(1000, 100), 100)
  quota.take(2100, 100)
  t.equal(quota.room(1000, 2100), 0)
  t.equal(quota.room(1000, 2149), 0)
  t.equal(quota.room(1000, 2200), 100)
})

const starving = [
  { name: 'with rate 0', rate: 0, bytes: 1 },
  { name: 'with batches that are far too large', rate: 10, bytes: 1_000_000 },
]
for (const { name, rate, bytes } of starving) {
  t.test(`one batch passes every ten seconds, ${name}`, async (t) => {
    const quota = new ReplicationQuota(0)
    quota.take(bytes, 0)
    const takenAtMs: number[] = []
    for (let nowMs = 0; nowMs <= 35_000; nowMs += 100) {
      if (quota.room(rate, nowMs) === 0) continue
      takenAtMs.push(nowMs)
      quota.take(bytes, nowMs)
    }
    t.same(takenAtMs, [10_000, 20_000, 30_000])
  })
}

t.test('another rate holds from now on', async (t) => {
  const quota = new ReplicationQuota(0)
  t.equal(quota.room(1000, 1000), 1000)
  t.equal(quota.room(100, 1000), 100)
  quota.take(600, 1000)
  t.equal(quota.room(100, 2000), 0)
  t.equal(quota.room(1000, 3000), 600)
})
