import net from 'node:net'
import t from 'tap'
import { statusLine } from '../../../src/cli/commands/status.ts'
import { askHealth } from '../../../src/cli/four-letter-word.ts'
import { MqConnection } from '../../../src/client/mq/mq-connection.ts'
import { limits } from '../../../src/limits.ts'
import { challengeBytes } from '../../../src/protocol/link-proof.ts'
import type { MqRequest } from '../../../src/protocol/mq/apis.ts'
import { ClusterSecret } from '../../../src/protocol/mq/cluster-secret.ts'
import {
  encodeMqHello,
  encodeMqProof,
  type MqHello,
  mqProtocolVersion,
} from '../../../src/protocol/mq/hello.ts'
import {
  anyEpoch,
  type DirectoryId,
  noBroker,
  onlyOne,
  type Place,
} from '../../../src/protocol/mq/messages.ts'
import type { ClusterInfo } from '../../../src/protocol/mq/metadata.ts'
import { encodeMqRequest } from '../../../src/protocol/mq/native.ts'
import { encodeBatch, noProducer } from '../../../src/protocol/mq/record-batch.ts'
import { MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import { Random } from '../../../src/random.ts'
import { realWorld } from '../../../src/real-world.ts'
import { type BrokerWorld, worldTest } from '../broker-world.ts'
import { testSecret } from '../test-secret.ts'

const brokerOne = 1 as MqHello['brokerId']

const hello: MqHello = {
  version: mqProtocolVersion,
  role: 'client',
  clusterId: undefined,
  name: 'test',
  brokerId: noBroker,
  brokerEpoch: 0,
  challenge: undefined,
}

function framed(write: (out: MsgpackWriter) => void): Buffer {
  const out = new MsgpackWriter()
  out.beginFrame()
  write(out)
  out.endFrame()
  return Buffer.from(out.view())
}

const greeting = (more: Partial<MqHello> = {}) =>
  framed((out) => encodeMqHello(out, { ...hello, ...more }))

/** Sends these bytes and waits until the broker closes or has sent `last`. */
function send(world: BrokerWorld, bytes: Buffer, last?: string): Promise<Buffer> {
  const { port } = world.broker(1)
  return new Promise((resolve) => {
    const received: Buffer[] = []
    const socket = net.connect({ host: '127.0.0.1', port: port ?? 0 }, () => socket.write(bytes))
    socket.on('data', (chunk) => {
      received.push(chunk)
      if (last !== undefined && Buffer.concat(received).includes(last)) socket.destroy()
    })
    socket.on('error', () => undefined) // a reset is a way to close
    socket.on('close', () => resolve(Buffer.concat(received)))
  })
}

function connect(
  world: BrokerWorld,
  more: Partial<MqHello> = {},
  secret?: ClusterSecret,
): MqConnection {
  const address = { host: '127.0.0.1', port: world.broker(1).port ?? 0 }
  const { transport, clock } = realWorld()
  const { challenge, ...introduction } = { ...hello, ...more }
  const prover =
    secret === undefined
      ? {}
      : { prover: { secret, challenge: Buffer.alloc(challengeBytes, 1), acceptor: brokerOne } }
  return world.use(new MqConnection({ transport, address, clock, hello: introduction, ...prover }))
}

async function clusterOf(world: BrokerWorld): Promise<ClusterInfo> {
  const { cluster } = await connect(world).call({ type: 'metadata', topics: [] }, 1000)
  return cluster
}

async function makeGoals(connection: MqConnection): Promise<void> {
  const topics = [{ topic: 'goals', partitionCount: 1, replicationFactor: 1 }]
  await connection.call({ type: 'createTopics', timeoutMs: 3000, topics }, 5000)
}

worldTest(
  t,
  'a protocol error closes only its own connection',
  { brokers: 1 },
  async (t, world) => {
    const other = connect(world)
    const garbage = Buffer.from(new Random(3).bytes(500))
    garbage[0] = 0 // an allowed length, so that the content is checked
    const wrong: [string, Buffer][] = [
      ['a frame too large', Buffer.from([0xff, 0xff, 0xff, 0xff])],
      ['garbage', Buffer.concat([Buffer.from([0, 0, 1, 0]), garbage])],
      ['a hello from the future', greeting({ version: 99 })],
      ['another cluster', greeting({ clusterId: 'another' })],
      [
        'a request before the hello',
        framed((out) => encodeMqRequest(out, 1, { type: 'initProducerId' })),
      ],
      ['a request cut short', Buffer.concat([greeting(), Buffer.from([0, 0, 0, 3, 0x98, 1, 1])])],
      ['a second hello', Buffer.concat([greeting(), greeting()])],
    ]
    for (const [what, bytes] of wrong) {
      await send(world, bytes)
      t.pass(`${what}: closed`)
    }
    const { cluster } = await other.call({ type: 'metadata', topics: undefined }, 1000)
    t.same(
      cluster.brokers.map(({ id }) => id),
      [1],
      'others are served',
    )
  },
)

worldTest(
  t,
  'a four-letter word is answered with the broker behind the port',
  { brokers: 1 },
  async (t, world) => {
    const answer = await send(world, Buffer.from('srvr\n'))
    t.equal(String(answer), 'This is broker 1 of Mimic Queue, not a ZooWeeper server\n')
    const address = { host: '127.0.0.1', port: world.broker(1).port ?? 0 }
    const line = statusLine(address, await askHealth(address))
    t.equal(
      line,
      `127.0.0.1:${address.port}  not a server: this is the port of Mimic Queue broker 1`,
    )
  },
)

worldTest(
  t,
  'an unknown api is answered, and the connection stays open',
  { brokers: 1 },
  async (t, world) => {
    const unknown = framed((out) => {
      out.arrayHeader(2)
      out.int(7)
      out.int(999)
    })
    const answer = await send(world, Buffer.concat([greeting(), unknown]), 'unknown api')
    t.ok(answer.includes('unknown api'))
  },
)

worldTest(t, 'a batch that no consumer could read is refused', { brokers: 1 }, async (t, world) => {
  const connection = connect(world)
  await makeGoals(connection)
  const record = { key: null, value: Buffer.from('x'), timestampMs: 0, headers: [] }
  const none = { producerId: noProducer, producerEpoch: -1, baseSequence: -1 }
  const batch = encodeBatch({ ...none, records: [record] })
  const produce = async (bytes: Buffer) => {
    const partitions = [{ topic: 'goals', partition: 0, batch: bytes }]
    const rest = { acks: 'all', timeoutMs: 1000, passedOn: false, partitions } as const
    return onlyOne((await connection.call({ type: 'produce', ...rest }, 3000)).partitions)
  }
  const flipped = Buffer.from(batch)
  flipped[65] = 0xff
  await t.rejects(produce(flipped), { code: 'CORRUPT_MESSAGE' })
  await t.rejects(produce(Buffer.alloc(0)), { code: 'INVALID_RECORD' })
  await t.rejects(produce(Buffer.concat([batch, batch])), { code: 'INVALID_RECORD' })
  const huge = encodeBatch({
    ...none,
    records: [{ ...record, value: Buffer.alloc(limits.recordBatchBytesMax) }],
  })
  await t.rejects(produce(huge), { code: 'MESSAGE_TOO_LARGE' })
  t.equal((await produce(batch)).baseOffset, 0, 'and nothing of them was stored')
})

const replicaFetch: MqRequest = {
  type: 'replicaFetch',
  life: { directory: 'd' as DirectoryId, brokerEpoch: 5 },
  session: 1,
  sequence: 0,
  maxWaitMs: 0,
  bytesMax: 1000,
  partitions: [],
  forgotten: [],
}

const asBroker = { role: 'broker', clusterId: 'c', brokerId: brokerOne, brokerEpoch: 5 } as const

worldTest(t, 'what brokers ask each other, a client may not', { brokers: 1 }, async (t, world) => {
  const client = connect(world)
  await makeGoals(client)
  const refused = { code: 'CLUSTER_AUTHORIZATION_FAILED' }
  await t.rejects(client.call(replicaFetch, 1000), refused)
  const partitions = [{ topic: 'goals', partition: 0, leaderEpoch: anyEpoch }]
  const passedOn = { type: 'listOffsets', passedOn: true, partitions } as const
  await t.rejects(client.call(passedOn, 1000), refused)
  await client.call({ ...passedOn, passedOn: false }, 1000)
})

worldTest(t, 'a broker is believed when it has proved it', { brokers: 1 }, async (t, world) => {
  const { clusterId } = await clusterOf(world)
  const introduction = { ...asBroker, clusterId }
  const broker = connect(world, introduction, testSecret)
  // Sent before the proof is made; answered in turn.
  const stale = { code: 'STALE_BROKER_EPOCH' }
  await t.rejects(broker.call(replicaFetch, 1000), stale, 'another life is registered')

  const claims: [string, Promise<Buffer>][] = [
    ['no challenge', send(world, greeting(introduction))],
    [
      'requests in place of the proof',
      send(
        world,
        Buffer.concat([
          greeting({ ...introduction, challenge: Buffer.alloc(challengeBytes) }),
          framed((out) => encodeMqRequest(out, 1, replicaFetch)),
        ]),
      ),
    ],
    [
      'an invalid proof',
      send(
        world,
        Buffer.concat([
          greeting({ ...introduction, challenge: Buffer.alloc(challengeBytes) }),
          framed((out) => encodeMqProof(out, { proof: Buffer.alloc(challengeBytes) })),
          framed((out) => encodeMqRequest(out, 1, replicaFetch)),
        ]),
      ),
    ],
  ]
  for (const [what, closed] of claims) t.notMatch((await closed).toString(), clusterId, what)

  const other = new ClusterSecret(Buffer.from('the secret of another cluster'))
  const stranger = connect(world, introduction, other).call(replicaFetch, 1000)
  await t.rejects(stranger, { code: 'NETWORK_EXCEPTION', message: /has another secret/ })
})

worldTest(
  t,
  'offsets that do not exist, and leader epochs, are answered',
  { brokers: 1 },
  async (t, world) => {
    const connection = connect(world)
    await makeGoals(connection)
    const [at, leaderEpoch] = [{ topic: 'goals', partition: 0 }, anyEpoch]
    const fetch = async (asked: Place & { readonly offset: number }, maxWaitMs: number) => {
      const partitions = [{ ...asked, bytesMax: 1000, leaderEpoch }]
      const rest = { maxWaitMs, bytesMin: 1, bytesMax: 1000, passedOn: false, partitions } as const
      return onlyOne((await connection.call({ type: 'fetch', ...rest }, 1000)).partitions)
    }
    await t.rejects(fetch({ ...at, offset: 7 }, 0), { code: 'OFFSET_OUT_OF_RANGE' })
    const nothing = await fetch({ ...at, offset: 0 }, 30)
    t.equal(nothing.records.length, 0, 'a long poll ends')
    const ends = { type: 'offsetForLeaderEpoch', partitions: [{ ...at, leaderEpoch, epoch: 0 }] }
    const end = await connection.call({ ...ends, type: 'offsetForLeaderEpoch' }, 1000)
    t.match(end.partitions, [{ error: undefined, epoch: -1, endOffset: -1 }])
    const elsewhere = fetch({ ...at, partition: 9, offset: 0 }, 0)
    await t.rejects(elsewhere, { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  },
)
