// Consumer groups over Kafka's protocol: members, offsets, and changes of coordinator.

import t from 'tap'
import { offsetsTopic, partitionOf } from '../../../src/broker/group/offsets-topic.ts'
import { Consumer } from '../../../src/client/mq/consumer.ts'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { deleteGroups } from '../../../src/protocol/kafka/api/delete-groups.ts'
import { describeGroups } from '../../../src/protocol/kafka/api/describe-groups.ts'
import { findCoordinator } from '../../../src/protocol/kafka/api/find-coordinator.ts'
import { heartbeat } from '../../../src/protocol/kafka/api/heartbeat.ts'
import { joinGroup } from '../../../src/protocol/kafka/api/join-group.ts'
import { leaveGroup } from '../../../src/protocol/kafka/api/leave-group.ts'
import { listGroups } from '../../../src/protocol/kafka/api/list-groups.ts'
import { metadata } from '../../../src/protocol/kafka/api/metadata.ts'
import { offsetCommit } from '../../../src/protocol/kafka/api/offset-commit.ts'
import { offsetDelete } from '../../../src/protocol/kafka/api/offset-delete.ts'
import { offsetFetch } from '../../../src/protocol/kafka/api/offset-fetch.ts'
import { produce } from '../../../src/protocol/kafka/api/produce.ts'
import { syncGroup } from '../../../src/protocol/kafka/api/sync-group.ts'
import { decodeGroupRecord } from '../../../src/protocol/kafka/group-records.ts'
import { mqErrorCodes } from '../../../src/protocol/mq/error-codes.ts'
import { until, worldTest } from '../broker-world.ts'
import { batchOf, newTopic, produceTo } from './exchanges.ts'
import { type KafkaClient, kafkaClient } from './kafka-client.ts'

const group = 'fans'
const flags = [
  '--group.initial.rebalance.delay.ms=0',
  '--group.min.session.timeout.ms=100',
  // Requests are sent once, so no broker may lose its session in between, even on a slow machine.
  '--session-timeout=20000',
]

function nameOf(number: number | undefined): string | undefined {
  return Object.entries(mqErrorCodes).find(([, each]) => each === number)?.[0]
}

function versions(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

function joining(memberId: string, more: { groupId?: string; sessionTimeoutMs?: number } = {}) {
  const protocols = [{ name: 'range', metadata: Buffer.from('topics') }]
  const timeouts = { sessionTimeoutMs: 20_000, rebalanceTimeoutMs: 20_000 }
  return { groupId: group, memberId, protocolType: 'consumer', protocols, ...timeouts, ...more }
}

/**
 * Joins in version 3, which assigns the member id at once. @returns the member id and the
 * generation
 */
async function joinAlone(client: KafkaClient, groupId = group): Promise<[string, number]> {
  await coordinated(client, groupId)
  const joined = await client.send(joinGroup, 3, joining('', { groupId }))
  if (joined.errorCode !== 0) throw new Error(nameOf(joined.errorCode))
  const { memberId, generationId } = joined
  const assignments = [{ memberId, assignment: Buffer.from('all') }]
  const asked = { groupId, generationId, memberId, assignments }
  const synced = await client.send(syncGroup, 2, asked)
  if (synced.errorCode !== 0) throw new Error(nameOf(synced.errorCode))
  return [memberId, generationId]
}

interface Commit {
  readonly groupId?: string
  readonly memberId?: string
  readonly generation?: number
  readonly topic?: string
  readonly partition?: number
  readonly offset?: number
  readonly metadata?: string | null
  readonly leaderEpoch?: number
}

async function commit(
  client: KafkaClient,
  asked: Commit,
  version = 8,
): Promise<string | undefined> {
  await coordinated(client, asked.groupId)
  const partition = {
    partitionIndex: asked.partition ?? 0,
    committedOffset: asked.offset ?? 1,
    committedLeaderEpoch: asked.leaderEpoch ?? -1,
    committedMetadata: asked.metadata ?? null,
  }
  const { topics } = await client.send(offsetCommit, version, {
    groupId: asked.groupId ?? group,
    generationIdOrMemberEpoch: asked.generation ?? -1,
    memberId: asked.memberId ?? '',
    topics: [{ name: asked.topic ?? 'goals', partitions: [partition] }],
  })
  return nameOf(topics[0]?.partitions[0]?.errorCode)
}

async function committed(client: KafkaClient, groupId = group): Promise<number | undefined> {
  const topics = [{ name: 'goals', partitionIndexes: [0] }]
  const found = await client.send(offsetFetch, 5, { groupId, topics })
  if (found.errorCode !== 0) throw new Error(nameOf(found.errorCode))
  return found.topics[0]?.partitions[0]?.committedOffset
}

/**
 * Asks until there is a coordinator that has read what is stored: the first request for one makes the
 * offsets topic.
 *
 * @returns its broker
 */
async function coordinated(client: KafkaClient, groupId = group): Promise<number> {
  for (;;) {
    const found = await client.send(findCoordinator, 2, { key: groupId, keyType: 0 })
    if (found.errorCode === 0) return found.nodeId
    if (nameOf(found.errorCode) !== 'COORDINATOR_NOT_AVAILABLE') {
      throw new Error(nameOf(found.errorCode))
    }
  }
}

// --- who coordinates -----------------------------------------------------------------------------

worldTest(t, 'all brokers name the same coordinator', { brokers: 3, flags }, async (t, world) => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'no / name']
  const clients = [1, 2, 3].map((broker) => kafkaClient(world, broker))
  const [first = kafkaClient(world)] = clients
  const wanted = new Map<string, number>()
  for (const name of names) wanted.set(name, await coordinated(first, name))
  const leaders = await first.send(metadata, 9, { topics: [{ name: offsetsTopic }] })
  for (const [name, nodeId] of wanted) {
    const partition = leaders.topics[0]?.partitions[partitionOf(name, 12)]
    t.equal(nodeId, partition?.leaderId, 'the leader of its partition coordinates')
  }
  for (const client of clients) {
    for (const name of names) {
      await until(async () => (await coordinated(client, name)) === wanted.get(name))
      for (const version of versions(0, 3)) {
        const found = await client.send(findCoordinator, version, { key: name, keyType: 0 })
        const nodeId = wanted.get(name)
        t.match(found, { errorCode: 0, nodeId, port: world.broker(nodeId ?? 0).port })
      }
    }
    const many = await client.send(findCoordinator, 4, { keyType: 0, coordinatorKeys: names })
    t.same(
      many.coordinators.map(({ key, nodeId, errorCode }) => [key, nodeId, errorCode]),
      names.map((name) => [name, wanted.get(name), 0]),
    )
  }
})

worldTest(
  t,
  'a broker that does not coordinate the group answers NOT_COORDINATOR',
  { brokers: 2, flags },
  async (t, world) => {
    const client = kafkaClient(world, 1)
    await newTopic(client, 'goals')
    const coordinator = await coordinated(client)
    const other = kafkaClient(world, 3 - coordinator)
    await until(async () => (await coordinated(other)) === coordinator)
    const not = 'NOT_COORDINATOR'
    const joined = await other.send(joinGroup, 9, joining(''))
    t.equal(nameOf(joined.errorCode), not)
    const one = { groupId: group, generationId: 1, memberId: 'm' }
    t.equal(nameOf((await other.send(heartbeat, 4, one)).errorCode), not)
    t.equal(nameOf((await other.send(syncGroup, 5, { ...one, assignments: [] })).errorCode), not)
    t.equal(nameOf((await other.send(leaveGroup, 1, one)).errorCode), not)
    t.equal(await commit(other, {}), not)
    await t.rejects(committed(other), { message: not })
    const described = await other.send(describeGroups, 5, { groups: [group] })
    t.equal(nameOf(described.groups[0]?.errorCode), not)
    const deleted = await other.send(deleteGroups, 2, { groupsNames: [group] })
    t.equal(nameOf(deleted.results[0]?.errorCode), not)
  },
)

// --- members -------------------------------------------------------------------------------------

worldTest(t, 'two members, in every version', { brokers: 1, flags }, async (t, world) => {
  for (const version of versions(0, 9)) {
    const groupId = `group of ${version}`
    const [a, b] = [kafkaClient(world), kafkaClient(world)]
    const ask = async (client: KafkaClient, memberId: string) => {
      const answer = await client.send(joinGroup, version, joining(memberId, { groupId }))
      if (nameOf(answer.errorCode) !== 'MEMBER_ID_REQUIRED') return answer
      t.ok(version >= 4, `version ${version} is sent its id first`)
      const again = joining(answer.memberId, { groupId })
      return client.send(joinGroup, version, again)
    }
    await coordinated(a, groupId)
    const alone = await ask(a, '')
    t.match(alone, { errorCode: 0, generationId: 1, protocolName: 'range' })
    t.equal(alone.leader, alone.memberId)
    t.match(alone.memberId, /^test-/)
    const second = ask(b, '')
    const beat = { groupId, generationId: 1, memberId: alone.memberId }
    const beatVersion = Math.min(version, 4)
    const isRebalancing = async () => {
      const { errorCode } = await a.send(heartbeat, beatVersion, beat)
      return nameOf(errorCode) === 'REBALANCE_IN_PROGRESS'
    }
    await until(isRebalancing)
    const [first, other] = await Promise.all([ask(a, alone.memberId), second])
    t.match(other, { errorCode: 0, generationId: 2, leader: alone.memberId, members: [] })
    t.same(
      first.members.map(({ memberId, metadata }) => [memberId, metadata.toString()]),
      [first, other].map(({ memberId }) => [memberId, 'topics']),
    )
    const assignments = [first, other].map(({ memberId }, i) => {
      return { memberId, assignment: Buffer.from(`part ${i}`) }
    })
    const syncVersion = Math.min(version, 5)
    const asked = { groupId, generationId: 2 }
    const [ofA, ofB] = await Promise.all([
      a.send(syncGroup, syncVersion, { ...asked, memberId: first.memberId, assignments }),
      b.send(syncGroup, syncVersion, { ...asked, memberId: other.memberId, assignments: [] }),
    ])
    t.same(
      [ofA, ofB].map(({ assignment }) => assignment.toString()),
      ['part 0', 'part 1'],
    )
    const leaveVersion = Math.min(version, 5)
    const left = await b.send(leaveGroup, leaveVersion, {
      groupId,
      memberId: other.memberId,
      members: [
        { memberId: other.memberId, groupInstanceId: null },
        { memberId: 'x', groupInstanceId: null },
      ],
    })
    t.equal(left.errorCode, 0)
    if (leaveVersion >= 3) {
      t.same(
        left.members.map((one) => nameOf(one.errorCode)),
        ['NONE', 'UNKNOWN_MEMBER_ID'],
      )
    }
    const went = await a.send(heartbeat, beatVersion, { ...beat, generationId: 2 })
    t.equal(nameOf(went.errorCode), 'REBALANCE_IN_PROGRESS')
  }
})

worldTest(t, 'a killed member expires', { brokers: 1, flags }, async (t, world) => {
  const [a, b] = [kafkaClient(world), kafkaClient(world)]
  await coordinated(a)
  const dying = await a.send(joinGroup, 3, joining('', { sessionTimeoutMs: 200 }))
  t.equal(dying.errorCode, 0)
  a.close()
  const joined = await b.send(joinGroup, 3, joining(''))
  t.match(joined, { errorCode: 0, members: [{ memberId: joined.memberId }] })
})

worldTest(t, 'refused requests', { brokers: 1, flags }, async (t, world) => {
  const client = kafkaClient(world)
  await coordinated(client)
  const join = async (more: object) => {
    return nameOf((await client.send(joinGroup, 5, { ...joining(''), ...more })).errorCode)
  }
  t.equal(await join({ groupId: '' }), 'INVALID_GROUP_ID')
  t.equal(await join({ sessionTimeoutMs: 99 }), 'INVALID_SESSION_TIMEOUT')
  t.equal(await join({ protocols: [] }), 'INCONSISTENT_GROUP_PROTOCOL')
  t.equal(await join({ memberId: 'x' }), 'UNKNOWN_MEMBER_ID')
  const one = { groupId: group, generationId: 1, memberId: 'm' }
  t.equal(nameOf((await client.send(heartbeat, 4, one)).errorCode), 'UNKNOWN_MEMBER_ID')
  const sync = { ...one, assignments: [] }
  t.equal(nameOf((await client.send(syncGroup, 5, sync)).errorCode), 'UNKNOWN_MEMBER_ID')
  t.equal(nameOf((await client.send(leaveGroup, 2, one)).errorCode), 'UNKNOWN_MEMBER_ID')
})

// --- offsets -------------------------------------------------------------------------------------

worldTest(
  t,
  'committed offsets are fetched in every version',
  { brokers: 1, flags },
  async (t, world) => {
    const client = kafkaClient(world)
    await coordinated(client)
    await newTopic(client, 'goals', { partitions: 2 })
    for (const version of versions(1, 8)) {
      const groupId = `group-${version}`
      const [memberId, generation] = await joinAlone(client, groupId)
      const metadata = 'half\ndone'
      const asked = { groupId, memberId, generation, offset: version, metadata, leaderEpoch: 3 }
      t.equal(await commit(client, asked, version), 'NONE')
      const wanted = { committedOffset: version, metadata, errorCode: 0 }
      const topics = [{ name: 'goals', partitionIndexes: [0, 1] }]
      for (const fetchVersion of versions(1, 7)) {
        const found = await client.send(offsetFetch, fetchVersion, { groupId, topics })
        t.equal(found.errorCode, 0)
        const [first, second] = found.topics[0]?.partitions ?? []
        t.match(first, wanted)
        if (fetchVersion >= 5) t.equal(first?.committedLeaderEpoch, version < 6 ? -1 : 3)
        t.match(second, { committedOffset: -1, metadata: '', errorCode: 0 })
        if (fetchVersion < 2) continue
        const all = await client.send(offsetFetch, fetchVersion, { groupId, topics: null })
        t.match(all.topics, [{ name: 'goals', partitions: [wanted] }])
      }
      const groups = [
        { groupId, topics },
        { groupId, topics: null },
        { groupId: 'nothing', topics: null },
        { groupId: '', topics: null },
      ]
      const found = await client.send(offsetFetch, 8, { groups })
      t.match(found.groups, [
        { groupId, topics: [{ partitions: [wanted, { committedOffset: -1 }] }] },
        { groupId, topics: [{ partitions: [wanted] }] },
        { groupId: 'nothing', topics: [], errorCode: 0 },
        { errorCode: mqErrorCodes.INVALID_GROUP_ID },
      ])
    }
  },
)

worldTest(
  t,
  'a negative offset is stored, and means none',
  { brokers: 1, flags },
  async (t, world) => {
    const client = kafkaClient(world)
    await newTopic(client, 'goals')
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    for (const offset of [-2, -1]) {
      t.equal(await commit(client, { offset: 5 }), 'NONE')
      t.equal((await admin.groupOffsets(group, 'goals'))[0]?.committed, 5)
      t.equal(await commit(client, { offset }), 'NONE')
      t.equal(await committed(client), offset)
      t.equal((await admin.groupOffsets(group, 'goals'))[0]?.committed, undefined)
    }
  },
)

worldTest(t, 'refused commits', { brokers: 1, flags }, async (t, world) => {
  const client = kafkaClient(world)
  await coordinated(client)
  await newTopic(client, 'goals')
  t.equal(await commit(client, { topic: 'x' }), 'UNKNOWN_TOPIC_OR_PARTITION')
  t.equal(await commit(client, { partition: 7 }), 'UNKNOWN_TOPIC_OR_PARTITION')
  t.equal(await commit(client, { metadata: 'x'.repeat(4097) }), 'OFFSET_METADATA_TOO_LARGE')
  t.equal(await commit(client, { groupId: '' }), 'INVALID_GROUP_ID')
  t.equal(await commit(client, { memberId: 'm', generation: 1 }), 'UNKNOWN_MEMBER_ID')
  t.equal(await committed(client), -1)
  t.equal(await commit(client, { offset: 5 }), 'NONE', 'a consumer that is not a member')
  const [memberId, generation] = await joinAlone(client)
  t.equal(await commit(client, { offset: 6 }), 'UNKNOWN_MEMBER_ID', 'the group has members now')
  t.equal(await commit(client, { memberId, generation: 9 }), 'ILLEGAL_GENERATION')
  t.equal(await committed(client), 5)
  t.equal(await commit(client, { memberId, generation, offset: 4 }), 'NONE', 'members may go back')
  t.equal(await committed(client), 4)
})

worldTest(
  t,
  'both protocols share the offsets of a group',
  { brokers: 1, flags },
  async (t, world) => {
    const client = kafkaClient(world)
    await coordinated(client)
    await newTopic(client, 'goals')
    await client.send(produce, 7, produceTo('goals', batchOf(5)))
    const place = { topic: 'goals', partition: 0 }
    const own = { group, partitions: [place], maxWaitMs: 50 } as const
    const options = { brokers: world.addresses, topic: 'goals', ...own }
    const before = world.use(new Consumer(options))
    await before.take()
    await before.commit([{ ...place, offset: 2 }])
    await before.close()
    t.equal(await committed(client), 2)
    t.equal(await commit(client, { offset: 3, metadata: 'note' }), 'NONE')
    const after = world.use(new Consumer(options))
    t.match(await after.take(), [{ offset: 3 }, { offset: 4 }])
    await after.commit()
    t.equal(await committed(client), 5)
  },
)

worldTest(t, 'offsets of topics are deleted', { brokers: 1, flags }, async (t, world) => {
  const client = kafkaClient(world)
  await coordinated(client)
  await newTopic(client, 'goals')
  await coordinated(client)
  const doomed = {
    groupId: group,
    topics: [{ name: 'goals', partitions: [{ partitionIndex: 0 }] }],
  }
  const none = await client.send(offsetDelete, 0, doomed)
  t.equal(nameOf(none.errorCode), 'GROUP_ID_NOT_FOUND')
  const [memberId, generation] = await joinAlone(client)
  t.equal(await commit(client, { memberId, generation, offset: 5 }), 'NONE')
  const used = await client.send(offsetDelete, 0, doomed)
  t.equal(nameOf(used.errorCode), 'NON_EMPTY_GROUP', 'what it consumes is not known')
  await client.send(leaveGroup, 1, { groupId: group, memberId })
  const deleted = await client.send(offsetDelete, 0, doomed)
  t.match(deleted, { errorCode: 0, topics: [{ partitions: [{ errorCode: 0 }] }] })
  t.equal(await committed(client), -1)
})

worldTest(
  t,
  'clients read where groups are stored, and do not write there',
  { brokers: 1, flags },
  async (t, world) => {
    const client = kafkaClient(world)
    await coordinated(client)
    await newTopic(client, 'goals')
    await coordinated(client)
    t.equal(await commit(client, { offset: 5, metadata: 'note' }), 'NONE')
    const asked = { topics: [{ name: offsetsTopic }] }
    const { topics } = await client.send(metadata, 9, asked)
    t.match(topics, [{ isInternal: true, partitions: Array.from({ length: 12 }, () => ({})) }])
    const written = await client.send(produce, 7, produceTo(offsetsTopic, batchOf(1)))
    t.equal(
      nameOf(written.responses[0]?.partitionResponses[0]?.errorCode),
      'INVALID_TOPIC_EXCEPTION',
    )
    const consumer = world.use(
      new Consumer({ brokers: world.addresses, topic: offsetsTopic, from: 'beginning' }),
    )
    const [record] = await consumer.take()
    t.equal(record?.partition, partitionOf(group, 12))
    t.match(decodeGroupRecord({ key: record?.key ?? null, value: record?.value ?? null }), {
      type: 'offset',
      group,
      place: { topic: 'goals', partition: 0 },
      value: { offset: 5, metadata: 'note', leaderEpoch: -1 },
    })
  },
)

// --- changes of coordinator ----------------------------------------------------------------------

worldTest(
  t,
  'when the coordinator goes, another one goes on with members and offsets',
  { brokers: 2, flags },
  async (t, world) => {
    const any = kafkaClient(world, 1)
    await newTopic(any, 'goals', { replicas: 2 })
    const first = await coordinated(any)
    const second = 3 - first
    const before = kafkaClient(world, first)
    const [memberId, generation] = await joinAlone(before)
    t.equal(await commit(before, { memberId, generation, offset: 7 }), 'NONE')
    await world.broker(first).stop()
    const after = kafkaClient(world, second)
    await until(async () => (await coordinated(after)) === second)
    const one = { groupId: group, generationId: generation, memberId }
    await until(async () => {
      const { errorCode } = await after.send(syncGroup, 3, { ...one, assignments: [] })
      return errorCode === 0
    })
    t.equal(nameOf((await after.send(heartbeat, 3, one)).errorCode), 'NONE')
    t.equal(await committed(after), 7)
    t.equal(await commit(after, { memberId, generation, offset: 8 }), 'NONE')
    t.equal(await committed(after), 8)
  },
)

// --- what tools ask ------------------------------------------------------------------------------

worldTest(
  t,
  'groups are listed, described and deleted',
  { brokers: 1, flags },
  async (t, world) => {
    const client = kafkaClient(world)
    await coordinated(client)
    await newTopic(client, 'goals')
    const strange = '../% all of them!'
    t.equal(await commit(client, { groupId: strange, offset: 2 }), 'NONE')
    t.equal(await committed(client, strange), 2)
    const [memberId, generation] = await joinAlone(client)
    t.equal(await commit(client, { memberId, generation, offset: 5 }), 'NONE')
    for (const version of versions(0, 5)) {
      const { groups } = await client.send(listGroups, version, {})
      t.same(
        groups.map(({ groupId, protocolType }) => [groupId, protocolType]),
        [
          [strange, ''],
          [group, 'consumer'],
        ],
      )
      if (version < 4) continue
      const stable = await client.send(listGroups, version, { statesFilter: ['stable'] })
      t.match(stable.groups, [{ groupId: group, groupState: 'Stable' }])
    }
    for (const version of versions(0, 5)) {
      const asked = { groups: [group, strange, 'nothing'] }
      const { groups } = await client.send(describeGroups, version, asked)
      t.match(groups, [
        { errorCode: 0, groupState: 'Stable', protocolType: 'consumer', protocolData: 'range' },
        { errorCode: 0, groupState: 'Empty', members: [] },
        { errorCode: 0, groupState: 'Dead', members: [] },
      ])
      const [member] = groups[0]?.members ?? []
      t.match(member, { memberId, clientId: 'test', clientHost: '/127.0.0.1' })
      t.equal(member?.memberMetadata.toString(), 'topics')
      t.equal(member?.memberAssignment.toString(), 'all')
    }
    const doomed = { groupsNames: [group, strange, 'nothing'] }
    const first = await client.send(deleteGroups, 0, doomed)
    t.same(
      first.results.map(({ errorCode }) => nameOf(errorCode)),
      ['NON_EMPTY_GROUP', 'NONE', 'GROUP_ID_NOT_FOUND'],
    )
    t.equal(await committed(client, strange), -1)
    t.equal(await committed(client), 5)
    await client.send(leaveGroup, 1, { groupId: group, memberId })
    const second = await client.send(deleteGroups, 2, { groupsNames: [group] })
    t.same(
      second.results.map(({ errorCode }) => nameOf(errorCode)),
      ['NONE'],
    )
    t.equal(await commit(client, { offset: 1 }), 'NONE', 'and may begin anew')
  },
)
