import t from 'tap'
import { type Address, formatAddress } from '../../src/address.ts'
import type { Cluster, Member } from '../../src/cli/cluster/cluster.ts'
import { parseGoal } from '../../src/cli/goals/goal.ts'
import { GoalSource } from '../../src/cli/goals/goal-source.ts'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { MqConnection } from '../../src/client/mq/mq-connection.ts'
import { Producer } from '../../src/client/mq/producer.ts'
import { noBroker, onlyOne } from '../../src/protocol/mq/messages.ts'
import type { ProduceRequest } from '../../src/protocol/mq/produce.ts'
import { encodeBatch, noProducer } from '../../src/protocol/mq/record-batch.ts'
import { Random } from '../../src/random.ts'
import { realWorld } from '../../src/real-world.ts'
import { connectTo, patienceMs, startWorld, untilRoles, Zw } from './world.ts'

const requestCount = 100

t.test('consistency', async (t) => {
  const { cluster } = await startWorld(t, { servers: 3, brokers: 3 })
  const seed = Math.floor(Math.random() * 2 ** 32)
  t.comment(`seed ${seed}`)
  const random = new Random(seed)

  t.test('of the ensemble: every server has the same goals, in order of minute', async (t) => {
    const { leader, followers } = await untilRoles(cluster, 2)
    const choices: readonly (readonly [string, () => Member])[] = [
      ['100 requests to the leader', () => leader],
      ['100 to followers', () => random.pick(followers)],
      ['100 at random', () => random.pick(cluster.servers)],
    ]
    for (const [claim, pick] of choices) {
      t.test(claim, async (t) => {
        const path = `/${claim.replaceAll(/\W+/g, '-')}`
        const clients = new Map(
          await Promise.all(
            cluster.servers.map(async (server) => [server, await connectTo(t, server)] as const),
          ),
        )
        const to = (server: Member) => clients.get(server) ?? t.bailout('Every server has a client')
        await to(leader)?.create(path)
        for (let minute = 1; minute <= requestCount; minute++) {
          await to(pick())?.create(`${path}/goal-`, `${minute}`, { mode: 'persistentSequential' })
        }
        const wanted = Array.from({ length: requestCount }, (_, i) => String(i + 1))
        for (const server of cluster.servers) {
          const zk = await connectTo(t, server)
          await zk.sync(path)
          const { children } = await zk.getChildren(path)
          const read = await Promise.all(children.map((name) => zk.getData(`${path}/${name}`)))
          t.same(
            read.map(({ data }) => data?.toString()),
            wanted,
            server.name,
          )
        }
      })
    }
  })

  t.test('of the brokers: every replica and every consumer has the same goals', async (t) => {
    const admin = new MqAdmin({ brokers: cluster.brokerAddresses })
    t.teardown(() => admin.close())
    const choices = [
      { claim: '100 requests to the leader', topic: 'to-leader', to: 'leader' },
      { claim: '100 to followers', topic: 'to-followers', to: 'followers' },
      { claim: '100 at random', topic: 'at-random', to: 'random' },
    ] as const
    for (const { claim, topic, to } of choices) {
      t.test(claim, async (t) => {
        await admin.createTopic({ topic, partitions: 1, replicas: 3 })
        const source = new GoalSource(random, requestCount)
        const sent = Array.from({ length: requestCount }, () => JSON.stringify(source.next()))
        if (to === 'followers') await sendToFollowers({ cluster, admin, topic, sent })
        else {
          const producer = new Producer({
            brokers: cluster.brokerAddresses,
            sendTo: to,
            batchBytes: 1,
            inFlightMax: 64,
          })
          await Promise.all(sent.map((value) => producer.send({ topic, value })))
          await producer.close()
        }
        const minutes = sent.map((value) => parseGoal(value)?.minute ?? Number.NaN)
        t.equal(minutes[0], 1)
        t.same(
          minutes,
          minutes.toSorted((a, b) => a - b),
          'in order of minute',
        )
        const flags = ['--from-beginning', '--max', String(requestCount)]
        const consumers = [
          ...cluster.brokers.map(({ address }) => `127.0.0.1:${address.port}`),
          cluster.brokerAddresses.map(formatAddress).join(','),
        ].map((brokers) => new Zw(t, ['consume', topic, '--broker', brokers, ...flags]))
        for (const consumer of consumers) {
          t.equal(await consumer.closed(), 0)
          t.same(consumer.lines, sent)
        }
      })
    }
  })
})

/** Sends each record in a request of its own to a follower, which forwards it to the leader. */
async function sendToFollowers(options: {
  readonly cluster: Cluster
  readonly admin: MqAdmin
  readonly topic: string
  readonly sent: readonly string[]
}): Promise<void> {
  const { cluster, admin, topic, sent } = options
  const leader = (await admin.topic(topic))?.partitions[0]?.leader
  // The leader of a new topic may learn of it last; it answers once it leads.
  await admin.offsets(topic)
  const followers = cluster.brokers.filter(({ id }) => id !== leader)
  const links = followers.map(({ address }) => linkTo(address))
  for (const [i, value] of sent.entries()) {
    const produced = await links[i % links.length]?.call(produceRequest(topic, value), patienceMs)
    onlyOne(produced?.partitions ?? [])
  }
  for (const link of links) link.close()
}

function linkTo(address: Address): MqConnection {
  const { transport, clock } = realWorld()
  return new MqConnection({
    transport,
    address,
    hello: {
      role: 'client',
      clusterId: undefined,
      name: 'test',
      brokerId: noBroker,
      brokerEpoch: 0,
    },
    clock,
  })
}

function produceRequest(topic: string, value: string): ProduceRequest {
  const record = { key: null, value: Buffer.from(value), timestampMs: Date.now(), headers: [] }
  const unnumbered = { producerId: noProducer, producerEpoch: -1, baseSequence: -1 }
  return {
    type: 'produce',
    acks: 'all',
    timeoutMs: patienceMs,
    passedOn: false,
    partitions: [{ topic, partition: 0, batch: encodeBatch({ ...unnumbered, records: [record] }) }],
  }
}
