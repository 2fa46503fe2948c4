// Configuration of topics and brokers over Kafka's protocol, and what takes effect at once.

import t from 'tap'
import { alterConfigs } from '../../../src/protocol/kafka/api/alter-configs.ts'
import { createTopics } from '../../../src/protocol/kafka/api/create-topics.ts'
import { describeConfigs } from '../../../src/protocol/kafka/api/describe-configs.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/kafka/api/incremental-alter-configs.ts'
import { produce } from '../../../src/protocol/kafka/api/produce.ts'
import { mqErrorCodes } from '../../../src/protocol/mq/error-codes.ts'
import { until, worldTest } from '../broker-world.ts'
import { batchOf, newTopic, produceTo } from './exchanges.ts'
import { type KafkaClient, kafkaClient } from './kafka-client.ts'

const topicResource = 2
const brokerResource = 4
const operation = { set: 0, delete: 1, append: 2, subtract: 3 }

/** The entries as `name=value/source`, those that are not by default. */
async function described(client: KafkaClient, resourceType: number, resourceName: string) {
  const resources = [{ resourceType, resourceName, configurationKeys: null }]
  const asked = { resources, includeSynonyms: true, includeDocumentation: true }
  const { results } = await client.send(describeConfigs, 4, asked)
  const [found] = results
  const entries = found?.configs ?? []
  t.ok(entries.every(({ documentation, synonyms }) => documentation && synonyms.length > 0))
  return {
    errorCode: found?.errorCode,
    entries,
    set: entries
      .filter(({ configSource }) => configSource !== 5)
      .map(({ name, value, configSource }) => `${name}=${value}/${configSource}`)
      .sort(),
  }
}

interface Change {
  readonly name: string
  readonly value: string | null
  readonly configOperation?: number
}

async function change(
  client: KafkaClient,
  { type = topicResource, name = 'goals', validateOnly = false } = {},
  ...changes: readonly Change[]
): Promise<number | undefined> {
  const configs = changes.map(({ name: key, value, configOperation = operation.set }) => {
    return { name: key, value, configOperation }
  })
  const resources = [{ resourceType: type, resourceName: name, configs }]
  const asked = { resources, validateOnly }
  const { responses } = await client.send(incrementalAlterConfigs, 1, asked)
  return responses[0]?.errorCode
}

worldTest(t, 'configurations over Kafka’s protocol', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  const configs = [
    { name: 'cleanup.policy', value: 'compact' },
    { name: 'retention.ms', value: '1000' },
  ]
  const topic = { name: 'goals', numPartitions: -1, replicationFactor: -1, configs }
  const made = await client.send(createTopics, 7, {
    topics: [{ ...topic, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }],
    timeoutMs: 30_000,
  })
  t.match(made.topics, [{ errorCode: 0, numPartitions: 1, replicationFactor: 1 }])
  const shown = new Map(made.topics[0]?.configs?.map((one) => [one.name, one]))
  t.match(shown.get('retention.ms'), { value: '1000', configSource: 1, readOnly: false })
  t.match(shown.get('segment.ms'), { value: '604800000', configSource: 5 })

  const created = await described(client, topicResource, 'goals')
  t.same(created.set, ['cleanup.policy=compact/1', 'retention.ms=1000/1'])
  const retention = created.entries.find(({ name }) => name === 'retention.ms')
  t.match(retention, {
    configType: 5,
    synonyms: [
      { name: 'retention.ms', value: '1000', source: 1 },
      { name: 'log.retention.ms', value: '604800000', source: 5 },
    ],
  })
  for (const version of [0, 1, 2, 3, 4]) {
    const resources = [
      { resourceType: topicResource, resourceName: 'goals', configurationKeys: ['segment.ms'] },
    ]
    const { results } = await client.send(describeConfigs, version, { resources })
    t.match(results, [{ errorCode: 0, configs: [{ name: 'segment.ms', value: '604800000' }] }])
  }

  t.equal(
    await change(
      client,
      {},
      { name: 'cleanup.policy', value: 'delete', configOperation: operation.append },
    ),
    0,
  )
  t.equal(
    await change(
      client,
      {},
      { name: 'retention.ms', value: null, configOperation: operation.delete },
    ),
    0,
  )
  t.same((await described(client, topicResource, 'goals')).set, ['cleanup.policy=compact,delete/1'])
  t.equal(await change(client, { validateOnly: true }, { name: 'segment.ms', value: '5' }), 0)
  t.equal(await change(client, {}, { name: 'segment.ms', value: '0' }), mqErrorCodes.INVALID_CONFIG)
  t.equal(
    await change(client, {}, { name: 'segment.ms', value: '5', configOperation: 9 }),
    mqErrorCodes.INVALID_REQUEST,
  )
  t.equal(await change(client, { type: 8 }), mqErrorCodes.INVALID_REQUEST)
  t.equal(await change(client, { name: 'none' }), mqErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  const resources = [
    {
      resourceType: topicResource,
      resourceName: 'goals',
      configs: [{ name: 'segment.ms', value: '7' }],
    },
  ]
  const altered = await client.send(alterConfigs, 2, { resources, validateOnly: false })
  t.match(altered.responses, [{ errorCode: 0 }])
  t.same((await described(client, topicResource, 'goals')).set, ['segment.ms=7/1'])

  const own = await described(client, brokerResource, '1')
  t.match(
    own.entries.find(({ name }) => name === 'broker.id'),
    { value: '1', readOnly: true, configSource: 4 },
  )
  t.equal((await described(client, brokerResource, '2')).errorCode, mqErrorCodes.INVALID_REQUEST)
  t.equal(
    await change(
      client,
      { type: brokerResource, name: '' },
      { name: 'log.retention.ms', value: '9' },
    ),
    0,
  )
  t.equal(
    await change(client, { type: brokerResource, name: '1' }, { name: 'log.roll.ms', value: '8' }),
    0,
  )
  t.same((await described(client, brokerResource, '')).set, ['log.retention.ms=9/3'])
  t.ok((await described(client, brokerResource, '1')).set.includes('log.roll.ms=8/2'))
  t.same((await described(client, topicResource, 'goals')).set, [
    'retention.ms=9/3',
    'segment.ms=7/1',
  ])
})

worldTest(
  t,
  'a throttle is set and taken back as kafka-reassign-partitions does it',
  { brokers: 1 },
  async (t, world) => {
    const client = kafkaClient(world)
    await newTopic(client, 'goals', { replicas: 1 })
    const lists = [
      'leader.replication.throttled.replicas',
      'follower.replication.throttled.replicas',
    ]
    const rates = ['leader.replication.throttled.rate', 'follower.replication.throttled.rate']
    const broker = { type: brokerResource, name: '1' }
    const all = (names: readonly string[], value: string | null) => {
      const configOperation = value === null ? operation.delete : operation.set
      return names.map((name) => ({ name, value, configOperation }))
    }
    const set = async () => {
      const { entries } = await described(client, topicResource, 'goals')
      const ofTopic = entries.filter(({ configSource }) => configSource === 1)
      t.ok(ofTopic.every(({ configType }) => configType === 7))
      const ofBroker = (await described(client, brokerResource, '1')).entries
      const shown = [...ofTopic, ...ofBroker.filter(({ configSource }) => configSource === 2)]
      return shown.map(({ name, value }) => `${name}=${value}`).sort()
    }
    t.equal(await change(client, broker, ...all(rates, '1000')), 0)
    t.equal(await change(client, {}, ...all(lists, '0:1,1:1')), 0)
    t.same(await set(), [
      'follower.replication.throttled.rate=1000',
      'follower.replication.throttled.replicas=0:1,1:1',
      'leader.replication.throttled.rate=1000',
      'leader.replication.throttled.replicas=0:1,1:1',
    ])
    const refused = mqErrorCodes.INVALID_CONFIG
    t.equal(await change(client, broker, ...all(rates, '-1')), refused)
    t.equal(await change(client, {}, ...all(lists, '*,0:1')), refused)
    t.equal(await change(client, {}, ...all(rates, '1')), refused, 'no key of a topic')
    const subtracted = lists.map((name) => {
      return { name, value: '0:1,1:1', configOperation: operation.subtract }
    })
    t.equal(await change(client, {}, ...subtracted), 0)
    t.equal(await change(client, {}, ...all(lists, null)), 0)
    const disks = 'replica.alter.log.dirs.io.max.bytes.per.second'
    t.equal(await change(client, broker, ...all([disks], '1000')), refused)
    t.equal(await change(client, broker, ...all([...rates, disks], null)), 0)
    t.same(await set(), [])
  },
)

worldTest(
  t,
  'min.insync.replicas and max.message.bytes take effect at once',
  { brokers: 1 },
  async (t, world) => {
    const client = kafkaClient(world)
    await newTopic(client, 'goals', { replicas: 1 })
    const sent = async () => {
      const { responses } = await client.send(produce, 9, produceTo('goals', batchOf(1)))
      return responses[0]?.partitionResponses[0]?.errorCode
    }
    t.equal(await sent(), 0)
    t.equal(await change(client, {}, { name: 'min.insync.replicas', value: '2' }), 0)
    await until(async () => (await sent()) === mqErrorCodes.NOT_ENOUGH_REPLICAS)
    t.equal(await change(client, {}, { name: 'min.insync.replicas', value: '1' }), 0)
    await until(async () => (await sent()) === 0)
    t.equal(await change(client, {}, { name: 'max.message.bytes', value: '50' }), 0)
    await until(async () => (await sent()) === mqErrorCodes.MESSAGE_TOO_LARGE)
  },
)
