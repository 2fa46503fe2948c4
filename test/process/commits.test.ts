import t from 'tap'
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

  const [member] = cluster.brokers
  const [slow, fast] = connections
  if (member === undefined || slow === undefined || fast === undefined) {
    throw new Error('Cannot find two brokers')
  }
  const [group, at] = ['fans', { topic: 'goals', partition: 0 }]
  const read = async (connection: MqConnection) => {
    const request = { type: 'offsetFetch', group, partitions: [at] } as const
    return onlyOne((await connection.call(request, patienceMs)).partitions)
  }
  const commit = async (connection: MqConnection, offset: number, version: number) => {
    const partitions = [{ ...at, offset, version }]
    const request = { type: 'offsetCommit', group, timeoutMs: 10_000, partitions } as const
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
