// Each method with arguments that a newcomer or a bug might pass: the call is refused with the
// argument's name, and nothing else happens. bad-arguments.property.test.ts tries random arguments.

import t from 'tap'
import { Consumer } from '../../src/client/mq/consumer.ts'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { Producer } from '../../src/client/mq/producer.ts'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import { ZkError } from '../../src/protocol/error-codes.ts'
import { BrokerError } from '../../src/protocol/mq/error-codes.ts'
import { realWorld } from '../../src/real-world.ts'
import { FakeServer, plainAnswer } from './zk/fake-server.ts'

/** A client as an untyped program sees it. */
type Untyped = Record<string, (...given: readonly unknown[]) => Promise<unknown>>

function untyped(client: unknown): Untyped {
  return client as Untyped
}

const zkCalls: readonly (readonly [call: readonly unknown[], names: RegExp])[] = [
  [['getData', '/x', true], /^getData \/x: watcher is true; allowed: a function \(BADARGUMENTS\)$/],
  [['getData', '/x', { linearizable: true }], /watcher is \{ linearizable: true \}/],
  [['getData', '/x', undefined, { linearisable: true }], /did you mean 'linearizable'\?/],
  [['getData', '/x', undefined, null], /options is null/],
  [['getData'], /path is missing/],
  [['getData', 'x'], /path is 'x'; .*must start with \//],
  [['getData', Buffer.from('/x')], /path is/],
  [['exists', '/a//b'], /path is '\/a\/\/b'/],
  [['getChildren', '/x', 'watcher'], /watcher is 'watcher'/],
  [['create', '/x', 'd', { mode: 'ephemral' }], /options\.mode is 'ephemral'.*mean 'ephemeral'/],
  [['create', '/x', 'd', 'ephemeral'], /options is 'ephemeral'/],
  [['create', '/x', 'd', { ttl: 5 }], /a field 'ttl'.*mean 'ttlMs'/],
  [['create', '/x', 'd', { ttlMs: -1 }], /options\.ttlMs is -1/],
  [['create', '/x', 'd', { ttlMs: 0.5 }], /options\.ttlMs is 0\.5/],
  [['create', '/x', { a: 1 }], /data is \{ a: 1 \}/],
  [['create', '/x', 5], /data is 5/],
  [['create', '/x/', 'd'], /path is '\/x\/'/],
  [['create', '/x', 'd', { acl: { perms: 31 } }], /options\.acl is/],
  [
    ['create', '/x', 'd', { acl: [{ perms: 'r', scheme: 'world', id: 'anyone' }] }],
    /acl\[0\]\.perms/,
  ],
  [['create', '/x', 'd', { acl: [{ perms: 1, scheme: 'world' }] }], /acl\[0\]\.id is missing/],
  [['setData', '/x', 'd', Number.NaN], /version is NaN/],
  [['setData', '/x', 'd', 1.5], /version is 1\.5/],
  [['setData', '/x', 'd', 2 ** 31], /version is 2147483648/],
  [['setData', '/x', 'd', '3'], /version is '3'/],
  [['setData', '/x'], /data is missing/],
  [['setData', '/x', Buffer.alloc(2_000_000)], /it takes 2000\d+ bytes/],
  [['delete', '/x', null], /version is null/],
  [['getACL', 7], /path is 7/],
  [['setACL', '/x', 'world:anyone:r'], /acl is 'world:anyone:r'/],
  [['setACL', '/x', [{ perms: 32, scheme: 'world', id: 'anyone' }]], /acl\[0\]\.perms is 32/],
  [['getChildrenPage', '/x', -1], /from is -1/],
  [['getAllChildrenNumber', ''], /path is ''/],
  [['getEphemerals', 1], /prefix is 1/],
  [['sync', null], /path is null/],
  [['multi', [{ op: 'create' }]], /ops\[0\]\.type is missing; allowed: 'create', 'delete'/],
  [['multi', [{ type: 'delete', path: '/a' }]], /ops\[0\]\.version is missing/],
  [['multi', [{ type: 'check', path: '/a', verison: 1 }]], /mean 'version'/],
  [['multi', [{ type: 'create', path: '/a', data: 1, mode: 'persistent' }]], /ops\[0\]\.data is 1/],
  [['multi', [{ type: 'create', path: '/a/', data: '', mode: 'persistent' }]], /ops\[0\]\.path is/],
  [['multi', { type: 'delete', path: '/a', version: 1 }], /ops is \{.*allowed: an array/],
  [['multi', [null]], /ops\[0\] is null/],
  [['multiRead', [{ type: 'exists', path: '/a' }]], /ops\[0\]\.type is 'exists'/],
  [['multiRead', ['/a']], /ops\[0\] is '\/a'/],
  [['addAuth', 'digest'], /credential is missing/],
  [['addAuth', 'digest', { user: 'ann', password: 'hush' }], /credential is of type object/],
  [['addAuth', '', 'x'], /scheme is ''/],
  [['addWatch', '/x', 'persistent'], /watcher is missing/],
  [['addWatch', '/x', 'recursive', () => undefined], /mode is 'recursive'/],
  [['addWatch', '/x', () => undefined], /mode is \[Function/],
  [['checkWatches', '/x', 'child'], /type is 'child'.*mean 'children'\?/],
  [['removeWatches', '/x', 'any', 'all'], /watcher is 'all'/],
]

t.test('a bad argument of ZkClient fails only its call, and is named', async (t) => {
  const asked: string[] = []
  let connections = 0
  const server = await FakeServer.listen({
    hello: (connection) => {
      connections++
      connection.welcome()
    },
    request: (connection, xid, request) => {
      if (request.type !== 'ping') asked.push(request.type)
      connection.reply(xid, 1, plainAnswer(request))
    },
  })
  t.teardown(() => server.close())
  const zk = new ZkClient({ servers: [server.address] })
  t.teardown(() => zk.close())
  await zk.connect()
  for (const [[name, ...given], message] of zkCalls) {
    const innocent = zk.exists('/innocent')
    const refused = untyped(zk)[String(name)]?.call(zk, ...given)
    t.type(refused, Promise, 'it does not throw')
    const error = await refused?.catch((caught: unknown) => caught)
    t.type(error, ZkError, `${String(name)} ${message}`)
    t.match(error, { code: 'BADARGUMENTS', message })
    await innocent
  }
  t.same(new Set(asked), new Set(['exists']), 'nothing of it reached the wire')
  t.equal(asked.length, zkCalls.length)
  t.equal(connections, 1)
})

t.test('changes that the caller makes after the call do not change the request', async (t) => {
  const asked: unknown[] = []
  const server = await FakeServer.listen({
    request: (connection, xid, request) => {
      asked.push(structuredClone(request))
      connection.reply(xid, 1, plainAnswer(request))
    },
  })
  t.teardown(() => server.close())
  const zk = new ZkClient({ servers: [server.address] })
  t.teardown(() => zk.close())
  const acl = [{ perms: 1, scheme: 'world', id: 'anyone' }]
  const ops = [{ type: 'delete' as const, path: '/a', version: 1 }]
  const calls = [zk.setACL('/x', acl), zk.multi(ops)]
  acl[0] = { perms: 2 ** 40, scheme: 'nonsense', id: '' }
  Object.assign(ops[0] ?? {}, { version: Number.NaN })
  await Promise.all(calls)
  t.match(asked, [
    { type: 'setACL', acl: [{ perms: 1, scheme: 'world' }] },
    { type: 'multi', ops: [{ version: 1 }] },
  ])
})

const servers = '127.0.0.1:2181'
const zkOptions: readonly (readonly [given: unknown, names: RegExp])[] = [
  [undefined, /options is missing/],
  ['127.0.0.1:2181', /options is '127\.0\.0\.1:2181'; allowed: an object/],
  [{}, /options\.servers is missing/],
  [{ servers: [] }, /options\.servers is empty/],
  [{ servers: '' }, /options\.servers/],
  [{ servers: ['a:b'] }, /options\.servers\[0\]/],
  [{ servers: [['a', 1]] }, /options\.servers\[0\]/],
  [{ servers: [{ host: 'a', port: '2181' }] }, /options\.servers\[0\]\.port is '2181'/],
  [{ servers: [{ host: 'a', port: 0 }] }, /servers\[0\]\.port is 0/],
  [{ servers: [{ hostname: 'a', port: 1 }] }, /servers\[0\]\.host is missing/],
  [{ servers: [{ host: 'a:2181' }] }, /servers\[0\]\.host is 'a:2181'/],
  [{ servers: [{ host: '[::1]' }] }, /servers\[0\]\.host is '\[::1\]'/],
  [{ servers: '::1:2181' }, /is not host:port, write \[::1\]:2181/],
  [{ servers: ['a/chroot'] }, /options\.servers\[0\]/],
  [{ servers: 'a:1//x' }, /options\.servers/],
  [{ servers: 'a/one', chroot: '/two' }, /options\.chroot is '\/two', but options\.servers has/],
  [{ server: servers }, /a field 'server'.*mean 'servers'/],
  [{ servers, sessionTimeout: 1 }, /mean 'sessionTimeoutMs'/],
  [{ servers, sessionTimeoutMs: 0 }, /sessionTimeoutMs is 0/],
  [{ servers, sessionTimeoutMs: Number.POSITIVE_INFINITY }, /sessionTimeoutMs is Infinity/],
  [{ servers, connectTimeoutMs: Number.NaN }, /connectTimeoutMs is NaN/],
  [{ servers, connectTimeoutMs: 2 ** 31 }, /connectTimeoutMs is 2147483648/],
  [{ servers, chroot: 'app' }, /options\.chroot is 'app'/],
  [
    { servers, dialect: 'zookeeper' },
    /options\.dialect is 'zookeeper'; allowed: 'native' or 'jute'/,
  ],
  [{ servers, readOnly: 'yes' }, /readOnly is 'yes'/],
  [{ servers, logger: {} }, /logger is \{\}.*no method child/],
  [{ servers, world: { ...realWorld(), clock: Date } }, /options\.world\.clock/],
  [{ servers, world: {} }, /options\.world/],
]

t.test('a bad option of ZkClient is refused by its constructor, and by its name', async (t) => {
  const Untyped = ZkClient as unknown as new (options: unknown) => unknown
  for (const [given, message] of zkOptions) {
    t.throws(() => new Untyped(given), { name: 'ZkError', code: 'BADARGUMENTS', message })
  }
})

// --- Mimic Queue --------------------------------------------------------------------------------

type Refusal = readonly [call: readonly unknown[], names: RegExp, code?: string]

const badTopic = 'INVALID_TOPIC_EXCEPTION'
const sends: readonly Refusal[] = [
  [['send'], /Cannot send: record is missing/],
  [['send', 'goals', 'x'], /record is 'goals'; allowed: an object/],
  [['send', { topic: 'goals', value: { a: 1 } }], /record\.value is \{ a: 1 \}/],
  [['send', { topic: 'goals', value: 5 }], /record\.value is 5/],
  [['send', { topic: 'goals' }], /record\.value is missing/],
  [['send', { topic: 'goals', value: undefined }], /record\.value is missing/],
  [['send', { topic: 'goals', value: 'x', key: 42 }], /record\.key is 42/],
  [['send', { topic: 'goals', value: 'x', partition: '0' }], /record\.partition is '0'/],
  [['send', { topic: 'goals', value: 'x', partition: 0.5 }], /record\.partition is 0\.5/],
  [['send', { topic: 'goals', value: 'x', partition: -1 }], /record\.partition is -1/],
  [['send', { topic: 'goals', value: 'x', timestamp: 1 }], /mean 'timestampMs'/],
  [['send', { topic: 'goals', value: 'x', timestampMs: Number.NaN }], /timestampMs is NaN/],
  [['send', { topic: 'goals', value: 'x', timestampMs: 2 ** 53 }], /timestampMs is 9007/],
  [['send', { topic: 'goals', value: 'x', headers: { a: 'b' } }], /headers is .*an array/],
  [['send', { topic: 'goals', value: 'x', headers: [['a', 'b']] }], /headers\[0\] is/],
  [
    ['send', { topic: 'goals', value: 'x', headers: [{ key: 'a' }] }],
    /headers\[0\]\.value is missing/,
  ],
  [['send', { topic: 'goals', messages: [] }], /a field 'messages'/],
  [['send', { topic: 7, value: 'x' }], /record\.topic is 7/, badTopic],
  [['send', { topic: 'a/b', value: 'x' }], /record\.topic is 'a\/b'/, badTopic],
  [['send', { topic: '', value: 'x' }], /record\.topic is ''/, badTopic],
]
const adminCalls: readonly Refusal[] = [
  [['topic'], /name is missing/, badTopic],
  [['createTopic', 'goals'], /topic is 'goals'; allowed: an object/, badTopic],
  [['createTopic', { topic: 'goals', partition: 3 }], /mean 'partitions'/, badTopic],
  [['createTopic', { topic: 'x'.repeat(250) }], /topic\.topic is/, badTopic],
  [['createTopic', { topic: 'a', partitions: 0 }], /partitions is 0/, 'INVALID_PARTITIONS'],
  [
    ['createTopic', { topic: 'a', replicas: 1.5 }],
    /replicas is 1\.5/,
    'INVALID_REPLICATION_FACTOR',
  ],
  [['alterBrokerConfig', '1', {}], /broker is '1'/, 'INVALID_REQUEST'],
  [['alterBrokerConfig', 1, { set: { x: 1 } }], /change\.set\.x is 1/, 'INVALID_REQUEST'],
  [['offsets', ['goals']], /topic is \[ 'goals' \]/, badTopic],
  [['groupOffsets', 'fans'], /topic is missing/, badTopic],
  [['groupOffsets', 'a b', 'goals'], /group is 'a b'/, 'INVALID_GROUP_ID'],
  [
    ['reassign', [{ topic: 'goals', partition: 0, replicas: [] }]],
    /moves\[0\]\.replicas is \[\]/,
    'INVALID_REQUEST',
  ],
  [['cancelReassignments', [{ topic: 'goals' }]], /partition is missing/, 'INVALID_REQUEST'],
  [['electLeaders', 'a b'], /topic is 'a b'/, badTopic],
  [['recoveryChoices', 'goals', -1], /partition is -1/, 'INVALID_REQUEST'],
  [
    ['recover', { topic: 'goals', partition: 0, leader: 1 }],
    /version is missing/,
    'INVALID_REQUEST',
  ],
]
const commits: readonly Refusal[] = [
  [['commit', { 0: 5 }], /offsets is /],
  [['commit', [{ topic: 'goals', partition: '0', offset: 5 }]], /offsets\[0\]\.partition is '0'/],
  [['commit', [{ topic: 'goals', partition: 0, offset: 0.5 }]], /offsets\[0\]\.offset is 0\.5/],
  [['commit', [{ topic: 'goals', partition: 0, offset: 2 ** 54 }]], /\.offset is 18014/],
]

t.test(
  'a bad argument of a client of Mimic Queue is refused at once, and by its name',
  async (t) => {
    const brokers = '127.0.0.1:1' // never connected to
    const calls = [
      { client: new Producer({ brokers }), refusals: sends },
      { client: new MqAdmin({ brokers }), refusals: adminCalls },
      { client: new Consumer({ brokers, topic: 'goals', group: 'fans' }), refusals: commits },
    ]
    for (const { client, refusals } of calls) {
      for (const [[name, ...given], message, code = 'INVALID_REQUEST'] of refusals) {
        const refused = untyped(client)[String(name)]?.call(client, ...given)
        t.type(refused, Promise, 'it does not throw')
        const error = await refused?.catch((caught: unknown) => caught)
        t.type(error, BrokerError)
        t.match(error, { code, message, retriable: false })
      }
    }
  },
)

const brokers = ['127.0.0.1:9092']
const topic = 'goals'
const common: readonly Refusal[] = [
  [[undefined], /options is missing/],
  [[{ topic }], /options\.brokers is missing.*options\.zk/],
  [[{ topic, brokers: [] }], /options\.brokers is empty/],
  [[{ topic, brokers: 'a:1/chroot' }], /options\.brokers names '\/chroot'/],
  [[{ topic, brokers: [{ host: 'a', port: -1 }] }], /brokers\[0\]\.port is -1/],
  [[{ topic, zk: 'localhost:2181' }], /options\.zk is 'localhost:2181'; allowed: a ZkClient/],
  [[{ topic, brokers, name: '' }], /options\.name is ''/],
  [[{ topic, brokers, log: console }], /a field 'log'.*mean 'logger'/],
]
const producers: readonly Refusal[] = [
  [[{ brokers, acks: 1 }], /options\.acks is 1; allowed: 'none', 'leader' or 'all'/],
  [[{ brokers, lingerMs: -5 }], /lingerMs is -5/],
  [[{ brokers, linger: 5 }], /mean 'lingerMs'/],
  [[{ brokers, batchBytes: 2 ** 30 }], /batchBytes is 1073741824; allowed: .* to 1048588/],
  [[{ brokers, inFlightMax: 65 }], /inFlightMax is 65; allowed: a whole number from 1 to 64/],
  [[{ brokers, requestTimeoutMs: 0 }], /requestTimeoutMs is 0/],
  [[{ brokers, deliveryTimeoutMs: Number.POSITIVE_INFINITY }], /deliveryTimeoutMs is Infinity/],
  [[{ brokers, bufferBytesMax: '32 MB' }], /bufferBytesMax is '32 MB'/],
  [[{ brokers, sendTo: 'any' }], /sendTo is 'any'/],
]
const consumers: readonly Refusal[] = [
  [[{ brokers }], /options\.topic is missing/],
  [[{ brokers, topic, topics: [topic] }], /topic and options\.topics exclude each other/],
  [[{ brokers, topics: [] }], /options\.topics is \[\]/],
  [[{ brokers, topics: [topic, 'a b'] }], /options\.topics\[1\] is 'a b'/],
  [[{ brokers, topics: [topic, topic] }], /options\.topics has duplicates/],
  [[{ brokers, topics: [topic, 'cards'], partitions: [1] }], /reads 2 topics, give \{ topic/],
  [[{ brokers, topic, from: 'start' }], /from is 'start'/],
  [[{ brokers, topic, group: '' }], /options\.group is ''/, 'INVALID_GROUP_ID'],
  [[{ brokers, topic, assignors: ['range'] }], /assignors is for members.*group is missing/],
  [
    [{ brokers, topic, group: 'g', partitions: [0], listener: {} }],
    /listener is for members of a group: options\.partitions is given/,
  ],
  [[{ brokers, topic, group: 'g', assignors: ['range', 'cooperative-sticky'] }], /mixes/],
  [[{ brokers, topic, partitions: 0 }], /options\.partitions is 0; allowed: an array/],
  [
    [{ brokers, topic, partitions: [] }],
    /options\.partitions is \[\]; allowed: an array, not empty/,
  ],
  [[{ brokers, topic, partitions: [1, 1] }], /options\.partitions has duplicates/],
  [[{ brokers, topic, partitions: [-1] }], /options\.partitions\[0\] is -1/],
  [[{ brokers, topic, broker: '1' }], /options\.broker is '1'/],
  [[{ brokers, topic, maxWaitMs: 60_000 }], /maxWaitMs is 60000; allowed: .* to 30000/],
  [[{ brokers, topic, bytesMax: 0 }], /bytesMax is 0/],
]

t.test('a bad option is refused by the constructor, and by its name', async (t) => {
  const classes = [
    { Client: Producer, rows: [...producers, ...common.map(withoutTopic)] },
    { Client: Consumer, rows: [...consumers, ...common] },
    {
      Client: MqAdmin,
      rows: [[[{ brokers, timeoutMs: 0 }], /timeoutMs is 0/], ...common.map(withoutTopic)],
    },
  ] as const
  for (const { Client, rows } of classes) {
    const Untyped = Client as unknown as new (options: unknown) => unknown
    for (const [[given], message, code = 'INVALID_REQUEST'] of rows as readonly Refusal[]) {
      t.throws(() => new Untyped(given), { name: 'BrokerError', code, message })
    }
  }
})

function withoutTopic([[given], ...rest]: Refusal): Refusal {
  if (given === undefined) return [[given], ...rest]
  const { topic: _, ...others } = given as Record<string, unknown>
  return [[others], ...rest]
}
