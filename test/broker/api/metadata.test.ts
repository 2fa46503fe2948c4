import t from 'tap'
import { noBroker } from '../../../src/protocol/mq/messages.ts'
import { ApiWorld } from './api-world.ts'

t.test('metadata has the existing topics, of all or of the requested ones', async (t) => {
  const world = new ApiWorld()
  world.topic('goals', [2, 0])
  world.topic('fouls', [1])
  const namesIn = async (topics: readonly string[] | undefined) => {
    const { cluster } = await world.answer({ type: 'metadata', topics })
    return cluster.topics.map(({ topic }) => topic)
  }
  t.same(await namesIn(undefined), ['fouls', 'goals'])
  t.same(await namesIn(['goals', 'none']), ['goals'])
  t.same(await namesIn([]), [])
  const { cluster } = await world.answer({ type: 'metadata', topics: ['goals'] })
  t.match(cluster, {
    clusterId: 'the-cluster',
    brokers: [{ id: 1, host: 'h', port: 9091 }, { id: 2 }, { id: 3 }],
    topics: [
      { topicId: 'id-of-goals', partitions: [{ leader: 2, isr: [2] }, { leader: noBroker }] },
    ],
  })
})

t.test('a producer id needs a session', async (t) => {
  const world = new ApiWorld()
  const request = { type: 'initProducerId' } as const
  t.match(await world.answer(request), { producerId: 7000, producerEpoch: 0 })
  world.hasSession = false
  await t.rejects(world.answer(request), { code: 'BROKER_NOT_AVAILABLE' })
})
