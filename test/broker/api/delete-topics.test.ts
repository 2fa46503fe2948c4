import t from 'tap'
import { encodeTopic, zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import type { DeleteTopicsResponse } from '../../../src/protocol/mq/delete-topics.ts'
import { ids } from '../partition/members.ts'
import { ApiWorld, onlyAnswer } from './api-world.ts'

/** Topic `goals` with two partitions on brokers 1 to 3, in the image and in the ztree. */
function withTopic(topic = 'goals'): ApiWorld {
  const world = new ApiWorld()
  put(world, topic)
  return world
}

function put(world: ApiWorld, topic: string): void {
  world.topic(topic, [1, 2])
  const replicas = [ids(1, 2, 3), ids(2, 3, 1)]
  const text = encodeTopic({ topicId: `id-of-${topic}`, replicas })
  world.tree.put(zkPaths.topic(topic), text)
  world.tree.put(zkPaths.partitions(topic), '')
  for (const partition of [0, 1]) {
    world.tree.put(zkPaths.partition(topic, partition), '')
    world.tree.put(zkPaths.state(topic, partition), '{}')
  }
  world.tree.put(zkPaths.configOf({ type: 'topic', name: topic }), '{}')
}

async function deleted(world: ApiWorld, named: { topic?: string; topicId?: string }[]) {
  const topics = named.map(({ topic = '', topicId = '' }) => ({ topic, topicId }))
  const { answers } = world.ask({ type: 'deleteTopics', timeoutMs: 50, topics })
  await world.clock.advance(0)
  return answers
}

for (const named of [{ topic: 'goals' }, { topicId: 'id-of-goals' }]) {
  t.test(
    `${Object.keys(named)[0]}: all znodes go, and every broker is told to remove its replica`,
    async (t) => {
      const world = withTopic()
      put(world, 'fouls')
      const answers = await deleted(world, [named])
      t.equal(world.tree.text(zkPaths.topic('goals')), undefined)
      t.equal(world.tree.text(zkPaths.configOf({ type: 'topic', name: 'goals' })), undefined)
      t.ok(world.tree.text(zkPaths.topic('fouls')))
      t.equal(
        world.tree.text(zkPaths.deletedTopic('id-of-goals')),
        '{"version":1,"topic":"goals","partitions":2,"brokers":[1,2,3]}',
      )
      t.same(answers, [], 'it waits for the image')
      world.image.removeTopic('goals')
      await world.clock.advance(20)
      const done = { topic: 'goals', topicId: 'id-of-goals', error: undefined }
      t.same(onlyAnswer<DeleteTopicsResponse>(answers).topics, [done])
    },
  )
}

t.test('each topic fails alone', async (t) => {
  const world = withTopic('__consumer_offsets')
  const answers = await deleted(world, [
    { topic: 'none' },
    { topicId: 'none' },
    {},
    { topic: 'goals', topicId: 'id-of-goals' },
    { topic: '__consumer_offsets' },
    { topic: 'twice' },
    { topic: 'twice' },
  ])
  t.match(onlyAnswer<DeleteTopicsResponse>(answers).topics, [
    { topic: 'none', error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
    { topicId: 'none', error: { code: 'UNKNOWN_TOPIC_ID' } },
    { error: { code: 'INVALID_REQUEST' } },
    { error: { code: 'INVALID_REQUEST' } },
    { error: { code: 'INVALID_TOPIC_EXCEPTION' } },
    { error: { code: 'INVALID_REQUEST' } },
    { error: { code: 'INVALID_REQUEST' } },
  ])
  t.ok(world.tree.text(zkPaths.topic('__consumer_offsets')))
})

t.test('a name that was created again meanwhile is not deleted by the old id', async (t) => {
  const world = withTopic()
  const text = encodeTopic({ topicId: 'another', replicas: [ids(1)] })
  world.tree.put(zkPaths.topic('goals'), text)
  const answers = await deleted(world, [{ topicId: 'id-of-goals' }])
  t.match(onlyAnswer<DeleteTopicsResponse>(answers).topics, [
    { error: { code: 'UNKNOWN_TOPIC_ID' } },
  ])
  t.ok(world.tree.text(zkPaths.topic('goals')))
})

t.test('a leader that is elected meanwhile does not stop it', async (t) => {
  const world = withTopic()
  world.tree.delete(zkPaths.state('goals', 1), -1)
  const stopped = world.zk.stopAt('request', 'multi')
  const answers = await deleted(world, [{ topic: 'goals' }])
  await stopped
  world.tree.put(zkPaths.state('goals', 1), '{}')
  world.zk.resume()
  world.image.removeTopic('goals')
  await world.clock.advance(20)
  t.match(onlyAnswer<DeleteTopicsResponse>(answers).topics, [{ error: undefined }])
  t.equal(world.tree.text(zkPaths.topic('goals')), undefined)
})

t.test('a topic whose znode cannot be read is deleted, and no records with it', async (t) => {
  const world = withTopic()
  world.tree.put(zkPaths.topic('goals'), 'garbage')
  world.image.setBadTopic('goals')
  const answers = await deleted(world, [{ topic: 'goals' }])
  t.match(onlyAnswer<DeleteTopicsResponse>(answers).topics, [{ error: undefined }])
  t.equal(world.tree.text(zkPaths.topic('goals')), undefined)
  t.equal(world.tree.text(zkPaths.deletedTopic('id-of-goals')), undefined)
})
