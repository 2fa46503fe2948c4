import t from 'tap'
import { targetProblem } from '../../../src/broker/api/reassign-partitions.ts'
import { settled as settledTopic } from '../../../src/broker/cluster/topic-assignment.ts'
import {
  decodeTopic,
  encodeState,
  encodeTopic,
  zkPaths,
} from '../../../src/broker/cluster/zk-paths.ts'
import type { AlterPartitionReassignmentsResponse } from '../../../src/protocol/mq/partition-reassignments.ts'
import { settled } from '../../virtual-clock.ts'
import { ids } from '../partition/members.ts'
import { ApiWorld } from './api-world.ts'

const path = zkPaths.topic('goals')

/** Topic `goals` has two partitions with replicas on 1 and 2; broker 3 is alive as well. */
function world(): ApiWorld {
  const made = new ApiWorld()
  const assignment = { topicId: 'id-of-goals', replicas: [ids(1, 2), ids(2, 1)] }
  made.topic('goals', [1, 2])
  made.image.setTopic('goals', assignment)
  made.tree.put(path, encodeTopic(assignment))
  made.tree.put(zkPaths.partitions('goals'), '')
  for (const partition of [0, 1]) {
    const known = made.image.state('goals', partition)
    if (known === undefined) throw new Error('there is no state')
    made.image.topics.get('goals')?.states.set(partition, { ...known, version: 0 })
    made.tree.put(zkPaths.partition('goals', partition), '')
    made.tree.put(zkPaths.state('goals', partition), encodeState(known))
  }
  return made
}

interface Wanted {
  readonly topic?: string
  readonly partition: number
  readonly replicas: readonly number[] | undefined
}

async function alter(
  made: ApiWorld,
  ...wanted: Wanted[]
): Promise<AlterPartitionReassignmentsResponse> {
  const partitions = wanted.map(({ topic = 'goals', partition, replicas }) => {
    return { topic, partition, replicas: replicas === undefined ? undefined : ids(...replicas) }
  })
  return made.answer({ type: 'alterPartitionReassignments', timeoutMs: 1000, partitions })
}

const codes = ({ partitions }: AlterPartitionReassignmentsResponse) =>
  partitions.map(({ error }) => error?.code)

const inTree = (made: ApiWorld) => decodeTopic(Buffer.from(made.tree.text(path) ?? ''))

t.test(
  'a partition that gets a replica begins a new epoch in the write that names it',
  async (t) => {
    const made = world()
    t.same(codes(await alter(made, { partition: 0, replicas: [2, 3] })), [undefined])
    const assignment = inTree(made)
    t.same(assignment?.replicas, [
      [2, 3, 1],
      [2, 1],
    ])
    t.same(assignment?.moves?.get(0), { original: [1, 2], target: [2, 3] })
    t.match(made.tree.text(zkPaths.state('goals', 0)), /"leader":1,"leader_epoch":4/)
    t.match(made.image.state('goals', 0), { leader: 1, leaderEpoch: 4, version: 1 })
    t.match(made.tree.text(zkPaths.state('goals', 1)), /"leader_epoch":3/, 'others stay')
    t.same(made.zk.made.filter((one) => /^(multi|setData)/.test(one)).length, 1)
  },
)

t.test('one that gets none keeps its epoch: other orders, fewer replicas', async (t) => {
  const made = world()
  const wanted = [
    { partition: 0, replicas: [2, 1] },
    { partition: 1, replicas: [1] },
  ]
  t.same(codes(await alter(made, ...wanted)), [undefined, undefined])
  t.same(inTree(made)?.replicas, [
    [2, 1],
    [1, 2],
  ])
  t.same([...(inTree(made)?.moves?.keys() ?? [])], [1], 'another order alone is done at once')
  t.match(made.tree.text(zkPaths.state('goals', 1)), /"leader_epoch":3/)
})

t.test('each partition has its own outcome', async (t) => {
  const made = world()
  const wanted: Wanted[] = [
    { partition: 0, replicas: [] },
    { partition: 7, replicas: [1] },
    { topic: 'none', partition: 0, replicas: [1] },
    { partition: 1, replicas: [3] },
  ]
  t.same(codes(await alter(made, ...wanted)), [
    'INVALID_REPLICA_ASSIGNMENT',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'UNKNOWN_TOPIC_OR_PARTITION',
    undefined,
  ])
  t.same(inTree(made)?.replicas, [
    [1, 2],
    [3, 2, 1],
  ])
  const twice = { partition: 0, replicas: [3] }
  t.same(codes(await alter(made, twice, twice)), ['INVALID_REQUEST', 'INVALID_REQUEST'])
})

const problems = [
  { name: 'new replicas on live brokers', target: [3, 4], want: undefined },
  { name: 'a present replica whose broker is away', target: [2, 3], want: undefined },
  { name: 'none', target: [], want: /is empty/ },
  { name: 'a broker twice', target: [3, 3], want: /named twice: 3, 3/ },
  { name: 'a new replica on a broker that is away', target: [1, 9], want: /broker 9 .* 1, 3, 4/ },
  { name: 'a negative id', target: [-1], want: /broker -1 is not alive/ },
]
for (const { name, target, want } of problems) {
  t.test(`the replicas of a partition: ${name}`, async (t) => {
    const found = targetProblem(ids(...target), ids(1, 2), ids(4, 3, 1))
    if (want === undefined) t.equal(found, undefined)
    else t.match(found, want)
  })
}

t.test('only what is being reassigned can be cancelled', async (t) => {
  const made = world()
  t.same(codes(await alter(made, { partition: 0, replicas: undefined })), [
    'NO_REASSIGNMENT_IN_PROGRESS',
  ])
  t.same(codes(await alter(made, { partition: 7, replicas: undefined })), [
    'UNKNOWN_TOPIC_OR_PARTITION',
  ])
})

t.test('a cancelled one is answered when the original replicas are alone again', async (t) => {
  const made = world()
  await alter(made, { partition: 0, replicas: [3] })
  const cancelled = { topic: 'goals', partition: 0, replicas: undefined }
  const asked = made.ask({
    type: 'alterPartitionReassignments',
    timeoutMs: 1000,
    partitions: [cancelled],
  })
  await settled()
  t.same(asked.answers, [])
  t.same(inTree(made)?.moves?.get(0), { original: [1, 2], target: [1, 2] })
  const found = made.image.topics.get('goals')
  if (found !== undefined) {
    made.image.setTopic('goals', settledTopic(found.assignment, 0), found.version + 1)
  }
  await made.clock.advance(10)
  t.match(asked.answers, [{ partitions: [{ error: undefined }] }])
})

t.test('or in time, if that is not possible yet', async (t) => {
  const made = world()
  await alter(made, { partition: 0, replicas: [3] })
  const cancelled = { topic: 'goals', partition: 0, replicas: undefined }
  const request = { type: 'alterPartitionReassignments', timeoutMs: 50 } as const
  const asked = made.ask({ ...request, partitions: [cancelled] })
  const again = made.ask({ ...request, partitions: [cancelled] })
  await made.clock.advance(60)
  t.match(asked.answers, [{ partitions: [{ error: { code: 'REQUEST_TIMED_OUT' } }] }])
  t.match(again.answers, [{ partitions: [{ error: { code: 'REQUEST_TIMED_OUT' } }] }])
})

t.test('what is being reassigned is listed, with what comes and what goes', async (t) => {
  const made = world()
  const list = async (partitions?: number[]) => {
    const places = partitions?.map((partition) => ({ topic: 'goals', partition }))
    const request = { type: 'listPartitionReassignments', partitions: places } as const
    return (await made.answer(request)).partitions
  }
  t.same(await list(), [])
  await alter(made, { partition: 1, replicas: [2, 3] })
  const moving = {
    topic: 'goals',
    partition: 1,
    replicas: [2, 3, 1],
    adding: [3],
    removing: [1],
    isr: [2],
    original: [2, 1],
  }
  t.same(await list(), [moving])
  t.same(await list([0]), [])
  t.same(await list([1, 9]), [moving])
  const { cluster } = await made.answer({ type: 'metadata', topics: ['goals'] })
  t.match(cluster.topics[0]?.partitions, [
    { replicas: [1, 2], adding: [], removing: [] },
    { replicas: [2, 3, 1], adding: [3], removing: [1] },
  ])
})

t.test('partitions that are added meanwhile get the replicas of a partition at rest', async (t) => {
  const made = world()
  await alter(made, { partition: 0, replicas: [2, 3] })
  const topics = [{ topic: 'goals', count: 3 }]
  const request = { type: 'createPartitions', timeoutMs: 0, topics } as const
  t.match(await made.answer(request), { topics: [{ error: { code: 'REQUEST_TIMED_OUT' } }] })
  const assignment = inTree(made)
  t.same(
    assignment?.replicas.map(({ length }) => length),
    [3, 2, 2],
  )
  t.ok(assignment?.moves?.has(0), 'and the move goes on')
})

t.test('a topic that is deleted meanwhile is removed by all that may have a replica', async (t) => {
  const made = world()
  await alter(made, { partition: 0, replicas: [2, 3] })
  made.ask({
    type: 'deleteTopics',
    timeoutMs: 0,
    topics: [{ topic: 'goals', topicId: '' }],
  })
  await settled()
  t.equal(made.tree.text(path), undefined)
  t.match(made.tree.text(zkPaths.deletedTopic('id-of-goals')), /"brokers":\[1,2,3\]/)
})
