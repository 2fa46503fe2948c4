import t, { type Test } from 'tap'
import { formatAddress } from '../../src/address.ts'
import type { Cluster } from '../../src/cli/cluster/cluster.ts'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import {
  areInOrder,
  connectTo,
  nthOf,
  startWorld,
  until,
  untilRole,
  untilRoles,
  type World,
  writeThrough,
  Zw,
} from './world.ts'

const goalCount = 150
/** Slow enough for every fault to occur in the middle of the run. */
const perSecond = 60

function brokersOf(cluster: Cluster): string {
  return cluster.brokerAddresses.map(formatAddress).join(',')
}

/** A producer and a consumer, running as separate processes. */
class Match {
  readonly #t: Test
  readonly #cluster: Cluster
  readonly #topic: string
  readonly producer: Zw
  readonly consumer: Zw

  constructor(t: Test, { cluster }: World, topic: string) {
    this.#t = t
    this.#cluster = cluster
    this.#topic = topic
    const flags = ['--goals', String(goalCount), '--rate', String(perSecond)]
    this.producer = new Zw(t, ['produce', topic, '-b', brokersOf(cluster), ...flags])
    this.consumer = this.newConsumer(brokersOf(cluster))
  }

  newConsumer(brokers: string): Zw {
    const max = ['--from-beginning', '--max', String(goalCount)]
    return new Zw(this.#t, ['consume', this.#topic, '-b', brokers, ...max])
  }

  /**
   * Requires that all goals are stored, and that every consumer of every broker reads the same, in
   * order.
   */
  async end(): Promise<void> {
    const t = this.#t
    t.equal(await this.producer.closed(), 0, 'every goal is stored')
    t.equal(await this.consumer.closed(), 0)
    const wanted = Array.from({ length: goalCount }, (_, i) => i + 1)
    t.same(this.consumer.lines.map(nthOf), wanted)
    t.ok(areInOrder(this.consumer.lines), 'in order of minute')
    for (const { address } of this.#cluster.brokers) {
      const one = this.newConsumer(`${address.host}:${address.port}`)
      t.equal(await one.closed(), 0)
      t.same(one.lines, this.consumer.lines)
    }
  }
}

t.test('faults', async (t) => {
  const world = await startWorld(t, { servers: 3, brokers: 3 })
  const { cluster } = world
  const admin = new MqAdmin({ brokers: cluster.brokerAddresses })
  t.teardown(() => admin.close())
  const zk = await connectTo(t, ...cluster.servers)
  await zk.create('/probe')
  const kickOff = async (t: Test, topic: string) => {
    await admin.createTopic({ topic, partitions: 1, replicas: 3 })
    const match = new Match(t, world, topic)
    await match.consumer.untilLine(20)
    return match
  }

  t.test('kill the leader', async (t) => {
    const match = await kickOff(t, 'leader-killed')
    const { leader } = await untilRoles(cluster, 2)
    await cluster.kill(leader)
    const gapMs = await writeThrough(zk, '/probe', 'leader killed')
    t.comment(`the ensemble accepted writes again after ${gapMs.toFixed(0)} ms`)
    t.ok(gapMs < 1000, 'in less than a second')
    await match.end()
    cluster.start(leader)
    await untilRole(leader, 'follower')
  })

  t.test('kill and revive the leader', async (t) => {
    const match = await kickOff(t, 'leader-revived')
    const { leader } = await untilRoles(cluster, 2)
    await cluster.kill(leader)
    await match.consumer.untilLine(50)
    cluster.start(leader)
    t.equal(await untilRole(leader, 'leader', 'follower'), 'follower', 'it does not lead again')
    await match.end()
    const revived = await connectTo(t, leader)
    await revived.sync()
    t.ok(await revived.exists('/brokers/topics/leader-revived'), 'it has the tree of the others')
  })

  t.test('kill a broker', async (t) => {
    const match = await kickOff(t, 'broker-killed')
    const leaderOf = async () => (await admin.topic('broker-killed'))?.partitions[0]?.leader
    const id = await leaderOf()
    const broker = cluster.member('broker', Number(id))
    const killedMs = performance.now()
    await cluster.kill(broker)
    const next = await until('another broker leads', async () => {
      const leader = await leaderOf()
      return leader === undefined || leader < 0 || leader === id ? undefined : leader
    })
    const gapMs = performance.now() - killedMs
    t.comment(`broker ${next} led after ${gapMs.toFixed(0)} ms`)
    t.ok(gapMs < 3000, 'in less than three seconds')
    t.equal(await match.producer.closed(), 0)
    cluster.start(broker)
    await until('the revived broker has caught up', async () => {
      const isr = (await admin.topic('broker-killed'))?.partitions[0]?.isr ?? []
      return isr.some((one) => one === broker.id) && isr.length === 3 ? true : undefined
    })
    await match.end()
  })

  t.test('kill a consumer and start another: it resumes', async (t) => {
    await admin.createTopic({ topic: 'resumed', partitions: 1, replicas: 3 })
    const brokers = ['-b', brokersOf(cluster)]
    const flags = ['--goals', String(goalCount), '--rate', String(perSecond)]
    const producer = new Zw(t, ['produce', 'resumed', ...brokers, ...flags])
    // By hand: as members of the group, the next one would wait until the killed one is missed.
    const group = ['--group', 'fans', '-p', '0']
    const first = new Zw(t, ['consume', 'resumed', ...brokers, ...group])
    await first.untilLine(50)
    await first.end('SIGKILL')
    t.equal(await producer.closed(), 0)

    const second = new Zw(t, ['consume', 'resumed', ...brokers, ...group, '--exit-at-end'])
    t.equal(await second.closed(), 0)
    const goals = (zw: Zw) => zw.lines.flatMap((line) => nthOf(line) ?? [])
    const before = goals(first)
    const after = goals(second)
    const resumedAt = after[0] ?? Number.NaN
    t.comment(`the first ended with goal ${before.at(-1)}, the second began with ${resumedAt}`)
    t.ok(resumedAt > 1, 'it does not start from the beginning')
    t.ok(resumedAt <= before.length + 1, 'no goal is skipped')
    t.same(
      [...before.filter((nth) => nth < resumedAt), ...after],
      Array.from({ length: goalCount }, (_, i) => i + 1),
    )
    const third = new Zw(t, ['consume', 'resumed', ...brokers, ...group, '--exit-at-end'])
    t.equal(await third.closed(), 0)
    t.same(third.lines, [], 'the group has read everything')
  })
})
