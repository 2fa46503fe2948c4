import t from 'tap'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { MqCluster } from '../../../src/client/mq/mq-cluster.ts'
import { worldTest } from '../../broker/broker-world.ts'

const flags = ['--session-timeout=20000']

worldTest(t, 'one topic is asked for by its name', { brokers: 1, flags }, async (t, world) => {
  const admin = world.use(new MqAdmin({ brokers: world.addresses }))
  for (const topic of ['a', 'b']) await admin.createTopic({ topic, partitions: 2, replicas: 1 })
  const calls = t.capture(MqCluster.prototype, 'call', MqCluster.prototype.call)
  t.match(await admin.topic('b'), { topic: 'b', partitions: [{}, {}] })
  t.equal(await admin.topic('none'), undefined)
  t.equal((await admin.offsets('a')).length, 2)
  t.match(
    calls().map(({ args: [request] }) => request),
    [
      { type: 'metadata', topics: ['b'] },
      { type: 'metadata', topics: ['none'] },
      { type: 'metadata', topics: ['a'] },
      { type: 'listOffsets' },
    ],
  )
})
