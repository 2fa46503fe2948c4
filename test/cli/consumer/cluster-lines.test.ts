import t from 'tap'
import {
  addressesIn,
  type BrokerAnswer,
  brokersKnown,
  StoredWith,
} from '../../../src/cli/consumer/cluster-lines.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import type { PartitionInfo } from '../../../src/protocol/mq/metadata.ts'

const id = (number: number) => number as BrokerId

interface Said {
  readonly alive?: readonly number[]
  readonly controller?: number
  readonly partitions?: readonly Partial<PartitionInfo>[]
  readonly highWatermarks?: Readonly<Record<number, number>>
}

/** Three brokers, one partition led by 1 and in sync everywhere, unless the options differ. */
function answer({
  alive = [1, 2, 3],
  controller = 2,
  partitions = [{}],
  highWatermarks = {},
}: Said) {
  const said: BrokerAnswer = {
    cluster: {
      clusterId: 'c',
      controller: id(controller),
      brokers: alive.map((one) => ({ id: id(one), host: 'h', port: 9000 + one })),
      topics: [
        {
          topic: 'goals',
          topicId: 'g',
          problem: undefined,
          partitions: partitions.map((info, partition) => ({
            partition,
            leader: id(1),
            leaderEpoch: 1,
            replicas: [1, 2, 3].map(id),
            isr: [1, 2, 3].map(id),
            problems: [],
            ...info,
          })),
        },
      ],
    },
    highWatermarks: new Map(
      Object.entries(highWatermarks).map(([partition, end]) => [Number(partition), end]),
    ),
  }
  return said
}

function known(answers: Readonly<Record<number, Said | undefined>>, topic = 'goals') {
  const map = new Map(
    Object.entries(answers).map(([by, said]) => [
      Number(by),
      said === undefined ? undefined : answer(said),
    ]),
  )
  const addresses = new Map([1, 2, 3].map((one) => [one, `h:${9000 + one}`]))
  return brokersKnown(topic, map, addresses, new Map())
}

t.test('each broker has its role, its place in the ISR and its lag', async (t) => {
  const isr = [1, 3].map(id)
  const partitions = [{ isr }]
  const { brokers, partitions: some } = known({
    1: { partitions, highWatermarks: { 0: 50 } },
    2: { partitions, highWatermarks: { 0: 20 } },
    3: { partitions, highWatermarks: { 0: 49 } },
  })
  const shared = { controller: false, leads: 0, replicas: 1, behind: 0, state: 'up' } as const
  t.same(brokers, [
    { ...shared, id: 1, address: 'h:9001', leads: 1, lag: 0 },
    { ...shared, id: 2, address: 'h:9002', controller: true, behind: 1, lag: 30 },
    { ...shared, id: 3, address: 'h:9003', lag: 1 },
  ])
  t.same(some, [{ partition: 0, led: true, replicas: 3, inSync: 2, storedWith: undefined }])
})

t.test('a broker that does not answer is lost, even if others list it as alive', async (t) => {
  const { brokers, partitions } = known({ 1: undefined, 2: {}, 3: {} })
  t.same(
    brokers.map(({ state }) => state),
    ['lost', 'up', 'up'],
  )
  t.match(partitions, [{ led: false, inSync: 2 }])
})

t.test('a broker that answers but that no other broker lists has yet to join', async (t) => {
  const { brokers } = known({ 1: {}, 2: { alive: [2, 3] }, 3: { alive: [2, 3] } })
  t.same(
    brokers.map(({ state }) => state),
    ['apart', 'up', 'up'],
  )
  t.equal(known({ 1: {}, 2: undefined, 3: undefined }).brokers[0]?.state, 'up', 'no other answer')
})

t.test('when no broker answers, partitions are unknown and all brokers are lost', async (t) => {
  const { brokers, partitions } = known({ 1: undefined, 2: undefined, 3: undefined })
  t.equal(partitions, undefined)
  t.ok(brokers.every(({ state }) => state === 'lost'))
})

t.test('a topic that does not exist has no partitions', async (t) => {
  t.same(known({ 1: {}, 2: {} }, 'other').partitions, [])
})

t.test('the highest leader epoch wins, whatever the order of the answers', async (t) => {
  const before = { partitions: [{ leader: id(1), leaderEpoch: 4 }] }
  const after = { partitions: [{ leader: id(2), leaderEpoch: 5, isr: [2, 3].map(id) }] }
  for (const answers of [
    { 1: before, 2: after, 3: before },
    { 1: after, 2: before, 3: before },
    { 1: before, 2: before, 3: after },
  ]) {
    const { brokers } = known(answers)
    t.same(
      brokers.map(({ leads, behind }) => [leads, behind]),
      [
        [0, 1],
        [1, 0],
        [0, 0],
      ],
    )
  }
})

t.test('within an epoch, the ISR is taken from the answer of the leader', async (t) => {
  const stale = { partitions: [{}] }
  const own = { partitions: [{ isr: [1, 2].map(id) }] }
  t.equal(known({ 1: own, 2: stale, 3: stale }).partitions?.[0]?.inSync, 2)
  t.equal(known({ 3: stale, 2: stale, 1: own }).partitions?.[0]?.inSync, 2)
})

t.test('the controller is the broker that claims to be, or else the most named one', async (t) => {
  const controllers = (answers: Parameters<typeof known>[0]) =>
    known(answers).brokers.flatMap((broker) => (broker.controller ? [broker.id] : []))
  t.same(controllers({ 1: { controller: 3 }, 2: { controller: 3 }, 3: { controller: 3 } }), [3])
  t.same(controllers({ 1: { controller: 3 }, 2: { controller: 2 }, 3: { controller: -1 } }), [2])
  t.same(controllers({ 1: { controller: 3 }, 2: { controller: 3 }, 3: undefined }), [3])
  t.same(controllers({ 1: { controller: -1 } }), [])
})

t.test('a broker is listed if it has a replica, even if it has never answered', async (t) => {
  const { brokers } = known({ 1: { alive: [1], partitions: [{ replicas: [1, 7].map(id) }] } })
  t.match(brokers.at(-1), { id: 7, address: '', state: 'lost', replicas: 1 })
})

t.test('an address is taken from the answer of any broker', async (t) => {
  const answers = new Map([
    [1, answer({ alive: [1] })],
    [2, undefined],
    [3, answer({ alive: [2, 3] })],
  ])
  t.same(
    [...addressesIn(answers)],
    [
      [1, 'h:9001'],
      [2, 'h:9002'],
      [3, 'h:9003'],
    ],
  )
})

t.test('the replicas needed to store a record are learned from two rises in a row', async (t) => {
  const stored = new StoredWith()
  const line = (inSync: number) => ({
    partition: 0,
    led: true,
    replicas: 3,
    inSync,
    storedWith: undefined,
  })
  stored.saw(line(2), 10)
  stored.saw(line(1), 12)
  stored.saw(line(1), 13)
  t.equal(stored.known.get(0), undefined, 'a dead broker may have acknowledged the last one')
  stored.saw(line(1), 13)
  t.equal(stored.known.get(0), undefined, 'the end has not moved')
  stored.saw(line(1), 14)
  t.equal(stored.known.get(0), 1)
  stored.saw(line(3), 15)
  stored.saw(line(3), 16)
  stored.saw(line(3), 17)
  t.equal(stored.known.get(0), 1, 'a number that was once enough stays enough')
})
