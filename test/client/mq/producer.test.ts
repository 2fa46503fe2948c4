import net from 'node:net'
import t, { type Test } from 'tap'
import { Consumer } from '../../../src/client/mq/consumer.ts'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { Producer } from '../../../src/client/mq/producer.ts'
import { ZkClient } from '../../../src/client/zk/zk-client.ts'
import { worldTest } from '../../broker/broker-world.ts'

worldTest(t, 'what is sent before the close is stored', { brokers: 1 }, async (t, world) => {
  const brokers = world.addresses
  const admin = world.use(new MqAdmin({ brokers }))
  await admin.createTopic({ topic: 'goals' })
  const producer = new Producer({ brokers, lingerMs: 60_000 })
  const first = producer.send({ topic: 'goals', value: 'before the topic is known' })
  const closing = producer.close()
  await t.rejects(producer.send({ topic: 'goals', value: 'late' }), closed)
  await closing
  t.match(await first, { partition: 0, offset: 0 })
  await producer.close()
})

const closed = { code: 'INVALID_REQUEST', message: /is closed/, retriable: false }

worldTest(t, 'a client that is closed says so at once', { brokers: 1 }, async (t, world) => {
  const brokers = world.addresses
  const admin = new MqAdmin({ brokers })
  await admin.createTopic({ topic: 'goals' })
  const producers = [new Producer({ brokers }), new Producer({ brokers })] as const
  for (const producer of producers) await producer.send({ topic: 'goals', value: 'x' })
  await producers[0].close()
  producers[1].abort()
  admin.close()
  for (const producer of producers) {
    await t.rejects(producer.send({ topic: 'goals', value: 'x' }), closed)
    await t.rejects(producer.send({ topic: 'other', value: 'x' }), closed)
    await t.rejects(producer.connect(), closed)
    await producer.flush()
    await producer.close()
  }
  await t.rejects(admin.cluster(), closed)
  await t.rejects(admin.createTopic({ topic: 'other' }), closed)
})

worldTest(
  t,
  'the time for delivery runs while a record waits for those before it',
  { brokers: 2 },
  async (t, world) => {
    const brokers = world.addresses
    const admin = world.use(new MqAdmin({ brokers }))
    await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 1 })
    const leader = (await admin.topic('goals'))?.partitions[0]?.leader ?? 0
    // Each record is a batch of its own.
    const options = { batchBytes: 1, inFlightMax: 1, deliveryTimeoutMs: 400 }
    const producer = world.use(new Producer({ brokers, ...options }))
    await producer.send({ topic: 'goals', value: 'stored' })
    await world.broker(leader).stop()
    const first = producer.send({ topic: 'goals', value: 'tried all the time' })
    const second = producer.send({ topic: 'goals', value: 'never on its way' })
    await t.rejects(first, { code: 'LEADER_NOT_AVAILABLE' })
    await t.rejects(second, { code: 'REQUEST_TIMED_OUT', message: /those before it/ })
  },
)

worldTest(
  t,
  'a bad record does not concern those that share a batch with it',
  { brokers: 1 },
  async (t, world) => {
    const brokers = world.addresses
    const admin = world.use(new MqAdmin({ brokers }))
    await admin.createTopic({ topic: 'goals' })
    const producer = world.use(new Producer({ brokers }))
    const bytes = new Uint8Array(new ArrayBuffer(5), 1, 3).fill(7)
    const sent = await Promise.allSettled([
      producer.send({ topic: 'goals', value: bytes, key: bytes, timestampMs: 0 }),
      producer.send({ topic: 'goals', value: 'x', timestampMs: Number.MAX_SAFE_INTEGER }),
      producer.send({ topic: 'goals', value: { length: 3 } as unknown as string }),
      producer.send({ topic: 'goals', value: 'y', timestampMs: 2 ** 52 - 1 }),
      producer.send({ topic: 'goals', value: null, headers: [{ key: 'h', value: 'text' }] }),
    ])
    t.same(
      sent.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled', 'fulfilled'],
    )
    const consumer = world.use(new Consumer({ brokers, topic: 'goals', from: 'beginning' }))
    t.match(await consumer.take(), [
      { key: Buffer.of(7, 7, 7), value: Buffer.of(7, 7, 7), timestampMs: 0 },
      { key: null, value: Buffer.from('y'), timestampMs: 2 ** 52 - 1 },
      { value: null, headers: [{ key: 'h', value: Buffer.from('text') }] },
    ])
  },
)

/** A port that takes connections and never says a word. */
async function silentPort(t: Test): Promise<{ host: string; port: number }> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return { host: '127.0.0.1', port: (server.address() as net.AddressInfo).port }
}

/** A port without a listener. */
async function closedPort(): Promise<{ host: string; port: number }> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return { host: '127.0.0.1', port }
}

t.test('a cluster that is not there is told at once, by what each address did', async (t) => {
  const brokers = [await closedPort(), await closedPort()]
  const refused = new RegExp(
    brokers.map(({ port }) => `127.0.0.1:${port} \\(connection refused\\)`).join(', '),
  )
  const failure = { code: 'BROKER_NOT_AVAILABLE', message: refused }
  const beganMs = performance.now()
  const producer = new Producer({ brokers })
  const admin = new MqAdmin({ brokers })
  const consumer = new Consumer({ brokers, topic: 'goals' })
  await t.rejects(producer.connect(), failure)
  await t.rejects(producer.send({ topic: 'goals', value: 'x' }), failure)
  await t.rejects(admin.cluster(), failure)
  await t.rejects(consumer.take(), failure)
  t.ok(performance.now() - beganMs < 2000, 'nothing of it waits for a time-out')
})

t.test('a broker that accepts and never answers is told from one that refuses', async (t) => {
  const brokers = [await silentPort(t), await closedPort()]
  const admin = new MqAdmin({ brokers, timeoutMs: 100 })
  t.teardown(() => admin.close())
  const [silent, refused] = brokers.map(({ port }) => `127.0.0.1:${port}`)
  const found = `${silent} \\(connected, no answer within 2000 ms\\), ${refused} \\(connection refused`
  await t.rejects(admin.cluster(), { code: 'BROKER_NOT_AVAILABLE', message: new RegExp(found) })
})

t.test('without a server that knows the brokers, that is the reason', async (t) => {
  const zk = new ZkClient({ servers: [await silentPort(t)] })
  t.teardown(() => zk.close())
  const producer = new Producer({ zk })
  t.teardown(() => producer.close())
  const message = /Cannot find the cluster: ZooWeeper did not answer within 2000 ms/
  await t.rejects(producer.connect(), { code: 'BROKER_NOT_AVAILABLE', message })
})

worldTest(
  t,
  'nor is there a cluster where no broker has registered',
  { brokers: 0 },
  async (t, world) => {
    const producer = world.use(new Producer({ zk: await world.zk() }))
    const message = /no broker is registered in \/brokers\/ids/
    await t.rejects(producer.connect(), { code: 'BROKER_NOT_AVAILABLE', message })
  },
)

worldTest(
  t,
  'a batch of records has one promise, and says where each range is',
  { brokers: 1 },
  async (t, world) => {
    const brokers = world.addresses
    const admin = world.use(new MqAdmin({ brokers }))
    for (const topic of ['goals', 'cards']) await admin.createTopic({ topic, partitions: 2 })
    const producer = world.use(new Producer({ brokers }))
    const before = producer.send({ topic: 'goals', partition: 1, value: 'before' })
    const stored = await producer.sendBatch([
      { topic: 'goals', partition: 1, value: 'a' },
      { topic: 'cards', partition: 0, value: 'red', headers: [{ key: 'h', value: null }] },
      { topic: 'goals', partition: 1, value: 'b' },
      { topic: 'goals', partition: 0, key: 'k', value: null },
    ])
    t.match(await before, { partition: 1, offset: 0 })
    const inOrder = [...stored].sort((a, b) =>
      `${a.topic}${a.partition}` < `${b.topic}${b.partition}` ? -1 : 1,
    )
    t.same(inOrder, [
      { topic: 'cards', partition: 0, baseOffset: 0, count: 1 },
      { topic: 'goals', partition: 0, baseOffset: 0, count: 1 },
      { topic: 'goals', partition: 1, baseOffset: 1, count: 2 },
    ])
    t.same(await producer.sendBatch([]), [])
    const partial = producer.sendBatch([
      { topic: 'goals', partition: 1, value: 'c' },
      { topic: 'goals', partition: 9, value: 'nowhere' },
      { topic: 'nothing', value: 'nowhere' },
    ])
    await t.rejects(partial, {
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      failedCount: 2,
      stored: [{ topic: 'goals', partition: 1, baseOffset: 3, count: 1 }],
    })
    const wrong = producer.sendBatch([
      { topic: 'goals', value: 'fine' },
      { topic: 'goals', value: 7 as unknown as string },
    ])
    await t.rejects(wrong, { code: 'INVALID_REQUEST', message: /records\[1\].value is 7/ })
    t.equal(
      (await admin.offsets('goals')).reduce((sum, { latest }) => sum + latest, 0),
      5,
    )
  },
)

worldTest(
  t,
  'a producer whose memory is full waits, in order, and is flushed nevertheless',
  { brokers: 1 },
  async (t, world) => {
    const brokers = world.addresses
    await world.use(new MqAdmin({ brokers })).createTopic({ topic: 'goals' })
    const options = { bufferBytesMax: 1000, lingerMs: 60_000 }
    const producer = world.use(new Producer({ brokers, ...options }))
    await producer.connect()
    const numbers = Array.from({ length: 30 }, (_, i) => i)
    // 30 bytes and at most 61 around them: eleven fit.
    const sent = numbers
      .slice(0, 20)
      .map((i) => producer.send({ topic: 'goals', value: `${i}`.padEnd(30) }))
    t.ok(producer.isFull)
    t.ok(producer.bufferedBytes <= 1000)
    await t.rejects(
      Promise.all(numbers.map(() => producer.send({ topic: 'goals', value: 'x'.repeat(100) }))),
      { code: 'THROTTLING_QUOTA_EXCEEDED' },
    )
    await producer.flush()
    const offsets = (await Promise.all(sent)).map(({ offset }) => offset)
    t.same(offsets, numbers.slice(0, 20), 'none overtakes another')
    t.equal(producer.bufferedBytes, 0)
    const batch = producer.sendBatch(
      numbers.map((i) => ({ topic: 'goals', value: `${i}`.padEnd(30) })),
    )
    await producer.flush()
    t.equal(
      (await batch).reduce((sum, { count }) => sum + count, 0),
      30,
      'more than fits at once',
    )
  },
)

worldTest(
  t,
  'a call that is aborted rejects, and what waits is not sent',
  { brokers: 1 },
  async (t, world) => {
    const brokers = world.addresses
    const admin = world.use(new MqAdmin({ brokers }))
    await admin.createTopic({ topic: 'goals' })
    const producer = world.use(new Producer({ brokers, bufferBytesMax: 250 }))
    await producer.connect()
    const value = 'x'.repeat(64) // and at most 61 bytes around it: the third one has to wait
    const first = producer.send({ topic: 'goals', value })
    const aborting = new AbortController()
    const { signal } = aborting
    const second = producer.send({ topic: 'goals', value })
    const third = producer.send({ topic: 'goals', value }, { signal })
    const fourth = producer.send({ topic: 'goals', value })
    const reason = new Error('enough')
    aborting.abort(reason)
    await t.rejects(third, reason)
    await t.rejects(producer.send({ topic: 'goals', value }, { signal }), reason)
    await t.rejects(producer.sendBatch([{ topic: 'goals', value }], { signal }), reason)
    await t.rejects(producer.flush({ signal }), reason)
    t.same(
      (await Promise.all([first, second, fourth])).map(({ offset }) => offset),
      [0, 1, 2],
    )
    const lookup = new AbortController()
    const unknown = producer.send({ topic: 'later', value }, { signal: lookup.signal })
    lookup.abort(reason)
    await t.rejects(unknown, reason)
    await producer.flush()
    t.equal(producer.bufferedBytes, 0)
  },
)

worldTest(t, 'a producer is closed at the end of its block', { brokers: 1 }, async (t, world) => {
  const brokers = world.addresses
  await world.use(new MqAdmin({ brokers })).createTopic({ topic: 'goals' })
  const producer = new Producer({ brokers })
  const sent = producer.send({ topic: 'goals', value: 'x' })
  await producer[Symbol.asyncDispose]()
  t.match(await sent, { offset: 0 })
  await t.rejects(producer.send({ topic: 'goals', value: 'x' }), closed)
})
