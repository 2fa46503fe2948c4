import t from 'tap'
import { allReplicas } from '../../../src/broker/api/create-partitions.ts'
import { encodeTopic, zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import type {
  CreatePartitionsResponse,
  NewPartitions,
} from '../../../src/protocol/mq/create-partitions.ts'
import { ids } from '../partition/members.ts'
import { ApiWorld, onlyAnswer } from './api-world.ts'

const topicId = 'id-of-goals'
const before = { topicId, replicas: [ids(1, 2)] }

const brokers = (...numbers: number[]) => ids(...numbers).map((id) => ({ id }))

function withTopic(): ApiWorld {
  const world = new ApiWorld()
  world.topic('goals', [1])
  world.tree.put(zkPaths.topic('goals'), encodeTopic(before))
  world.tree.put(zkPaths.partitions('goals'), '')
  return world
}

function more(count: number, changed: Partial<NewPartitions> = {}): NewPartitions {
  return { topic: 'goals', count, ...changed }
}

function create(world: ApiWorld, topics: readonly NewPartitions[], validateOnly = false) {
  return world.ask({ type: 'createPartitions', timeoutMs: 50, validateOnly, topics }).answers
}

t.test('the new partitions are in the znode, and the answer waits for their leaders', async (t) => {
  const world = withTopic()
  const answers = create(world, [more(3)])
  await world.clock.advance(20)
  t.equal(
    world.tree.text(zkPaths.topic('goals')),
    encodeTopic({ topicId, replicas: [ids(1, 2), ids(2, 3), ids(3, 1)] }),
  )
  t.ok(world.tree.stat(zkPaths.partition('goals', 2)))
  t.same(answers, [])
  world.topic('goals', [1, 2, 3])
  await world.clock.advance(20)
  const done = { topic: 'goals', error: undefined }
  t.same(onlyAnswer<CreatePartitionsResponse>(answers).topics, [done])
})

t.test('validateOnly writes nothing', async (t) => {
  const world = withTopic()
  const answers = create(world, [more(3)], true)
  await world.clock.advance(0)
  t.match(onlyAnswer<CreatePartitionsResponse>(answers).topics, [{ error: undefined }])
  t.equal(world.tree.text(zkPaths.topic('goals')), encodeTopic(before))
})

t.test('topics that do not exist, or are named twice, fail alone', async (t) => {
  const world = withTopic()
  const answers = create(world, [more(2, { topic: 'none' }), more(2), more(3)])
  await world.clock.advance(0)
  t.match(onlyAnswer<CreatePartitionsResponse>(answers).topics, [
    { topic: 'none', error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
    { topic: 'goals', error: { code: 'INVALID_REQUEST' } },
    { topic: 'goals', error: { code: 'INVALID_REQUEST' } },
  ])
})

t.test('of two that add at once, the second finds what the first has added', async (t) => {
  const world = withTopic()
  const stopped = world.zk.stopAt('request', 'multi')
  const answers = create(world, [more(3)])
  await stopped
  const replicas = [ids(1, 2), ids(3, 1)]
  world.tree.put(zkPaths.topic('goals'), encodeTopic({ topicId, replicas }))
  world.tree.put(zkPaths.partition('goals', 1), '')
  world.zk.resume()
  await world.clock.advance(100)
  t.equal(answers.length, 1)
  t.equal(
    world.tree.text(zkPaths.topic('goals')),
    encodeTopic({ topicId, replicas: [...replicas, ids(3, 1)] }),
  )
})

const refusals: readonly [string, NewPartitions, string][] = [
  ['as many as there are', more(1), 'INVALID_PARTITIONS'],
  ['more than a topic may have', more(1001), 'INVALID_PARTITIONS'],
  ['too few assignments', more(3, { assignments: [ids(1, 2)] }), 'INVALID_REPLICA_ASSIGNMENT'],
  ['a dead broker', more(2, { assignments: [ids(1, 4)] }), 'INVALID_REPLICA_ASSIGNMENT'],
  ['another number of replicas', more(2, { assignments: [ids(1)] }), 'INVALID_REPLICA_ASSIGNMENT'],
  ['an internal topic', more(2, { topic: '__consumer_offsets' }), 'INVALID_TOPIC_EXCEPTION'],
]
for (const [name, asked, code] of refusals) {
  t.test(`refused: ${name}`, async (t) => {
    t.throws(() => allReplicas(asked, before, brokers(1, 2, 3)), { code })
  })
}

t.test('replicas are not placed on fewer brokers than a partition has replicas', async (t) => {
  const code = 'INVALID_REPLICATION_FACTOR'
  t.throws(() => allReplicas(more(2), before, brokers(1)), { code })
})
