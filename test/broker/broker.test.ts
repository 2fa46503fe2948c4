import t from 'tap'
import { Consumer } from '../../src/client/mq/consumer.ts'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { Producer } from '../../src/client/mq/producer.ts'
import { metadata } from '../../src/protocol/kafka/api/metadata.ts'
import type { BrokerId } from '../../src/protocol/mq/messages.ts'
import { type BrokerWorld, until, worldTest } from './broker-world.ts'
import { KafkaClient } from './kafka/kafka-client.ts'

const goals = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `goal ${from + i}`)

/** All records, as a consumer takes them that reads from this broker only. */
async function readAll(world: BrokerWorld, broker: number, count: number): Promise<string[]> {
  const consumer = world.use(
    new Consumer({
      brokers: world.addresses,
      topic: 'goals',
      from: 'beginning',
      broker,
      stayWithBroker: true,
    }),
  )
  const values: string[] = []
  for await (const record of consumer) {
    values.push(String(record.value))
    if (values.length >= count) break
  }
  return values
}

worldTest(
  t,
  'goals sent at once through random brokers are stored in order on all',
  { brokers: 3 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 3 })
    const producer = world.use(
      new Producer({
        brokers: world.addresses,
        sendTo: 'random',
        inFlightMax: 32,
        batchBytes: 300,
      }),
    )
    const wanted = goals(0, 300)
    const stored = await Promise.all(
      wanted.map((value) => producer.send({ topic: 'goals', value })),
    )
    t.same(
      stored.map(({ offset }) => offset),
      [...wanted.keys()],
    )
    for (const broker of [1, 2, 3]) t.same(await readAll(world, broker, 300), wanted)
    t.same(await admin.offsets('goals'), [{ partition: 0, earliest: 0, latest: 300 }])
  },
)

worldTest(
  t,
  'a leader that leaves is replaced, and returns as a follower',
  { brokers: 3 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 3 })
    const producer = world.use(new Producer({ brokers: world.addresses, sendTo: 'random' }))
    for (const value of goals(0, 20)) await producer.send({ topic: 'goals', value })
    const first = (await admin.topic('goals'))?.partitions[0]
    const leader = first?.leader ?? 0
    const sending = goals(20, 60).map((value) => producer.send({ topic: 'goals', value }))
    await world.broker(leader).stop()
    await Promise.all(sending)
    const second = (await admin.topic('goals'))?.partitions[0]
    t.not(second?.leader, leader)
    t.ok((second?.leaderEpoch ?? 0) > (first?.leaderEpoch ?? 0))
    await until(async () => {
      const found = (await admin.topic('goals'))?.partitions[0]
      return found?.isr.includes(leader as BrokerId) === false
    })
    await world.startBroker(leader)
    await until(async () => (await admin.topic('goals'))?.partitions[0]?.isr.length === 3)
    t.same((await admin.topic('goals'))?.partitions[0]?.leader, second?.leader)
    t.same(await readAll(world, leader, 60), goals(0, 60))
  },
)

worldTest(
  t,
  'too few in sync: acks=all is refused until one is back',
  { brokers: 3 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 3 })
    const patient = world.use(new Producer({ brokers: world.addresses }))
    const impatient = world.use(new Producer({ brokers: world.addresses, deliveryTimeoutMs: 500 }))
    await patient.send({ topic: 'goals', value: 'goal 0' })
    await Promise.all([world.broker(1).stop(), world.broker(2).stop()])
    await until(async () => (await admin.topic('goals'))?.partitions[0]?.isr.length === 1)
    await t.rejects(impatient.send({ topic: 'goals', value: 'lost' }), {
      code: 'NOT_ENOUGH_REPLICAS',
    })
    const waiting = patient.send({ topic: 'goals', value: 'goal 1' })
    await world.startBroker(1)
    t.equal((await waiting).offset, 1)
    t.same(await readAll(world, 1, 2), goals(0, 2))
  },
)

worldTest(t, 'nothing is lost when all brokers restart', { brokers: 3 }, async (t, world) => {
  const admin = world.use(new MqAdmin({ brokers: world.addresses }))
  await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 3 })
  const producer = new Producer({ brokers: world.addresses })
  await Promise.all(goals(0, 50).map((value) => producer.send({ topic: 'goals', value })))
  await producer.close()
  await Promise.all([1, 2, 3].map((id) => world.broker(id).stop()))
  await Promise.all([1, 2, 3].map((id) => world.startBroker(id)))
  const again = world.use(new Producer({ brokers: world.addresses }))
  await again.send({ topic: 'goals', value: 'goal 50' })
  for (const broker of [1, 2, 3]) t.same(await readAll(world, broker, 51), goals(0, 51))
})

worldTest(
  t,
  'brokers whose sessions expired register again and continue',
  { brokers: 3 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 3 })
    const producer = world.use(new Producer({ brokers: world.addresses, sendTo: 'random' }))
    for (const value of goals(0, 10)) await producer.send({ topic: 'goals', value })
    const before = await admin.topic('goals')
    const startServer = await world.stopServer()
    // Without a server, a session ends by its client's own clock.
    await until(() => [1, 2, 3].every((id) => world.broker(id).brokerEpoch === undefined))
    const impatient = world.use(new MqAdmin({ brokers: world.addresses, timeoutMs: 200 }))
    await t.rejects(impatient.createTopic({ topic: 'more' }), { code: 'BROKER_NOT_AVAILABLE' })
    await startServer()
    const sent = goals(10, 20).map((value) => producer.send({ topic: 'goals', value }))
    await Promise.all(sent)
    await until(async () => (await admin.topic('goals'))?.partitions[0]?.isr.length === 3)
    const [was, is] = [before, await admin.topic('goals')].map((topic) => topic?.partitions[0])
    t.ok((is?.leaderEpoch ?? 0) > (was?.leaderEpoch ?? 0), 'no leader continues in the old epoch')
    for (const broker of [1, 2, 3]) t.same(await readAll(world, broker, 20), goals(0, 20))
  },
)

worldTest(
  t,
  'a broker without a replica passes everything on',
  { brokers: 3 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 1 })
    const leader = (await admin.topic('goals'))?.partitions[0]?.leader ?? 0
    const producer = world.use(new Producer({ brokers: world.addresses, sendTo: 'random' }))
    for (const value of goals(0, 9)) await producer.send({ topic: 'goals', value })
    for (const broker of [1, 2, 3]) t.same(await readAll(world, broker, 9), goals(0, 9))
    await world.broker(leader).stop()
    const late = world.use(new Producer({ brokers: world.addresses, deliveryTimeoutMs: 400 }))
    await t.rejects(late.send({ topic: 'goals', value: 'x' }), { code: 'LEADER_NOT_AVAILABLE' })
  },
)

worldTest(t, 'a consumer goes on where its group committed', { brokers: 2 }, async (t, world) => {
  const admin = world.use(new MqAdmin({ brokers: world.addresses }))
  await admin.createTopic({ topic: 'goals', partitions: 2 })
  const producer = world.use(new Producer({ brokers: world.addresses }))
  for (const [i, value] of goals(0, 10).entries()) {
    await producer.send({ topic: 'goals', partition: i % 2, value })
  }
  const options = {
    brokers: world.addresses,
    topic: 'goals',
    group: 'fans',
    partitions: [0, 1],
  } as const
  const first = new Consumer(options)
  let taken = 0
  while (taken < 10) taken += (await first.take()).length
  t.equal(first.lag, 0)
  await first.commit()
  await first.close()
  t.match(await admin.groupOffsets('fans', 'goals'), [
    { partition: 0, committed: 5, lag: 0 },
    { partition: 1, committed: 5, lag: 0 },
  ])
  await producer.send({ topic: 'goals', partition: 1, value: 'goal 10' })
  const second = world.use(new Consumer(options))
  t.match(await second.take(), [{ partition: 1, offset: 5 }])
})

worldTest(
  t,
  'a consumer moves to another broker when its own leaves',
  { brokers: 3 },
  async (t, world) => {
    const zk = await world.zk()
    const admin = world.use(new MqAdmin({ zk }))
    await admin.createTopic({ topic: 'goals', replicas: 3 })
    const producer = world.use(new Producer({ zk }))
    const consumer = world.use(new Consumer({ zk, topic: 'goals', from: 'beginning' }))
    const moves: number[] = []
    consumer.on('broker', (id) => moves.push(id))
    await producer.send({ topic: 'goals', value: 'goal 0' })
    t.equal((await consumer.take()).length, 1)
    await world.broker(consumer.broker ?? 0).stop()
    await producer.send({ topic: 'goals', value: 'goal 1' })
    const [record] = await consumer.take()
    t.equal(String(record?.value), 'goal 1')
    t.equal(new Set(moves).size, 2)
  },
)

worldTest(t, 'what cannot be done is refused with a code', { brokers: 2 }, async (t, world) => {
  const admin = world.use(new MqAdmin({ brokers: world.addresses, timeoutMs: 1000 }))
  await admin.createTopic({ topic: 'goals', replicas: 2 })
  const refusals: [Parameters<MqAdmin['createTopic']>[0], string][] = [
    [{ topic: 'goals' }, 'TOPIC_ALREADY_EXISTS'],
    [{ topic: 'a/b' }, 'INVALID_TOPIC_EXCEPTION'],
    [{ topic: '..' }, 'INVALID_TOPIC_EXCEPTION'],
    [{ topic: 'many', partitions: 100_000 }, 'INVALID_PARTITIONS'],
    [{ topic: 'much', replicas: 3 }, 'INVALID_REPLICATION_FACTOR'],
  ]
  for (const [topic, code] of refusals) await t.rejects(admin.createTopic(topic), { code })
  const producer = world.use(new Producer({ brokers: world.addresses, deliveryTimeoutMs: 300 }))
  const unknown = { code: 'UNKNOWN_TOPIC_OR_PARTITION' }
  await t.rejects(producer.send({ topic: 'nowhere', value: 'x' }), unknown)
  await t.rejects(producer.send({ topic: 'goals', partition: 1, value: 'x' }), unknown)
  const huge = { topic: 'goals', value: 'x'.repeat(1_100_000) }
  await t.rejects(producer.send(huge), { code: 'MESSAGE_TOO_LARGE' })
  const consumer = world.use(new Consumer({ brokers: world.addresses, topic: 'goals' }))
  await consumer.start()
  await t.rejects(consumer.commit(), { code: 'INVALID_GROUP_ID' }, 'it has none')
})

worldTest(
  t,
  'a data directory that is in use or another broker’s is refused',
  { brokers: 1 },
  async (t, world) => {
    const other = world.makeBroker(2, `--data-dir=${world.dataDir}/broker-1`)
    await t.rejects(other.start(), { name: 'DataDirLockedError' })
    await world.broker(1).stop()
    await t.rejects(other.start(), { name: 'DataDirError' }, 'it belongs to broker 1')
    await world.startBroker(1)
    const twin = world.makeBroker(
      1,
      `--data-dir=${world.dataDir}/twin`,
      '--registration-timeout=300',
    )
    await t.rejects(twin.start(), { code: 'INVALID_REQUEST' }, 'the id is taken')
  },
)

worldTest(
  t,
  'a broker that is stopped while it starts releases its data directory',
  { brokers: 0 },
  async (t, world) => {
    await world.stopServer()
    const unregistered = world.makeBroker(1)
    const starting = unregistered.start()
    starting.catch(() => undefined)
    await until(() => unregistered.port !== undefined)
    await unregistered.stop()
    await t.rejects(starting, { name: 'ZkError', code: 'CONNECTIONLOSS' })

    const early = world.makeBroker(1)
    const refused = early.start()
    refused.catch(() => undefined)
    await early.stop()
    await t.rejects(refused, { message: 'Cannot start: the broker was stopped meanwhile' })

    const restart = world.makeBroker(1)
    const again = restart.start()
    again.catch(() => undefined)
    await until(() => restart.port !== undefined)
    await restart.stop()
    await t.rejects(again, { code: 'CONNECTIONLOSS' }, 'its directory was free')
  },
)

worldTest(
  t,
  'a broker that starts tells no client that a topic does not exist',
  { brokers: 1 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 1 })
    const startServer = await world.stopServer()
    const broker = world.makeBroker(2)
    let isStarted = false
    const starting = broker.start().then(() => {
      isStarted = true
    })
    await until(() => broker.port !== undefined)
    const ask = async () => {
      const client = new KafkaClient(broker.port ?? 0)
      const asked = client.send(metadata, 5, { topics: [{ name: 'goals' }] })
      return asked.finally(() => client.close())
    }
    await t.rejects(ask(), { message: 'the connection was closed' }, 'it knows nothing yet')
    await startServer()
    for (;;) {
      const answer = await ask().catch(() => undefined)
      const [topic] = answer?.topics ?? []
      if (answer !== undefined && topic?.partitions.length !== 1) {
        t.fail('it knew the cluster only in part')
      }
      if (isStarted) break
    }
    await starting
    t.match(await ask(), { topics: [{ errorCode: 0, partitions: [{ partitionIndex: 0 }] }] })
  },
)
