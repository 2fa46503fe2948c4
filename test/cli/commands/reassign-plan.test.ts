import t from 'tap'
import {
  BadPlan,
  changesOf,
  planJson,
  readPlan,
  spreadOver,
} from '../../../src/cli/commands/reassign-plan.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import type { TopicInfo } from '../../../src/protocol/mq/metadata.ts'
import { ids } from '../../broker/partition/members.ts'

function topic(...replicas: number[][]): TopicInfo {
  return {
    topic: 'goals',
    topicId: 'x',
    problem: undefined,
    partitions: replicas.map((list, partition) => ({
      partition,
      leader: 1 as BrokerId,
      leaderEpoch: 1,
      replicas: ids(...list),
      isr: ids(...list),
      problems: [],
    })),
  }
}

const brokersOf = (...list: number[]) => ids(...list).map((id) => ({ id, rack: undefined }))

function spread(topics: readonly TopicInfo[], ...brokers: number[]): (readonly number[])[] {
  const options = { brokers: brokersOf(...brokers), replicaCount: undefined, partition: undefined }
  return spreadOver(topics, options).map(({ replicas }) => replicas)
}

t.test('replicas on brokers that stay do not move, unless the spread needs it', async (t) => {
  const whole = [
    [1, 2],
    [2, 3],
    [3, 1],
  ]
  t.same(spread([topic(...whole)], 1, 2, 3), whole)
  t.same(spread([topic(...whole)], 1, 2, 4), [
    [1, 2],
    [2, 4],
    [4, 1],
  ])
})

t.test('a broker that is added gets its share, of leaders too', async (t) => {
  const topics = [topic([1, 2], [2, 1], [1, 2], [2, 1], [1, 2], [2, 1])]
  const planned = spread(topics, 1, 2, 3)
  const count = (id: number, lists: (readonly number[])[]) =>
    lists.flat().filter((one) => one === id)
  for (const id of [1, 2, 3]) {
    t.equal(count(id, planned).length, 4)
    t.equal(planned.filter(([first]) => first === id).length, 2)
  }
  t.ok(planned.every((list) => new Set(list).size === 2))
})

t.test('with another number of replicas, the first ones stay', async (t) => {
  const options = { brokers: brokersOf(1, 2, 3), partition: undefined }
  const topics = [topic([1], [2], [3])]
  const more = spreadOver(topics, { ...options, replicaCount: 3 })
  t.same(
    more.map(({ replicas }) => replicas[0]),
    [1, 2, 3],
  )
  t.ok(more.every(({ replicas }) => new Set(replicas).size === 3))
  t.throws(() => spreadOver(topics, { ...options, replicaCount: 4 }), BadPlan)
  const one = spreadOver(topics, { ...options, replicaCount: 2, partition: 1 })
  t.same(
    one.map(({ partition }) => partition),
    [1],
  )
})

t.test('new replicas go to racks that have none', async (t) => {
  const brokers = ids(1, 2, 3, 4).map((id) => ({ id, rack: id <= 2 ? 'a' : 'b' }))
  const options = { brokers, replicaCount: 2, partition: undefined }
  for (const { replicas } of spreadOver([topic([1], [2], [1], [2])], options)) {
    t.equal(new Set(replicas.map((id) => (id <= 2 ? 'a' : 'b'))).size, 2, replicas.join())
  }
})

t.test('a plan that is shown can be read', async (t) => {
  const topics = [topic([1, 2], [2, 3])]
  const planned = changesOf(
    spreadOver(topics, { brokers: brokersOf(1, 2), replicaCount: 2, partition: undefined }),
  )
  t.same(
    planned.map(({ partition, from }) => [partition, from]),
    [[1, [2, 3]]],
  )
  t.same(readPlan(JSON.stringify(planJson(planned, 'replicas')), topics), planned)
})

t.test('a target in progress counts as what the partition has', async (t) => {
  const [found] = topic([4, 2, 1]).partitions
  const moving = { ...topic(), partitions: found ? [{ ...found, removing: ids(1) }] : [] }
  t.same(spread([moving], 2, 4), [[4, 2]])
})

const unusable = [
  '',
  'null',
  '[]',
  '{"partitions":[]}',
  '{"version":2,"partitions":[]}',
  '{"version":1,"partitions":[null]}',
  '{"version":1,"partitions":[{"topic":"goals","partition":0}]}',
  '{"version":1,"partitions":[{"topic":"goals","partition":0,"replicas":[]}]}',
  '{"version":1,"partitions":[{"topic":"goals","partition":0,"replicas":["1"]}]}',
  '{"version":1,"partitions":[{"topic":"goals","partition":0,"replicas":[1,1]}]}',
  '{"version":1,"partitions":[{"topic":"goals","partition":7,"replicas":[1]}]}',
  '{"version":1,"partitions":[{"topic":"none","partition":0,"replicas":[1]}]}',
  '{"version":1,"partitions":[{"topic":"goals","partition":0,"replicas":[1]},{"topic":"goals","partition":0,"replicas":[2]}]}',
]
for (const text of unusable) {
  t.test(`${text} is no plan`, async (t) => {
    t.throws(() => readPlan(text, [topic([1, 2])]), BadPlan)
  })
}
