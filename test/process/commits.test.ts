import t from 'tap'
import { offsetsTopic, partitionOf } from '../../src/broker/group/offsets-topic.ts'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { MqConnection } from '../../src/client/mq/mq-connection.ts'
import { Producer } from '../../src/client/mq/producer.ts'
import { noBroker, onlyOne } from '../../src/protocol/mq/messages.ts'
import { noCommit } from '../../src/protocol/mq/offset-commit.ts'
import { realWorld } from '../../src/real-world.ts'
import { patienceMs, startWorld } from './world.ts'

t.test('a commit delayed by a stopped broker is refused and changes nothing', async (t) => {
  const { cluster } = await startWorld(t, { servers: 1, brokers: 2 })
  const brokers = cluster.brokers.map(({ address }) => address)
  const admin = new MqAdmin({ brokers })
  const producer = new Producer({ brokers })
  const connections = brokers.map((address) => {
    const who = { clusterId: undefined, name: 'test', brokerId: noBroker, brokerEpoch: 0 }
    const hello = { role: 'client', ...who } as const
    const { transport, clock } = realWorld()
    return new MqConnection({ transport, address, hello, clock })
  })
  t.teardown(async () => {
    for (const connection of connections) connection.close()
    admin.close()
    await producer.close()
  })
  await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 2 })
  for (let i = 0; i < 10; i++) await producer.send({ topic: 'goals', value: `goal ${i}` })

  const [group, at] = ['fans', { topic: 'goals', partition: 0 }]
  await admin.groupOffsets(group, 'goals')
  const stored = (await admin.topic(offsetsTopic))?.partitions ?? []
  const coordinator = stored[partitionOf(group, stored.length)]?.leader
  // The other one only passes commits on.
  const place = cluster.brokers.findIndex(({ id }) => id !== coordinator)
  const [member, slow, fast] = [cluster.brokers[place], connections[place], connections[1 - place]]
  if (member === undefined || slow === undefined || fast === undefined) {
    throw new Error('Cannot find two brokers')
  }
  const read = async (connection: MqConnection) => {
    const request = { type: 'offsetFetch', group, passedOn: false, partitions: [at] } as const
    return onlyOne((await connection.call(request, patienceMs)).partitions)
  }
  const commit = async (connection: MqConnection, offset: number, version: number) => {
    const partitions = [{ ...at, offset, version }]
    const who = { generation: -1, memberId: '', instanceId: undefined, passedOn: false }
    const request = { type: 'offsetCommit', group, ...who, timeoutMs: 10_000, partitions } as const
    return onlyOne((await connection.call(request, patienceMs)).partitions)
  }
  const { version } = await commit(fast, 1, noCommit)
  t.match(await read(slow), { offset: 1, version })
  cluster.freeze(member)
  const waiting = commit(slow, 5, version)
  await commit(fast, 10, version)
  cluster.thaw(member)
  await t.rejects(waiting, { code: 'INVALID_UPDATE_VERSION' })
  t.match(await read(fast), { offset: 10 })
})
