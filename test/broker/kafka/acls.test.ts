// Rules of access at a broker: each request of a user without a rule is refused with Kafka's error, and
// rules come and go while clients are connected.

import t from 'tap'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { alterPartitionReassignments } from '../../../src/protocol/kafka/api/alter-partition-reassignments.ts'
import { createAcls } from '../../../src/protocol/kafka/api/create-acls.ts'
import { createPartitions } from '../../../src/protocol/kafka/api/create-partitions.ts'
import { createTopics } from '../../../src/protocol/kafka/api/create-topics.ts'
import { deleteAcls } from '../../../src/protocol/kafka/api/delete-acls.ts'
import { deleteGroups } from '../../../src/protocol/kafka/api/delete-groups.ts'
import { deleteRecords } from '../../../src/protocol/kafka/api/delete-records.ts'
import { deleteTopics } from '../../../src/protocol/kafka/api/delete-topics.ts'
import { describeAcls } from '../../../src/protocol/kafka/api/describe-acls.ts'
import { describeConfigs } from '../../../src/protocol/kafka/api/describe-configs.ts'
import { describeGroups } from '../../../src/protocol/kafka/api/describe-groups.ts'
import { describeLogDirs } from '../../../src/protocol/kafka/api/describe-log-dirs.ts'
import { describeProducers } from '../../../src/protocol/kafka/api/describe-producers.ts'
import { electLeaders } from '../../../src/protocol/kafka/api/elect-leaders.ts'
import { fetch } from '../../../src/protocol/kafka/api/fetch.ts'
import { findCoordinator } from '../../../src/protocol/kafka/api/find-coordinator.ts'
import { heartbeat } from '../../../src/protocol/kafka/api/heartbeat.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/kafka/api/incremental-alter-configs.ts'
import { initProducerId } from '../../../src/protocol/kafka/api/init-producer-id.ts'
import { joinGroup } from '../../../src/protocol/kafka/api/join-group.ts'
import { leaveGroup } from '../../../src/protocol/kafka/api/leave-group.ts'
import { listGroups } from '../../../src/protocol/kafka/api/list-groups.ts'
import { listOffsets } from '../../../src/protocol/kafka/api/list-offsets.ts'
import { listPartitionReassignments } from '../../../src/protocol/kafka/api/list-partition-reassignments.ts'
import { metadata } from '../../../src/protocol/kafka/api/metadata.ts'
import { offsetCommit } from '../../../src/protocol/kafka/api/offset-commit.ts'
import { offsetDelete } from '../../../src/protocol/kafka/api/offset-delete.ts'
import { offsetFetch } from '../../../src/protocol/kafka/api/offset-fetch.ts'
import { offsetForLeaderEpoch } from '../../../src/protocol/kafka/api/offset-for-leader-epoch.ts'
import { produce } from '../../../src/protocol/kafka/api/produce.ts'
import { saslAuthenticate } from '../../../src/protocol/kafka/api/sasl-authenticate.ts'
import { saslHandshake } from '../../../src/protocol/kafka/api/sasl-handshake.ts'
import { syncGroup } from '../../../src/protocol/kafka/api/sync-group.ts'
import {
  type AclRule,
  aclOperations,
  aclPatternTypes,
  aclPermissions,
  aclResourceTypes,
} from '../../../src/protocol/mq/acls.ts'
import { mqErrorCodes } from '../../../src/protocol/mq/error-codes.ts'
import { type BrokerWorld, until, worldTest } from '../broker-world.ts'
import { batchOf, fetchOf, newTopic, produceTo } from './exchanges.ts'
import { type KafkaClient, kafkaClient } from './kafka-client.ts'
import { makeUser } from './users.ts'

const flags = ['--sasl-mechanisms=PLAIN', '--acls', '--super.users=User:root']
const options = { brokers: 1, flags }
const password = 'open sesame'

async function clientOf(world: BrokerWorld, user: string): Promise<KafkaClient> {
  const client = kafkaClient(world)
  await client.send(saslHandshake, 1, { mechanism: 'PLAIN' })
  const authBytes = Buffer.from(`\0${user}\0${password}`)
  const { errorCode } = await client.send(saslAuthenticate, 2, { authBytes })
  if (errorCode !== 0) throw new Error(`Refused: ${errorCode}`)
  return client
}

async function clients(world: BrokerWorld) {
  for (const user of ['root', 'ann']) await makeUser(world, user, password)
  const [root, ann] = await Promise.all([clientOf(world, 'root'), clientOf(world, 'ann')])
  return { root, ann }
}

function rowOf(rule: Partial<AclRule> = {}) {
  const { resourceType = 'topic', patternType = 'literal', name = 'goals' } = rule
  const { principal = 'User:ann', host = '*' } = rule
  const { operation = 'read', permission = 'allow' } = rule
  return {
    resourceType: aclResourceTypes[resourceType],
    resourceName: name,
    resourcePatternType: aclPatternTypes[patternType],
    principal,
    host,
    operation: aclOperations[operation],
    permissionType: aclPermissions[permission],
  }
}

async function allow(client: KafkaClient, ...rules: readonly Partial<AclRule>[]) {
  const { results } = await client.send(createAcls, 3, { creations: rules.map(rowOf) })
  const bad = results.find(({ errorCode }) => errorCode !== 0)
  if (bad !== undefined) throw new Error(bad.errorMessage ?? 'refused')
}

const all = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
}

const timeoutMs = 30_000
const topic = 'goals'
const group = 'readers'

/** Every api that uses something, and the error in its answer. */
const requests: readonly [string, (client: KafkaClient) => Promise<number | undefined>][] = [
  [
    'TOPIC',
    async (client) =>
      (await client.send(produce, 9, produceTo(topic, batchOf(1)))).responses[0]
        ?.partitionResponses[0]?.errorCode,
  ],
  [
    'TOPIC',
    async (client) =>
      (await client.send(fetch, 11, fetchOf(topic))).responses[0]?.partitions[0]?.errorCode,
  ],
  [
    'TOPIC',
    async (client) => {
      const partitions = [{ partitionIndex: 0, timestamp: -1 }]
      const asked = { replicaId: -1, topics: [{ name: topic, partitions }] }
      return (await client.send(listOffsets, 5, asked)).topics[0]?.partitions[0]?.errorCode
    },
  ],
  [
    'TOPIC',
    async (client) =>
      (await client.send(metadata, 12, { topics: [{ name: topic }] })).topics[0]?.errorCode,
  ],
  [
    'TOPIC',
    async (client) => {
      const partitions = [{ partition: 0, currentLeaderEpoch: 0, leaderEpoch: 0 }]
      const asked = { topics: [{ topic, partitions }] }
      return (await client.send(offsetForLeaderEpoch, 3, asked)).topics[0]?.partitions[0]?.errorCode
    },
  ],
  [
    'TOPIC',
    async (client) => {
      const asked = { topics: [{ name: topic, partitionIndexes: [0] }] }
      return (await client.send(describeProducers, 0, asked)).topics[0]?.partitions[0]?.errorCode
    },
  ],
  [
    'TOPIC',
    async (client) => {
      const partitions = [{ partitionIndex: 0, offset: 0 }]
      const asked = { topics: [{ name: topic, partitions }], timeoutMs }
      return (await client.send(deleteRecords, 1, asked)).topics[0]?.partitions[0]?.errorCode
    },
  ],
  [
    'TOPIC',
    async (client) => {
      const wanted = { name: 'new', numPartitions: 1, replicationFactor: 1 }
      const topics = [{ ...wanted, assignments: [], configs: [] }]
      return (await client.send(createTopics, 5, { topics, timeoutMs })).topics[0]?.errorCode
    },
  ],
  [
    'TOPIC',
    async (client) =>
      (await client.send(deleteTopics, 5, { topicNames: [topic], timeoutMs })).responses[0]
        ?.errorCode,
  ],
  [
    'TOPIC',
    async (client) => {
      const topics = [{ name: topic, count: 2, assignments: null }]
      const asked = { topics, timeoutMs, validateOnly: false }
      return (await client.send(createPartitions, 1, asked)).results[0]?.errorCode
    },
  ],
  [
    'TOPIC',
    async (client) => {
      const resources = [{ resourceType: 2, resourceName: topic, configurationKeys: null }]
      return (await client.send(describeConfigs, 3, { resources })).results[0]?.errorCode
    },
  ],
  [
    'TOPIC',
    async (client) => {
      const resources = [{ resourceType: 2, resourceName: topic, configs: [] }]
      const asked = { resources, validateOnly: false }
      return (await client.send(incrementalAlterConfigs, 0, asked)).responses[0]?.errorCode
    },
  ],
  [
    'CLUSTER',
    async (client) => {
      const resources = [{ resourceType: 4, resourceName: '1', configurationKeys: null }]
      return (await client.send(describeConfigs, 3, { resources })).results[0]?.errorCode
    },
  ],
  [
    'CLUSTER',
    async (client) =>
      (await client.send(initProducerId, 2, { transactionalId: null, transactionTimeoutMs: 0 }))
        .errorCode,
  ],
  [
    'CLUSTER',
    async (client) => (await client.send(describeLogDirs, 3, { topics: null })).errorCode,
  ],
  [
    'CLUSTER',
    async (client) => {
      const topicPartitions = [{ topic, partitions: [0] }]
      const asked = { electionType: 0, topicPartitions, timeoutMs }
      return (await client.send(electLeaders, 1, asked)).errorCode
    },
  ],
  [
    'CLUSTER',
    async (client) =>
      (await client.send(alterPartitionReassignments, 0, { topics: [], timeoutMs })).errorCode,
  ],
  [
    'CLUSTER',
    async (client) =>
      (await client.send(listPartitionReassignments, 0, { topics: null, timeoutMs })).errorCode,
  ],
  ['CLUSTER', async (client) => (await client.send(describeAcls, 3, all)).errorCode],
  [
    'CLUSTER',
    async (client) =>
      (await client.send(createAcls, 3, { creations: [rowOf()] })).results[0]?.errorCode,
  ],
  [
    'CLUSTER',
    async (client) =>
      (await client.send(deleteAcls, 3, { filters: [all] })).filterResults[0]?.errorCode,
  ],
  [
    'GROUP',
    async (client) => (await client.send(findCoordinator, 1, { key: group, keyType: 0 })).errorCode,
  ],
  [
    'GROUP',
    async (client) => {
      const times = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 }
      const rest = { memberId: '', protocolType: 'consumer', protocols: [] }
      return (await client.send(joinGroup, 5, { groupId: group, ...times, ...rest })).errorCode
    },
  ],
  [
    'GROUP',
    async (client) => {
      const asked = { groupId: group, generationId: 1, memberId: 'm', assignments: [] }
      return (await client.send(syncGroup, 3, asked)).errorCode
    },
  ],
  [
    'GROUP',
    async (client) =>
      (await client.send(heartbeat, 3, { groupId: group, generationId: 1, memberId: 'm' }))
        .errorCode,
  ],
  [
    'GROUP',
    async (client) =>
      (
        await client.send(leaveGroup, 4, {
          groupId: group,
          members: [{ memberId: 'm', groupInstanceId: null, reason: null }],
        })
      ).errorCode,
  ],
  [
    'GROUP',
    async (client) => {
      const partitions = [{ partitionIndex: 0, committedOffset: 0, committedMetadata: '' }]
      const of = { groupId: group, generationIdOrMemberEpoch: 1, memberId: 'm' }
      const asked = { ...of, topics: [{ name: topic, partitions }] }
      return (await client.send(offsetCommit, 7, asked)).topics[0]?.partitions[0]?.errorCode
    },
  ],
  [
    'GROUP',
    async (client) =>
      (await client.send(offsetFetch, 7, { groupId: group, topics: null })).errorCode,
  ],
  [
    'GROUP',
    async (client) =>
      (await client.send(describeGroups, 4, { groups: [group] })).groups[0]?.errorCode,
  ],
  [
    'GROUP',
    async (client) =>
      (await client.send(deleteGroups, 1, { groupsNames: [group] })).results[0]?.errorCode,
  ],
  [
    'GROUP',
    async (client) =>
      (await client.send(offsetDelete, 0, { groupId: group, topics: [] })).errorCode,
  ],
]

worldTest(t, 'a user without a rule may do nothing', options, async (t, world) => {
  const { root, ann } = await clients(world)
  const topicId = await newTopic(root, topic)
  for (const [i, [of, request]] of requests.entries()) {
    const code = `${of}_AUTHORIZATION_FAILED` as keyof typeof mqErrorCodes
    t.equal(await request(ann), mqErrorCodes[code], `request ${i}`)
  }
  t.same((await ann.send(metadata, 5, { topics: null })).topics, [], 'topics are not shown')
  t.same((await ann.send(listGroups, 4, {})).groups, [])
  const byId = { topics: [{ name: null, topicId }], timeoutMs }
  const byIdAnswer = await ann.send(deleteTopics, 6, byId)
  t.equal(byIdAnswer.responses[0]?.errorCode, mqErrorCodes.TOPIC_AUTHORIZATION_FAILED)
  const stranger = {
    topics: [{ name: null, topicId: 'AAAAAAAAAAAAAAAAAAAABw' }],
    timeoutMs,
  }
  const unknown = await ann.send(deleteTopics, 6, stranger)
  t.equal(unknown.responses[0]?.errorCode, mqErrorCodes.UNKNOWN_TOPIC_ID)
  t.equal((await root.send(metadata, 5, { topics: null })).topics.length, 1, 'it is still there')
})

worldTest(t, 'rules are in force at once, and taken back at once', options, async (t, world) => {
  const { root, ann } = await clients(world)
  await newTopic(root, topic)
  const produced = async () =>
    (await ann.send(produce, 9, produceTo(topic, batchOf(1)))).responses[0]?.partitionResponses[0]
      ?.errorCode
  const fetched = async () =>
    (await ann.send(fetch, 11, fetchOf(topic))).responses[0]?.partitions[0]?.errorCode
  await allow(root, { operation: 'write', name: 'go', patternType: 'prefixed' })
  t.equal(await produced(), 0)
  const id = await ann.send(initProducerId, 2, { transactionalId: null, transactionTimeoutMs: 0 })
  t.equal(id.errorCode, 0, 'it may write somewhere')
  const shown = await ann.send(metadata, 5, { topics: [{ name: topic }] })
  t.equal(shown.topics[0]?.errorCode, 0, 'writing includes describing')
  t.equal(await fetched(), mqErrorCodes.TOPIC_AUTHORIZATION_FAILED)
  await allow(root, { operation: 'read' }, { operation: 'write', permission: 'deny' })
  t.equal(await fetched(), 0)
  t.equal(await produced(), mqErrorCodes.TOPIC_AUTHORIZATION_FAILED, 'denied')

  const about = { ...all, resourceNameFilter: topic, patternTypeFilter: 2, resourceTypeFilter: 2 }
  const { resources } = await root.send(describeAcls, 3, about)
  t.match(resources, [
    { resourceName: topic, patternType: 3, acls: [{ operation: 3 }, { operation: 4 }] },
    { resourceName: 'go', patternType: 4, acls: [{ principal: 'User:ann', operation: 4 }] },
  ])
  const denials = { ...all, permissionType: aclPermissions.deny }
  const removed = await root.send(deleteAcls, 3, { filters: [denials] })
  t.match(removed.filterResults, [{ errorCode: 0, matchingAcls: [{ resourceName: topic }] }])
  t.equal(await produced(), 0)
  await root.send(deleteAcls, 3, { filters: [all] })
  t.equal(await fetched(), mqErrorCodes.TOPIC_AUTHORIZATION_FAILED)
  const zk = await world.zk()
  t.same((await zk.getChildren('/kafka-acl/Topic')).children, [], 'a pattern without rules is gone')
})

worldTest(t, 'rules written to ZooWeeper count, and bad ones refuse', options, async (t, world) => {
  const { root, ann } = await clients(world)
  await newTopic(root, topic)
  const zk = await world.zk()
  const rule = { principal: 'User:*', permissionType: 'Allow', operation: 'All', host: '*' }
  const described = async () =>
    (await ann.send(metadata, 12, { topics: [{ name: topic }] })).topics[0]?.errorCode
  const becomes = async (code: number) => {
    await until(async () => (await described()) === code)
    t.equal(await described(), code, 'and it stays so')
  }
  await zk.create('/kafka-acl/Topic/goals', JSON.stringify({ version: 1, acls: [rule] }))
  await becomes(0)
  await zk.setData('/kafka-acl/Topic/goals', 'no json')
  await becomes(mqErrorCodes.TOPIC_AUTHORIZATION_FAILED)
  const added = await root.send(createAcls, 3, { creations: [rowOf()] })
  t.match(added.results, [{ errorMessage: /no rules that can be read/ }])
  await zk.delete('/kafka-acl/Topic/goals')
  await allow(root, { principal: 'User:*' })
  t.equal(await described(), 0)
  const { acl } = await zk.getACL('/kafka-acl/Topic/goals')
  t.notOk(
    acl.some(({ scheme, perms }) => scheme === 'world' && perms > 1),
    'only brokers change them',
  )
})

worldTest(t, 'what makes no rule is refused', options, async (t, world) => {
  const { root } = await clients(world)
  const bad = [
    { ...rowOf(), resourceType: 9 },
    { ...rowOf(), operation: aclOperations.clusterAction },
    { ...rowOf(), resourcePatternType: 1 },
    { ...rowOf(), permissionType: 1 },
    { ...rowOf(), principal: 'ann' },
    { ...rowOf(), host: '' },
    { ...rowOf(), resourceName: '' },
    { ...rowOf(), resourceType: aclResourceTypes.cluster },
  ]
  const { results } = await root.send(createAcls, 3, { creations: bad })
  for (const [i, { errorCode }] of results.entries()) {
    t.equal(errorCode, mqErrorCodes.INVALID_REQUEST, `rule ${i}`)
  }
  const filter = { ...all, operation: 0 }
  t.equal((await root.send(describeAcls, 3, filter)).errorCode, mqErrorCodes.INVALID_REQUEST)
  t.same((await root.send(describeAcls, 3, all)).resources, [])
})

worldTest(t, 'without acls there are no rules', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  t.equal((await client.send(describeAcls, 3, all)).errorCode, mqErrorCodes.SECURITY_DISABLED)
  const { results } = await client.send(createAcls, 3, { creations: [rowOf()] })
  t.equal(results[0]?.errorCode, mqErrorCodes.SECURITY_DISABLED)
})

worldTest(t, 'rules are about clients of the native protocol, too', options, async (t, world) => {
  const admin = world.use(new MqAdmin({ brokers: world.addresses, timeoutMs: 2000 }))
  const refused = admin.createTopic({ topic, partitions: 1, replicas: 1 })
  await t.rejects(refused, /no rule allows it to User:ANONYMOUS/)
})

const open = ['--acls', '--super.users=User:ANONYMOUS; User:root']

worldTest(
  t,
  'it may do everything where everyone may',
  { brokers: 1, flags: open },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses, timeoutMs: 5000 }))
    await admin.createTopic({ topic, partitions: 1, replicas: 1 })
    const client = kafkaClient(world)
    t.equal((await client.send(metadata, 5, { topics: null })).topics.length, 1)
  },
)
