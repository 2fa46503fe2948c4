import t from 'tap'
import { zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import type {
  CreateTopicsRequest,
  CreateTopicsResponse,
  NewTopic,
} from '../../../src/protocol/mq/create-topics.ts'
import { ids } from '../partition/members.ts'
import { ApiWorld, onlyAnswer } from './api-world.ts'

function newTopic(topic: string, changed: Partial<NewTopic> = {}): NewTopic {
  return { topic, partitionCount: 1, replicationFactor: 1, ...changed }
}

function createOf(topics: readonly NewTopic[], timeoutMs = 1000): CreateTopicsRequest {
  return { type: 'createTopics', timeoutMs, topics }
}

/** Puts the topic and its leaders into the image, as the controller would. */
function elect(world: ApiWorld, topic: string): void {
  world.topic(topic, [1])
  const known = world.image.topics.get(topic)
  if (known !== undefined) {
    const assignment = { ...known.assignment, topicId: world.parts.makeUuid() }
    world.image.topics.set(topic, { ...known, assignment })
  }
}

const one = { partitionCount: 1, replicationFactor: 1 }

t.test('the answer leaves when the last topic has its leaders', async (t) => {
  const world = new ApiWorld()
  const { answers } = world.ask(createOf([newTopic('goals'), newTopic('fouls')]))
  await world.clock.advance(20)
  t.match(world.tree.text(zkPaths.topic('goals')), /new-topic-id/)
  t.match(world.tree.text(zkPaths.topic('fouls')), /new-topic-id/)
  elect(world, 'goals')
  await world.clock.advance(20)
  t.same(answers, [])
  elect(world, 'fouls')
  await world.clock.advance(20)
  t.same(onlyAnswer<CreateTopicsResponse>(answers).topics, [
    { topic: 'goals', error: undefined, topicId: 'new-topic-id', ...one },
    { topic: 'fouls', error: undefined, topicId: 'new-topic-id', ...one },
  ])
})

t.test('each topic fails alone, at the deadline or before it', async (t) => {
  const world = new ApiWorld()
  world.topic('taken', [1])
  const topics = [
    newTopic('late'),
    newTopic('bad name'),
    newTopic('taken'),
    newTopic('wide', { replicationFactor: 4 }),
    newTopic('none', { partitionCount: 0 }),
    newTopic('a.b'),
    newTopic('a_b'),
  ]
  const { answers } = world.ask(createOf(topics, 100))
  await world.clock.advance(90)
  t.same(answers, [])
  elect(world, 'a.b')
  await world.clock.advance(20)
  t.match(onlyAnswer<CreateTopicsResponse>(answers).topics, [
    { topic: 'late', error: { code: 'REQUEST_TIMED_OUT' }, topicId: '' },
    { error: { code: 'INVALID_TOPIC_EXCEPTION' } },
    { error: { code: 'TOPIC_ALREADY_EXISTS' } },
    { error: { code: 'INVALID_REPLICATION_FACTOR' } },
    { error: { code: 'INVALID_PARTITIONS' } },
    { topic: 'a.b', error: undefined },
    { topic: 'a_b', error: { code: 'INVALID_TOPIC_EXCEPTION', message: /collides/ } },
  ])
})

t.test('a topic that is named twice is not created', async (t) => {
  const world = new ApiWorld()
  const { topics } = await world.answer(createOf([newTopic('goals'), newTopic('goals')]))
  t.match(topics, [{ error: { code: 'INVALID_REQUEST' } }, { error: { code: 'INVALID_REQUEST' } }])
  t.equal(world.tree.text(zkPaths.topic('goals')), undefined)
})

t.test(
  'a topic that another broker created first is distinguished from our own write',
  async (t) => {
    const world = new ApiWorld()
    const other = JSON.stringify({ version: 3, topic_id: 'other', partitions: { 0: [1] } })
    world.tree.put(zkPaths.topic('goals'), other)
    const { topics } = await world.answer(createOf([newTopic('goals')]))
    t.match(topics, [{ error: { code: 'TOPIC_ALREADY_EXISTS' }, topicId: '' }])
  },
)

t.test('a topic that is only checked is refused for what is wrong, not for the time', async (t) => {
  const world = new ApiWorld()
  const topics = [newTopic('goals'), newTopic('none', { partitionCount: 0 })]
  const checked = await world.answer({ ...createOf(topics, 0), validateOnly: true })
  t.match(checked.topics, [{ error: undefined }, { error: { code: 'INVALID_PARTITIONS' } }])
})

t.test('nothing is created without a session, without time, or without topics', async (t) => {
  const world = new ApiWorld()
  const late = await world.answer(createOf([newTopic('goals')], 0))
  t.match(late.topics, [{ error: { code: 'REQUEST_TIMED_OUT' } }])
  world.hasSession = false
  const refused = { code: 'BROKER_NOT_AVAILABLE' }
  await t.rejects(world.answer(createOf([newTopic('goals')])), refused)
  t.same(await world.answer(createOf([])), { type: 'createTopics', topics: [] })
  t.equal(world.tree.text(zkPaths.topic('goals')), undefined)
})

t.test('replicas can be placed by hand, and values be given, with the topic', async (t) => {
  const world = new ApiWorld()
  const given = {
    partitionCount: -1,
    replicationFactor: -1,
    assignments: [ids(2, 1), ids(3, 2)],
    configs: [{ name: 'retention.ms', value: '5' }],
  }
  const { answers } = world.ask(createOf([newTopic('goals', given)], 50))
  await world.clock.advance(100)
  t.equal(answers.length, 1)
  t.match(world.tree.text(zkPaths.topic('goals')), /"partitions":{"0":\[2,1\],"1":\[3,2\]}/)
  const config = zkPaths.configOf({ type: 'topic', name: 'goals' })
  t.equal(world.tree.text(config), '{"version":1,"config":{"retention.ms":"5"}}')
})

const impossible: readonly [string, Partial<NewTopic>, string][] = [
  ['a broker that is away', { assignments: [ids(1, 4)] }, 'INVALID_REPLICA_ASSIGNMENT'],
  ['a broker twice', { assignments: [ids(1, 1)] }, 'INVALID_REPLICA_ASSIGNMENT'],
  ['no replica', { assignments: [[]] }, 'INVALID_REPLICA_ASSIGNMENT'],
  ['uneven replicas', { assignments: [ids(1), ids(1, 2)] }, 'INVALID_REPLICA_ASSIGNMENT'],
  ['numbers as well', { assignments: [ids(1)], partitionCount: 1 }, 'INVALID_REQUEST'],
  ['an unknown key', { configs: [{ name: 'x', value: '1' }] }, 'INVALID_CONFIG'],
]
for (const [name, given, code] of impossible) {
  t.test(`a new topic cannot have ${name}`, async (t) => {
    const world = new ApiWorld()
    const open = { partitionCount: -1, replicationFactor: -1 }
    const { topics } = await world.answer(createOf([newTopic('goals', { ...open, ...given })]))
    t.match(topics, [{ error: { code }, topicId: '' }])
    t.equal(world.tree.text(zkPaths.topic('goals')), undefined)
  })
}

t.test('validateOnly creates nothing, and says what it would create', async (t) => {
  const world = new ApiWorld()
  const open = newTopic('goals', { partitionCount: -1, replicationFactor: -1 })
  const asked = {
    ...createOf([open, newTopic('fouls', { replicationFactor: 9 })]),
    validateOnly: true,
  }
  const { topics } = await world.answer(asked)
  t.match(topics, [
    { error: undefined, topicId: '', partitionCount: 2, replicationFactor: 3 },
    { error: { code: 'INVALID_REPLICATION_FACTOR' } },
  ])
  t.equal(world.tree.text(zkPaths.topic('goals')), undefined)
})

t.test('a configuration left without its topic does not hold for a new one', async (t) => {
  const world = new ApiWorld()
  const config = zkPaths.configOf({ type: 'topic', name: 'goals' })
  world.tree.put(config, '{"version":1,"config":{"retention.ms":"1"}}')
  world.ask(createOf([newTopic('goals')], 50))
  await world.clock.advance(100)
  t.match(world.tree.text(zkPaths.topic('goals')), /new-topic-id/)
  t.equal(world.tree.text(config), '{"version":1,"config":{}}')
})
