import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { zkPaths } from '../../src/broker/cluster/zk-paths.ts'
import { Consumer } from '../../src/client/mq/consumer.ts'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { Producer } from '../../src/client/mq/producer.ts'
import { noBroker } from '../../src/protocol/mq/messages.ts'
import { program } from '../programs.ts'
import { type BrokerWorld, until, worldTest } from './broker-world.ts'

/** The directory of partition 0 of the topic, at this broker. */
async function directoryOf(world: BrokerWorld, admin: MqAdmin, topic: string, broker: number) {
  const { topicId } = (await admin.topic(topic)) ?? {}
  return join(world.dataDir, `broker-${broker}`, `${topicId}-0`)
}

function replaceByFile(path: string): void {
  rmSync(path, { recursive: true })
  writeFileSync(path, 'no directory')
}

async function partitionOf(admin: MqAdmin, topic: string) {
  const found = (await admin.topic(topic))?.partitions[0]
  if (found === undefined) throw new Error(`There is no topic ${topic}`)
  return found
}

async function valuesOf(world: BrokerWorld, topic: string, count: number): Promise<string[]> {
  const consumer = world.use(new Consumer({ brokers: world.addresses, topic, from: 'beginning' }))
  const values: string[] = []
  while (values.length < count) {
    for (const { value } of await consumer.take()) values.push(String(value))
  }
  return values
}

worldTest(
  t,
  'topics with the longest legal names survive a restart',
  { brokers: 2 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    const names = [230, 231, 249].map((length) => 'x'.repeat(length))
    for (const topic of names) await admin.createTopic({ topic, replicas: 2 })
    const producer = new Producer({ brokers: world.addresses })
    for (const topic of names) await producer.send({ topic, value: 'before' })
    await producer.close()
    await Promise.all([1, 2].map((id) => world.broker(id).stop()))
    await Promise.all([1, 2].map((id) => world.startBroker(id)))
    const again = world.use(new Producer({ brokers: world.addresses }))
    for (const topic of names) {
      t.equal((await again.send({ topic, value: 'after' })).offset, 1)
      t.same(await valuesOf(world, topic, 2), ['before', 'after'])
    }
  },
)

worldTest(
  t,
  'a broker still serves when one partition’s directory is no directory, until it is one again',
  { brokers: 3 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    for (const topic of ['goals', 'other']) {
      await admin.createTopic({ topic, partitions: 1, replicas: 3 })
    }
    const producer = world.use(new Producer({ brokers: world.addresses, sendTo: 'random' }))
    for (const topic of ['goals', 'other']) await producer.send({ topic, value: 'one' })
    const { leader } = await partitionOf(admin, 'goals')
    const path = await directoryOf(world, admin, 'goals', leader)
    await world.broker(leader).stop()
    replaceByFile(path)
    await world.startBroker(leader)

    await until(async () => (await partitionOf(admin, 'other')).isr.length === 3)
    for (const value of ['two', 'three']) {
      await producer.send({ topic: 'goals', value })
      await producer.send({ topic: 'other', value })
    }
    const found = await partitionOf(admin, 'goals')
    t.not(found.leader, leader)
    t.notOk(found.isr.includes(leader), 'it is not in sync')
    t.match(found.problems, [{ broker: leader, reason: /exist|directory/ }])
    t.same((await partitionOf(admin, 'other')).problems, [])
    const beside = world.use(
      new Consumer({
        brokers: world.addresses,
        topic: 'goals',
        from: 'beginning',
        broker: leader,
        stayWithBroker: true,
      }),
    )
    t.equal((await beside.take()).length, 3, 'it passes on what it does not have')

    rmSync(path)
    await until(async () => (await partitionOf(admin, 'goals')).isr.length === 3)
    t.same((await partitionOf(admin, 'goals')).problems, [])
  },
)

worldTest(
  t,
  'a log in a later format makes its partition unavailable here, and is left alone',
  { brokers: 2 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 2 })
    const producer = world.use(new Producer({ brokers: world.addresses, sendTo: 'random' }))
    await producer.send({ topic: 'goals', value: 'one' })
    const segment = join(await directoryOf(world, admin, 'goals', 2), '0000000000000000.segment')
    await world.broker(2).stop()
    const bytes = readFileSync(segment)
    bytes[16] = 9 // the magic of its first batch
    writeFileSync(segment, bytes)
    await world.startBroker(2)
    await until(async () => (await partitionOf(admin, 'goals')).problems.length === 1)
    t.match((await partitionOf(admin, 'goals')).problems, [{ broker: 2, reason: /format version/ }])
    t.equal((await producer.send({ topic: 'goals', value: 'two' })).offset, 1)
    t.same((await partitionOf(admin, 'goals')).isr, [1])
    t.ok(readFileSync(segment).equals(bytes))
  },
)

worldTest(
  t,
  'a broker that returns first but cannot use its replica leaves the ISR unchanged',
  { brokers: 2, flags: ['--recovery.wait.ms=300'] },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 2 })
    const producer = new Producer({ brokers: world.addresses })
    for (const value of ['one', 'two']) await producer.send({ topic: 'goals', value })
    await producer.close()
    const path = await directoryOf(world, admin, 'goals', 1)
    const zk = await world.zk()
    const state = zkPaths.state('goals', 0)
    const before = JSON.parse(String((await zk.getData(state)).data))
    await Promise.all([1, 2].map((id) => world.broker(id).stop()))
    // As before: both in sync, no leader.
    await zk.setData(state, JSON.stringify({ ...before, leader: noBroker }))
    replaceByFile(path)
    await world.startBroker(1)
    const alone = world.use(new MqAdmin({ brokers: world.addresses }))
    await until(async () => (await alone.topic('goals')) !== undefined)
    const late = world.use(new Producer({ brokers: world.addresses, deliveryTimeoutMs: 300 }))
    await t.rejects(late.send({ topic: 'goals', value: 'x' }), {
      code: 'KAFKA_STORAGE_ERROR',
      message: /broker 1 cannot use its replica/,
    })
    t.same((await partitionOf(alone, 'goals')).isr, [1, 2], 'the ISR is as it was')
    await world.startBroker(2)
    await until(async () => (await partitionOf(alone, 'goals')).leader === 2)
    t.same((await partitionOf(alone, 'goals')).isr, [1, 2], 'it stays in the ISR for the lag time')
    await until(async () => (await partitionOf(alone, 'goals')).isr.length === 1)
    t.same(await valuesOf(world, 'goals', 2), ['one', 'two'])
  },
)

worldTest(
  t,
  'an unreadable znode makes only its own topic or partition unavailable',
  { brokers: 2 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    for (const topic of ['goals', 'other']) await admin.createTopic({ topic, replicas: 2 })
    const brokers = world.addresses
    const zk = await world.zk()
    const places = [
      { path: zkPaths.state('goals', 0), garbage: '{"leader":"me"}' },
      { path: zkPaths.topic('goals'), garbage: 'nonsense' },
    ]
    for (const { path, garbage } of places) {
      const before = (await zk.getData(path)).data
      await zk.setData(path, garbage)
      const impatient = world.use(new Producer({ brokers, deliveryTimeoutMs: 400 }))
      const unavailable = { code: 'KAFKA_STORAGE_ERROR', message: new RegExp(path) }
      await until(async () => JSON.stringify(await admin.topic('goals')).includes(path))
      await t.rejects(impatient.send({ topic: 'goals', value: 'x' }), unavailable)
      // A broker that starts finds the garbage too.
      await world.broker(2).stop()
      await world.startBroker(2)
      await t.rejects(impatient.send({ topic: 'goals', value: 'x' }), unavailable)
      await impatient.send({ topic: 'other', value: 'x' })
      await zk.setData(path, before)
      const patient = world.use(new Producer({ brokers: world.addresses }))
      await until(async () => (await admin.topic('goals'))?.problem === undefined)
      await patient.send({ topic: 'goals', value: 'y' })
    }
    const consumer = world.use(new Consumer({ brokers: world.addresses, topic: 'goals' }))
    await zk.setData(zkPaths.topic('goals'), 'nonsense')
    // Every broker that the consumer may ask has read it.
    for (const address of world.addresses) {
      const one = world.use(new MqAdmin({ brokers: [address] }))
      await until(async () => (await one.topic('goals'))?.problem !== undefined)
    }
    await t.rejects(consumer.start(), { code: 'KAFKA_STORAGE_ERROR', message: /goals/ })
  },
)

worldTest(
  t,
  'a broker does not lead in a state older than its log',
  { brokers: 1 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    for (const topic of ['goals', 'other']) await admin.createTopic({ topic, replicas: 1 })
    const zk = await world.zk()
    const path = zkPaths.state('goals', 0)
    const state = JSON.parse(String((await zk.getData(path)).data))
    await zk.setData(path, JSON.stringify({ ...state, leader_epoch: 7 }))
    const producer = world.use(new Producer({ brokers: world.addresses }))
    await until(async () => (await partitionOf(admin, 'goals')).leaderEpoch === 7)
    await until(async () => {
      const { offset } = await producer.send({ topic: 'goals', value: 'in epoch 7' })
      return offset >= 1
    })
    await world.broker(1).stop()
    await zk.setData(path, JSON.stringify({ ...state, leader_epoch: 0 }))
    await world.startBroker(1)
    const again = world.use(new MqAdmin({ brokers: world.addresses }))
    await until(async () => (await partitionOf(again, 'goals')).problems.length === 1)
    t.match((await partitionOf(again, 'goals')).problems, [{ broker: 1, reason: /epoch 7/ }])
    const impatient = world.use(new Producer({ brokers: world.addresses, deliveryTimeoutMs: 300 }))
    await until(async () => (await partitionOf(again, 'other')).leader === 1)
    await impatient.send({ topic: 'other', value: 'x' })
    await t.rejects(impatient.send({ topic: 'goals', value: 'x' }), {
      code: 'KAFKA_STORAGE_ERROR',
    })
  },
)

worldTest(
  t,
  'a broker that runs out of file descriptors keeps some for everything but partitions',
  { brokers: 0 },
  async (t, world) => {
    const flags = ['--id=1', '--port=0', `--zooweeper=${world.zooweeper}`]
    const command = 'ulimit -n 300 && exec "$@"'
    const node = [process.execPath, program('broker'), ...flags]
    const dataDir = `--data-dir=${join(world.dataDir, 'broker-1')}`
    const broker = spawn('sh', ['-c', command, 'sh', ...node, dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(broker, 'exit')
    try {
      const zk = await world.zk()
      createInterface({ input: broker.stdout }).on('line', () => undefined)
      await until(async () => (await zk.exists(zkPaths.brokerId(1 as never))) !== undefined)
      const admin = world.use(new MqAdmin({ zk, timeoutMs: 3000 }))
      const isDone = admin.createTopic({ topic: 'many', partitions: 300, replicas: 1 })
      // A leader may be elected before its broker has found that it cannot lead.
      await isDone.catch(({ code }) => t.equal(code, 'REQUEST_TIMED_OUT'))
      const producer = world.use(new Producer({ zk, deliveryTimeoutMs: 5000 }))
      const sent = await Promise.allSettled(
        Array.from({ length: 300 }, (_, partition) =>
          producer.send({ topic: 'many', partition, value: 'x' }),
        ),
      )
      const failed = sent.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
      t.ok(failed.length > 50 && failed.length < 250, `${failed.length} of 300 are unavailable`)
      for (const error of failed) t.match(error, { code: 'KAFKA_STORAGE_ERROR', message: /EMFILE/ })
      const { partitions = [] } = (await admin.topic('many')) ?? {}
      const without = partitions.filter(({ problems }) => problems.length > 0)
      t.equal(without.length, failed.length)
      t.match(without[0], { leader: noBroker, problems: [{ broker: 1, reason: /EMFILE/ }] })
      t.equal(broker.exitCode, null, 'each got a segment, and the broker is alive')
    } finally {
      broker.kill('SIGTERM')
      await exited
    }
  },
)
