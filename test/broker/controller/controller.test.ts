import t from 'tap'
import type { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import { Controller } from '../../../src/broker/controller/controller.ts'
import { placeReplicas } from '../../../src/broker/controller/placement.ts'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'
import { image, reporting, unavailable, withBadState } from '../cluster/sample-image.ts'
import { ids, member, members } from '../partition/members.ts'

const controllerEpoch = 7

const cases = [
  {
    name: 'a new partition is led by its first living replica',
    image: image([1, 3]),
    want: { leader: 3, leaderEpoch: 0, isr: members(1, 3), version: -1 },
  },
  { name: 'a new partition without living replicas waits', image: image([4]), want: undefined },
  { name: 'nothing is written while all live', image: image([1, 2, 3], {}), want: undefined },
  {
    name: 'a dead follower leaves the ISR, in the same epoch',
    image: image([1, 2], {}),
    want: { leader: 2, leaderEpoch: 4, isr: members(1, 2), version: 9 },
  },
  {
    name: 'a dead leader is replaced by the next in-sync replica of the assignment',
    image: image([1, 3], {}),
    want: { leader: 3, leaderEpoch: 5, isr: members(1, 3), version: 9 },
  },
  {
    name: 'a live replica that is not in sync is not elected',
    image: image([1, 3], { isr: members(1, 2) }),
    want: { leader: 1, leaderEpoch: 5, isr: members(1, 2), version: 9 },
  },
  {
    name: 'with no member of the ISR alive there is no leader, and the ISR stays',
    image: image([3], { isr: members(1, 2) }),
    want: { leader: noBroker, leaderEpoch: 5, isr: members(1, 2), version: 9 },
  },
  {
    name: 'that is written once',
    image: image([3], { isr: members(1, 2), leader: noBroker }),
    want: undefined,
  },
  {
    name: 'a member that can use its replica again, in the life that the ISR names, leads',
    image: image([1, 3], { isr: members(1, 2), leader: noBroker }),
    want: { leader: 1, leaderEpoch: 5, isr: members(1, 2), version: 9 },
  },
  {
    name: 'a leader that was restarted does not lead while another member is unbroken',
    image: image([1, 2, 3], {}, { 2: 99 }),
    want: { leader: 3, leaderEpoch: 5, isr: members(1, 3), version: 9 },
  },
  {
    name: 'a restarted follower leaves the ISR, in the same epoch',
    image: image([1, 2, 3], {}, { 3: 99 }),
    want: { leader: 2, leaderEpoch: 4, isr: members(1, 2), version: 9 },
  },
  {
    name: 'a follower with another directory leaves the ISR, whatever its life',
    image: image([1, 2, 3], { isr: [...members(1, 2), member(3, { directory: 'old' })] }),
    want: { leader: 2, leaderEpoch: 4, isr: members(1, 2), version: 9 },
  },
  {
    name: 'a leader that would remain alone keeps the others: it may be dead itself',
    image: image([2], {}),
    want: undefined,
  },
  {
    name: 'and so does an election',
    image: image([1], { isr: members(1, 2) }),
    want: { leader: 1, leaderEpoch: 5, isr: members(1, 2), version: 9 },
  },
  {
    name: 'except lost disks, which do not become eligible',
    image: image(
      [1, 2, 3],
      { isr: [member(1), member(2), member(3, { directory: 'old' })] },
      { 1: 99 },
    ),
    want: { leader: 2, leaderEpoch: 4, isr: members(1, 2), version: 9 },
  },
  {
    name: 'when all have restarted there is no leader before they have reported',
    image: image([1, 2, 3], {}, { 1: 91, 2: 92, 3: 93 }),
    want: { leader: noBroker, leaderEpoch: 5, isr: members(1, 2, 3), version: 9 },
  },
  {
    name: 'an awaited member stays in the ISR though its life is over',
    image: image([1, 2], { isr: [...members(1, 2), member(3, { isAwaited: true })] }),
    want: undefined,
  },
  {
    name: 'but not when its disk is lost',
    image: image([1, 2, 3], {
      isr: [...members(1, 2), member(3, { isAwaited: true, directory: 'old' })],
    }),
    want: { leader: 2, leaderEpoch: 4, isr: members(1, 2), version: 9 },
  },
  {
    name: 'an awaited member is not elected, though it lives in the named life',
    image: image([1, 3], { isr: [member(1), ...members(2), member(3, { isAwaited: true })] }),
    want: {
      leader: 1,
      leaderEpoch: 5,
      isr: [member(1), member(3, { isAwaited: true })],
      version: 9,
    },
  },
  {
    name: 'a member that would have to drop committed records ends its leader',
    image: reporting(image([1, 2, 3], {}), { 3: { type: 'ahead', highWatermark: 70 } }),
    want: {
      leader: noBroker,
      leaderEpoch: 5,
      isr: members(1, 3),
      committed: 70,
      version: 9,
    },
  },
  {
    name: 'but not by a report of another version',
    image: reporting(image([1, 2, 3], {}), { 3: { type: 'ahead', stateVersion: 8 } }),
    want: undefined,
  },
  {
    name: 'nor by a replica that was never in sync: an operator decides',
    image: reporting(image([1, 2, 3], { isr: members(1, 2) }), { 3: { type: 'ahead' } }),
    want: undefined,
  },
  {
    name: 'once a leader lacked committed records, even unbroken members report before they lead',
    image: image([1, 3], { isr: members(1, 3), leader: noBroker, committed: 70 }),
    want: undefined,
  },
  {
    name: 'a new partition is led by the first that can use its replica',
    image: unavailable(image([1, 2, 3]), [2]),
    want: { leader: 3, leaderEpoch: 0, isr: members(1, 3), version: -1 },
  },
  {
    name: 'a new partition that no broker can use waits',
    image: unavailable(image([1, 2, 3]), [1, 2, 3]),
    want: undefined,
  },
  {
    name: 'a follower that cannot use its replica leaves the ISR, in the same epoch',
    image: unavailable(image([1, 2, 3], {}), [3]),
    want: { leader: 2, leaderEpoch: 4, isr: members(1, 2), version: 9 },
  },
  {
    name: 'a leader that lives and cannot use its replica is replaced, and leaves the ISR',
    image: unavailable(image([1, 2, 3], {}), [2]),
    want: { leader: 3, leaderEpoch: 5, isr: members(1, 3), version: 9 },
  },
  {
    name: 'the last member stays in the ISR while it cannot use its replica',
    image: unavailable(image([1, 2, 3], { isr: members(2) }), [2]),
    want: { leader: noBroker, leaderEpoch: 5, isr: members(2), version: 9 },
  },
  {
    name: 'and so do several, dead ones included',
    image: unavailable(image([1, 2], {}), [1, 2]),
    want: { leader: noBroker, leaderEpoch: 5, isr: members(1, 2, 3), version: 9 },
  },
  {
    name: 'a broker that returns without its replica does not lead while another may return',
    image: unavailable(image([1], { isr: members(1, 2), leader: noBroker }), [1]),
    want: undefined,
  },
  {
    name: 'a report from an earlier life does not count',
    image: unavailable(image([1, 2, 3], {}), [2], 77),
    want: undefined,
  },
  {
    name: 'a state that cannot be read is left to an operator',
    image: withBadState(image([1, 3], {})),
    want: undefined,
  },
]
const anew = { eligible: [], committed: 0, uncleanEpoch: -1 }

function controller(): Controller {
  return new Controller({ epoch: controllerEpoch, recoveryWaitMs: 100 })
}

for (const { name, image, want } of cases) {
  t.test(`controller: ${name}`, async (t) => {
    const state = { ...anew, ...want, controllerEpoch }
    const wanted = want === undefined ? [] : [{ topic: 'goals', partition: 0, state }]
    t.same(controller().step(image, 0).writes, wanted)
  })
}

t.test('after its own writes the controller has nothing left to write', async (t) => {
  for (const { image } of cases) {
    const { writes } = controller().step(image, 0)
    for (const { topic, partition, state } of writes) {
      image.setState(topic, partition, { ...state, version: state.version + 1 })
    }
    t.same(controller().step(image, 0).writes, [])
  }
})

const nothing = { writes: [], topicWrites: [], undecided: [] }

t.test(
  'the first reported log waits for those of the other members, until the deadline',
  async (t) => {
    const made = image([1, 2], { leader: noBroker }, { 1: 91, 2: 92 })
    const first = controller()
    t.same(first.step(made, 0), { ...nothing, askAgainAtMs: undefined }, 'there is no log yet')
    reporting(made, { 1: { brokerEpoch: 91 } })
    t.same(first.step(made, 50), { ...nothing, askAgainAtMs: 150 })
    t.same(first.step(made, 149), { ...nothing, askAgainAtMs: 150 })
    t.same(
      controller().step(made, 150),
      { ...nothing, askAgainAtMs: 250 },
      'another controller starts the wait again',
    )
    const absent = [member(2, { isAwaited: true }), member(3, { isAwaited: true })]
    const isr = [member(1, { epoch: 91 }), ...absent]
    const { writes } = first.step(made, 150, [])
    t.match(writes, [{ state: { leader: 1, leaderEpoch: 5, isr } }], 'although nothing changed')
    t.same(first.step(made, 151, []).writes, writes, 'until the image has it')
  },
)

t.test('when all members have reported there is nothing to wait for', async (t) => {
  const made = image([1, 2, 3], { leader: noBroker }, { 1: 91, 2: 92, 3: 93 })
  reporting(made, {
    1: { brokerEpoch: 91 },
    2: { brokerEpoch: 92 },
    3: { brokerEpoch: 93, end: 11 },
  })
  t.match(controller().step(made, 0).writes, [{ state: { leader: 3, leaderEpoch: 5 } }])
})

t.test('a partition that no log may lead is reported once the deadline has passed', async (t) => {
  const made = image([1], { leader: noBroker }, { 1: 91 })
  t.same(controller().step(made, 0), { ...nothing, askAgainAtMs: undefined })
  reporting(made, { 1: { brokerEpoch: 91, type: 'tail-cut' } })
  const one = controller()
  t.same(one.step(made, 0).undecided, [], 'the deadline runs')
  t.same(one.step(made, 100), {
    ...nothing,
    askAgainAtMs: undefined,
    undecided: [{ topic: 'goals', partition: 0, version: 9 }],
  })
})

t.test('a wait is for one version of the state', async (t) => {
  const made = image([1, 2], { leader: noBroker }, { 1: 91, 2: 92 })
  const one = controller()
  reporting(made, { 1: { brokerEpoch: 91 } })
  one.step(made, 0)
  made.setState('goals', 0, { ...(made.state('goals', 0) as PartitionState), version: 10 })
  t.same(one.step(made, 200).writes, [], 'the report is about an older version')
  reporting(made, { 1: { brokerEpoch: 91, stateVersion: 10 } })
  t.same(one.step(made, 300), { ...nothing, askAgainAtMs: 400 })
})

t.test('replicas spread over the brokers, each once per partition', async (t) => {
  for (const brokerCount of [1, 2, 3, 5]) {
    const brokers = ids(...Array.from({ length: brokerCount }, (_, i) => i * 3))
    for (let replicationFactor = 1; replicationFactor <= brokerCount; replicationFactor++) {
      const partitionCount = brokerCount * 4
      const placed = placeReplicas(
        brokers.map((id) => ({ id })),
        { partitionCount, replicationFactor, start: 2 },
      )
      t.ok(placed.every((replicas) => new Set(replicas).size === replicationFactor))
      for (const id of brokers) {
        t.equal(placed.filter(([leader]) => leader === id).length, 4, 'leaders are spread evenly')
      }
    }
  }
})

t.test('with racks, replicas are on as many racks as there are', async (t) => {
  const brokers = ids(0, 1, 2, 3, 4, 5).map((id) => ({
    id,
    rack: ['a', 'a', 'a', 'b', 'b', 'c'][id],
  }))
  const rackOf = (id: number) => brokers[id]?.rack
  for (const [replicationFactor, racks] of [
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 3],
  ] as const) {
    const placed = placeReplicas(brokers, { partitionCount: 24, replicationFactor, start: 1 })
    for (const replicas of placed) {
      t.equal(new Set(replicas).size, replicationFactor)
      t.equal(new Set(replicas.map(rackOf)).size, racks, replicas.join())
    }
    for (const { id } of brokers) {
      t.equal(placed.filter(([leader]) => leader === id).length, 4, 'leaders are spread evenly')
    }
  }
  const some = brokers.map(({ id, rack }) => (id === 0 ? { id } : { id, rack }))
  const partition = { partitionCount: 1, replicationFactor: 2, start: 0 }
  t.same(placeReplicas(some, partition), [ids(0, 1)], 'racks count if every broker has one')
})

t.test('new partitions are placed as if they had been created with the others', async (t) => {
  const brokers = ids(1, 2, 3).map((id) => ({ id }))
  const options = { partitionCount: 9, replicationFactor: 2, start: 1 }
  const all = placeReplicas(brokers, options)
  t.same(placeReplicas(brokers, { ...options, firstPartition: 4 }), all.slice(4))
})

function leaving(made: ClusterImage, ...brokers: number[]): ClusterImage {
  for (const id of ids(...brokers)) {
    const known = made.brokers.get(id)
    if (known !== undefined) made.setBroker({ ...known, isLeaving: true })
  }
  return made
}

const leavings = [
  {
    name: 'a leader that leaves is followed by the next unbroken member',
    image: leaving(image([1, 2, 3], {}), 2),
    want: [{ leader: 3, leaderEpoch: 5, isr: members(1, 2, 3) }],
  },
  {
    name: 'that is one whose broker stays',
    image: leaving(image([1, 2, 3], {}), 2, 3),
    want: [{ leader: 1, leaderEpoch: 5 }],
  },
  {
    name: 'a leader stays when all others leave, too, or are not in sync',
    image: leaving(image([1, 2, 3], { isr: members(2, 3) }), 2, 3),
    want: [],
  },
  {
    name: 'a follower that leaves changes nothing',
    image: leaving(image([1, 2, 3], {}), 1),
    want: [],
  },
  {
    name: 'a dead leader is replaced by one that stays, if there is one',
    image: leaving(image([1, 3], {}), 3),
    want: [{ leader: 1, leaderEpoch: 5 }],
  },
  {
    name: 'and by one that leaves, if there is no other',
    image: leaving(image([3], {}), 3),
    want: [{ leader: 3, leaderEpoch: 5 }],
  },
  {
    name: 'a new partition is led by one that stays',
    image: leaving(image([1, 2]), 2),
    want: [{ leader: 1, leaderEpoch: 0 }],
  },
]
for (const { name, image, want } of leavings) {
  t.test(`leaving: ${name}`, async (t) => {
    const { writes } = controller().step(image, 0)
    t.match(
      writes.map(({ state }) => state),
      want,
    )
    t.equal(writes.length, want.length)
  })
}

t.test('the preferred replica leads again after a while, if it is in sync by then', async (t) => {
  const made = image([1, 2, 3], { leader: 3 as BrokerId })
  const one = new Controller({ epoch: controllerEpoch, recoveryWaitMs: 100, rebalanceMs: 1000 })
  t.same(one.step(made, 50), { ...nothing, askAgainAtMs: 1050 })
  t.match(one.step(made, 1049).writes, [])
  t.match(one.step(made, 1050).writes, [{ state: { leader: 2, leaderEpoch: 5 } }])
  made.setState('goals', 0, { ...(made.state('goals', 0) as PartitionState), isr: members(1, 3) })
  t.same(one.step(made, 1050), { ...nothing, askAgainAtMs: undefined }, 'it is not in sync')
  t.same(controller().step(made, 5000), { ...nothing, askAgainAtMs: undefined })
})

t.test('few partitions move at a time', async (t) => {
  const made = image([1, 2, 3])
  made.setTopic('many', { topicId: 'y', replicas: Array.from({ length: 120 }, () => ids(1, 2, 3)) })
  const state = { ...anew, leader: 2 as BrokerId, leaderEpoch: 1, controllerEpoch, version: 1 }
  for (let i = 0; i < 120; i++) made.setState('many', i, { ...state, isr: members(1, 2, 3) })
  made.removeTopic('goals')
  const one = new Controller({ epoch: controllerEpoch, recoveryWaitMs: 100, rebalanceMs: 1000 })
  one.step(made, 0)
  const moved: number[] = []
  for (const nowMs of [1000, 1500, 2000, 3000]) {
    const { writes } = one.step(made, nowMs)
    moved.push(writes.length)
    for (const write of writes) {
      made.setState('many', write.partition, { ...write.state, version: write.state.version + 1 })
    }
  }
  t.same(moved, [50, 0, 50, 20])
})
