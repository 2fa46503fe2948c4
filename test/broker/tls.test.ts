// Brokers whose port, links and connection to ZooWeeper are TLS. Foreign clients of such brokers:
// compat/kafka/tls.test.ts. Who is refused in a handshake: protocol/transport/tls.test.ts.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { Producer } from '../../src/client/mq/producer.ts'
import { decodeRegistration } from '../../src/protocol/mq/registration.ts'
import { Authority, loopbackNames } from '../certificates.ts'
import { realServer } from '../daemon/real-server.ts'
import { BrokerWorld } from './broker-world.ts'
import { makeUser } from './kafka/users.ts'

const host = '127.0.0.1'

interface Scene {
  readonly world: BrokerWorld
  readonly authority: Authority
  readonly tls: { readonly ca: string; readonly cert: string }
  /** of a broker with TLS */
  readonly flags: readonly string[]
}

async function scene(t: Test, run: (scene: Scene) => Promise<void>): Promise<void> {
  const directory = t.testdir()
  mkdirSync(join(directory, 'certificates'))
  const authority = new Authority(join(directory, 'certificates'))
  const broker = authority.sign('broker', { names: loopbackNames })
  const client = authority.sign('client')
  const world = new BrokerWorld(directory, [])
  const flags = [
    `--listeners=SSL://${host}:0`,
    `--ssl.keystore.location=${broker.pem}`,
    `--ssl.truststore.location=${authority.certificate}`,
    '--ssl.client.auth=required',
  ]
  const tls = { ca: authority.certificate, cert: client.pem }
  try {
    await world.startServer()
    await run({ world, authority, tls, flags })
  } finally {
    await world.stop()
  }
}

async function produce(world: BrokerWorld, tls?: Scene['tls']): Promise<void> {
  const options = { brokers: world.addresses, ...(tls && { tls }) }
  const admin = world.use(new MqAdmin(options))
  await admin.createTopic({ topic: 'goals', partitions: 2, replicas: 2 })
  const producer = world.use(new Producer(options))
  for (let i = 0; i < 10; i++) await producer.send({ topic: 'goals', value: `${i}` })
}

t.test(
  'brokers replicate by TLS, with certificates on both sides, also to ZooWeeper',
  async (t) => {
    await scene(t, async ({ world, authority, tls, flags }) => {
      const server = realServer([
        `--data-dir=${join(world.dataDir, 'secure')}`,
        '--secureClientPort=0',
        `--secureClientPortAddress=${host}`,
        `--ssl.keyStore.location=${authority.sign('server', { names: loopbackNames }).pem}`,
        `--ssl.trustStore.location=${authority.certificate}`,
        '--log-segment-bytes=4194304',
        '--tick-time=100',
      ])
      await server.start()
      try {
        const zooKeeper = [
          '--zookeeper.ssl.client.enable=true',
          `--zookeeper.ssl.keystore.location=${tls.cert}`,
          `--zookeeper.ssl.truststore.location=${tls.ca}`,
          `--zooweeper=${host}:${server.secureClientPort}`,
        ]
        await Promise.all([1, 2].map((id) => world.startBroker(id, ...flags, ...zooKeeper)))
        await produce(world, tls)
        const admin = world.use(
          new MqAdmin({ brokers: world.addresses, tls: { ca: tls.ca }, timeoutMs: 300 }),
        )
        await t.rejects(admin.topics(), { code: 'BROKER_NOT_AVAILABLE' }, 'no certificate')
      } finally {
        await world.stop()
        await server.stop()
      }
    })
  },
)

t.test('a cluster moves to TLS one broker at a time', async (t) => {
  await scene(t, async ({ world, tls, flags }) => {
    await world.startBroker(1)
    await world.startBroker(2, ...flags, '--portUnification')
    await produce(world)
    const zk = await world.zk()
    const registered = async (id: number) =>
      decodeRegistration((await zk.getData(`/brokers/ids/${id}`)).data)?.isSecure
    t.strictSame([await registered(1), await registered(2)], [false, true])
    await world.broker(1).stop()
    await world.startBroker(1, ...flags)
    const [first] = world.addresses
    if (first === undefined) throw new Error('There is no broker')
    const producer = world.use(new Producer({ brokers: [first], tls }))
    await producer.send({ topic: 'goals', value: 'by TLS' })
    t.equal(await registered(1), true)
  })
})

t.test('users authenticate themselves by TLS, brokers by the secret', async (t) => {
  await scene(t, async ({ world, authority, flags }) => {
    await makeUser(world, 'ann', 'open sesame')
    const sasl = { user: 'ann', password: 'open sesame', mechanism: 'PLAIN' } as const
    const secured = [
      ...flags.slice(1, 3),
      `--listeners=SASL_SSL://${host}:0`,
      '--sasl-mechanisms=PLAIN,SCRAM-SHA-512',
    ]
    await Promise.all([1, 2].map((id) => world.startBroker(id, ...secured)))
    const options = { brokers: world.addresses, tls: { ca: authority.certificate } }
    const admin = world.use(new MqAdmin({ ...options, sasl }))
    await admin.createTopic({ topic: 'goals', partitions: 2, replicas: 2 })
    const producer = world.use(new Producer({ ...options, sasl }))
    for (const partition of [0, 1]) await producer.send({ topic: 'goals', partition, value: 'x' })
    const stranger = world.use(new MqAdmin(options))
    await t.rejects(stranger.topics(), { code: 'SASL_AUTHENTICATION_FAILED' })
  })
})
