// Partitions that are moved between whole brokers while records are produced: no request fails, no
// record is lost or stored twice, and no disk keeps what it has to give up.

import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { Producer } from '../../src/client/mq/producer.ts'
import { alterPartitionReassignments } from '../../src/protocol/kafka/api/alter-partition-reassignments.ts'
import { listPartitionReassignments } from '../../src/protocol/kafka/api/list-partition-reassignments.ts'
import { metadata } from '../../src/protocol/kafka/api/metadata.ts'
import { mqErrorCodes } from '../../src/protocol/mq/error-codes.ts'
import { type BrokerWorld, until, worldTest } from './broker-world.ts'
import { newTopic } from './kafka/exchanges.ts'
import { kafkaClient } from './kafka/kafka-client.ts'

function directories(world: BrokerWorld, id: number, topicId: string): string[] {
  return readdirSync(join(world.dataDir, `broker-${id}`)).filter((name) => name.startsWith(topicId))
}

worldTest(
  t,
  'partitions move to another broker under load, while the controller is stopped',
  { brokers: 4 },
  async (t, world) => {
    const brokers = world.addresses
    const admin = world.use(new MqAdmin({ brokers }))
    await admin.createTopic({ topic: 'goals', partitions: 3, replicas: 3 })
    const made = await admin.topic('goals')
    const { topicId = '', partitions = [] } = made ?? {}
    const producer = world.use(new Producer({ brokers }))
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
    await until(() => sentCount > 50)
    // Each partition loses its leader's replica, and gets one where it has none.
    const moves = partitions.map(({ partition, replicas: [leader, ...others] }) => {
      const [free = 0] = [1, 2, 3, 4].filter((id) => id !== leader && !others.includes(id as never))
      return { topic: 'goals', partition, replicas: [free, ...others] }
    })
    const { controller } = await admin.cluster()
    await admin.reassign(moves)
    await world.broker(controller).stop()
    await until(() => sentCount > 100)
    await world.startBroker(controller)
    await until(async () => (await admin.reassignments()).length === 0)
    await until(async () => {
      const found = await admin.topic('goals')
      return found?.partitions.every(({ isr }) => isr.length === 3) === true
    })
    await until(() => sentCount > 150)
    isOver = true
    await loads // rejects with the first send that failed
    const moved = (await admin.topic('goals'))?.partitions ?? []
    t.same(
      moved.map(({ replicas }) => replicas),
      moves.map(({ replicas }) => replicas),
    )
    t.ok(moved.every(({ leader, replicas }) => replicas.includes(leader)))
    t.ok(moved.every(({ adding = [], removing = [] }) => adding.length + removing.length === 0))
    for (const id of [1, 2, 3, 4]) {
      const wanted = moves.flatMap(({ partition, replicas }) => {
        return replicas.includes(id) ? `${topicId}-${partition}` : []
      })
      await until(() => directories(world, id, topicId).length === wanted.length)
      t.same(directories(world, id, topicId).sort(), wanted)
    }
    const ends = await admin.offsets('goals')
    t.equal(
      ends.reduce((sum, { latest }) => sum + latest, 0),
      sentCount,
      'each record is stored once',
    )
  },
)

worldTest(
  t,
  'a reassignment that cannot end is visible, replaced, and cancelled, over Kafka’s protocol',
  { brokers: 3 },
  async (t, world) => {
    const client = kafkaClient(world)
    const topicId = await newTopic(client, 'goals', { replicas: 1 })
    const leaderNow = async () => {
      const { topics } = await client.send(metadata, 12, { topics: [{ name: 'goals' }] })
      return topics[0]?.partitions[0]
    }
    const home = (await leaderNow())?.replicaNodes[0] ?? 0
    const [first = 0, second = 0] = [1, 2, 3].filter((id) => id !== home)
    const alter = async (replicas: number[] | null, name = 'goals', partitionIndex = 0) => {
      const topics = [{ name, partitions: [{ partitionIndex, replicas }] }]
      const answer = await client.send(alterPartitionReassignments, 0, { timeoutMs: 5000, topics })
      t.equal(answer.errorCode, 0)
      return answer.responses[0]?.partitions[0]
    }
    const list = async () => {
      const answer = await client.send(listPartitionReassignments, 0, {
        timeoutMs: 5000,
        topics: [{ name: 'goals', partitionIndexes: [0] }],
      })
      return answer.topics[0]?.partitions[0]
    }
    const refusals = [
      { asked: await alter(null), code: 'NO_REASSIGNMENT_IN_PROGRESS', says: /not being/ },
      { asked: await alter([]), code: 'INVALID_REPLICA_ASSIGNMENT', says: /is empty/ },
      { asked: await alter([1, 1]), code: 'INVALID_REPLICA_ASSIGNMENT', says: /named twice/ },
      { asked: await alter([9]), code: 'INVALID_REPLICA_ASSIGNMENT', says: /9 is not alive/ },
      { asked: await alter([1], 'none'), code: 'UNKNOWN_TOPIC_OR_PARTITION', says: /no such/ },
      { asked: await alter([1], 'goals', 4), code: 'UNKNOWN_TOPIC_OR_PARTITION', says: /no such/ },
    ] as const
    for (const { asked, code, says } of refusals) {
      t.match(asked, { errorCode: mqErrorCodes[code], errorMessage: says })
    }
    // A file is where the replica's directory should be, so it cannot be opened.
    writeFileSync(join(world.dataDir, `broker-${first}`, `${topicId}-0`), '')
    t.equal((await alter([first]))?.errorCode, 0)
    t.match(await list(), {
      replicas: [first, home],
      addingReplicas: [first],
      removingReplicas: [home],
    })
    t.match(await leaderNow(), { leaderId: home, replicaNodes: [first, home], isrNodes: [home] })
    t.equal((await alter(null))?.errorCode, 0)
    t.equal(await list(), undefined, 'it is undone when that is answered')
    t.match(await leaderNow(), { leaderId: home, replicaNodes: [home], isrNodes: [home] })
    // What was in the way was left over, and is gone.
    await until(() => directories(world, first, topicId).length === 0)
    writeFileSync(join(world.dataDir, `broker-${first}`, `${topicId}-0`), '')
    t.equal((await alter([first]))?.errorCode, 0)
    t.equal((await alter([second, home]))?.errorCode, 0)
    await until(async () => (await list()) === undefined)
    const { leaderId, replicaNodes, isrNodes } = (await leaderNow()) ?? {}
    t.same([leaderId, replicaNodes], [home, [second, home]])
    t.same(isrNodes?.toSorted(), [second, home].sort())
    await until(() => directories(world, first, topicId).length === 0)
  },
)

worldTest(
  t,
  'a reassignment with a rate takes as long as its bytes at that rate, and acks=all is as fast as ever',
  { brokers: 3 },
  async (t, world) => {
    const brokers = world.addresses
    const admin = world.use(new MqAdmin({ brokers }))
    await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 2 })
    const [info] = (await admin.topic('goals'))?.partitions ?? []
    const { leader = 0, replicas = [] } = info ?? {}
    const free = [1, 2, 3].find((id) => !replicas.includes(id as never)) ?? 0
    const producer = world.use(new Producer({ brokers }))
    const goal = (value: Buffer | string) => producer.send({ topic: 'goals', partition: 0, value })
    const [rate, seconds] = [40_000, 2]
    for (let i = 0; i < 20; i++) await goal(Buffer.alloc((rate * seconds) / 20, 'x'))
    await admin.alterTopicConfig('goals', {
      set: {
        'leader.replication.throttled.replicas': '*',
        'follower.replication.throttled.replicas': '*',
      },
    })
    await admin.alterBrokerConfig('all', {
      set: {
        'leader.replication.throttled.rate': String(rate),
        'follower.replication.throttled.rate': String(rate),
      },
    })
    // Every broker has read it when a broker answers for its own.
    for (const id of [1, 2, 3]) {
      await until(async () =>
        (await admin.brokerConfig(id)).some(({ source }) => source === 'dynamicDefault'),
      )
    }
    const begunMs = performance.now()
    await admin.reassign([{ topic: 'goals', partition: 0, replicas: [leader, free] }])
    let sentCount = 0
    let isMoving = true
    const load = async (): Promise<void> => {
      while (isMoving) {
        await goal('goal')
        sentCount++
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
    const loaded = load()
    await until(async () => (await admin.reassignments()).length === 0)
    const tookMs = performance.now() - begunMs
    isMoving = false
    await loaded
    t.ok(tookMs > 1000 * (seconds - 0.2), `it took ${tookMs} ms`)
    // What is held is looked at ten times a second: a send that waited for that would take as long.
    t.ok(sentCount > (tookMs / 1000) * 20, `${sentCount} records in ${tookMs} ms`)
    t.same((await admin.topic('goals'))?.partitions[0]?.replicas, [leader, free])
  },
)
