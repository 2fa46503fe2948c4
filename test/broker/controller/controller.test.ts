import t from 'tap'
import { ClusterImage } from '../../../src/broker/controller/cluster-image.ts'
import { Controller, placeReplicas } from '../../../src/broker/controller/controller.ts'
import {
  decodeReport,
  encodeReport,
  type LogCondition,
  type ReplicaStatus,
  reportName,
} from '../../../src/broker/controller/replica-status.ts'
import {
  decodeProducerIdBlock,
  decodeRegistration,
  decodeState,
  decodeTopic,
  encodeProducerIdBlock,
  encodeRegistration,
  encodeState,
  encodeTopic,
  meaningOf,
  zkPaths,
} from '../../../src/broker/controller/zk-paths.ts'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import { type BrokerId, type DirectoryId, noBroker } from '../../../src/protocol/mq/messages.ts'
import { ids, life, member, members } from '../partition/members.ts'

const controllerEpoch = 7

/** Broker N registered at N × 10, unless another epoch is given. */
function image(
  alive: number[],
  state?: Partial<PartitionState>,
  epochs: Record<number, number> = {},
): ClusterImage {
  const made = new ClusterImage()
  for (const id of ids(...alive)) {
    const epoch = epochs[id] ?? id * 10
    const directory = `d${id}` as DirectoryId
    made.brokers.set(id, { id, host: 'h', port: 1, directory, epoch, session: id * 100 })
  }
  made.setTopic('goals', { topicId: 'x', replicas: [ids(2, 3, 1)] })
  if (state !== undefined) {
    made.setState('goals', 0, {
      leader: 2 as BrokerId,
      leaderEpoch: 4,
      controllerEpoch: 1,
      isr: members(1, 2, 3),
      eligible: [],
      committed: 0,
      uncleanEpoch: -1,
      version: 9,
      ...state,
    })
  }
  return made
}

const topicId = 'x'

/** The same, and these brokers say in their present life that they cannot use their replica. */
function unavailable(made: ClusterImage, brokers: number[], session?: number): ClusterImage {
  for (const broker of ids(...brokers)) {
    made.reports.set(reportName({ topicId, partition: 0, broker }), {
      status: { type: 'unavailable', reason: 'EMFILE', lastEpoch: 4, highWatermark: 5 },
      session: session ?? broker * 100,
    })
  }
  return made
}

interface Said {
  type?: LogCondition
  brokerEpoch?: number
  stateVersion?: number
  end?: number
  highWatermark?: number
}

/** The same, and brokers say this of their logs. */
function reporting(made: ClusterImage, reports: Record<number, Said>): ClusterImage {
  for (const [name, said] of Object.entries(reports)) {
    const broker = Number(name) as BrokerId
    const { directory, brokerEpoch } = life(broker)
    const log = { type: 'whole', stateVersion: 9, lastEpoch: 4, end: 10, highWatermark: 0 } as const
    const { brokerEpoch: epoch = brokerEpoch, ...rest } = said
    const status: ReplicaStatus = { ...log, ...rest, life: { directory, brokerEpoch: epoch } }
    const session = broker * 100
    made.reports.set(reportName({ topicId, partition: 0, broker }), { status, session })
  }
  return made
}

function withBadState(made: ClusterImage): ClusterImage {
  made.setBadState('goals', 0)
  return made
}

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

t.test('an image does not go back, and forgets a topic that was made anew', async (t) => {
  const known = image([1, 2, 3], {})
  const state = known.state('goals', 0) as PartitionState
  known.setState('goals', 0, { ...state, version: 8, leaderEpoch: 1 })
  t.equal(known.state('goals', 0)?.version, 9)
  known.setTopic('goals', { topicId: 'y', replicas: [ids(1)] })
  t.equal(known.state('goals', 0), undefined)
  t.equal(known.leader('goals', 0), undefined)
})

t.test('metadata tell of a replica that would have to drop committed records', async (t) => {
  const known = reporting(image([1, 2, 3], {}), { 3: { type: 'ahead' } })
  t.match(known.info('c', undefined).topics[0]?.partitions, [
    { leader: 2, problems: [{ broker: 3, reason: /zw topics recover/ }] },
  ])
})

t.test('metadata tell of what cannot be used, and why', async (t) => {
  const known = unavailable(image([1, 2, 3], {}), [2])
  t.equal(known.leader('goals', 0), undefined, 'who cannot lead does not')
  t.match(known.problemOf('goals', 0), /broker 2 .* EMFILE/)
  const [topic] = known.info('c', undefined).topics
  t.match(topic?.partitions, [
    { leader: noBroker, isr: [1, 2, 3], problems: [{ broker: 2, reason: 'EMFILE' }] },
  ])
  t.ok(known.setBadState('goals', 0))
  t.notOk(known.setBadState('goals', 0), 'the same is news once')
  t.match(known.problemOf('goals', 0), /state/)
  t.match(known.info('c', undefined).topics[0]?.partitions[0]?.problems, [
    { broker: noBroker },
    { broker: 2 },
  ])
  t.ok(known.setBadTopic('goals'))
  t.match(known.info('c', undefined).topics, [{ topic: 'goals', problem: /goals/, partitions: [] }])
  t.match(known.info('c', ['goals', 'none']).topics, [{ topic: 'goals' }])
  known.setTopic('goals', { topicId, replicas: [ids(1)] })
  t.equal(known.problemOf('goals', 0), undefined, 'written anew it is a topic again')
})

t.test('znodes are read as written, and anything else is left alone', async (t) => {
  const bytes = (text: string) => Buffer.from(text)
  const { version, ...state } = image([], {}).state('goals', 0) as PartitionState
  const states: Omit<PartitionState, 'version'>[] = [
    state,
    { ...state, isr: [member(1), member(2), member(3, { isAwaited: true })], eligible: members(4) },
    { ...state, leader: noBroker, isr: [], committed: 2 ** 40, uncleanEpoch: 3 },
  ]
  for (const each of states) {
    t.same(decodeState(bytes(encodeState({ ...each, version })), 3), { ...each, version: 3 })
  }
  const byHand = encodeState({ ...state, version }).replace('"isr":[1,2,3]', '"isr":[1,2]')
  t.equal(decodeState(bytes(byHand), 0), undefined, 'both lists of the ISR are changed, or neither')
  const topic = { topicId: 'abc_-1', replicas: [ids(1, 2), ids(2, 3)] }
  t.strictSame(decodeTopic(bytes(encodeTopic(topic))), topic)
  const endpoint = { host: 'a', port: 9092, directory: 'xyz' as DirectoryId }
  t.strictSame(decodeRegistration(bytes(encodeRegistration(endpoint, 1))), endpoint)
  const block = { broker: 3 as BrokerId, first: 1000, last: 1999 }
  t.strictSame(decodeProducerIdBlock(bytes(encodeProducerIdBlock(block))), block)
  const known = { lastEpoch: -1, highWatermark: 7 }
  const log = { ...known, life: life(1), stateVersion: 3, end: 9 }
  const statuses: ReplicaStatus[] = [
    { type: 'unavailable', reason: 'EMFILE', ...known },
    { type: 'damaged', reason: 'at byte 9', ...known },
    { type: 'whole', ...log },
    { type: 'tail-cut', ...log },
    { type: 'incomplete', ...log },
    { type: 'ahead', ...log },
  ]
  for (const status of statuses) {
    const report = encodeReport({ topic: 'goals', topicId, partition: 0, status })
    t.same(decodeReport(bytes(report)), status)
  }
  const twice = encodeTopic({ topicId, replicas: [ids(1, 1)] })
  t.equal(decodeTopic(bytes(twice)), undefined, 'a broker has one replica of a partition')
  const outside = encodeState({ ...state, version, leader: 9 as BrokerId })
  t.equal(decodeState(bytes(outside), 0), undefined, 'a leader is in sync')
  for (const text of [
    '',
    'null',
    '[]',
    '{}',
    '{"topic_id":"../x","partitions":{"0":[1]}}',
    '{"a"',
  ]) {
    t.equal(decodeState(bytes(text), 0), undefined)
    t.equal(decodeTopic(bytes(text)), undefined)
    t.equal(decodeRegistration(bytes(text)), undefined)
    t.equal(decodeReport(bytes(text)), undefined)
    t.equal(decodeProducerIdBlock(bytes(text)), undefined)
  }
})

const meanings = [
  { path: zkPaths.state('goals', 12), want: { type: 'state', topic: 'goals', partition: 12 } },
  { path: zkPaths.topic('goals'), want: { type: 'topic', topic: 'goals' } },
  { path: zkPaths.brokerId(3 as BrokerId), want: { type: 'broker', id: 3 } },
  { path: zkPaths.controller, want: { type: 'controller' } },
  { path: `${zkPaths.reports}/x-0-1`, want: { type: 'report', name: 'x-0-1' } },
  { path: zkPaths.partitions('goals'), want: undefined },
  { path: zkPaths.partition('goals', 1), want: undefined },
  { path: zkPaths.topics, want: undefined },
  { path: '/brokers/ids/x', want: undefined },
]
for (const { path, want } of meanings) {
  t.test(`meaningOf ${path}`, async (t) => {
    t.strictSame(meaningOf(path), want)
  })
}
