// @platformatic/kafka, which uses flexible versions and topic ids: its admin, producer and consumer
// requests.

import { inspect } from 'node:util'
import {
  Admin,
  ConfigResourceTypes,
  Consumer,
  IncrementalAlterConfigOperationTypes,
  MessagesStreamModes,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka'
import t from 'tap'
import { type BrokerWorld, worldTest } from '../../broker/broker-world.ts'
import { memberIsKilled } from './npm-groups.ts'
import { serversOf, stopLeader } from './npm-world.ts'
import { platformaticGroups, sendSurely, soon } from './platformatic-groups.ts'

/** A killed member is detected soon. */
const flags = ['--group.min.session.timeout.ms=1000', '--group.initial.rebalance.delay.ms=50']

/** zstd comes with Node 22. */
const codecs = ['none', 'gzip', 'snappy', 'lz4'] as const

async function makeTopic(world: BrokerWorld, topic: string): Promise<void> {
  const admin = new Admin(soon(serversOf(world)))
  await admin.createTopics({ topics: [topic], partitions: 1, replicas: 3 })
  await admin.close()
}

interface Found {
  readonly key: string
  readonly value: string
  readonly headers: ReadonlyMap<string, string>
  readonly timestamp: bigint
}

/** Reads the first records of a topic, in a group of its own. */
async function read(world: BrokerWorld, topic: string, count: number): Promise<Found[]> {
  const consumer = new Consumer({
    ...soon(serversOf(world)),
    groupId: `reads-${topic}`,
    deserializers: stringDeserializers,
    maxWaitTime: 50,
    autocommit: 20,
  })
  const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST })
  const found: Found[] = []
  for await (const message of stream) {
    found.push(message)
    if (found.length === count) break
  }
  await consumer.close(true)
  return found
}

worldTest(t, 'platformatic: topics and groups', { brokers: 3, flags }, async (t, world) => {
  const admin = new Admin(soon(serversOf(world)))
  const [made] = await admin.createTopics({ topics: ['made'], partitions: 3, replicas: 2 })
  t.match(made, { name: 'made', partitions: 3, replicas: 2 })
  t.same(await admin.listTopics(), ['made'])
  const { brokers, topics, controllerId } = await admin.metadata({ topics: ['made'] })
  t.equal(brokers.size, 3)
  t.ok(brokers.has(controllerId))
  t.equal(topics.get('made')?.partitionsCount, 3)
  t.equal(topics.get('made')?.id.replaceAll('-', '').length, 32)

  const producer = new Producer({ ...soon(serversOf(world)), serializers: stringSerializers })
  await producer.send({ messages: [{ topic: 'made', partition: 1, value: 'a' }] })
  await producer.close()
  t.equal((await read(world, 'made', 1)).length, 1)
  const id = 'reads-made'
  t.match(await admin.listGroups(), new Map([[id, { id, state: 'EMPTY' }]]))
  t.match(await admin.describeGroups({ groups: [id] }), new Map([[id, { id, state: 'EMPTY' }]]))
  const committed = async () => {
    const groups = [{ groupId: id, topics: [{ name: 'made', partitionIndexes: [1] }] }]
    const [found] = await admin.listConsumerGroupOffsets({ groups })
    return found?.topics[0]?.partitions[0]?.committedOffset
  }
  const partitionOffsets = [{ partition: 1, offset: 1n }]
  await admin.alterConsumerGroupOffsets({
    groupId: id,
    topics: [{ name: 'made', partitionOffsets }],
  })
  t.equal(await committed(), 1n)
  await admin.deleteGroups({ groups: [id] })
  t.equal(await committed(), -1n)
  await admin.close()
})

worldTest(t, 'platformatic: topics are changed and deleted', { brokers: 1 }, async (t, world) => {
  const admin = new Admin(soon(serversOf(world)))
  const configs = [{ name: 'cleanup.policy', value: 'compact' }]
  await admin.createTopics({ topics: ['kept'], partitions: 1, replicas: 1, configs })
  await admin.createTopics({ topics: ['made'], partitions: 1, replicas: 1 })
  await admin.createPartitions({ topics: [{ name: 'made', count: 2, assignments: null }] })
  const { topics } = await admin.metadata({ topics: ['made'], forceUpdate: true })
  t.equal(topics.get('made')?.partitionsCount, 2)

  const resourceType = ConfigResourceTypes.TOPIC
  const configOf = async (resourceName: string, config: string) => {
    const resources = [{ resourceType, resourceName, configurationKeys: [config] }]
    const [found] = await admin.describeConfigs({ resources })
    return found?.configs[0]?.value
  }
  t.equal(await configOf('kept', 'cleanup.policy'), 'compact')
  const set = IncrementalAlterConfigOperationTypes.SET
  const changes = [{ name: 'retention.ms', configOperation: set, value: '86400000' }]
  const resources = [{ resourceType, resourceName: 'made', configs: changes }]
  await admin.incrementalAlterConfigs({ resources })
  t.equal(await configOf('made', 'retention.ms'), '86400000')

  const producer = new Producer({ ...soon(serversOf(world)), serializers: stringSerializers })
  const before = BigInt(Date.now() - 60_000)
  for (const timestamp of [before, before + 1000n]) {
    await producer.send({ messages: [{ topic: 'made', partition: 1, value: 'v', timestamp }] })
  }
  await producer.close()
  const byTime = async (timestamp: bigint) => {
    const asked = [{ name: 'made', partitions: [{ partitionIndex: 1, timestamp }] }]
    const [found] = await admin.listOffsets({ topics: asked })
    return found?.partitions[0]?.offset
  }
  t.same([await byTime(before), await byTime(before + 1n)], [0n, 1n])
  t.equal(await byTime(before + 1001n), -1n, 'none is as late')
  const doomed = [{ name: 'made', partitions: [{ partition: 1, offset: 1n }] }]
  const [deleted] = await admin.deleteRecords({ topics: doomed })
  t.equal(deleted?.partitions[0]?.lowWatermark, 1n)
  const [dirs] = await admin.describeLogDirs({ topics: [{ name: 'made', partitions: [1] }] })
  t.match(dirs?.results[0]?.topics, [{ name: 'made', partitions: [{ partitionIndex: 1 }] }])
  await admin.deleteTopics({ topics: ['made'] })
  t.same(await admin.listTopics(), ['kept'])
  await admin.close()
})

worldTest(t, 'platformatic: records are read as sent', { brokers: 3, flags }, async (t, world) => {
  await makeTopic(world, 'sent')
  const producer = new Producer({ ...soon(serversOf(world)), serializers: stringSerializers })
  const [topic, large, timestamp] = ['sent', 'x'.repeat(1_000_000), 1_234_567_890_123n]
  for (const compression of codecs) {
    const messages = [{ topic, key: compression, value: compression.repeat(100), timestamp }]
    await producer.send({ messages, compression })
  }
  await producer.send({ messages: [{ topic, key: 'large', value: large, headers: { h: 'x' } }] })
  for (const acks of [0, 1]) {
    await producer.send({ messages: [{ topic, key: 'acks', value: `${acks}` }], acks })
  }
  await producer.close()
  const found = await read(world, topic, codecs.length + 3)
  for (const [i, codec] of codecs.entries()) {
    t.match(found[i], { key: codec, value: codec.repeat(100), timestamp })
  }
  t.ok(found[codecs.length]?.value === large, 'a megabyte')
  t.same(found[codecs.length]?.headers, new Map([['h', 'x']]))
  t.same(
    found.slice(codecs.length + 1).map(({ value }) => value),
    ['0', '1'],
  )
})

worldTest(t, 'platformatic: a time out of bounds', { brokers: 1, flags }, async (t, world) => {
  const admin = new Admin(soon(serversOf(world)))
  const configs = [{ name: 'message.timestamp.before.max.ms', value: '60000' }]
  await admin.createTopics({ topics: ['recent'], partitions: 1, replicas: 1, configs })
  await admin.close()
  const producer = new Producer({
    ...soon(serversOf(world)),
    serializers: stringSerializers,
    idempotent: true,
  })
  const send = (value: string, timestamp = BigInt(Date.now())) => {
    return producer.send({ messages: [{ topic: 'recent', value, timestamp }] })
  }
  await sendSurely(producer, [{ topic: 'recent', value: 'first' }])
  const refusal = await send('old', 5n).catch((error: unknown) => error)
  const shown = inspect(refusal, { depth: 10 })
  t.match(shown, /timestamp of the message is out of acceptable range/, 'by its code')
  t.match(shown, /batchIndexErrorMessage: 'its timestamp 5 is before/)
  await send('next')
  await producer.close()
  const found = await read(world, 'recent', 2)
  t.same(
    found.map(({ value }) => value),
    ['first', 'next'],
  )
})

worldTest(t, 'platformatic: a leader fails', { brokers: 3, flags }, async (t, world) => {
  await makeTopic(world, 'moved')
  const producer = new Producer({
    ...soon(serversOf(world)),
    serializers: stringSerializers,
    idempotent: true,
  })
  for (let number = 0; number < 200; number++) {
    if (number === 100) await stopLeader(world, 'moved')
    await sendSurely(producer, [{ topic: 'moved', value: String(number) }])
  }
  await producer.close()
  const found = await read(world, 'moved', 200)
  t.same(
    found.map(({ value }) => Number(value)),
    Array.from({ length: 200 }, (_, i) => i),
    'no record is lost or duplicated',
  )
})

worldTest(t, 'platformatic: a member is killed', { brokers: 3, flags }, async (t, world) => {
  await memberIsKilled(t, world, platformaticGroups)
})
