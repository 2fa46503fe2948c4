// What a consumer hands out, to whom, and where it is then: on a real broker in this process.

import t from 'tap'
import { type ConsumedRecord, Consumer } from '../../../src/client/mq/consumer.ts'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { Producer } from '../../../src/client/mq/producer.ts'
import { type BrokerWorld, worldTest } from '../../broker/broker-world.ts'

interface Scene {
  readonly producer: Producer
  readonly admin: MqAdmin
  /** of the topic, from its beginning, in the group `fans` */
  consumer(from?: 'beginning' | 'committed'): Consumer
  /** one batch per call */
  send(...values: readonly string[]): Promise<void>
  committed(): Promise<number | undefined>
}

async function sceneOf(world: BrokerWorld, partitions = 1): Promise<Scene> {
  const brokers = world.addresses
  const admin = world.use(new MqAdmin({ brokers }))
  await admin.createTopic({ topic: 'goals', partitions })
  const producer = world.use(new Producer({ brokers }))
  return {
    producer,
    admin,
    consumer: (from = 'beginning') =>
      world.use(new Consumer({ brokers, topic: 'goals', group: 'fans', from })),
    async send(...values) {
      await Promise.all(values.map((value) => producer.send({ topic: 'goals', value })))
    },
    async committed() {
      return (await admin.groupOffsets('fans', 'goals'))[0]?.committed
    },
  }
}

function textOf(record: ConsumedRecord | undefined): string {
  return String(record?.value)
}

worldTest(t, 'a commit in a loop covers what was handed out', { brokers: 1 }, async (t, world) => {
  const scene = await sceneOf(world)
  await scene.send('a', 'b', 'c', 'd')
  const consumer = scene.consumer()
  for await (const record of consumer) {
    await consumer.commit()
    t.equal(await scene.committed(), record.offset + 1)
    t.equal(consumer.progress[0]?.position, record.offset + 1)
    if (record.offset === 1) break
  }
  t.equal(consumer.lag, 2)
  await consumer.close()
  const [record] = await scene.consumer('committed').take()
  t.equal(textOf(record), 'c', 'nothing is skipped by who goes on')
})

worldTest(
  t,
  'a loop that was left goes on behind its last record',
  { brokers: 1 },
  async (t, world) => {
    const scene = await sceneOf(world)
    await scene.send('a', 'b', 'c', 'd', 'e')
    const consumer = scene.consumer()
    const seen: string[] = []
    for await (const record of consumer) {
      seen.push(textOf(record))
      if (seen.length === 2) break
    }
    try {
      for await (const record of consumer) {
        seen.push(textOf(record))
        throw new Error('out of the loop')
      }
    } catch {
      seen.push('thrown')
    }
    const rest = await consumer.take()
    t.same(seen, ['a', 'b', 'c', 'thrown'])
    t.same(rest.map(textOf), ['d', 'e'])
    t.equal(consumer.lag, 0)
  },
)

worldTest(t, 'callers at the same time share the records', { brokers: 1 }, async (t, world) => {
  const scene = await sceneOf(world)
  const consumer = scene.consumer()
  await consumer.start()
  const takes = [consumer.take(), consumer.take(), consumer.take()] as const
  const loop = (async () => {
    const seen: string[] = []
    for await (const record of consumer) {
      seen.push(textOf(record))
      if (seen.length === 2) return seen
    }
    return seen
  })()
  const taken = Promise.all([...takes, loop] as const)
  let isOver = false
  const sent: string[] = []
  void taken.then(() => {
    isOver = true
  })
  while (!isOver) {
    sent.push(`goal ${sent.length}`)
    await scene.send(sent.at(-1) ?? '')
  }
  const [first, second, third, looped] = await taken
  t.ok(
    [first, second, third].every((records) => (records?.length ?? 0) > 0),
    'none stays asleep',
  )
  const handed = [...[first, second, third].flatMap((records) => records.map(textOf)), ...looped]
  t.equal(new Set(handed).size, handed.length, 'each record once')
})

worldTest(t, 'what waits for a record hears of the end', { brokers: 1 }, async (t, world) => {
  const scene = await sceneOf(world)
  const consumer = scene.consumer()
  await consumer.start()
  const iterator = consumer[Symbol.asyncIterator]()
  const pending = iterator.next()
  t.same(await iterator.return?.(), { done: true, value: undefined }, 'a loop is left at once')
  t.same(await pending, { done: true, value: undefined })
  const waiting = [consumer.take(), consumer.take()]
  const loop = (async () => {
    for await (const _ of consumer) t.fail('there is no record')
  })()
  await consumer.close()
  t.same(await Promise.all(waiting), [[], []])
  await loop
  t.same(await consumer.take(), [], 'and so do later records')
  for await (const _ of consumer) t.fail('there is no record')
  await t.rejects(consumer.commit(), { code: 'INVALID_REQUEST', message: /is closed/ })
  await t.rejects(consumer.start(), { code: 'INVALID_REQUEST', message: /is closed/ })
})

worldTest(
  t,
  'a consumer closed while it starts hands out nothing',
  { brokers: 1 },
  async (t, world) => {
    const scene = await sceneOf(world)
    await scene.send('a')
    const consumer = scene.consumer()
    const waiting = consumer.take()
    await consumer.close()
    t.same(await waiting, [])
  },
)

worldTest(t, 'partitions take turns, record by record', { brokers: 1 }, async (t, world) => {
  const scene = await sceneOf(world, 2)
  for (const partition of [0, 1]) {
    for (const value of ['a', 'b', 'c']) {
      await scene.producer.send({ topic: 'goals', partition, value })
    }
  }
  const consumer = scene.consumer()
  await consumer.start()
  await until(() => consumer.progress.every(({ highWatermark }) => highWatermark === 3))
  const seen: string[] = []
  for await (const { partition, value } of consumer) {
    seen.push(`${partition}${value}`)
    if (seen.length === 6) break
  }
  t.same(seen, ['0a', '1a', '0b', '1b', '0c', '1c'])
})

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

worldTest(
  t,
  'a partition that does not exist is refused at once',
  { brokers: 1 },
  async (t, world) => {
    await sceneOf(world)
    const options = { brokers: world.addresses, topic: 'goals', partitions: [0, 7] }
    const consumer = world.use(new Consumer(options))
    const refusal = { code: 'UNKNOWN_TOPIC_OR_PARTITION', message: /partition 7 .* it has 1/ }
    await t.rejects(consumer.start(), refusal)
    await t.rejects(consumer.take(), refusal)
  },
)

worldTest(
  t,
  'a listener that throws does not stop a consumer',
  { brokers: 1 },
  async (t, world) => {
    const scene = await sceneOf(world)
    await scene.send('a')
    const consumer = scene.consumer()
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    consumer.on('broker', () => {
      throw new Error('boo')
    })
    t.equal(textOf((await consumer.take())[0]), 'a')
    t.match(await warned, { message: /A listener of 'broker' failed/ })
  },
)
