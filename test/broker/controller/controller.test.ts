import t from 'tap'
import { Controller, placeReplicas } from '../../../src/broker/controller/controller.ts'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import { noBroker } from '../../../src/protocol/mq/messages.ts'
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
    name: 'a dead leader is followed by the next of the assignment that is in sync',
    image: image([1, 3], {}),
    want: { leader: 3, leaderEpoch: 5, isr: members(1, 3), version: 9 },
  },
  {
    name: 'who lives but is not in sync is not elected',
    image: image([1, 3], { isr: members(1, 2) }),
    want: { leader: 1, leaderEpoch: 5, isr: members(1, 2), version: 9 },
  },
  {
    name: 'with nobody in sync alive nobody leads, and the ISR keeps the claim',
    image: image([3], { isr: members(1, 2) }),
    want: { leader: noBroker, leaderEpoch: 5, isr: members(1, 2), version: 9 },
  },
  {
    name: 'that is written once',
    image: image([3], { isr: members(1, 2), leader: noBroker }),
    want: undefined,
  },
  {
    name: 'a member that can use its replica again, in the life that promised, leads',
    image: image([1, 3], { isr: members(1, 2), leader: noBroker }),
    want: { leader: 1, leaderEpoch: 5, isr: members(1, 2), version: 9 },
  },
  {
    name: 'a leader that was restarted does not lead while another member is unbroken',
    image: image([1, 2, 3], {}, { 2: 99 }),
    want: { leader: 3, leaderEpoch: 5, isr: members(1, 3), version: 9 },
  },
  {
    name: 'a follower that was restarted is taken out, in the same epoch',
    image: image([1, 2, 3], {}, { 3: 99 }),
    want: { leader: 2, leaderEpoch: 4, isr: members(1, 2), version: 9 },
  },
  {
    name: 'a follower with another directory is taken out, whatever its life',
    image: image([1, 2, 3], { isr: [...members(1, 2), member(3, { directory: 'old' })] }),
    want: { leader: 2, leaderEpoch: 4, isr: members(1, 2), version: 9 },
  },
  {
    name: 'the last but the leader are for the leader to take out: it may be gone, too',
    image: image([2], {}),
    want: undefined,
  },
  {
    name: 'so they are at an election',
    image: image([1], { isr: members(1, 2) }),
    want: { leader: 1, leaderEpoch: 5, isr: members(1, 2), version: 9 },
  },
  {
    name: 'but for lost disks, which are eligible for nothing',
    image: image(
      [1, 2, 3],
      { isr: [member(1), member(2), member(3, { directory: 'old' })] },
      { 1: 99 },
    ),
    want: { leader: 2, leaderEpoch: 4, isr: members(1, 2), version: 9 },
  },
  {
    name: 'with all restarted nobody leads before they have reported',
    image: image([1, 2, 3], {}, { 1: 91, 2: 92, 3: 93 }),
    want: { leader: noBroker, leaderEpoch: 5, isr: members(1, 2, 3), version: 9 },
  },
  {
    name: 'an awaited member keeps its claim though its life is over',
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
    name: 'and not one that promised nothing: a person decides',
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
    name: 'the last in sync keeps its claim while it cannot use its replica',
    image: unavailable(image([1, 2, 3], { isr: members(2) }), [2]),
    want: { leader: noBroker, leaderEpoch: 5, isr: members(2), version: 9 },
  },
  {
    name: 'so do several, the dead among them',
    image: unavailable(image([1, 2], {}), [1, 2]),
    want: { leader: noBroker, leaderEpoch: 5, isr: members(1, 2, 3), version: 9 },
  },
  {
    name: 'a broker that comes back unable does not lead where another one may yet come',
    image: unavailable(image([1], { isr: members(1, 2), leader: noBroker }), [1]),
    want: undefined,
  },
  {
    name: 'a report of an earlier life counts for nothing',
    image: unavailable(image([1, 2, 3], {}), [2], 77),
    want: undefined,
  },
  {
    name: 'a state that cannot be read is left to a person',
    image: withBadState(image([1, 3], {})),
    want: undefined,
  },
]
const anew = { eligible: [], committed: 0, uncleanEpoch: -1 }

function controller(): Controller {
  const minInsyncReplicas = () => 2
  return new Controller({ epoch: controllerEpoch, minInsyncReplicas, recoveryWaitMs: 100 })
}

for (const { name, image, want } of cases) {
  t.test(`controller: ${name}`, async (t) => {
    const state = { ...anew, ...want, controllerEpoch }
    const wanted = want === undefined ? [] : [{ topic: 'goals', partition: 0, state }]
    t.same(controller().step(image, 0).writes, wanted)
  })
}

t.test('its own writes leave it nothing to do', async (t) => {
  for (const { image } of cases) {
    const { writes } = controller().step(image, 0)
    for (const { topic, partition, state } of writes) {
      image.setState(topic, partition, { ...state, version: state.version + 1 })
    }
    t.same(controller().step(image, 0).writes, [])
  }
})

const nothing = { writes: [], undecided: [] }

t.test('the first log waits for those of the other members, until the deadline', async (t) => {
  const made = image([1, 2], { leader: noBroker }, { 1: 91, 2: 92 })
  const first = controller()
  t.same(first.step(made, 0), { ...nothing, askAgainAtMs: undefined }, 'there is no log yet')
  reporting(made, { 1: { brokerEpoch: 91 } })
  t.same(first.step(made, 50), { ...nothing, askAgainAtMs: 150 })
  t.same(first.step(made, 149), { ...nothing, askAgainAtMs: 150 })
  t.same(controller().step(made, 150), { ...nothing, askAgainAtMs: 250 }, 'another begins anew')
  const absent = [member(2, { isAwaited: true }), member(3, { isAwaited: true })]
  const isr = [member(1, { epoch: 91 }), ...absent]
  t.match(first.step(made, 150).writes, [{ state: { leader: 1, leaderEpoch: 5, isr } }])
})

t.test('when all members have reported there is nothing to wait for', async (t) => {
  const made = image([1, 2, 3], { leader: noBroker }, { 1: 91, 2: 92, 3: 93 })
  reporting(made, {
    1: { brokerEpoch: 91 },
    2: { brokerEpoch: 92 },
    3: { brokerEpoch: 93, end: 11 },
  })
  t.match(controller().step(made, 0).writes, [{ state: { leader: 3, leaderEpoch: 5 } }])
})

t.test(
  'a partition that no log may lead is told of, once others have had their time',
  async (t) => {
    const made = image([1], { leader: noBroker }, { 1: 91 })
    t.same(controller().step(made, 0), { ...nothing, askAgainAtMs: undefined })
    reporting(made, { 1: { brokerEpoch: 91, type: 'tail-cut' } })
    const one = controller()
    t.same(one.step(made, 0).undecided, [], 'the deadline runs')
    t.same(one.step(made, 100), {
      writes: [],
      askAgainAtMs: undefined,
      undecided: [{ topic: 'goals', partition: 0, version: 9 }],
    })
  },
)

t.test('a wait is for one version of the state', async (t) => {
  const made = image([1, 2], { leader: noBroker }, { 1: 91, 2: 92 })
  const one = controller()
  reporting(made, { 1: { brokerEpoch: 91 } })
  one.step(made, 0)
  made.setState('goals', 0, { ...(made.state('goals', 0) as PartitionState), version: 10 })
  t.same(one.step(made, 200).writes, [], 'the report is of an older one')
  reporting(made, { 1: { brokerEpoch: 91, stateVersion: 10 } })
  t.same(one.step(made, 300), { ...nothing, askAgainAtMs: 400 })
})

t.test('replicas spread over the brokers, each once per partition', async (t) => {
  for (const brokerCount of [1, 2, 3, 5]) {
    const brokers = ids(...Array.from({ length: brokerCount }, (_, i) => i * 3))
    for (let replicationFactor = 1; replicationFactor <= brokerCount; replicationFactor++) {
      const partitionCount = brokerCount * 4
      const placed = placeReplicas(brokers, { partitionCount, replicationFactor, start: 2 })
      t.ok(placed.every((replicas) => new Set(replicas).size === replicationFactor))
      for (const id of brokers) {
        t.equal(placed.filter(([leader]) => leader === id).length, 4, 'leaders are even')
      }
    }
  }
})
