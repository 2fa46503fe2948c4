import t from 'tap'
import {
  brokersWith,
  changesOf,
  cleared,
  isGoingBack,
  leftoversOf,
  reassigned,
  replicaCountOf,
  settled,
  type TopicAssignment,
  targetOf,
} from '../../../src/broker/cluster/topic-assignment.ts'
import { decodeTopic, encodeTopic } from '../../../src/broker/cluster/zk-paths.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { ids } from '../partition/members.ts'

const topicId = 'x'

/** A topic with one partition, whose replicas were wanted like this one after another. */
function after(...wanted: (readonly number[])[]): TopicAssignment {
  const [first = [], ...targets] = wanted
  const start: TopicAssignment = { topicId, replicas: [ids(...first)] }
  return targets.reduce((sofar, target) => reassigned(sofar, 0, ids(...target)), start)
}

function shown(assignment: TopicAssignment) {
  const [replicas = []] = assignment.replicas
  const move = assignment.moves?.get(0)
  return { replicas, ...(move === undefined ? {} : changesOf(move, replicas)) }
}

const cases = [
  {
    name: 'new replicas come first, as wanted, and those that are to go stay behind them',
    wanted: [
      [1, 2, 3],
      [5, 1, 4],
    ],
    want: { replicas: [5, 1, 4, 2, 3], adding: [5, 4], removing: [2, 3] },
  },
  {
    name: 'more replicas: none is removed',
    wanted: [[1], [1, 2]],
    want: { replicas: [1, 2], adding: [2], removing: [] },
  },
  {
    name: 'fewer replicas: none is added',
    wanted: [[1, 2], [2]],
    want: { replicas: [2, 1], adding: [], removing: [1] },
  },
  {
    name: 'another order alone is no move',
    wanted: [
      [1, 2, 3],
      [3, 1, 2],
    ],
    want: { replicas: [3, 1, 2] },
  },
  {
    name: 'another target replaces the first one, whose replicas are to go too',
    wanted: [
      [1, 2],
      [3, 4],
      [4, 5],
    ],
    want: { replicas: [4, 5, 3, 1, 2], adding: [4, 5], removing: [3, 1, 2] },
  },
  {
    name: 'back to the original ones, only those that were added are to go',
    wanted: [
      [1, 2],
      [3, 4],
      [4, 5],
      [1, 2],
    ],
    want: { replicas: [1, 2, 4, 5, 3], adding: [], removing: [4, 5, 3] },
  },
]
for (const { name, wanted, want } of cases) {
  t.test(`reassigned: ${name}`, async (t) => {
    const assignment = after(...wanted)
    t.same(shown(assignment), want)
    t.same(targetOf(assignment, 0), wanted.at(-1))
    t.same(decodeTopic(Buffer.from(encodeTopic(assignment))), decodedForm(assignment))
  })
}

/** Without empty maps. */
function decodedForm({ replicas, moves, leftovers }: TopicAssignment) {
  return {
    topicId,
    replicas,
    ...(moves?.size ? { moves } : {}),
    ...(leftovers?.size ? { leftovers } : {}),
  }
}

t.test('only the original replicas, in whatever order, are a way back', async (t) => {
  const goesBack = (...wanted: number[][]) => {
    const move = after(...wanted).moves?.get(0)
    return move !== undefined && isGoingBack(move)
  }
  t.ok(goesBack([1, 2], [3, 4], [1, 2]))
  t.ok(goesBack([1, 2], [3, 4], [5, 2], [2, 1]))
  t.notOk(goesBack([1, 2], [3, 4]))
  t.notOk(goesBack([1, 2], [1]), 'fewer are no way back')
})

t.test('settled: the others are leftovers until their brokers have removed them', async (t) => {
  const moving = after([1, 2, 3], [3, 4])
  const done = settled(moving, 0)
  t.same(done.replicas, [[3, 4]])
  t.equal(done.moves?.size, 0)
  t.same(done.leftovers?.get(0), [1, 2])
  t.same([leftoversOf(done, 1 as BrokerId), leftoversOf(done, 3 as BrokerId)], [[0], []])
  t.same(brokersWith(done), [1, 2, 3, 4], 'all of them may have a directory')
  const half = cleared(done, [0], 1 as BrokerId)
  t.same(half.leftovers?.get(0), [2])
  t.equal(cleared(half, [0], 2 as BrokerId).leftovers?.size, 0)
  t.same(decodeTopic(Buffer.from(encodeTopic(half))), decodedForm(half))
})

t.test('a broker that gets its replica back removes nothing', async (t) => {
  const done = settled(after([1, 2], [2, 3]), 0)
  t.same(done.leftovers?.get(0), [1])
  t.equal(reassigned(done, 0, ids(2, 1)).leftovers?.size, 0)
  const again = settled(settled(reassigned(done, 0, ids(3)), 0), 0)
  t.same(again.leftovers?.get(0), [1, 2], 'those of an earlier move stay listed')
})

t.test('what depends on the number of replicas takes the smaller one during a move', async (t) => {
  t.equal(replicaCountOf(after([1, 2, 3]), 0), 3)
  t.equal(replicaCountOf(after([1, 2], [3, 4]), 0), 2, 'not 4')
  t.equal(replicaCountOf(after([1], [1, 2, 3]), 0), 1)
  t.equal(replicaCountOf(after([1, 2, 3], [1]), 0), 1)
})

t.test('the lists of a move in Kafka’s form are enough', async (t) => {
  const text = `{"topic_id":"x","partitions":{"0":[4,1,2]},"adding_replicas":{"0":[4]},"removing_replicas":{"0":[2]}}`
  const found = decodeTopic(Buffer.from(text))
  t.same(found?.moves?.get(0), { original: [1, 2], target: [4, 1] })
})

const broken = [
  '"adding_replicas":{"0":[9]}',
  '"removing_replicas":{"0":[9]}',
  '"removing_replicas":{"0":[1,2]}',
  '"adding_replicas":{"7":[1]}',
  '"adding_replicas":{"x":[1]}',
  '"adding_replicas":[1]',
  '"removing_replicas":{"0":[1]},"original_replicas":{"0":[1,9]}',
  '"leftover_replicas":{"0":[1]}',
  '"leftover_replicas":{"7":[1]}',
]
for (const lists of broken) {
  t.test(`a topic with ${lists} is left alone: nothing of it would be certain`, async (t) => {
    const text = `{"topic_id":"x","partitions":{"0":[1,2]},${lists}}`
    t.equal(decodeTopic(Buffer.from(text)), undefined)
  })
}
