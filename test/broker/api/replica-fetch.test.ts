import t from 'tap'
import type { Requester } from '../../../src/broker/api/answer.ts'
import type { Life } from '../../../src/protocol/mq/messages.ts'
import type { ReplicaFetchRequest } from '../../../src/protocol/mq/replica-fetch.ts'
import { ids, life } from '../partition/members.ts'
import { ApiWorld, client } from './api-world.ts'

const [follower = client.brokerId] = ids(2)
const asFollower: Requester = { role: 'broker', brokerId: follower, brokerEpoch: 20 }

const fetchIn = (inLife: Life): ReplicaFetchRequest => ({
  type: 'replicaFetch',
  life: inLife,
  session: 1,
  sequence: 0,
  maxWaitMs: 500,
  bytesMax: 1_000_000,
  partitions: [],
  forgotten: [],
})

const strangers: readonly (readonly [string, Requester, Life, string])[] = [
  ['a client', client, life(2), 'CLUSTER_AUTHORIZATION_FAILED'],
  ['an earlier life', asFollower, life(2, { epoch: 19 }), 'STALE_BROKER_EPOCH'],
  ['another disk', asFollower, life(2, { directory: 'new' }), 'STALE_BROKER_EPOCH'],
]
for (const [name, requester, inLife, code] of strangers) {
  t.test(`nothing is recorded for a follower that is not registered so: ${name}`, async (t) => {
    const world = new ApiWorld()
    await t.rejects(world.answer(fetchIn(inLife), requester), { code })
    t.same(world.followersFetches, [])
  })
}

t.test('a fetch of a registered follower is taken', async (t) => {
  const world = new ApiWorld()
  t.match(await world.answer(fetchIn(life(2)), asFollower), { partitions: [] })
  t.same(world.followersFetches, [fetchIn(life(2))])
})
