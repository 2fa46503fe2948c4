import t from 'tap'
import { describeLines, listLines, planLines } from '../../../src/cli/commands/group-lines.ts'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { MqCluster } from '../../../src/client/mq/mq-cluster.ts'
import { Producer } from '../../../src/client/mq/producer.ts'
import {
  encodeAssignment,
  encodeSubscription,
} from '../../../src/protocol/kafka/consumer-protocol.ts'
import { worldTest } from '../../broker/broker-world.ts'

const flags = ['--group.initial.rebalance.delay.ms=0', '--session-timeout=20000']
const claim = { group: 'fans', memberId: 'm', instanceId: undefined, passedOn: false } as const
const metadata = encodeSubscription({
  topics: ['goals'],
  userData: null,
  ownedPartitions: [],
  generation: -1,
  rack: null,
})
const assignment = encodeAssignment({
  partitions: [{ topic: 'goals', partitions: [0, 1] }],
  userData: null,
})

worldTest(
  t,
  'tools list, describe, move and delete a group, at any broker',
  { brokers: 2, flags },
  async (t, world) => {
    const brokers = world.addresses
    const admin = world.use(new MqAdmin({ brokers, timeoutMs: 30_000 }))
    t.same(await admin.groups(), [])
    t.equal(await admin.group('fans'), undefined)
    await admin.createTopic({ topic: 'goals', partitions: 2, replicas: 2 })
    const producer = world.use(new Producer({ brokers }))
    for (let i = 0; i < 10; i++) {
      const timestampMs = sentAt(i)
      await producer.send({ topic: 'goals', partition: i % 2, value: `${i}`, timestampMs })
    }

    const cluster = world.use(new MqCluster({ brokers }))
    const join = {
      type: 'joinGroup',
      ...claim,
      clientId: 'c',
      clientHost: '',
      sessionTimeoutMs: 20_000,
      rebalanceTimeoutMs: 20_000,
      protocols: [{ name: 'range', metadata }],
    } as const
    const joined = await cluster.call(join, 30_000)
    t.match(joined, { generation: 1, leader: 'm', members: [{ memberId: 'm' }] })
    const waiting = await admin.group('fans')
    t.match(waiting, { state: 'CompletingRebalance', members: [{ isAwaited: true }] })
    t.match(describeLines(waiting ?? raise())[1], /^Waits for m \(c, 127\.0\.0\.1\): since /)
    const generation = 1
    const assignments = [{ memberId: 'm', assignment }]
    const sync = {
      type: 'syncGroup',
      ...claim,
      generation,
      protocol: 'range',
      assignments,
    } as const
    t.same((await cluster.call(sync, 30_000)).assignment, assignment)
    const partitions = [{ topic: 'goals', partition: 0, offset: 3, version: -1 }]
    const commit = {
      type: 'offsetCommit',
      ...claim,
      generation,
      timeoutMs: 9000,
      partitions,
    } as const
    await cluster.call(commit, 30_000)
    const beat = { type: 'heartbeat', ...claim, generation: 0 } as const
    await t.rejects(cluster.call(beat, 9000), { code: 'ILLEGAL_GENERATION' })

    t.match(await admin.groups(), [{ group: 'fans', state: 'Stable', protocolType: 'consumer' }])
    const found = (await admin.group('fans')) ?? raise()
    t.match(found, {
      protocol: 'range',
      waiting: undefined,
      lastRebalance: { reason: 'member m joined' },
      members: [{ memberId: 'm', topics: ['goals'], partitions: [{}, { partition: 1 }] }],
      partitions: [
        { topic: 'goals', partition: 0, committed: 3, latest: 5, lag: 2, memberId: 'm' },
        { topic: 'goals', partition: 1, committed: undefined, latest: 5, lag: 5, memberId: 'm' },
      ],
    })
    t.match(
      describeLines(found).join('\n'),
      /lag 7\nLast rebalance \d+ s ago: member m joined\n\nmember .*\nm \* .*goals\/0 goals\/1\n/,
    )

    const planned = await admin.planOffsets('fans', { to: { type: 'start' } })
    await t.rejects(admin.applyOffsets('fans', planned), { code: 'NON_EMPTY_GROUP' })
    await t.rejects(admin.deleteGroup('fans'), { code: 'NON_EMPTY_GROUP' })
    await cluster.call({ type: 'leaveGroup', ...claim }, 9000)

    const targets = [
      { to: { type: 'end' }, want: [5, 5] },
      { to: { type: 'offset', offset: 99 }, want: [5, 5] },
      { to: { type: 'shift', by: -1 }, want: [2, 0] },
      { to: { type: 'shift', by: 1 }, want: [4, 1] },
      { to: { type: 'time', timestampMs: 0 }, want: [0, 0] },
      { to: { type: 'time', timestampMs: sentAt(3) }, want: [2, 1] },
      { to: { type: 'time', timestampMs: sentAt(99) }, want: [5, 5] },
    ] as const
    for (const { to, want } of targets) {
      const missing = { topic: 'goals', partitions: [1, 2], to: { type: 'start' } } as const
      await t.rejects(admin.planOffsets('fans', missing), {
        code: 'UNKNOWN_TOPIC_OR_PARTITION',
        message: /goals\/2: the topic has 2 partitions/,
      })
      const moves = await admin.planOffsets('fans', { topic: 'goals', to })
      t.same(
        moves.map((one) => one.to),
        want,
      )
    }
    const missing = { topic: 'goals', partitions: [1, 2], to: { type: 'start' } } as const
    await t.rejects(admin.planOffsets('fans', missing), {
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      message: /goals\/2: the topic has 2 partitions/,
    })
    const moves = await admin.planOffsets('fans', {
      topic: 'goals',
      to: { type: 'offset', offset: 1 },
    })
    await admin.applyOffsets('fans', moves)
    t.match(await admin.group('fans'), { partitions: [{ committed: 1 }, { committed: 1 }] })
    await t.rejects(admin.applyOffsets('fans', moves), { code: 'INVALID_UPDATE_VERSION' })
    await admin.deleteGroup('fans')
    t.equal(await admin.group('fans'), undefined)
    await t.rejects(admin.deleteGroup('fans'), { code: 'GROUP_ID_NOT_FOUND' })
  },
)

/** Of record i; records of partition 0 have the even ones. */
function sentAt(i: number): number {
  return 1_764_363_899_000 + i * 1000
}

function raise(): never {
  throw new Error('There is no group')
}

t.test('what is shown of no groups, and of plans', async (t) => {
  t.same(listLines([]), ['There are no groups.'])
  const place = { topic: 'goals', partition: 0, earliest: 3, latest: 15 }
  t.same(planLines([{ ...place, committed: undefined, to: 12, version: -1 }], false), [
    'topic  partition  first  end  committed  new  lag',
    'goals          0      3   15          -   12    3',
    'Nothing is changed; --apply moves the offsets.',
  ])
})
