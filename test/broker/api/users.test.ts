// Users of the native protocol: how a client proves the name of one, and what rules let it do.

import t from 'tap'
import { Consumer } from '../../../src/client/mq/consumer.ts'
import type { SaslOptions } from '../../../src/client/mq/login.ts'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { Producer } from '../../../src/client/mq/producer.ts'
import { createAcls } from '../../../src/protocol/kafka/api/create-acls.ts'
import { saslAuthenticate } from '../../../src/protocol/kafka/api/sasl-authenticate.ts'
import { saslHandshake } from '../../../src/protocol/kafka/api/sasl-handshake.ts'
import {
  type AclOperation,
  aclOperations,
  aclResourceTypes,
} from '../../../src/protocol/mq/acls.ts'
import { saslMechanisms } from '../../../src/protocol/sasl/mechanisms.ts'
import { type BrokerWorld, worldTest } from '../broker-world.ts'
import { kafkaClient } from '../kafka/kafka-client.ts'
import { makeUser } from '../kafka/users.ts'

const mechanisms = `--sasl-mechanisms=${saslMechanisms.join()}`
const required = { brokers: 2, flags: [mechanisms, '--require-sasl'] }
const password = 'open sesame'
const ann: SaslOptions = { user: 'ann', password }
const wrong: SaslOptions = { user: 'ann', password: 'guess' }

function adminOf(world: BrokerWorld, sasl?: SaslOptions): MqAdmin {
  const options = { brokers: world.addresses, timeoutMs: 10_000 }
  return world.use(new MqAdmin({ ...options, ...(sasl && { sasl }) }))
}

worldTest(t, 'a user of each mechanism is served by every broker', required, async (t, world) => {
  await makeUser(world, 'ann', password)
  for (const mechanism of saslMechanisms) {
    const admin = adminOf(world, { ...ann, mechanism })
    await admin.createTopic({ topic: mechanism, partitions: 2, replicas: 2 })
    const options = { brokers: world.addresses, sasl: { ...ann, mechanism } }
    const producer = world.use(new Producer(options))
    for (const partition of [0, 1]) {
      t.match(await producer.send({ topic: mechanism, partition, value: 'x' }), { offset: 0 })
    }
    const consumer = world.use(new Consumer({ ...options, topic: mechanism, from: 'beginning' }))
    const records = await consumer.take()
    t.equal(String(records[0]?.value), 'x')
  }
})

worldTest(t, 'who is no user is told so at once', required, async (t, world) => {
  await makeUser(world, 'ann', password)
  const refused = { code: 'SASL_AUTHENTICATION_FAILED' }
  await t.rejects(adminOf(world).cluster(), { ...refused, message: /requires SASL/ })
  await t.rejects(adminOf(world, wrong).cluster(), { ...refused, message: /password is wrong/ })
  await t.rejects(adminOf(world, { ...ann, user: 'bob' }).cluster(), refused)
  const producer = world.use(new Producer({ brokers: world.addresses, sasl: wrong }))
  await t.rejects(producer.send({ topic: 'goals', value: 'x' }), refused)
  const reader = { brokers: world.addresses, sasl: wrong, topic: 'goals' }
  await t.rejects(world.use(new Consumer(reader)).take(), refused)
})

worldTest(
  t,
  'a mechanism that is not enabled is refused',
  { brokers: 1, flags: ['--sasl-mechanisms=PLAIN'] },
  async (t, world) => {
    const refused = { code: 'UNSUPPORTED_SASL_MECHANISM', message: /PLAIN alone, not SCRAM/ }
    await t.rejects(adminOf(world, ann).cluster(), refused)
    t.equal((await adminOf(world).cluster()).brokers.length, 1, 'no user is required')
  },
)

worldTest(t, 'brokers without users refuse one', { brokers: 1 }, async (t, world) => {
  const refused = { code: 'UNSUPPORTED_SASL_MECHANISM', message: /has no users/ }
  await t.rejects(adminOf(world, ann).cluster(), refused)
})

// --- rules ---------------------------------------------------------------------------------------

const ruled = { brokers: 1, flags: [mechanisms, '--acls', '--super.users=User:root'] }

type Rule = readonly [type: 'topic' | 'group', name: string, operation: AclOperation]

/** As a client of Kafka's, since the native protocol has no api for rules. */
async function allow(world: BrokerWorld, ...rules: readonly Rule[]): Promise<void> {
  const client = kafkaClient(world)
  await client.send(saslHandshake, 1, { mechanism: 'PLAIN' })
  await client.send(saslAuthenticate, 2, { authBytes: Buffer.from(`\0root\0${password}`) })
  const creations = rules.map(([type, resourceName, operation]) => ({
    resourceType: aclResourceTypes[type],
    resourceName,
    resourcePatternType: 3,
    principal: 'User:ann',
    host: '*',
    operation: aclOperations[operation],
    permissionType: 3,
  }))
  const { results } = await client.send(createAcls, 3, { creations })
  const bad = results.find(({ errorCode }) => errorCode !== 0)
  if (bad !== undefined) throw new Error(bad.errorMessage ?? 'refused')
}

worldTest(t, 'rules decide what a user may do, and what it sees', ruled, async (t, world) => {
  for (const user of ['root', 'ann']) await makeUser(world, user, password)
  const root = adminOf(world, { user: 'root', password })
  for (const topic of ['goals', 'secrets']) {
    await root.createTopic({ topic, partitions: 1, replicas: 1 })
  }
  const admin = adminOf(world, ann)
  t.same(await admin.topics(), [], 'nothing is shown without a rule')
  await allow(world, ['topic', 'goals', 'write'], ['topic', 'goals', 'read'])
  t.same(
    (await admin.topics()).map(({ topic }) => topic),
    ['goals'],
  )
  const refused = { code: 'TOPIC_AUTHORIZATION_FAILED' }
  await t.rejects(admin.topic('secrets'), refused)
  await t.rejects(admin.createTopic({ topic: 'more' }), refused)
  await t.rejects(admin.deleteTopics(['goals']), refused)
  await t.rejects(admin.electLeaders(), { code: 'CLUSTER_AUTHORIZATION_FAILED' })
  const options = { brokers: world.addresses, sasl: ann }
  const producer = world.use(new Producer(options))
  await t.rejects(
    producer.send({ topic: 'secrets', value: 'x' }),
    refused,
    'not that it is missing',
  )
  await t.rejects(world.use(new Consumer({ ...options, topic: 'secrets' })).take(), refused)
  t.match(await producer.send({ topic: 'goals', value: 'x' }), { offset: 0 })
  const consumer = world.use(new Consumer({ ...options, topic: 'goals', from: 'beginning' }))
  t.equal((await consumer.take()).length, 1)
  const member = () =>
    world.use(new Consumer({ ...options, topic: 'goals', group: 'fans', from: 'beginning' }))
  await t.rejects(member().take(), { code: 'GROUP_AUTHORIZATION_FAILED' })
  await allow(world, ['group', 'fans', 'read'])
  t.equal((await member().take()).length, 1)
  t.same(
    (await admin.groups()).map(({ group }) => group),
    ['fans'],
  )
})

worldTest(t, 'without a user, rules are about anonymous', ruled, async (t, world) => {
  await t.rejects(adminOf(world).createTopic({ topic: 'goals', partitions: 1, replicas: 1 }), {
    code: 'TOPIC_AUTHORIZATION_FAILED',
    message: /User:ANONYMOUS/,
  })
})
