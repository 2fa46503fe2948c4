// Members of our own client on real brokers: what each gets, what is handed over, and what is refused.

import t from 'tap'
import {
  GroupConsumer,
  type GroupConsumerOptions,
} from '../../../src/client/mq/group/group-consumer.ts'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { Producer } from '../../../src/client/mq/producer.ts'
import { type BrokerWorld, until, worldTest } from '../../broker/broker-world.ts'

const flags = ['--group.initial.rebalance.delay.ms=0', '--group.min.session.timeout.ms=100']

async function topicOf(world: BrokerWorld, topic: string, partitions: number): Promise<MqAdmin> {
  const admin = world.use(new MqAdmin({ brokers: world.addresses, timeoutMs: 30_000 }))
  const replicas = world.addresses.length
  await admin.createTopic({ topic, partitions, replicas })
  return admin
}

function member(world: BrokerWorld, more: Partial<GroupConsumerOptions> = {}): GroupConsumer {
  const options = { group: 'fans', topics: ['goals'], heartbeatMs: 50, maxWaitMs: 50 }
  return world.use(new GroupConsumer({ brokers: world.addresses, ...options, ...more }))
}

const partitionsOf = (consumer: GroupConsumer) => {
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
      second.start()
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
    first.start()
    second.start()
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
    for (const each of [first, other]) each.start()
    await until(() => partitionsOf(first).length === 1 && partitionsOf(other).length === 1)
    const { generation } = (await admin.group('fans')) ?? {}
    const had = partitionsOf(first)
    await first.close()
    const again = member(world, { instanceId: 'one' })
    again.start()
    await until(() => partitionsOf(again).length === 1)
    t.same(partitionsOf(again), had)
    t.equal((await admin.group('fans'))?.generation, generation)
  },
)

t.test('options that do not fit together are refused', async (t) => {
  const options = { brokers: ['h'], group: 'g', topics: ['t'] }
  const mixed = { ...options, assignors: ['range', 'cooperative-sticky'] } as const
  t.throws(() => new GroupConsumer(mixed), { code: 'INVALID_REQUEST', message: /mixes/ })
  t.throws(() => new GroupConsumer({ ...options, topics: [] }), { message: /topics/ })
})
