import t from 'tap'
import { ClusterImage } from '../../../src/broker/controller/cluster-image.ts'
import { controllerWrites, placeReplicas } from '../../../src/broker/controller/controller.ts'
import {
  decodeProducerIdBlock,
  decodeRegistration,
  decodeReport,
  decodeState,
  decodeTopic,
  encodeProducerIdBlock,
  encodeRegistration,
  encodeReport,
  encodeState,
  encodeTopic,
  meaningOf,
  reportName,
  zkPaths,
} from '../../../src/broker/controller/zk-paths.ts'
import type { PartitionState } from '../../../src/broker/partition/partition.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'

const ids = (...numbers: number[]) => numbers as BrokerId[]
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
    made.brokers.set(id, { id, host: 'h', port: 1, epoch, session: id * 100 })
  }
  made.setTopic('goals', { topicId: 'x', replicas: [ids(2, 3, 1)] })
  if (state !== undefined) {
    made.setState('goals', 0, {
      leader: 2 as BrokerId,
      leaderBrokerEpoch: 20,
      leaderEpoch: 4,
      controllerEpoch: 1,
      isr: ids(1, 2, 3),
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
      status: { type: 'unavailable', reason: 'EMFILE' },
      session: session ?? broker * 100,
    })
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
    want: { leader: 3, leaderBrokerEpoch: 30, leaderEpoch: 0, isr: [1, 3], version: -1 },
  },
  { name: 'a new partition without living replicas waits', image: image([4]), want: undefined },
  { name: 'nothing is written while all live', image: image([1, 2, 3], {}), want: undefined },
  {
    name: 'a dead follower leaves the ISR, in the same epoch',
    image: image([1, 2], {}),
    want: { leader: 2, leaderBrokerEpoch: 20, leaderEpoch: 4, isr: [1, 2], version: 9 },
  },
  {
    name: 'a dead leader is followed by the next of the assignment that is in sync',
    image: image([1, 3], {}),
    want: { leader: 3, leaderBrokerEpoch: 30, leaderEpoch: 5, isr: [1, 3], version: 9 },
  },
  {
    name: 'who lives but is not in sync is not elected',
    image: image([1, 3], { isr: ids(1, 2) }),
    want: { leader: 1, leaderBrokerEpoch: 10, leaderEpoch: 5, isr: [1], version: 9 },
  },
  {
    name: 'with nobody in sync alive nobody leads, and the ISR keeps the claim',
    image: image([3], { isr: ids(1, 2) }),
    want: { leader: noBroker, leaderBrokerEpoch: 0, leaderEpoch: 5, isr: [1, 2], version: 9 },
  },
  {
    name: 'that is written once',
    image: image([3], { isr: ids(1, 2), leader: noBroker, leaderBrokerEpoch: 0 }),
    want: undefined,
  },
  {
    name: 'the first of the ISR to come back leads',
    image: image([1, 3], { isr: ids(1, 2), leader: noBroker, leaderBrokerEpoch: 0 }),
    want: { leader: 1, leaderBrokerEpoch: 10, leaderEpoch: 5, isr: [1], version: 9 },
  },
  {
    name: 'a leader that was restarted leads in a new epoch',
    image: image([1, 2, 3], {}, { 2: 99 }),
    want: { leader: 2, leaderBrokerEpoch: 99, leaderEpoch: 5, isr: [1, 2, 3], version: 9 },
  },
  {
    name: 'a new partition is led by the first that can use its replica',
    image: unavailable(image([1, 2, 3]), [2]),
    want: { leader: 3, leaderBrokerEpoch: 30, leaderEpoch: 0, isr: [1, 3], version: -1 },
  },
  {
    name: 'a new partition that no broker can use waits',
    image: unavailable(image([1, 2, 3]), [1, 2, 3]),
    want: undefined,
  },
  {
    name: 'a follower that cannot use its replica leaves the ISR, in the same epoch',
    image: unavailable(image([1, 2, 3], {}), [3]),
    want: { leader: 2, leaderBrokerEpoch: 20, leaderEpoch: 4, isr: [1, 2], version: 9 },
  },
  {
    name: 'a leader that lives and cannot use its replica is replaced, and leaves the ISR',
    image: unavailable(image([1, 2, 3], {}), [2]),
    want: { leader: 3, leaderBrokerEpoch: 30, leaderEpoch: 5, isr: [1, 3], version: 9 },
  },
  {
    name: 'the last in sync keeps its claim while it cannot use its replica',
    image: unavailable(image([1, 2, 3], { isr: ids(2) }), [2]),
    want: { leader: noBroker, leaderBrokerEpoch: 0, leaderEpoch: 5, isr: [2], version: 9 },
  },
  {
    name: 'so do several, the dead among them',
    image: unavailable(image([1, 2], {}), [1, 2]),
    want: { leader: noBroker, leaderBrokerEpoch: 0, leaderEpoch: 5, isr: [1, 2, 3], version: 9 },
  },
  {
    name: 'a broker that comes back unable does not lead where another one may yet come',
    image: unavailable(image([1], { isr: ids(1, 2), leader: noBroker, leaderBrokerEpoch: 0 }), [1]),
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
for (const { name, image, want } of cases) {
  t.test(`controller: ${name}`, async (t) => {
    const wanted =
      want === undefined
        ? []
        : [{ topic: 'goals', partition: 0, state: { ...want, controllerEpoch } }]
    t.strictSame(controllerWrites(image, controllerEpoch), wanted)
  })
}

t.test('its own writes leave it nothing to do', async (t) => {
  for (const { image } of cases) {
    for (const { topic, partition, state } of controllerWrites(image, controllerEpoch)) {
      image.setState(topic, partition, { ...state, version: state.version + 1 })
    }
    t.same(controllerWrites(image, controllerEpoch), [])
  }
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
  t.strictSame(decodeState(bytes(encodeState({ ...state, version })), 3), { ...state, version: 3 })
  const topic = { topicId: 'abc_-1', replicas: [ids(1, 2), ids(2, 3)] }
  t.strictSame(decodeTopic(bytes(encodeTopic(topic))), topic)
  const endpoint = { host: 'a', port: 9092 }
  t.strictSame(decodeRegistration(bytes(encodeRegistration(endpoint, 1))), endpoint)
  const block = { broker: 3 as BrokerId, first: 1000, last: 1999 }
  t.strictSame(decodeProducerIdBlock(bytes(encodeProducerIdBlock(block))), block)
  const status = { type: 'unavailable', reason: 'EMFILE' } as const
  const report = encodeReport({ topic: 'goals', topicId, partition: 0, status })
  t.strictSame(decodeReport(bytes(report)), status)
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
