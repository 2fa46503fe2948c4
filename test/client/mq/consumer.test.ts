// What a consumer hands out, to whom, and where it is then: on a real broker in this process.

import t from 'tap'
import { type ConsumedRecord, Consumer } from '../../../src/client/mq/consumer.ts'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { Producer } from '../../../src/client/mq/producer.ts'
import { type BrokerWorld, worldTest } from '../../broker/broker-world.ts'

interface Scene {
  readonly producer: Producer
  readonly admin: MqAdmin
  /** of the topic, by hand, from where the group `fans` is */
  consumer(): Consumer
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
    consumer: () => {
      const all = Array.from({ length: partitions }, (_, i) => i)
      return world.use(new Consumer({ brokers, topic: 'goals', group: 'fans', partitions: all }))
    },
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
  const [record] = await scene.consumer().take()
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

worldTest(t, 'a seek goes anywhere, also after the end', { brokers: 1 }, async (t, world) => {
  const scene = await sceneOf(world, 2)
  for (const partition of [0, 1]) {
    await scene.producer.sendBatch(
      ['a', 'b', 'c'].map((value) => ({ topic: 'goals', partition, value })),
    )
  }
  const consumer = scene.consumer()
  const takeSix = async () => {
    const seen: string[] = []
    for await (const { partition, value } of consumer) {
      seen.push(`${partition}${value}`)
      if (seen.length === 6) break
    }
    return seen.sort()
  }
  const all = await takeSix()
  t.same(consumer.position(1), 3)
  await consumer.seek('beginning')
  t.same(await takeSix(), all)
  await consumer.seek({ last: 1 }, { partitions: [1] })
  await consumer.seek(1, { partitions: [0] })
  t.equal(consumer.lag, 3)
  const iterator = consumer[Symbol.asyncIterator]()
  const three = [await iterator.next(), await iterator.next(), await iterator.next()]
  t.same(three.map(({ value }) => `${value.partition}${value.value}`).sort(), ['0b', '0c', '1c'])
  await consumer.seek(99, { partitions: [1] })
  await t.rejects(consumer.take(), { code: 'OFFSET_OUT_OF_RANGE' })
  await consumer.seek('end')
  await scene.producer.send({ topic: 'goals', partition: 0, value: 'd' })
  t.same((await consumer.take()).map(textOf), ['d'])
  await scene.producer.sendBatch(
    [1000, 3000, 2000].map((timestampMs) => ({
      topic: 'goals',
      partition: 1,
      value: 'e',
      timestampMs,
    })),
  )
  t.same(await consumer.offsetsAt({ timestampMs: 1500 }), [
    { topic: 'goals', partition: 0, offset: 0 },
    { topic: 'goals', partition: 1, offset: 0 },
  ])
  const later = await scene.producer.send({
    topic: 'goals',
    partition: 1,
    value: 'f',
    timestampMs: 2 ** 42,
  })
  await consumer.seek({ timestampMs: 2 ** 42 - 1 })
  t.same([consumer.position(0), consumer.position(1)], [4, later.offset])
  t.same((await consumer.take()).map(textOf), ['f'])
  await t.rejects(consumer.seek(0, { partitions: [7] }), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  t.throws(() => consumer.position(7), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
})

worldTest(
  t,
  'a paused partition counts what it misses, and the others go on',
  { brokers: 1 },
  async (t, world) => {
    const scene = await sceneOf(world, 2)
    const consumer = scene.consumer()
    t.throws(() => consumer.pause([0]), { message: /has not started/ })
    await consumer.start()
    consumer.pause([0])
    for (const partition of [0, 1, 0]) {
      await scene.producer.send({ topic: 'goals', partition, value: `in ${partition}` })
    }
    t.same((await consumer.take()).map(textOf), ['in 1'])
    const progress = await consumer.refreshLag()
    t.match(progress, [
      { partition: 0, lag: 2, isPaused: true, logStart: 0, leader: 1 },
      { partition: 1, lag: 0, isPaused: false },
    ])
    consumer.resume([0])
    const [record] = await consumer.take()
    t.equal(textOf(record), 'in 0')
    t.match(record?.batch, { codec: 'none', recordCount: 1, leaderEpoch: 0 })
  },
)

worldTest(
  t,
  'a batch is a unit: its position and its commit wait for the handler',
  { brokers: 1 },
  async (t, world) => {
    const scene = await sceneOf(world)
    await scene.send('a', 'b')
    await scene.send('c')
    const consumer = scene.consumer()
    const seen: string[][] = []
    const failing = consumer.eachBatch(async ({ records }) => {
      seen.push(records.map(textOf))
      t.equal(consumer.position(0), records[0]?.offset, 'not before the handler is done')
      if (seen.length === 2) throw new Error('on fire')
    })
    await t.rejects(failing, { message: 'on fire' })
    t.equal(consumer.position(0), 2)
    const handled = consumer.eachBatch(
      ({ records }) => {
        seen.push(records.map(textOf))
      },
      { commits: true, concurrency: 2 },
    )
    await until(() => consumer.position(0) === 3)
    await scene.send('d', 'e')
    await until(() => consumer.position(0) === 5)
    await until(() => seen.length === 4)
    while ((await scene.committed()) !== 5) await new Promise((resolve) => setImmediate(resolve))
    await consumer.close()
    await handled
    t.same(seen, [['a', 'b'], ['c'], ['c'], ['d', 'e']])
    const noGroup = new Consumer({ brokers: world.addresses, topic: 'goals' })
    await t.rejects(
      world.use(noGroup).eachBatch(() => undefined, { commits: true }),
      { code: 'INVALID_GROUP_ID' },
    )
  },
)

worldTest(t, 'a signal ends a wait, and nothing else', { brokers: 1 }, async (t, world) => {
  const scene = await sceneOf(world)
  const consumer = scene.consumer()
  const aborting = new AbortController()
  const { signal } = aborting
  const waiting = [
    consumer.take({ signal }),
    consumer.records({ signal }).next(),
    consumer.batches({ signal }).next(),
    consumer.eachBatch(() => t.fail(), { signal }),
  ]
  await consumer.start()
  const reason = new Error('enough')
  aborting.abort(reason)
  const outcomes = await Promise.allSettled(waiting)
  t.same(
    outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason),
    waiting.map(() => reason),
  )
  await t.rejects(consumer.seek('end', { signal }), reason)
  await t.rejects(consumer.start({ signal }), reason)
  await scene.send('a')
  const batches = consumer.batches()
  const { value } = await batches.next()
  t.same(value.records.map(textOf), ['a'])
  await consumer[Symbol.asyncDispose]()
  t.same(await batches.next(), { done: true, value: undefined })
})
