import t from 'tap'
import type { Requester } from '../../../src/broker/api/answer.ts'
import type {
  ReplicaFetchRequest,
  ReplicaFetchResponse,
} from '../../../src/protocol/mq/replica-fetch.ts'
import { ids, life } from '../partition/members.ts'
import { ApiWorld, batchOf, client, onlyAnswer } from './api-world.ts'

const [follower = client.brokerId] = ids(2)
const asFollower: Requester = { role: 'broker', brokerId: follower, brokerEpoch: 20 }

function fetchOf(
  offsets: readonly number[],
  changed: Partial<ReplicaFetchRequest> = {},
): ReplicaFetchRequest {
  const partitions = offsets.map((offset, partition) => {
    const known = { lastEpoch: 3, highWatermark: 0, logStart: 0 }
    return { topic: 'goals', partition, leaderEpoch: 3, offset, ...known }
  })
  const limits = { maxWaitMs: 500, bytesMax: 1_000_000 }
  return { type: 'replicaFetch', life: life(2), ...limits, partitions, ...changed }
}

const strangers: readonly (readonly [string, Requester, ReplicaFetchRequest, string])[] = [
  ['a client', client, fetchOf([0]), 'CLUSTER_AUTHORIZATION_FAILED'],
  [
    'an earlier life',
    asFollower,
    fetchOf([0], { life: life(2, { epoch: 19 }) }),
    'STALE_BROKER_EPOCH',
  ],
  [
    'another disk',
    asFollower,
    fetchOf([0], { life: life(2, { directory: 'new' }) }),
    'STALE_BROKER_EPOCH',
  ],
]
for (const [name, requester, request, code] of strangers) {
  t.test(`nothing is recorded for a follower that is not registered so: ${name}`, async (t) => {
    const world = new ApiWorld()
    world.topic('goals', [1])
    world.replica('goals', 0).followerFetched = () => t.fail('it was recorded') as never
    await t.rejects(world.answer(request, requester), { code })
  })
}

t.test('news of any partition ends the wait', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1])
  const [first, second] = [world.replica('goals', 0), world.replica('goals', 1)]
  const { answers } = world.ask(fetchOf([0, 0]), asFollower)
  await world.clock.advance(400)
  t.same(answers, [])
  second.commit(batchOf(2))
  const { partitions } = onlyAnswer<ReplicaFetchResponse>(answers)
  t.match(partitions, [
    { partition: 0, code: 'NONE', records: Buffer.alloc(0) },
    { partition: 1, code: 'NONE', highWatermark: 2 },
  ])
  t.equal(partitions[1]?.records.length, batchOf(2).length)
  t.equal(first.waitCount, 0)
})

t.test('without news the answer is sent at the deadline', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1])
  world.replica('goals', 0)
  const { answers } = world.ask(fetchOf([0]), asFollower)
  await world.clock.advance(520)
  t.match(onlyAnswer<ReplicaFetchResponse>(answers).partitions, [{ code: 'NONE' }])
})

t.test('a partition that cannot be served ends the wait, and fails alone', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1, 1, 1])
  world.replica('goals', 0)
  world.replica('goals', 1).verdict = { type: 'refused', code: 'FENCED_LEADER_EPOCH' }
  world.replica('goals', 2).verdict = { type: 'diverging', epoch: 2, endOffset: 7 }
  world.replica('goals', 3).verdict = { type: 'behind' }
  const { partitions } = await world.answer(fetchOf([0, 0, 9, 0, 0]), asFollower)
  t.match(partitions, [
    { code: 'NONE', diverging: undefined },
    { code: 'FENCED_LEADER_EPOCH' },
    { code: 'NONE', diverging: { epoch: 2, endOffset: 7 } },
    { code: 'NOT_LEADER_OR_FOLLOWER' },
    { code: 'UNKNOWN_TOPIC_OR_PARTITION' },
  ])
})

t.test('a leader that was deposed during the wait sends no records', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1])
  const [deposed, renewed] = [world.replica('goals', 0), world.replica('goals', 1)]
  const { answers } = world.ask(fetchOf([0, 0]), asFollower)
  deposed.role = { type: 'idle' }
  renewed.leaderEpoch = 4
  renewed.commit(batchOf(1))
  t.match(onlyAnswer<ReplicaFetchResponse>(answers).partitions, [
    { code: 'NOT_LEADER_OR_FOLLOWER', records: Buffer.alloc(0) },
    { code: 'FENCED_LEADER_EPOCH', records: Buffer.alloc(0) },
  ])
})

t.test('bytes are shared in request order, and nothing is read for a full answer', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [1, 1])
  const replicas = [world.replica('goals', 0), world.replica('goals', 1)]
  for (const replica of replicas) replica.commit(batchOf(1))
  const { partitions } = await world.answer(fetchOf([0, 0], { bytesMax: 1 }), asFollower)
  t.same(
    partitions.map(({ records, highWatermark }) => [records.length, highWatermark]),
    [
      [batchOf(1).length, 1],
      [0, 1],
    ],
  )
  t.same(replicas[1]?.reads, [])
})
