// Any arguments to any method: the call is answered or refused with a typed error, and concurrent
// calls on the same connections succeed. Against a real server and a real broker.

import fc from 'fast-check'
import t from 'tap'
import { Consumer } from '../../src/client/mq/consumer.ts'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { Producer } from '../../src/client/mq/producer.ts'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import { ZkError } from '../../src/protocol/error-codes.ts'
import { BrokerError } from '../../src/protocol/mq/error-codes.ts'
import { type TcpLink, TcpTransport } from '../../src/protocol/transport/tcp.ts'
import { realWorld } from '../../src/real-world.ts'
import { Turn } from '../../src/turn.ts'
import { worldTest } from '../broker/broker-world.ts'

/** Counts the connections made: a connection that broke the protocol would be made again. */
class CountingTransport extends TcpTransport {
  dialCount = 0

  override dial(...given: Parameters<TcpTransport['dial']>): TcpLink {
    this.dialCount++
    return super.dial(...given)
  }
}

const trap = {
  get mode(): never {
    throw new Error('boo')
  },
  get topic(): never {
    throw new Error('boo')
  },
}

/** Values that a careless caller might pass. */
const careless = fc.constantFrom<unknown>(
  undefined,
  null,
  true,
  '',
  '/',
  '/x',
  'no-slash',
  '/a//b',
  '/a/\ud800',
  '\ud800',
  'goals',
  -1,
  -2,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 31,
  2 ** 53,
  10n,
  Symbol('s'),
  () => undefined,
  new Date(Number.NaN),
  new Map([[0, -1]]),
  Buffer.from('bytes'),
  Uint8Array.of(1, 2),
  Uint16Array.of(1, 2),
  new DataView(new ArrayBuffer(2)),
  Buffer.alloc(3_000_000),
  'x'.repeat(3_000_000),
  trap,
)

const anything = fc.oneof(
  careless,
  fc.anything({
    withBigInt: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withDate: true,
  }),
)

/** An object with known fields, some with wrong values. */
function nearly(...fields: readonly string[]): fc.Arbitrary<unknown> {
  return fc.record(Object.fromEntries(fields.map((field) => [field, anything])), {
    requiredKeys: [],
  })
}

const op = fc.record({
  type: fc.oneof(fc.constantFrom('create', 'delete', 'setData', 'check', 'getData'), anything),
  path: fc.oneof(fc.constantFrom('/innocent', '/x'), anything),
  data: anything,
  version: anything,
  mode: fc.oneof(fc.constantFrom('persistent', 'ephemeralSequential'), anything),
})
const acl = fc.record({ perms: anything, scheme: anything, id: anything })
const value = fc.oneof(
  { weight: 4, arbitrary: anything },
  fc.array(fc.oneof(op, acl, anything), { maxLength: 4 }),
  nearly('mode', 'acl', 'ttlMs', 'linearizable', 'unknown'),
  nearly('topic', 'partition', 'key', 'value', 'timestampMs', 'headers'),
  fc.record({ topic: fc.constant('goals'), key: anything, value: anything, headers: anything }),
)

/** Each method with good arguments, of which one is replaced. */
const zkCalls: Readonly<Record<string, readonly unknown[]>> = {
  create: ['/x', 'data', { mode: 'persistent' }],
  delete: ['/x', 3],
  exists: ['/x', () => undefined, { linearizable: true }],
  getData: ['/x', () => undefined, { linearizable: true }],
  getChildren: ['/x', () => undefined, { linearizable: true }],
  setData: ['/x', 'data', 3],
  getACL: ['/x'],
  setACL: ['/x', [{ perms: 31, scheme: 'world', id: 'anyone' }], 3],
  getChildrenPage: ['/x', 7],
  getAllChildrenNumber: ['/x'],
  getEphemerals: ['/x'],
  sync: ['/x'],
  multi: [[{ type: 'check', path: '/x', version: 3 }]],
  multiRead: [[{ type: 'getData', path: '/x' }]],
  addWatch: ['/x', 'persistent', () => undefined],
  checkWatches: ['/x', 'any'],
  removeWatches: ['/x', 'any', () => undefined],
  // A scheme that servers do not know ends a session, and rightly: here it is never a string.
  addAuth: [7, 'credential'],
}
const producerCalls = {
  send: [{ topic: 'goals', value: 'x' }, { signal: new AbortController().signal }],
  sendBatch: [[{ topic: 'goals', value: 'x' }], { signal: new AbortController().signal }],
  connect: [{ signal: new AbortController().signal }],
  flush: [{ signal: new AbortController().signal }],
}
const consumerCalls = { commit: [[{ topic: 'goals', partition: 0, offset: 1 }]] }
const adminCalls = {
  topic: ['goals'],
  createTopic: [{ topic: 'goals', partitions: 1, replicas: 1 }],
  topicConfigs: [['goals'], ['retention.ms']],
  brokerConfig: [1],
  alterBrokerConfig: [1, { set: { 'log.retention.ms': '1' }, delete: [] }],
  offsets: ['goals'],
  groupOffsets: ['fans', 'goals'],
  reassign: [[{ topic: 'goals', partition: 0, replicas: [1] }]],
  cancelReassignments: [[{ topic: 'goals', partition: 0 }]],
  electLeaders: ['goals'],
  recoveryChoices: ['goals', 0],
  recover: [{ topic: 'goals', partition: 0, leader: 1, version: 2 }],
}

interface Call {
  readonly client: object
  readonly name: string
  readonly given: readonly unknown[]
}

/** A call of one of these methods with one argument replaced, or with any arguments at all. */
function callOf(
  client: object,
  calls: Readonly<Record<string, readonly unknown[]>>,
): fc.Arbitrary<Call> {
  return fc.constantFrom(...Object.entries(calls)).chain(([name, good]) => {
    const replaced = fc
      .tuple(fc.nat(good.length - 1), value)
      .map(([at, bad]) => good.map((one, i) => (i === at ? bad : one)))
    const given = fc.oneof({ weight: 3, arbitrary: replaced }, fc.array(value, { maxLength: 4 }))
    return given.map((values) => ({
      client,
      name,
      given: name === 'addAuth' ? [7, ...values.slice(1)] : values,
    }))
  })
}

worldTest(t, 'no argument ends more than its own call', { brokers: 1 }, async (t, world) => {
  const turn = new Turn(setImmediate)
  const transport = new CountingTransport(turn)
  const shared = { ...realWorld(), transport, turn }
  const brokers = world.addresses
  const admin = world.use(new MqAdmin({ brokers, world: shared }))
  await admin.createTopic({ topic: 'goals' })
  const producer = world.use(new Producer({ brokers, world: shared }))
  const consumer = world.use(
    new Consumer({ brokers, world: shared, topic: 'goals', group: 'fans', partitions: [0] }),
  )
  const zk = world.use(new ZkClient({ servers: world.zooweeper, world: shared }))
  await zk.create('/innocent', 'x')
  const innocent = () =>
    Promise.all([zk.getData('/innocent'), producer.send({ topic: 'goals', value: 'x' })])
  await innocent()
  await consumer.start()
  const dialCount = transport.dialCount

  const call = fc.oneof(
    { weight: 6, arbitrary: callOf(zk, zkCalls) },
    { weight: 3, arbitrary: callOf(producer, producerCalls) },
    { weight: 1, arbitrary: callOf(consumer, consumerCalls) },
    { weight: 1, arbitrary: callOf(admin, adminCalls) },
  )
  await fc.assert(
    fc.asyncProperty(call, async ({ client, name, given }) => {
      const before = innocent()
      const method = Reflect.get(client, name) as (...given: readonly unknown[]) => unknown
      const called = method.call(client, ...given)
      if (!(called instanceof Promise)) throw new Error(`${name} returned no promise`)
      const after = innocent()
      const error: unknown = await called.then(
        () => undefined,
        (caught) => caught,
      )
      await Promise.all([before, after])
      const isTyped = error instanceof ZkError || error instanceof BrokerError
      return (error === undefined || isTyped) && zk.state === 'connected'
    }),
    { numRuns: 300 },
  )
  t.equal(transport.dialCount, dialCount, 'no connection had to be made again')
})

t.test('with any options, a constructor throws only typed errors', async (t) => {
  const fields = [
    'servers',
    'brokers',
    'topic',
    'zk',
    'group',
    'chroot',
    'logger',
    'clock',
  ] as const
  const options = fc.oneof(
    anything,
    nearly(...fields),
    nearly(...fields, 'lingerMs', 'timeoutMs', 'acks', 'sessionTimeoutMs', 'partitions', 'from'),
  )
  const classes = [ZkClient, Producer, Consumer, MqAdmin] as unknown as (new (
    options: unknown,
  ) => unknown)[]
  fc.assert(
    fc.property(fc.constantFrom(...classes), options, (Client, given) => {
      try {
        new Client(given)
      } catch (error) {
        return error instanceof ZkError || error instanceof BrokerError
      }
      return true
    }),
    { numRuns: 2000 },
  )
  t.pass('all of them were typed')
})
