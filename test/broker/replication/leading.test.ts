import t from 'tap'
import type { Replica } from '../../../src/broker/replication/replica.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'
import { MemoryDirectory } from '../../log/memory-directory.ts'
import { settled } from '../../virtual-clock.ts'
import { life, member, members } from '../partition/members.ts'
import { follows, type Host, lagTimeMsMax, leads, open, ours } from './replica-world.ts'

t.test(
  'acks=leader is answered when the batch is durable here, acks=all when the whole ISR has it',
  async (t) => {
    const { replica, produce, fetchedBy2 } = open()
    replica.become(leads, ours)
    const [one, all] = [produce(2), produce(3, 'all')]
    t.same([one.result, all.result], [undefined, undefined])
    await settled()
    t.same([one.result, all.result], [0, undefined])
    fetchedBy2(4)
    t.equal(all.result, undefined, 'the follower lacks the last record')
    fetchedBy2(5)
    t.equal(all.result, 2)
    t.equal(replica.highWatermark, 5)
  },
)

t.test('a produce that times out gets an error, but its batch stays in the log', async (t) => {
  const { replica, host, produce } = open()
  replica.become(leads, ours)
  const { result } = await ended(host, produce(1, 'all'))
  t.equal(result, 'REQUEST_TIMED_OUT')
  t.equal(replica.logEnd, 1)
})

async function ended<T>(host: Host, outcome: T): Promise<T> {
  await host.clock.advance(1100)
  host.purgatory.tick(host.clock.nowMs())
  return outcome
}

const ends = {
  'another leads': (replica: Replica) => replica.become({ ...follows, leaderEpoch: 6 }, ours),
  'it leads in a later epoch': (replica: Replica) =>
    replica.become({ ...leads, leaderEpoch: 6 }, ours),
  'its session ends': (replica: Replica) => replica.resign(),
  'it is closed': (replica: Replica) => void replica.close(),
}
for (const [what, end] of Object.entries(ends)) {
  t.test(`what waits for acks is answered when ${what}`, async (t) => {
    const { replica, produce } = open()
    replica.become(leads, ours)
    const waiting = produce(1, 'all')
    await settled()
    end(replica)
    t.equal(waiting.result, 'NOT_LEADER_OR_FOLLOWER')
    await settled()
  })
}

t.test('the same state again calls nothing off', async (t) => {
  const { replica, produce } = open()
  replica.become(leads, ours)
  const waiting = produce(1, 'all')
  replica.become(leads, ours)
  replica.become({ ...leads, version: 10 }, ours)
  await settled()
  t.equal(waiting.result, undefined)
})

t.test('a batch whose fsync failed is never acknowledged, and the process must end', async (t) => {
  const error = Object.assign(new Error('EIO: sync'), { code: 'EIO' })
  const directory = new MemoryDirectory({
    fault: (operation) => (operation === 'sync' ? error : null),
  })
  const { replica, host, produce } = open(directory)
  replica.become(leads, ours)
  const one = produce(1)
  await settled()
  t.equal(one.result, 'NOT_LEADER_OR_FOLLOWER')
  t.equal(replica.durableEnd, 0)
  t.match(host.failures, [{ name: 'LogFailedError' }])
  replica.become({ ...leads, leaderEpoch: 6, version: 10 }, ours)
  t.equal(replica.role.type, 'idle', 'it leads no more')
  t.equal(produce(1).result, 'NOT_LEADER_OR_FOLLOWER')
})

t.test('a follower with a higher high watermark makes the leader resign', async (t) => {
  const { replica, host, produce, fetchedBy2 } = open(new MemoryDirectory(), {
    minInsyncReplicas: 2,
  })
  replica.become(leads, ours)
  const waiting = produce(1, 'all')
  t.match(fetchedBy2(0, { highWatermark: 7 }), { type: 'behind' })
  t.equal(replica.role.type, 'idle')
  t.equal(waiting.result, 'NOT_LEADER_OR_FOLLOWER')
  t.match(host.writes, [{ state: { leader: noBroker, committed: 7, version: 9 } }])
})

/** Leads with broker 2 in sync, which has not fetched for longer than the lag time. */
async function withLaggingFollower() {
  const one = open()
  one.replica.become(leads, ours)
  one.produce(1)
  await one.host.clock.advance(lagTimeMsMax + 1)
  one.replica.tick(one.host.clock.nowMs())
  return one
}

t.test(
  'a lagging replica is removed by one write at a time, conditional on the known version',
  async (t) => {
    const { replica, host } = await withLaggingFollower()
    t.match(host.writes, [{ state: { version: 9, isr: members(1) } }])
    replica.tick(host.clock.nowMs())
    t.equal(host.writes.length, 1)
    t.equal(
      replica.highWatermark,
      0,
      'until the write succeeds, both ISRs must have what is committed',
    )
    await host.writes[0]?.answer({ ...leads, isr: members(1), version: 10 })
    t.equal(replica.highWatermark, 1)
  },
)

t.test('a write that lost to another is proposed again, on the state in force', async (t) => {
  const { replica, host } = await withLaggingFollower()
  await host.writes[0]?.answer({ ...leads, isr: members(1, 2, 3), version: 11 })
  t.equal(replica.highWatermark, 0)
  t.ok(host.eager.has(replica), 'not only at the next lag check')
  replica.tick(host.clock.nowMs())
  t.match(host.writes[1], { state: { version: 11 } })
})

t.test('a write whose session ended changes nothing here', async (t) => {
  const { replica, host } = await withLaggingFollower()
  replica.resign()
  await host.writes[0]?.answer(undefined)
  t.equal(replica.highWatermark, 0)
  t.equal(replica.role.type, 'idle')
})

t.test('a write that succeeds after the session ended does not restore the role', async (t) => {
  const { replica, host } = await withLaggingFollower()
  replica.resign()
  await host.writes[0]?.answer({ ...leads, isr: members(1), version: 10 })
  t.equal(replica.role.type, 'idle')
})

t.test('a new leader epoch that arrives while a write is in flight stays', async (t) => {
  const { replica, host } = await withLaggingFollower()
  replica.become({ ...follows, leaderEpoch: 6, version: 10 }, ours)
  await host.writes[0]?.answer({ ...leads, isr: members(1), version: 10 })
  t.match(replica.role, { type: 'following', leader: 2 })
  t.equal(replica.leaderEpoch, 6)
})

t.test(
  'a follower that has caught up is proposed as a member, in the life that fetched',
  async (t) => {
    const { replica, host, produce } = open()
    replica.become({ ...leads, isr: members(1) }, ours)
    produce(1)
    await settled()
    const known = { leaderEpoch: 5, lastEpoch: 5, highWatermark: 0, logStart: 0 }
    const asked = {
      topic: 'goals',
      topicId: 'x',
      partition: 0,
      offset: 1,
      durableEnd: 1,
      isStart: true,
      ...known,
    }
    replica.followerFetched(3 as BrokerId, life(3, { epoch: 31 }), asked)
    t.match(host.writes, [{ state: { isr: [member(1), member(3, { epoch: 31 })] } }])
  },
)

t.test('records are deleted when every replica in sync has removed them', async (t) => {
  const { replica, produce, fetchedBy2, host } = open()
  replica.become(leads, ours)
  produce(2)
  await settled()
  fetchedBy2(2)
  const outcomes: unknown[] = []
  const done = (result: unknown) =>
    outcomes.push(result instanceof BrokerError ? result.code : result)
  replica.deleteRecords({ offset: 2, deadlineMs: 1e6, done })
  await settled()
  t.same(outcomes, [])
  fetchedBy2(2, { logStart: 2 })
  t.same(outcomes, [2])
  produce(1)
  await settled()
  fetchedBy2(3, { logStart: 2 })
  replica.deleteRecords({ offset: 3, deadlineMs: 1000, done })
  host.purgatory.tick(2000)
  t.same(outcomes, [2, 'REQUEST_TIMED_OUT'])
})
