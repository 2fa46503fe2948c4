import t from 'tap'
import { zkPaths } from '../../src/broker/cluster/zk-paths.ts'
import { Consumer, type ConsumerOptions } from '../../src/client/mq/consumer.ts'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { MqConnection } from '../../src/client/mq/mq-connection.ts'
import { Producer } from '../../src/client/mq/producer.ts'
import { findCoordinator } from '../../src/protocol/kafka/api/find-coordinator.ts'
import { offsetCommit } from '../../src/protocol/kafka/api/offset-commit.ts'
import { BrokerError } from '../../src/protocol/mq/error-codes.ts'
import { anyEpoch, noBroker, onlyOne } from '../../src/protocol/mq/messages.ts'
import { noCommit } from '../../src/protocol/mq/offset-commit.ts'
import { realWorld } from '../../src/real-world.ts'
import { type BrokerWorld, until, worldTest } from './broker-world.ts'
import { kafkaClient } from './kafka/kafka-client.ts'

const at = { topic: 'goals', partition: 0 }
const group = 'fans'
const noMember = { generation: -1, memberId: '', instanceId: undefined, passedOn: false } as const
const outOfRange = { code: 'OFFSET_OUT_OF_RANGE' }

function connect(world: BrokerWorld, id: number): MqConnection {
  const address = { host: '127.0.0.1', port: world.broker(id).port ?? 0 }
  const hello = {
    role: 'client',
    clusterId: undefined,
    name: 'test',
    brokerId: noBroker,
    brokerEpoch: 0,
  } as const
  const { transport, clock } = realWorld()
  const options = { transport, address, hello, clock }
  return world.use(new MqConnection(options))
}

/** Retries as a client would: the group's coordinator may not know yet that it is one. */
async function retried<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof BrokerError) || !error.retriable) throw error
    }
  }
}

/** 'goals' with that many records, on all brokers. */
async function fill(world: BrokerWorld, count: number): Promise<void> {
  const admin = world.use(new MqAdmin({ brokers: world.addresses }))
  await admin.createTopic({ topic: 'goals', partitions: 1, replicas: world.addresses.length })
  const producer = world.use(new Producer({ brokers: world.addresses }))
  for (let i = 0; i < count; i++) await producer.send({ ...at, value: `goal ${i}` })
}

worldTest(
  t,
  'a commit delayed at one broker changes nothing after later commits',
  { brokers: 2, flags: ['--session-timeout=20000'] },
  async (t, world) => {
    await fill(world, 12)
    const [slow, fast] = [connect(world, 1), connect(world, 2)]
    const commit = async (connection: MqConnection, offset: number, version: number) => {
      const partitions = [{ ...at, offset, version }]
      const request = {
        type: 'offsetCommit',
        ...noMember,
        group,
        timeoutMs: 1000,
        partitions,
      } as const
      return onlyOne((await connection.call(request, 20_000)).partitions)
    }
    const refused = { code: 'INVALID_UPDATE_VERSION' }
    const read = async (connection: MqConnection) => {
      const request = { type: 'offsetFetch', passedOn: false, group, partitions: [at] } as const
      return onlyOne((await connection.call(request, 20_000)).partitions)
    }
    t.match(await retried(() => read(fast)), { offset: undefined, version: noCommit })
    const first = await commit(fast, 3, noCommit)
    await t.rejects(commit(slow, 1, noCommit), refused, 'the first one')
    const second = await commit(fast, 10, first.version)
    await t.rejects(commit(slow, 5, first.version), refused, 'a later one')
    t.match(await read(slow), { offset: 10, version: second.version })
    t.match(await commit(slow, 2, second.version), { version: second.version + 1 })
    t.match(await read(fast), { offset: 2 }, 'a commit that names its predecessor may go back')
  },
)

worldTest(t, 'a commit whose time is over is not written', { brokers: 1 }, async (t, world) => {
  await fill(world, 1)
  const connection = connect(world, 1)
  const commits = [{ ...at, offset: 1, version: noCommit }]
  const commit = {
    type: 'offsetCommit',
    ...noMember,
    group,
    timeoutMs: 0,
    partitions: commits,
  } as const
  const late = await connection.call(commit, 20_000)
  t.match(late.partitions, [{ error: { code: 'REQUEST_TIMED_OUT', message: /0 ms/ } }])
  const topics = [{ topic: 'more', partitionCount: 1, replicationFactor: 1 }]
  const creation = { type: 'createTopics', timeoutMs: 0, topics } as const
  const lateTopic = await connection.call(creation, 1000)
  t.match(lateTopic.topics, [{ error: { code: 'REQUEST_TIMED_OUT' } }])
  const zk = await world.zk()
  const read = { type: 'offsetFetch', passedOn: false, group, partitions: [at] } as const
  const found = await retried(async () => onlyOne((await connection.call(read, 20_000)).partitions))
  t.match(found, { offset: undefined })
  t.equal(await zk.exists(zkPaths.topic('more')), undefined)
})

worldTest(
  t,
  'offsets that do not exist are answered with both bounds, by every broker',
  // Requests are sent once here: no leader may change in between, however slow the machine is.
  { brokers: 2, flags: ['--session-timeout=20000'] },
  async (t, world) => {
    await fill(world, 4)
    const bounds = { start: 0, end: 4 }
    for (const id of [1, 2]) {
      const connection = connect(world, id)
      const fetch = async (offset: number, partition = 0) => {
        const partitions = [{ ...at, partition, offset, bytesMax: 1000, leaderEpoch: anyEpoch }]
        const limits = { maxWaitMs: 50, bytesMin: 1, bytesMax: 1000, passedOn: false }
        const fetched = await connection.call({ type: 'fetch', ...limits, partitions }, 5000)
        return onlyOne(fetched.partitions)
      }
      const commit = async (offset: number) => {
        const partitions = [{ ...at, offset, version: noCommit }]
        const request = {
          type: 'offsetCommit',
          ...noMember,
          group,
          timeoutMs: 4000,
          partitions,
        } as const
        return onlyOne((await connection.call(request, 20_000)).partitions)
      }
      for (const offset of [-1, 5, 2 ** 53, -(2 ** 60), Number.NaN, Number.POSITIVE_INFINITY]) {
        const error = { ...outOfRange, bounds, message: /begins at 0 and ends at 4/ }
        await t.rejects(fetch(offset), error, `fetch ${offset} at broker ${id}`)
        await t.rejects(commit(offset), error, `commit ${offset} at broker ${id}`)
      }
      t.match(await fetch(4), { highWatermark: 4 }, 'the end is no error')
      for (const partition of [-1, 1, 2 ** 53]) {
        await t.rejects(fetch(-1, partition), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
      }
      t.notOk(connection.isClosed)
    }
  },
)

worldTest(
  t,
  'a consumer whose offset does not exist reports it, and continues where its setting says',
  { brokers: 2 },
  async (t, world) => {
    await fill(world, 4)
    const client = kafkaClient(world)
    /** Kafka's clients may commit any offset. */
    const put = async (committedOffset: number) => {
      const partition = { partitionIndex: 0, committedOffset, committedMetadata: '' }
      const topics = [{ name: 'goals', partitions: [partition] }]
      const none = { generationIdOrMemberEpoch: -1, memberId: '' }
      for (const broker of [1, 2]) {
        await kafkaClient(world, broker).send(offsetCommit, 2, { groupId: 'fans', ...none, topics })
      }
    }
    await until(async () => {
      const found = await client.send(findCoordinator, 2, { key: 'fans', keyType: 0 })
      return found.errorCode === 0
    })
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    const committed = async () => (await admin.groupOffsets('fans', 'goals'))[0]?.committed
    const consumer = (more: Partial<ConsumerOptions>) => {
      const options = { brokers: world.addresses, group: 'fans', partitions: [0] } as const
      return world.use(new Consumer({ ...options, topic: 'goals', maxWaitMs: 50, ...more }))
    }
    for (const broker of [1, 2]) {
      await put(500)
      const stopped = consumer({ broker })
      const message = /at 500: the log begins at 0 and ends at 4/
      const error = { ...outOfRange, message, bounds: { start: 0, end: 4 } }
      await t.rejects(stopped.take(), error, 'stop, by default')
      await t.rejects(stopped.take(), error, 'and it stays so')

      const again = consumer({ broker, outOfRange: 'earliest' })
      const resets: unknown[] = []
      again.on('reset', (...reset) => resets.push(reset))
      t.match(await again.take(), [{ offset: 0 }], 'earliest')
      t.strictSame(resets, [[at, 0, 500]])
      await again.commit()
      t.equal(await committed(), 4, 'and may commit')

      await put(500)
      const onward = consumer({ broker, outOfRange: 'latest' })
      onward.on('reset', (...reset) => resets.push(reset))
      const taken = onward.take()
      while (resets.length < 2) await new Promise((resolve) => setImmediate(resolve))
      t.strictSame(resets[1], [at, 4, 500], 'latest')
      await onward.close()
      t.same(await taken, [])
    }
  },
)

worldTest(
  t,
  'a commit beyond the end is refused, and the committed offset stays',
  { brokers: 2 },
  async (t, world) => {
    await fill(world, 4)
    const own = { group: 'fans', partitions: [0] } as const
    const options = { brokers: world.addresses, topic: 'goals', ...own } as const
    const consumer = world.use(new Consumer(options))
    await consumer.take()
    await consumer.commit()
    const bounds = { start: 0, end: 4 }
    for (const offset of [5, 2 ** 53, -1]) {
      await t.rejects(consumer.commit([{ ...at, offset }]), { ...outOfRange, bounds })
    }
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    t.match(await admin.groupOffsets('fans', 'goals'), [{ committed: 4, lag: 0 }])
  },
)
