// What each request of the native protocol needs: what is refused without it, and served with it alone.

import t from 'tap'
import { Access } from '../../../src/broker/api/access.ts'
import { refusalOf, visibleTo } from '../../../src/broker/api/permissions.ts'
import { ClusterAcls } from '../../../src/broker/cluster/cluster-acls.ts'
import {
  type AclOperation,
  type AclResourceType,
  clusterName,
} from '../../../src/protocol/mq/acls.ts'
import type { MqRequest } from '../../../src/protocol/mq/apis.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'

type Permission = readonly [type: AclResourceType, name: string, operation: AclOperation]

function accessWith(...permissions: readonly Permission[]): Access {
  const acls = new ClusterAcls({ superUsers: new Set(), allowsUnruled: false })
  const entry = { principal: 'User:ann', host: '*', permission: 'allow' } as const
  const names = new Set(permissions.map(([type, name]) => `${type} ${name}`))
  for (const one of names) {
    const of = permissions.filter(([type, name]) => `${type} ${name}` === one)
    const [[resourceType, name] = ['topic', ''] as const] = of
    const entries = of.map(([, , operation]) => ({ ...entry, operation }))
    acls.set({ resourceType, patternType: 'literal', name }, entries)
  }
  return new Access(acls, { user: () => 'ann', host: '127.0.0.1' })
}

const image = { topicOf: (id: string) => (id === 'x' ? 'goals' : undefined) }
const goals = [{ topic: 'goals', partition: 0 }]
const member = { group: 'fans', memberId: 'm', instanceId: undefined, passedOn: false } as const
const cluster = (operation: AclOperation): Permission => ['cluster', clusterName, operation]
const goalsMay = (operation: AclOperation): Permission => ['topic', 'goals', operation]
const fansMay = (operation: AclOperation): Permission => ['group', 'fans', operation]

const needed: readonly (readonly [MqRequest, readonly Permission[]])[] = [
  [{ type: 'metadata', topics: ['goals'] }, [goalsMay('describe')]],
  [
    {
      type: 'offsetForLeaderEpoch',
      partitions: [{ topic: 'goals', partition: 0, leaderEpoch: 1, epoch: 1 }],
    },
    [goalsMay('describe')],
  ],
  [
    {
      type: 'createTopics',
      timeoutMs: 1,
      topics: [{ topic: 'goals', partitionCount: 1, replicationFactor: 1 }],
    },
    [goalsMay('create')],
  ],
  [
    { type: 'createPartitions', timeoutMs: 1, topics: [{ topic: 'goals', count: 2 }] },
    [goalsMay('alter')],
  ],
  [
    { type: 'deleteTopics', timeoutMs: 1, topics: [{ topic: 'goals', topicId: '' }] },
    [goalsMay('delete')],
  ],
  [
    { type: 'deleteTopics', timeoutMs: 1, topics: [{ topic: '', topicId: 'x' }] },
    [goalsMay('delete')],
  ],
  [
    {
      type: 'deleteRecords',
      timeoutMs: 1,
      passedOn: false,
      partitions: [{ topic: 'goals', partition: 0, offset: 1 }],
    },
    [goalsMay('delete')],
  ],
  [
    { type: 'describeConfigs', entities: [{ type: 'topic', name: 'goals' }] },
    [goalsMay('describeConfigs')],
  ],
  [
    { type: 'describeConfigs', entities: [{ type: 'broker', name: '1' }] },
    [cluster('describeConfigs')],
  ],
  [
    { type: 'alterConfigs', entities: [{ type: 'topic', name: 'goals', changes: [] }] },
    [goalsMay('alterConfigs')],
  ],
  [
    { type: 'alterConfigs', entities: [{ type: 'broker', name: '', changes: [] }] },
    [cluster('alterConfigs')],
  ],
  [{ type: 'initProducerId' }, [['topic', 'any', 'write']]],
  [
    {
      type: 'joinGroup',
      ...member,
      ...{ clientId: '', clientHost: '', sessionTimeoutMs: 1, rebalanceTimeoutMs: 1 },
      protocols: [],
    },
    [fansMay('read')],
  ],
  [
    { type: 'syncGroup', ...member, generation: 1, protocol: '', assignments: [] },
    [fansMay('read')],
  ],
  [{ type: 'heartbeat', ...member, generation: 1 }, [fansMay('read')]],
  [{ type: 'leaveGroup', ...member }, [fansMay('read')]],
  [{ type: 'describeGroup', group: 'fans', passedOn: false }, [fansMay('describe')]],
  [{ type: 'lastRebalance', group: 'fans', passedOn: false }, [fansMay('describe')]],
  [{ type: 'deleteGroup', group: 'fans', passedOn: false }, [fansMay('delete')]],
  [
    { type: 'deleteOffsets', group: 'fans', passedOn: false, partitions: goals },
    [fansMay('delete'), goalsMay('read')],
  ],
  [
    {
      type: 'offsetCommit',
      ...member,
      generation: 1,
      timeoutMs: 1,
      partitions: [{ topic: 'goals', partition: 0, offset: 1, version: -1 }],
    },
    [fansMay('read'), goalsMay('read')],
  ],
  [
    { type: 'offsetFetch', group: 'fans', passedOn: false, partitions: goals },
    [fansMay('describe'), goalsMay('describe')],
  ],
  [{ type: 'describeLogDirs', topics: undefined }, [cluster('describe')]],
  [{ type: 'listPartitionReassignments', partitions: undefined }, [cluster('describe')]],
  [{ type: 'recoveryChoices', topic: 'goals', partition: 0 }, [cluster('describe')]],
  [{ type: 'electLeaders', partitions: undefined }, [cluster('alter')]],
  [{ type: 'alterPartitionReassignments', timeoutMs: 1, partitions: [] }, [cluster('alter')]],
  [
    { type: 'recover', topic: 'goals', partition: 0, leader: 1 as BrokerId, version: 1 },
    [cluster('alter')],
  ],
]

for (const [request, permissions] of needed) {
  const what = permissions.map(([type, , operation]) => `${operation} of a ${type}`).join(' and ')
  t.test(`${request.type} needs ${what}`, async (t) => {
    t.equal(refusalOf(accessWith(...permissions), request, image), undefined)
    for (const missing of permissions) {
      const others = permissions.filter((one) => one !== missing)
      t.match(refusalOf(accessWith(...others), request, image), { name: 'BrokerError' })
    }
  })
}

t.test('lists are cut down to what the user may see', async (t) => {
  const access = accessWith(goalsMay('describe'), fansMay('describe'))
  const topic = (name: string) => ({
    topic: name,
    topicId: name,
    problem: undefined,
    partitions: [],
  })
  const known = { clusterId: 'c', controller: noBroker, brokers: [] }
  t.same(
    visibleTo(access, {
      type: 'metadata',
      cluster: { ...known, topics: [topic('goals'), topic('secrets')] },
    }),
    { type: 'metadata', cluster: { ...known, topics: [topic('goals')] } },
  )
  const group = (name: string) => {
    return { group: name, state: 'Empty', protocolType: '', coordinator: noBroker }
  }
  const listed = { type: 'listGroups', groups: [group('fans'), group('others')] } as const
  t.same(visibleTo(access, listed), { type: 'listGroups', groups: [group('fans')] })
  t.same(visibleTo(accessWith(cluster('describe')), listed), listed)
  const commit = (name: string) => {
    return { topic: name, partition: 0, error: undefined, offset: undefined, version: -1 }
  }
  t.match(
    visibleTo(access, { type: 'offsetFetch', partitions: [commit('goals'), commit('secrets')] }),
    { partitions: [{ topic: 'goals' }] },
  )
})
