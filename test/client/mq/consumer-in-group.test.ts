// Consumers of a group on real brokers: what each member gets, what is handed over, what is refused, and
// that a member works as one that named its partitions.

import t from 'tap'
import { Consumer, type ConsumerOptions } from '../../../src/client/mq/consumer.ts'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { Producer } from '../../../src/client/mq/producer.ts'
import { silentLogger } from '../../../src/logger.ts'
import { type BrokerWorld, until, worldTest } from '../../broker/broker-world.ts'

const flags = ['--group.initial.rebalance.delay.ms=0', '--group.min.session.timeout.ms=100']

async function topicOf(world: BrokerWorld, topic: string, partitions: number): Promise<MqAdmin> {
  const admin = world.use(new MqAdmin({ brokers: world.addresses, timeoutMs: 30_000 }))
  const replicas = world.addresses.length
  await admin.createTopic({ topic, partitions, replicas })
  return admin
}

function member(world: BrokerWorld, more: Partial<ConsumerOptions> = {}): Consumer {
  const options = { group: 'fans', topics: ['goals'], maxWaitMs: 50 }
  const own = more.partitions === undefined ? { heartbeatMs: 50 } : {}
  return world.use(new Consumer({ brokers: world.addresses, ...options, ...own, ...more }))
}

const partitionsOf = (consumer: Consumer) => {
  return consumer.partitions.map(({ partition }) => partition).sort()
}

for (const assignors of [['range'], ['cooperative-sticky']] as const) {
  worldTest(
    t,
    `${assignors}: members share the partitions, and take over from one that leaves`,
    { brokers: 1, flags },
    async (t, world) => {
      const admin = await topicOf(world, 'goals', 4)
      const producer = world.use(new Producer({ brokers: world.addresses }))
      for (let i = 0; i < 8; i++) {
        await producer.send({ topic: 'goals', partition: i % 4, value: `${i}` })
      }
      const kept: number[] = []
      const first = member(world, {
        assignors,
        name: 'first',
        listener: { revoked: () => void kept.push(first.partitions.length) },
      })
      const seen: string[] = []
      while (seen.length < 8) {
        for (const { value } of await first.take()) seen.push(String(value))
      }
      t.equal(new Set(seen).size, 8)
      await first.commit()
      const second = member(world, { assignors, name: 'second' })
      void second.start()
      await until(() => partitionsOf(first).length === 2 && partitionsOf(second).length === 2)
      t.same([...partitionsOf(first), ...partitionsOf(second)].sort(), [0, 1, 2, 3])
      t.equal(kept[0], 4, 'it has them still when it is told')
      const group = await admin.group('fans')
      t.match(group, { state: 'Stable', protocol: assignors[0] })
      await first.close()
      await until(() => partitionsOf(second).length === 4)
      for (let partition = 0; partition < 4; partition++) {
        await producer.send({ topic: 'goals', partition, value: 'more' })
      }
      const more: string[] = []
      while (more.length < 4) {
        for (const { value } of await second.take()) more.push(String(value))
      }
      t.same(more, ['more', 'more', 'more', 'more'], 'from what was committed')
    },
  )
}

worldTest(
  t,
  'a member that was expelled commits nothing, and comes back',
  { brokers: 1, flags },
  async (t, world) => {
    await topicOf(world, 'goals', 1)
    const producer = world.use(new Producer({ brokers: world.addresses }))
    await producer.send({ topic: 'goals', value: 'a' })
    // Its heartbeats are too rare for its session.
    const rare = { sessionTimeoutMs: 300, heartbeatMs: 3_600_000 }
    const slow = member(world, { name: 'slow', ...rare })
    await slow.take()
    const fast = member(world, { name: 'fast' })
    t.equal((await fast.take()).length, 1, 'it takes over, from the beginning')
    await fast.commit()
    await t.rejects(slow.commit(), { code: 'UNKNOWN_MEMBER_ID' })
  },
)

worldTest(
  t,
  'members go on when their coordinator stops',
  { brokers: 3, flags },
  async (t, world) => {
    const admin = await topicOf(world, 'goals', 2)
    const first = member(world)
    const second = member(world)
    void first.start()
    void second.start()
    await until(() => partitionsOf(first).length === 1 && partitionsOf(second).length === 1)
    const before = await admin.group('fans')
    await world.broker(before?.coordinator ?? 0).stop()
    const producer = world.use(new Producer({ brokers: world.addresses }))
    for (const partition of [0, 1]) await producer.send({ topic: 'goals', partition, value: 'x' })
    for (const consumer of [first, second]) {
      const [record] = await consumer.take()
      t.equal(String(record?.value), 'x')
      await consumer.commit()
    }
    const after = await admin.group('fans')
    t.not(after?.coordinator, before?.coordinator)
    t.match(after?.partitions, [{ committed: 1 }, { committed: 1 }])
  },
)

worldTest(
  t,
  'a static member returns to its partitions without a rebalance',
  { brokers: 1, flags },
  async (t, world) => {
    const admin = await topicOf(world, 'goals', 2)
    const other = member(world)
    const first = member(world, { instanceId: 'one' })
    for (const each of [first, other]) void each.start()
    await until(() => partitionsOf(first).length === 1 && partitionsOf(other).length === 1)
    const { generation } = (await admin.group('fans')) ?? {}
    const had = partitionsOf(first)
    await first.close()
    const again = member(world, { instanceId: 'one' })
    await again.start()
    t.same(partitionsOf(again), had)
    t.equal((await admin.group('fans'))?.generation, generation)
  },
)

const ways = [
  { way: 'by hand', own: { partitions: [0, 1] } },
  { way: 'as a member', own: { listener: { assigned: fails } } },
] as const

function fails(): never {
  throw new Error('a listener that throws stops nothing')
}

for (const { way, own } of ways) {
  worldTest(
    t,
    `${way}: a consumer of a group pauses, seeks, handles batches and stops in the same ways`,
    { brokers: 1, flags },
    async (t, world) => {
      const admin = await topicOf(world, 'goals', 2)
      const producer = world.use(new Producer({ brokers: world.addresses }))
      const headers = [{ key: 'trace', value: 'a1' }]
      const send = (partition: number, value: string | null, timestampMs: number) =>
        producer.send({ topic: 'goals', partition, key: 'k', value, timestampMs, headers })
      for (let i = 0; i < 3; i++) await send(0, `${i}`, 1000 + i)
      await send(1, null, 1000)
      const consumer = member(world, { ...own, logger: silentLogger })
      const seen: string[] = []
      for await (const { partition, offset, value, headers } of consumer) {
        seen.push(`${partition}/${offset} ${value === null ? 'null' : value.toString()}`)
        t.same(headers, [{ key: 'trace', value: Buffer.from('a1') }])
        t.equal(consumer.position(partition), offset + 1)
        if (seen.length === 4) break
      }
      t.same(seen.sort(), ['0/0 0', '0/1 1', '0/2 2', '1/0 null'])
      await consumer.commit()

      consumer.pause([{ topic: 'goals', partition: 0 }])
      await consumer.seek('beginning')
      t.match(await consumer.take(), [{ partition: 1, offset: 0 }])
      const progress = await consumer.refreshLag()
      t.match(
        progress.find(({ partition }) => partition === 0),
        { lag: 3, isPaused: true },
      )
      await consumer.seek({ timestampMs: 1001 }, { partitions: [0] })
      consumer.resume()
      t.match(await consumer.take(), [{ offset: 1 }, { offset: 2 }])

      await consumer.seek(2, { partitions: [0] })
      const enough = new AbortController()
      const handled = consumer.eachBatch(
        async ({ partition, records }) => {
          t.match([partition, records], [0, [{ offset: 2 }]])
          await consumer.commit([{ topic: 'goals', partition: 1, offset: 0 }])
          enough.abort(new Error('enough'))
        },
        { commits: true, signal: enough.signal },
      )
      await t.rejects(handled, { message: 'enough' })
      t.match(await admin.groupOffsets('fans', 'goals'), [{ committed: 3 }, { committed: 0 }])
      const late = AbortSignal.timeout(1)
      await t.rejects(consumer.take({ signal: late }), { name: 'TimeoutError' })
      const looped = (async () => {
        for await (const _ of consumer) t.fail('there is no more')
      })()
      await consumer[Symbol.asyncDispose]()
      await looped
      await t.rejects(consumer.commit(), { code: 'INVALID_REQUEST', message: /is closed/ })
      t.match(await admin.group('fans'), { members: [] })
    },
  )
}

worldTest(
  t,
  'a partition is given away when the handler of its batch is done, and its commit covers it',
  { brokers: 1, flags },
  async (t, world) => {
    const admin = await topicOf(world, 'goals', 1)
    const producer = world.use(new Producer({ brokers: world.addresses }))
    await producer.send({ topic: 'goals', value: 'a' })
    const order: string[] = []
    let finish: () => void = () => undefined
    const first = member(world, { listener: { revoked: () => void order.push('revoked') } })
    await new Promise<void>((began) => {
      const handle = async () => {
        began()
        await new Promise<void>((resolve) => {
          finish = resolve
        })
        order.push('handled')
      }
      void first.eachBatch(handle, { commits: true })
    })
    const closed = first.close()
    await new Promise((resolve) => setImmediate(resolve))
    finish()
    await closed
    t.same(order, ['handled', 'revoked'])
    t.match(await admin.group('fans'), { members: [], partitions: [{ committed: 1 }] })
  },
)

worldTest(
  t,
  'a member reads several topics, and refuses one that does not exist',
  { brokers: 1, flags },
  async (t, world) => {
    await topicOf(world, 'goals', 1)
    const missing = member(world, { topics: ['goals', 'cards'] })
    await t.rejects(missing.take(), { code: 'UNKNOWN_TOPIC_OR_PARTITION', message: /'cards'/ })
    await topicOf(world, 'cards', 2)
    const both = member(world, { topics: ['goals', 'cards'] })
    await both.start()
    const names = both.partitions.map(({ topic, partition }) => `${topic}/${partition}`)
    t.same(names.sort(), ['cards/0', 'cards/1', 'goals/0'])
    t.throws(() => both.position(0), { code: 'INVALID_REQUEST', message: /reads 2 topics/ })
    t.equal(both.position({ topic: 'cards', partition: 1 }), 0)
  },
)
