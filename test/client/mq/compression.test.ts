// Compressed batches between our producer, a broker and our consumer.

import t from 'tap'
import { Codecs } from '../../../src/client/mq/compression/codecs.ts'
import { Consumer } from '../../../src/client/mq/consumer.ts'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { MqCluster } from '../../../src/client/mq/mq-cluster.ts'
import { Producer } from '../../../src/client/mq/producer.ts'
import { codecNames } from '../../../src/protocol/mq/compression.ts'
import { onlyOne } from '../../../src/protocol/mq/messages.ts'
import { encodeBatch, noProducer } from '../../../src/protocol/mq/record-batch.ts'
import { type BrokerWorld, worldTest } from '../../broker/broker-world.ts'

async function topicOf(world: BrokerWorld) {
  const brokers = world.addresses
  await world.use(new MqAdmin({ brokers })).createTopic({ topic: 'goals' })
  return brokers
}

worldTest(t, 'a consumer reads what each codec packed', { brokers: 1 }, async (t, world) => {
  const brokers = await topicOf(world)
  const sent: string[] = []
  for (const compression of codecNames) {
    const producer = world.use(new Producer({ brokers, compression }))
    const values = Array.from({ length: 50 }, (_, i) => `${compression} ${i} ${'goal '.repeat(20)}`)
    await Promise.all(values.map((value) => producer.send({ topic: 'goals', value })))
    sent.push(...values)
  }
  const consumer = world.use(new Consumer({ brokers, topic: 'goals', from: 'beginning' }))
  const seen: string[] = []
  for await (const { value } of consumer) {
    seen.push(String(value))
    if (seen.length === sent.length) break
  }
  t.same(seen, sent)
})

worldTest(
  t,
  'a batch that holds too much hurts neither the broker nor the consumers before it',
  { brokers: 1 },
  async (t, world) => {
    const brokers = await topicOf(world)
    const producer = world.use(new Producer({ brokers }))
    await producer.send({ topic: 'goals', value: 'before' })
    const gzip = await new Codecs().load('gzip')
    const value = Buffer.alloc(80 * 1024 * 1024)
    const records = [{ key: null, value, timestampMs: 1, headers: [] }]
    const none = { producerId: noProducer, producerEpoch: -1, baseSequence: -1 }
    const partitions = [
      { topic: 'goals', partition: 0, batch: encodeBatch({ ...none, records }, gzip) },
    ]
    const cluster = world.use(new MqCluster({ brokers }))
    const request = { type: 'produce', acks: 'all', timeoutMs: 5000, passedOn: false } as const
    t.equal(
      onlyOne((await cluster.call({ ...request, partitions }, 5000)).partitions).baseOffset,
      1,
    )
    const { offset } = await producer.send({ topic: 'goals', value: 'after' })
    t.equal(offset, 2, 'the broker goes on')
    const consumer = world.use(new Consumer({ brokers, topic: 'goals', from: 'beginning' }))
    t.equal(String((await consumer.take())[0]?.value), 'before')
    await t.rejects(consumer.take(), {
      code: 'CORRUPT_MESSAGE',
      message: /from offset 1 on: .* gzip/,
    })
  },
)
