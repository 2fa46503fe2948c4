// kafkajs, a client in pure JavaScript: its admin, producer and consumer requests.

import { CompressionTypes, type Kafka, type KafkaMessage } from 'kafkajs'
import t from 'tap'
import { until, worldTest } from '../../broker/broker-world.ts'
import { kafkajs, kafkajsGroups } from './kafkajs-groups.ts'
import { memberIsKilled } from './npm-groups.ts'
import { serversOf, stopLeader } from './npm-world.ts'

/** A killed member is detected soon. */
const flags = ['--group.min.session.timeout.ms=1000', '--group.initial.rebalance.delay.ms=50']

async function makeTopic(kafka: Kafka, topic: string, numPartitions = 1): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: -1 }] })
  await admin.disconnect()
}

/** Reads the first records of a topic, in a group of its own. */
async function read(kafka: Kafka, topic: string, count: number): Promise<KafkaMessage[]> {
  const consumer = kafka.consumer({ groupId: `reads-${topic}`, maxWaitTimeInMs: 50 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const found: KafkaMessage[] = []
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
    consumer
      .run({
        eachMessage: async ({ message }) => {
          found.push(message)
          if (found.length === count) resolve()
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return found
}

worldTest(t, 'kafkajs: topics and groups', { brokers: 3, flags }, async (t, world) => {
  const kafka = kafkajs(serversOf(world))
  const admin = kafka.admin()
  await admin.connect()
  const topics = [{ topic: 'made', numPartitions: 3, replicationFactor: 2 }]
  t.equal(await admin.createTopics({ topics }), true)
  t.equal(await admin.createTopics({ topics }), false, 'the topic exists already')
  t.same(await admin.listTopics(), ['made'])
  const described = await admin.fetchTopicMetadata({ topics: ['made'] })
  const [made] = described.topics
  t.same(made?.partitions.map(({ partitionId }) => partitionId).sort(), [0, 1, 2])
  t.ok(made?.partitions.every(({ isr, replicas }) => isr.length === 2 && replicas.length === 2))
  await t.rejects(admin.fetchTopicMetadata({ topics: ['none'] }), /does not host this topic/)
  const cluster = await admin.describeCluster()
  t.equal(cluster.brokers.length, 3)
  t.ok(cluster.brokers.some(({ nodeId }) => nodeId === cluster.controller))

  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'made', messages: [{ value: 'a', partition: 1 }] })
  await producer.disconnect()
  const offsets = await admin.fetchTopicOffsets('made')
  t.match(
    offsets.sort((a, b) => a.partition - b.partition),
    [{ high: '0' }, { high: '1', low: '0' }, { high: '0' }],
  )

  t.equal((await read(kafka, 'made', 1)).length, 1)
  const groupId = 'reads-made'
  t.match(await admin.listGroups(), { groups: [{ groupId, protocolType: 'consumer' }] })
  t.match(await admin.describeGroups([groupId]), { groups: [{ groupId, state: 'Empty' }] })
  const committed = async () => {
    const [found] = await admin.fetchOffsets({ groupId, topics: ['made'] })
    return found?.partitions.find(({ partition }) => partition === 1)?.offset
  }
  t.equal(await committed(), '1')
  await admin.setOffsets({ groupId, topic: 'made', partitions: [{ partition: 1, offset: '0' }] })
  t.equal(await committed(), '0')
  t.match(await admin.deleteGroups([groupId]), [{ groupId, errorCode: 0 }])
  t.equal(await committed(), '-1')

  const first = async () => {
    const found = await admin.fetchTopicMetadata({ topics: ['made'] })
    return found.topics[0]?.partitions.find(({ partitionId }) => partitionId === 0)?.replicas ?? []
  }
  const [kept = 1, gone = 2] = await first()
  const replicas = [...[1, 2, 3].filter((id) => id !== kept && id !== gone), kept]
  const partitionAssignment = [{ partition: 0, replicas }]
  await admin.alterPartitionReassignments({ topics: [{ topic: 'made', partitionAssignment }] })
  const asked = { topics: [{ topic: 'made', partitions: [0] }] }
  await until(async () => (await admin.listPartitionReassignments(asked)).topics.length === 0)
  t.same(await first(), replicas)
  const wrong = [{ partition: 0, replicas: [9] }]
  await t.rejects(
    admin.alterPartitionReassignments({ topics: [{ topic: 'made', partitionAssignment: wrong }] }),
  )
  await admin.disconnect()
})

worldTest(t, 'kafkajs: topics are changed and deleted', { brokers: 1 }, async (t, world) => {
  const kafka = kafkajs(serversOf(world))
  const admin = kafka.admin()
  await admin.connect()
  const configEntries = [{ name: 'cleanup.policy', value: 'compact' }]
  await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1, configEntries }] })
  await admin.createTopics({ topics: [{ topic: 'made', numPartitions: 1 }] })
  await admin.createPartitions({ topicPartitions: [{ topic: 'made', count: 2 }] })
  const { topics } = await admin.fetchTopicMetadata({ topics: ['made'] })
  t.equal(topics[0]?.partitions.length, 2)

  // ConfigResourceTypes.TOPIC, which kafkajs does not export to ES modules.
  const type = 2
  const configOf = async (name: string, config: string) => {
    const resources = [{ type, name, configNames: [config] }]
    const found = await admin.describeConfigs({ includeSynonyms: false, resources })
    return found.resources[0]?.configEntries[0]?.configValue
  }
  t.equal(await configOf('kept', 'cleanup.policy'), 'compact')
  const entries = [{ name: 'retention.ms', value: '86400000' }]
  const resources = [{ type, name: 'made', configEntries: entries }]
  await admin.alterConfigs({ validateOnly: false, resources })
  t.equal(await configOf('made', 'retention.ms'), '86400000')

  const producer = kafka.producer()
  await producer.connect()
  const before = Date.now() - 60_000
  for (const timestamp of [before, before + 1000]) {
    const messages = [{ partition: 1, value: 'v', timestamp: String(timestamp) }]
    await producer.send({ topic: 'made', messages })
  }
  await producer.disconnect()
  const byTime = async (timestamp: number) => {
    const found = await admin.fetchTopicOffsetsByTimestamp('made', timestamp)
    return found.find(({ partition }) => partition === 1)?.offset
  }
  t.same([await byTime(before), await byTime(before + 1)], ['0', '1'])
  t.equal(await byTime(before + 1001), '2', 'none is as late: kafkajs answers the end')
  await admin.deleteTopicRecords({ topic: 'made', partitions: [{ partition: 1, offset: '1' }] })
  const offsets = await admin.fetchTopicOffsets('made')
  t.match(
    offsets.find(({ partition }) => partition === 1),
    { low: '1', high: '2' },
  )
  await admin.deleteTopics({ topics: ['made'] })
  t.same(await admin.listTopics(), ['kept'])
  await admin.disconnect()
})

worldTest(t, 'kafkajs: records are read as sent', { brokers: 3, flags }, async (t, world) => {
  const kafka = kafkajs(serversOf(world))
  await makeTopic(kafka, 'sent')
  const producer = kafka.producer()
  await producer.connect()
  const [large, timestamp] = [Buffer.alloc(1_000_000, 'x'), '1234567890123']
  const sent = [
    { key: 'k', value: 'v', headers: { h: ['one', 'two'] }, timestamp },
    { key: 'k', value: null },
    { key: null, value: large },
  ]
  for (const message of sent) await producer.send({ topic: 'sent', messages: [message] })
  const compression = CompressionTypes.GZIP
  await producer.send({ topic: 'sent', compression, messages: [{ value: 'packed' }] })
  for (const acks of [0, 1]) {
    await producer.send({ topic: 'sent', acks, messages: [{ value: `acks=${acks}` }] })
  }
  const tooLarge = [{ value: Buffer.alloc(1_100_000) }]
  await t.rejects(
    producer.send({ topic: 'sent', messages: tooLarge }),
    /larger than the max message size/,
  )
  await producer.disconnect()
  const found = await read(kafka, 'sent', 6)
  t.match(found[0], { key: Buffer.from('k'), value: Buffer.from('v'), timestamp, offset: '0' })
  t.same(found[0]?.headers, { h: [Buffer.from('one'), Buffer.from('two')] })
  t.equal(found[1]?.value, null)
  t.ok(found[2]?.value?.equals(large), 'a megabyte')
  t.same(
    found.slice(3).map(({ value }) => String(value)),
    ['packed', 'acks=0', 'acks=1'],
  )
})

worldTest(t, 'kafkajs: a leader fails', { brokers: 3, flags }, async (t, world) => {
  const kafka = kafkajs(serversOf(world))
  await makeTopic(kafka, 'moved')
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  for (let number = 0; number < 200; number++) {
    if (number === 100) await stopLeader(world, 'moved')
    await producer.send({ topic: 'moved', messages: [{ value: String(number) }] })
  }
  await producer.disconnect()
  const found = await read(kafka, 'moved', 200)
  t.same(
    found.map(({ value }) => Number(value)),
    Array.from({ length: 200 }, (_, i) => i),
    'no record is lost or duplicated',
  )
})

worldTest(t, 'kafkajs: a member is killed', { brokers: 3, flags }, async (t, world) => {
  await memberIsKilled(t, world, kafkajsGroups)
})
