import t from 'tap'
import { MetadataCache, makesStale } from '../../../src/client/mq/metadata-cache.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import type { ClusterInfo } from '../../../src/protocol/mq/metadata.ts'
import { Random } from '../../../src/random.ts'

const ids = (...numbers: number[]) => numbers as BrokerId[]

function cluster(alive: number[], leader: number): ClusterInfo {
  return {
    clusterId: 'c',
    controller: 1 as BrokerId,
    brokers: ids(...alive).map((id) => ({ id, host: 'h', port: 9000 + id })),
    topics: [
      {
        topic: 'goals',
        topicId: 'x',
        problem: undefined,
        partitions: [
          {
            partition: 0,
            leader: leader as BrokerId,
            leaderEpoch: 0,
            replicas: ids(1, 2),
            isr: ids(1),
            problems: [],
          },
        ],
      },
    ],
  }
}

t.test('it knows what it was told last', async (t) => {
  const cache = new MetadataCache()
  t.equal(cache.leader('goals', 0), undefined)
  cache.update(cluster([1, 2], 2))
  t.match(cache.leader('goals', 0), { id: 2, port: 9002 })
  cache.update(cluster([1], 2))
  t.equal(cache.leader('goals', 0), undefined, 'a dead leader is not returned')
  cache.update({ ...cluster([1], 1), topics: [] })
  t.equal(cache.topic('goals'), undefined)
})

t.test('any living broker is picked, another one if there is one', async (t) => {
  const cache = new MetadataCache()
  const random = new Random(1)
  t.equal(cache.pick(random), undefined)
  cache.update(cluster([1, 2, 3], 1))
  const picked = Array.from({ length: 50 }, () => cache.pick(random, 2 as BrokerId)?.id)
  t.same(new Set(picked), new Set([1, 3]))
  cache.update(cluster([2], 2))
  t.equal(cache.pick(random, 2 as BrokerId)?.id, 2)
})

t.test('errors say whether the cluster may look different by now', async (t) => {
  t.ok(makesStale('NOT_LEADER_OR_FOLLOWER'))
  t.ok(makesStale('NETWORK_EXCEPTION'))
  t.notOk(makesStale('NOT_ENOUGH_REPLICAS'))
  t.notOk(makesStale('MESSAGE_TOO_LARGE'))
})
