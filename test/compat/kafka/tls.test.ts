// Foreign clients of Kafka over TLS, and over TLS with a user's password.

import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { promisify } from 'node:util'
import t from 'tap'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { worldTest } from '../../broker/broker-world.ts'
import { makeUser } from '../../broker/kafka/users.ts'
import { Authority, loopbackNames, type Signed } from '../../certificates.ts'
import { withoutKcat } from '../tools.ts'
import { kafkajs } from './kafkajs-groups.ts'
import { serversOf } from './npm-world.ts'

const directory = join(t.testdir(), 'certificates')
mkdirSync(directory)
const authority = new Authority(directory)
const broker = authority.sign('broker', { names: loopbackNames })
const client = authority.sign('client')

const flags = [
  `--ssl.keystore.location=${broker.pem}`,
  `--ssl.truststore.location=${authority.certificate}`,
]
const mutual = ['--listeners=SSL://127.0.0.1:0', '--ssl.client.auth=required', ...flags]
const sasl = ['--listeners=SASL_SSL://127.0.0.1:0', '--sasl.enabled.mechanisms=PLAIN', ...flags]

const ca = readFileSync(authority.certificate, 'utf8')
const key = readFileSync(client.key, 'utf8')
const cert = readFileSync(client.certificate, 'utf8')

async function kcat(
  properties: readonly string[],
  args: readonly string[],
  input = '',
): Promise<string> {
  const flags = properties.flatMap((property) => ['-X', property])
  const run = promisify(execFile)('kcat', [...flags, ...args], { timeout: 20_000 })
  run.child.stdin?.end(input)
  return (await run).stdout
}

worldTest(t, 'SSL: kafkajs and kcat', { brokers: 1, flags: mutual }, async (t, world) => {
  const kafka = kafkajs(serversOf(world), { ssl: { ca, key, cert, servername: 'localhost' } })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'a', numPartitions: 1, replicationFactor: 1 }] })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'a', messages: [{ value: 'kafkajs' }] })
  await producer.disconnect()
  if (withoutKcat !== undefined) return t.comment(withoutKcat)
  const [server = ''] = serversOf(world)
  const properties = [
    'security.protocol=ssl',
    `ssl.ca.location=${authority.certificate}`,
    `ssl.certificate.location=${client.certificate}`,
    `ssl.key.location=${client.key}`,
  ]
  await kcat(properties, ['-b', server, '-P', '-t', 'a'], 'kcat\n')
  const consumed = await kcat(properties, ['-b', server, '-C', '-t', 'a', '-e', '-q'])
  t.equal(consumed, 'kafkajs\nkcat\n')
  const stranger = kcat(properties.slice(0, 2), ['-b', server, '-L', '-m', '2'])
  await t.rejects(stranger, 'a client without a certificate')
})

worldTest(t, 'SASL_SSL: kafkajs and kcat', { brokers: 1, flags: sasl }, async (t, world) => {
  await makeUser(world, 'alice', 'secret')
  const user = { mechanism: 'plain', username: 'alice', password: 'secret' } as const
  const ssl = { ca, servername: 'localhost' }
  const admin = kafkajs(serversOf(world), { ssl, sasl: user }).admin()
  await admin.connect()
  t.equal((await admin.describeCluster()).brokers.length, 1)
  await admin.disconnect()
  const anonymous = kafkajs(serversOf(world), { ssl, retry: { retries: 0 } }).admin()
  await t.rejects(
    anonymous.connect().then(() => anonymous.listTopics()),
    'a client without a password',
  )
  await anonymous.disconnect()
  if (withoutKcat !== undefined) return t.comment(withoutKcat)
  const [server = ''] = serversOf(world)
  const properties = [
    'security.protocol=sasl_ssl',
    `ssl.ca.location=${authority.certificate}`,
    'sasl.mechanisms=PLAIN',
    'sasl.username=alice',
    'sasl.password=secret',
  ]
  const listed = JSON.parse(await kcat(properties, ['-b', server, '-L', '-J']))
  t.equal(listed.brokers.length, 1)
})

const admin = authority.sign('admin', { subject: '/O=Example/CN=admin' })
const ruled = [...mutual, '--acls', '--super.users=User:CN=admin,O=Example']

worldTest(
  t,
  'a certificate names the user of rules',
  { brokers: 1, flags: ruled },
  async (t, world) => {
    const connect = async (signed: Signed) => {
      const [key, cert] = [signed.key, signed.certificate].map((file) => readFileSync(file, 'utf8'))
      const ssl = { ca, key, cert, servername: 'localhost' } as ConnectionOptions
      const found = kafkajs(serversOf(world), { ssl, retry: { retries: 0 } }).admin()
      await found.connect()
      return found
    }
    const topics = [{ topic: 'a', numPartitions: 1, replicationFactor: 1 }]
    const [stranger, owner] = [await connect(client), await connect(admin)]
    await t.rejects(stranger.createTopics({ topics }), /Topic creation errors/)
    t.equal(await owner.createTopics({ topics }), true)
    await stranger.disconnect()
    await owner.disconnect()

    const native = (cert: string) =>
      world.use(
        new MqAdmin({
          brokers: world.addresses,
          tls: { ca: authority.certificate, cert },
          timeoutMs: 300,
        }),
      )
    await t.rejects(native(client.pem).deleteTopics(['a']), { code: 'TOPIC_AUTHORIZATION_FAILED' })
    t.strictSame(await native(admin.pem).groups(), [])
  },
)
