// Authentication of the connections that speak Kafka's protocol.

import t, { type Test } from 'tap'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { apiVersions } from '../../../src/protocol/kafka/api/api-versions.ts'
import { metadata } from '../../../src/protocol/kafka/api/metadata.ts'
import { saslAuthenticate } from '../../../src/protocol/kafka/api/sasl-authenticate.ts'
import { saslHandshake } from '../../../src/protocol/kafka/api/sasl-handshake.ts'
import { mqErrorCodes } from '../../../src/protocol/mq/error-codes.ts'
import type { BrokerWorld } from '../broker-world.ts'
import { worldTest } from '../broker-world.ts'
import { newTopic } from './exchanges.ts'
import { type KafkaClient, kafkaClient } from './kafka-client.ts'
import { makeUser } from './users.ts'

const mechanisms = '--sasl-mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512'
const required = { brokers: 1, flags: [mechanisms, '--require-sasl'] }
const optional = { brokers: 1, flags: [mechanisms] }
const password = 'open sesame'

const nothing = Buffer.alloc(0)
const plain = (user: string, word: string) => ({ authBytes: Buffer.from(`\0${user}\0${word}`) })

async function authenticated(world: BrokerWorld, broker = 1): Promise<KafkaClient> {
  const client = kafkaClient(world, broker)
  await client.send(saslHandshake, 1, { mechanism: 'PLAIN' })
  const { errorCode } = await client.send(saslAuthenticate, 2, plain('alice', password))
  if (errorCode !== 0) throw new Error(`Refused: ${errorCode}`)
  return client
}

async function isClosedAt(t: Test, client: KafkaClient, what: string): Promise<void> {
  await t.rejects(client.send(metadata, 5, { topics: [] }), /closed/, what)
}

worldTest(t, 'before a required authentication little is served', required, async (t, world) => {
  await makeUser(world, 'alice', password)
  const client = kafkaClient(world)
  t.equal((await client.send(apiVersions, 3, {})).errorCode, 0, 'to learn the versions')
  await isClosedAt(t, client, 'no metadata')
  const begun = kafkaClient(world)
  await begun.send(saslHandshake, 1, { mechanism: 'PLAIN' })
  await isClosedAt(t, begun, 'nor after the handshake')
  const large = kafkaClient(world)
  const size = Buffer.alloc(4)
  size.writeInt32BE(600_000)
  large.write(Buffer.concat([size, Buffer.alloc(600_000)]))
  await large.closed
  const { brokers } = await (await authenticated(world)).send(metadata, 5, { topics: [] })
  t.equal(brokers.length, 1)
})

worldTest(t, 'what the client says is checked', required, async (t, world) => {
  await makeUser(world, 'alice', password)
  const unknown = kafkaClient(world)
  const offered = await unknown.send(saslHandshake, 1, { mechanism: 'GSSAPI' })
  t.equal(offered.errorCode, mqErrorCodes.UNSUPPORTED_SASL_MECHANISM)
  t.same(offered.mechanisms, ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])
  await unknown.closed
  const wrong = [plain('alice', 'x'), plain('bob', password), { authBytes: nothing }]
  for (const said of wrong) {
    const client = kafkaClient(world)
    await client.send(saslHandshake, 1, { mechanism: 'PLAIN' })
    const [refused] = await Promise.all([client.send(saslAuthenticate, 1, said), client.closed])
    t.equal(refused.errorCode, mqErrorCodes.SASL_AUTHENTICATION_FAILED)
    t.equal(refused.authBytes.length, 0)
  }
  const scram = kafkaClient(world)
  await scram.send(saslHandshake, 1, { mechanism: 'SCRAM-SHA-256' })
  const first = { authBytes: Buffer.from('n,,n=alice,r=x') }
  const challenge = await scram.send(saslAuthenticate, 0, first)
  t.match(String(challenge.authBytes), /^r=x[^,]+,s=[^,]+,i=\d+$/)
  const final = {
    authBytes: Buffer.from(`c=biws,${String(challenge.authBytes).split(',')[0]},p=AA==`),
  }
  const { errorCode } = await scram.send(saslAuthenticate, 0, final)
  t.equal(errorCode, mqErrorCodes.SASL_AUTHENTICATION_FAILED)
  await scram.closed
})

worldTest(t, 'a client may be authenticated once', optional, async (t, world) => {
  await makeUser(world, 'alice', password)
  const open = kafkaClient(world)
  t.equal((await open.send(metadata, 5, { topics: [] })).brokers.length, 1, 'none is required')
  const early = await open.send(saslAuthenticate, 2, plain('alice', password))
  t.equal(early.errorCode, mqErrorCodes.ILLEGAL_SASL_STATE, 'without a handshake')
  const client = await authenticated(world)
  const again = await client.send(saslHandshake, 1, { mechanism: 'PLAIN' })
  t.equal(again.errorCode, mqErrorCodes.ILLEGAL_SASL_STATE)
  const late = await client.send(saslAuthenticate, 2, plain('alice', password))
  t.equal(late.errorCode, mqErrorCodes.ILLEGAL_SASL_STATE)
  t.equal((await client.send(metadata, 5, { topics: [] })).brokers.length, 1)
})

worldTest(t, 'a request waits for the token before it', required, async (t, world) => {
  await makeUser(world, 'alice', password)
  const client = kafkaClient(world)
  await client.send(saslHandshake, 1, { mechanism: 'PLAIN' })
  const [{ errorCode }, { brokers }] = await Promise.all([
    client.send(saslAuthenticate, 2, plain('alice', password)),
    client.send(metadata, 5, { topics: [] }),
  ])
  t.same([errorCode, brokers.length], [0, 1])
})

worldTest(t, 'without mechanisms there is no handshake', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  const refused = await client.send(saslHandshake, 1, { mechanism: 'PLAIN' })
  t.same(refused, { errorCode: mqErrorCodes.ILLEGAL_SASL_STATE, mechanisms: [] })
  t.equal((await client.send(metadata, 5, { topics: [] })).brokers.length, 1)
})

worldTest(
  t,
  'where it is required, brokers know each other, and native clients are told',
  { brokers: 2, flags: required.flags },
  async (t, world) => {
    await makeUser(world, 'alice', password)
    const client = await authenticated(world)
    await newTopic(client, 'replicated', { replicas: 2 })
    const { topics } = await client.send(metadata, 5, { topics: [{ name: 'replicated' }] })
    t.equal(topics[0]?.partitions[0]?.isrNodes.length, 2)
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await t.rejects(admin.cluster(), /Cannot answer metadata: this broker requires SASL/)
  },
)
