// A rolling restart of all brokers under load: each hands its partitions over before it stops, and no
// request fails that a client with default retries can see.

import t from 'tap'
import { Consumer } from '../../src/client/mq/consumer.ts'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { Producer } from '../../src/client/mq/producer.ts'
import { electLeaders } from '../../src/protocol/kafka/api/elect-leaders.ts'
import { until, worldTest } from './broker-world.ts'
import { kafkaClient } from './kafka/kafka-client.ts'

worldTest(
  t,
  'brokers that are restarted one by one under load fail no request',
  { brokers: 3 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await admin.createTopic({ topic: 'goals', partitions: 3, replicas: 3 })
    const producer = world.use(new Producer({ brokers: world.addresses }))
    let isOver = false
    let sentCount = 0
    const load = async (partition: number): Promise<void> => {
      while (!isOver) {
        await producer.send({ topic: 'goals', partition, value: `goal ${sentCount}` })
        sentCount++
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const loads = Promise.all([0, 1, 2].map(load))
    const isWhole = async () => {
      const topic = await admin.topic('goals')
      return topic?.partitions.every(({ isr }) => isr.length === 3) === true
    }
    for (const id of [1, 2, 3]) {
      await until(isWhole)
      const before = sentCount
      const stopped = world.broker(id).stop()
      await stopped
      const { partitions = [] } = (await admin.topic('goals')) ?? {}
      t.ok(
        partitions.every(({ leader }) => leader > 0 && leader !== id),
        'others lead when it has stopped',
      )
      await until(() => sentCount > before + 10)
      await world.startBroker(id)
    }
    await until(isWhole)
    isOver = true
    await loads // rejects with the first send that failed
    const ends = await admin.offsets('goals')
    const storedCount = ends.reduce((sum, { latest }) => sum + latest, 0)
    t.equal(storedCount, sentCount, 'each record is stored once')

    const client = kafkaClient(world)
    const all = { electionType: 0, topicPartitions: null, timeoutMs: 30_000 }
    const elected = await client.send(electLeaders, 2, all)
    t.equal(elected.errorCode, 0)
    await until(async () => {
      const topic = await admin.topic('goals')
      return topic?.partitions.every(({ leader, replicas }) => leader === replicas[0]) === true
    })
    const consumer = world.use(
      new Consumer({ brokers: world.addresses, topic: 'goals', from: 'beginning' }),
    )
    let read = 0
    for await (const _ of consumer) if (++read === sentCount) break
    t.equal(read, sentCount)
  },
)
