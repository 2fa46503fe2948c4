import t from 'tap'
import type { ApiName, MqRequest } from '../../../src/protocol/mq/apis.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { life } from '../partition/members.ts'
import { ApiWorld, client } from './api-world.ts'

const place = { topic: 'none', partition: 0 }
const noMember = { generation: -1, memberId: '', instanceId: undefined } as const
const member = { group: 'fans', memberId: 'm', instanceId: undefined, passedOn: false } as const
const limits = { maxWaitMs: 10, bytesMin: 1, bytesMax: 10, passedOn: false }

/** One request for each api; a new one does not compile until it is here. */
const requests: { readonly [N in ApiName]: MqRequest & { readonly type: N } } = {
  produce: { type: 'produce', acks: 'all', timeoutMs: 10, passedOn: false, partitions: [] },
  fetch: { type: 'fetch', ...limits, partitions: [] },
  replicaFetch: {
    type: 'replicaFetch',
    life: life(2),
    ...{ session: 1, sequence: 0, maxWaitMs: 0, bytesMax: 10 },
    ...{ partitions: [], forgotten: [] },
  },
  listOffsets: { type: 'listOffsets', passedOn: false, partitions: [] },
  offsetForLeaderEpoch: { type: 'offsetForLeaderEpoch', partitions: [] },
  metadata: { type: 'metadata', topics: [] },
  createTopics: { type: 'createTopics', timeoutMs: 10, topics: [] },
  initProducerId: { type: 'initProducerId' },
  alterPartitionReassignments: {
    type: 'alterPartitionReassignments',
    timeoutMs: 10,
    partitions: [],
  },
  listPartitionReassignments: { type: 'listPartitionReassignments', partitions: undefined },
  offsetCommit: {
    type: 'offsetCommit',
    ...noMember,
    passedOn: false,
    group: 'fans',
    timeoutMs: 10,
    partitions: [],
  },
  offsetFetch: { type: 'offsetFetch', passedOn: false, group: 'fans', partitions: [] },
  deleteRecords: { type: 'deleteRecords', timeoutMs: 10, passedOn: false, partitions: [] },
  describeLogDirs: { type: 'describeLogDirs', topics: [] },
  joinGroup: {
    type: 'joinGroup',
    ...member,
    clientId: 'c',
    clientHost: '',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocols: [{ name: 'range', metadata: Buffer.alloc(1) }],
  },
  syncGroup: { type: 'syncGroup', ...member, generation: 1, protocol: 'range', assignments: [] },
  heartbeat: { type: 'heartbeat', ...member, generation: 1 },
  leaveGroup: { type: 'leaveGroup', ...member },
  listGroups: { type: 'listGroups', passedOn: false },
  describeGroup: { type: 'describeGroup', group: 'fans', passedOn: false },
  lastRebalance: { type: 'lastRebalance', group: 'fans', passedOn: false },
  authenticate: { type: 'authenticate', mechanism: 'PLAIN', token: Buffer.alloc(0) },
  deleteGroup: { type: 'deleteGroup', group: 'fans', passedOn: false },
  deleteOffsets: { type: 'deleteOffsets', group: 'fans', passedOn: false, partitions: [] },
  recoveryChoices: { type: 'recoveryChoices', ...place },
  recover: { type: 'recover', ...place, leader: 1 as BrokerId, version: 0 },
  describeConfigs: { type: 'describeConfigs', entities: [] },
  alterConfigs: { type: 'alterConfigs', entities: [] },
  deleteTopics: { type: 'deleteTopics', timeoutMs: 10, topics: [] },
  electLeaders: { type: 'electLeaders', partitions: [] },
  createPartitions: { type: 'createPartitions', timeoutMs: 10, topics: [] },
}
const refusals: Partial<Record<ApiName, BrokerError['code']>> = {
  authenticate: 'ILLEGAL_SASL_STATE',
  replicaFetch: 'CLUSTER_AUTHORIZATION_FAILED',
  syncGroup: 'UNKNOWN_MEMBER_ID',
  heartbeat: 'UNKNOWN_MEMBER_ID',
  leaveGroup: 'UNKNOWN_MEMBER_ID',
  deleteGroup: 'GROUP_ID_NOT_FOUND',
  deleteOffsets: 'GROUP_ID_NOT_FOUND',
  recoveryChoices: 'UNKNOWN_TOPIC_OR_PARTITION',
  recover: 'UNKNOWN_TOPIC_OR_PARTITION',
}

for (const request of Object.values(requests)) {
  t.test(`${request.type} reaches its own handler, and is answered once`, async (t) => {
    const world = new ApiWorld()
    world.coordinate()
    const { answers } = world.ask(request)
    for (const { request, answer } of world.passedOn) {
      if (request.type === 'listGroups') answer({ type: 'listGroups', groups: [] })
    }
    await world.clock.advance(1000)
    t.equal(answers.length, 1)
    const [answer] = answers
    const refusal = refusals[request.type]
    if (refusal === undefined) t.match(answer, { type: request.type })
    else t.ok(answer instanceof BrokerError && answer.code === refusal)
  })
}

t.test('a client cannot say that another broker passed its request on', async (t) => {
  const world = new ApiWorld()
  const refused = { code: 'CLUSTER_AUTHORIZATION_FAILED' }
  await t.rejects(world.answer({ ...requests.produce, passedOn: true }, client), refused)
})

t.test('only the life of the requesting broker counts', async (t) => {
  const follower = { role: 'broker', brokerId: 2 as BrokerId, brokerEpoch: 20 } as const
  const world = new ApiWorld()
  t.match(await world.answer(requests.replicaFetch, follower), { type: 'replicaFetch' })
  const earlier = world.answer(requests.replicaFetch, { ...follower, brokerId: 3 as BrokerId })
  await t.rejects(earlier, { code: 'STALE_BROKER_EPOCH' })
})
