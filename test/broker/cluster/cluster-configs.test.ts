import t from 'tap'
import {
  ClusterConfigs,
  decodeConfig,
  encodeConfig,
} from '../../../src/broker/cluster/cluster-configs.ts'
import { allBrokers } from '../../../src/protocol/mq/configs.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'

function configs(file: Record<string, string> = {}): ClusterConfigs {
  return new ClusterConfigs({ self: '1', file: new Map(Object.entries(file)), options: [] })
}

function znode(values: Record<string, string>): Buffer {
  return Buffer.from(encodeConfig(new Map(Object.entries(values))))
}

const goals = { type: 'topic', name: 'goals' } as const
const one = { type: 'broker', name: '1' } as const
const all = { type: 'broker', name: allBrokers } as const

t.test(
  'the topic’s own value wins, then this broker’s, all brokers’, the file’s, the default',
  async (t) => {
    const made = configs({ 'log.retention.ms': '4' })
    made.set(all, znode({ 'log.retention.ms': '3' }))
    made.set({ type: 'broker', name: '2' }, znode({ 'log.retention.ms': '9' }))
    made.set(one, znode({ 'log.retention.ms': '2' }))
    made.set(goals, znode({ 'retention.ms': '1' }))
    const value = () => made.topic('goals')['retention.ms']
    const inForce = () => made.settings('retention.ms', made.own(goals))[0]?.source
    t.same([value(), inForce()], [1, 'topic'])
    made.set(goals, undefined)
    t.same([value(), inForce()], [2, 'dynamicBroker'])
    made.set(one, znode({}))
    t.same([value(), inForce()], [3, 'dynamicDefault'])
    made.set(all, undefined)
    t.same([value(), inForce()], [4, 'file'])
    t.same(configs().topic('goals')['retention.ms'], 604_800_000)
    t.same(made.settings('retention.ms', new Map([['retention.ms', '1']])), [
      { name: 'retention.ms', text: '1', source: 'topic' },
      { name: 'log.retention.ms', text: '4', source: 'file' },
      { name: 'log.retention.ms', text: '604800000', source: 'default' },
    ])
  },
)

t.test('garbage in a znode is told once, and the layer below holds', async (t) => {
  const made = configs({ 'log.retention.ms': '4' })
  const garbage = znode({ 'retention.ms': 'long', 'segment.ms': '7', 'no.such': '1' })
  t.same(made.set(goals, garbage), [
    'retention.ms is long: wanted a number from -1',
    'no.such is no key of a topic',
  ])
  t.equal(made.topic('goals')['retention.ms'], 4)
  t.equal(made.topic('goals')['segment.ms'], 7)
  t.same(made.set(goals, garbage), [])
  t.same(made.set(goals, Buffer.from('{')), ['it is not a configuration'])
  t.equal(made.topic('goals')['segment.ms'], 604_800_000)
  t.same(made.set(goals, znode({})), [])
  t.same(made.set(goals, garbage).length, 2)
})

t.test('a topic’s key is no key of a broker', async (t) => {
  const made = configs()
  t.same(made.set(one, znode({ 'retention.ms': '1' })), ['retention.ms is no key of a broker'])
  t.equal(made.topic('goals')['retention.ms'], 604_800_000)
})

t.test('a throttled rate is a broker’s own, or that of all; the last one has none', async (t) => {
  const made = configs()
  const rate = (broker: number) =>
    made.throttledRate('leader.replication.throttled.rate', broker as BrokerId)
  t.notOk(made.hasThrottledRates)
  t.equal(rate(1), undefined)
  made.set(all, znode({ 'leader.replication.throttled.rate': '1000' }))
  const own = { 'leader.replication.throttled.rate': '0' }
  made.set({ type: 'broker', name: '2' }, znode(own))
  t.same([rate(1), rate(2), made.hasThrottledRates], [1000, 0, true])
  const largest = String(2n ** 63n - 1n)
  made.set(one, znode({ 'leader.replication.throttled.rate': largest }))
  t.equal(rate(1), undefined)
  t.same(made.brokerSettings('leader.replication.throttled.rate'), [
    { name: 'leader.replication.throttled.rate', text: largest, source: 'dynamicBroker' },
    { name: 'leader.replication.throttled.rate', text: '1000', source: 'dynamicDefault' },
    { name: 'leader.replication.throttled.rate', text: largest, source: 'default' },
  ])
  for (const entity of [all, one]) made.set(entity, undefined)
  made.set({ type: 'broker', name: '2' }, znode({}))
  t.same([rate(2), made.hasThrottledRates], [undefined, false])
  const wrong = { 'follower.replication.throttled.rate': '-1' }
  t.same(made.set(one, znode(wrong)), [
    'follower.replication.throttled.rate is -1: wanted a number from 0',
  ])
  t.notOk(made.hasThrottledRates)
})

const demands = [
  { name: 'nothing is said, one replica', own: {}, file: {}, count: 1, want: 1 },
  { name: 'nothing is said, two replicas', own: {}, file: {}, count: 2, want: 1 },
  { name: 'nothing is said, three replicas', own: {}, file: {}, count: 3, want: 2 },
  {
    name: 'the broker wants three',
    own: {},
    file: { 'min.insync.replicas': '3' },
    count: 5,
    want: 3,
  },
  {
    name: 'the broker wants more than there are',
    own: {},
    file: { 'min.insync.replicas': '3' },
    count: 2,
    want: 2,
  },
  {
    name: 'the topic wants more than there are',
    own: { 'min.insync.replicas': '2' },
    file: {},
    count: 1,
    want: 2,
  },
]
for (const { name, own, file, count, want } of demands) {
  t.test(`min.insync.replicas: ${name}`, async (t) => {
    const made = configs(file)
    made.set(goals, znode(own))
    t.equal(made.minInsyncReplicas('goals', count), want)
  })
}

t.test('the format is Kafka’s, and nothing else is read', async (t) => {
  const text = '{"version":1,"config":{"retention.ms":"1000"}}'
  t.equal(encodeConfig(new Map([['retention.ms', '1000']])), text)
  t.same(decodeConfig(Buffer.from(text)), new Map([['retention.ms', '1000']]))
  for (const other of ['', '[]', '{"version":2,"config":{}}', '{"version":1,"config":{"a":1}}']) {
    t.equal(decodeConfig(Buffer.from(other)), undefined, other)
  }
})
