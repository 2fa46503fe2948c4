import t from 'tap'
import { InSyncReplicas } from '../../../src/broker/partition/in-sync-replicas.ts'
import type { Member } from '../../../src/broker/partition/partition-state.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { ids, life, member, members } from './members.ts'

const id = (n: number) => n as BrokerId

/** Broker 1 leads 1, 2, 3 from offset 5; its own log is durable up to 10. */
function leader(isr: number[], minInsyncReplicas = 2): InSyncReplicas {
  return leaderOf(members(...isr), minInsyncReplicas)
}

function leaderOf(isr: readonly Member[], minInsyncReplicas = 2): InSyncReplicas {
  const replicas = new InSyncReplicas({
    self: member(1),
    replicas: ids(1, 2, 3),
    isr,
    highWatermark: 4,
    epochStart: 5,
    hasEligible: false,
    minInsyncReplicas,
    lagTimeMsMax: 100,
    nowMs: 0,
  })
  replicas.ownLogDurable(10, 0)
  return replicas
}

const fetched = (replicas: InSyncReplicas, broker: number, end: number, nowMs = 1) =>
  replicas.followerFetched(id(broker), {
    life: life(broker),
    logStart: 0,
    end,
    leaderEnd: 10,
    nowMs,
  })

t.test('the high watermark is what all in-sync replicas have on their disks', async (t) => {
  const replicas = leader([1, 2, 3])
  t.notOk(fetched(replicas, 2, 9), 'broker 3 has not fetched yet')
  t.ok(fetched(replicas, 3, 7))
  t.equal(replicas.highWatermark, 7)
  t.ok(fetched(replicas, 3, 10))
  t.equal(replicas.highWatermark, 9)
})

t.test('the high watermark never decreases', async (t) => {
  const replicas = leader([1, 2, 3])
  fetched(replicas, 2, 9)
  fetched(replicas, 3, 9)
  t.notOk(fetched(replicas, 3, 6))
  t.equal(replicas.highWatermark, 9)
})

t.test('the high watermark stands still with too few in sync', async (t) => {
  const replicas = leader([1])
  t.notOk(replicas.enough)
  t.equal(replicas.highWatermark, 4)
  t.equal(leader([1], 1).highWatermark, 10, 'unless one is enough')
})

t.test('a replica that lags is proposed to leave, and counts until it has left', async (t) => {
  const replicas = leader([1, 2, 3])
  fetched(replicas, 2, 10, 90)
  fetched(replicas, 3, 6, 90)
  t.equal(replicas.propose(10, 100), undefined, 'not yet')
  t.same(replicas.propose(10, 150), members(1, 2))
  t.equal(replicas.propose(10, 200), undefined, 'one change at a time')
  t.equal(replicas.highWatermark, 6)
  t.ok(replicas.settled({ isr: members(1, 2), eligible: [] }, 200))
  t.equal(replicas.highWatermark, 10)
})

t.test('a replica that keeps up does not lag by being one fetch late', async (t) => {
  const replicas = leader([1, 2])
  for (let i = 0; i < 10; i++) {
    // Each fetch has what the leader had at the fetch before.
    const nowMs = i * 40
    replicas.followerFetched(id(2), {
      life: life(2),
      logStart: 0,
      end: 10 + i,
      leaderEnd: 11 + i,
      nowMs,
    })
    t.equal(replicas.propose(11 + i, nowMs), undefined)
  }
})

t.test('nor by acknowledging more often than it catches up', async (t) => {
  const replicas = leader([1, 2])
  for (let i = 0; i < 400; i++) {
    // Each acknowledgement is of what the leader had three of them before.
    replicas.followerFetched(id(2), {
      life: life(2),
      logStart: 0,
      end: 10 + i,
      leaderEnd: 13 + i,
      nowMs: i,
    })
    t.equal(replicas.propose(13 + i, i), undefined)
  }
})

t.test('the follower of a quiet partition has caught up until the leader appends', async (t) => {
  const replicas = leader([1, 2])
  fetched(replicas, 2, 10, 1)
  t.equal(replicas.propose(10, 5000), undefined)
  replicas.leaderAppends(10, 5000)
  t.equal(replicas.propose(11, 5100), undefined)
  t.same(replicas.propose(11, 5101), members(1), 'and lags from then on')
})

t.test('a follower that lacks records is not caught up because the leader appends', async (t) => {
  const replicas = leader([1, 2])
  fetched(replicas, 2, 9, 1)
  replicas.leaderAppends(10, 90)
  t.same(replicas.propose(11, 150), members(1))
})

t.test('a replica joins at the high watermark and the start of the epoch', async (t) => {
  const replicas = leader([1, 2])
  fetched(replicas, 3, 4)
  t.equal(replicas.propose(10, 2), undefined, 'at the high watermark, but not in this epoch')
  fetched(replicas, 3, 6)
  t.same(replicas.propose(10, 3), members(1, 2, 3))
  fetched(replicas, 2, 10)
  t.equal(replicas.highWatermark, 6, 'a joining replica counts already')
})

t.test(
  'the high watermark waits for a replica that has caught up but not yet joined',
  async (t) => {
    const replicas = leader([1, 2])
    replicas.followerFetched(id(3), { life: life(3), logStart: 0, end: 8, leaderEnd: 8, nowMs: 1 })
    fetched(replicas, 2, 10, 2)
    t.equal(replicas.highWatermark, 8)
    t.notOk(fetched(replicas, 2, 10, 50))
    t.ok(fetched(replicas, 2, 10, 150), 'but not for ever')
    t.equal(replicas.highWatermark, 10)
  },
)

t.test('the last fetch of a dead replica does not let it join', async (t) => {
  const replicas = leader([1, 2])
  fetched(replicas, 3, 10)
  replicas.followerGone(id(3), 10, 2)
  t.equal(replicas.propose(10, 2), undefined)
})

t.test(
  'a member of a quiet partition lags only some time after its process has ended',
  async (t) => {
    const replicas = leader([1, 2, 3])
    fetched(replicas, 2, 10, 1)
    fetched(replicas, 3, 10, 1)
    replicas.followerGone(id(3), 10, 5000)
    t.equal(replicas.propose(10, 5100), undefined, 'it had everything until then')
    t.same(replicas.propose(10, 5101), members(1, 2))
    const behind = leader([1, 2, 3])
    fetched(behind, 2, 10, 1)
    fetched(behind, 3, 9, 1)
    behind.followerGone(id(3), 10, 5000)
    t.same(behind.propose(10, 5001), members(1, 2), 'but not one that was behind already')
  },
)

t.test(
  'a member whose named life is over leaves at once, and nothing is committed before',
  async (t) => {
    const replicas = leader([1, 2, 3])
    fetched(replicas, 2, 10)
    fetched(replicas, 3, 10)
    replicas.memberGone(member(3, { epoch: 98 }))
    t.equal(replicas.propose(10, 2), undefined, 'the end of another life changes nothing')
    replicas.memberGone(member(3))
    t.notOk(replicas.ownLogDurable(12, 2))
    fetched(replicas, 2, 12)
    t.equal(replicas.highWatermark, 10)
    t.same(replicas.propose(12, 2), members(1, 2))
    t.ok(replicas.settled({ isr: members(1, 2), eligible: [] }, 3))
    t.equal(replicas.highWatermark, 12)
  },
)

t.test(
  'a member that fetches in its next life rejoins, even if the end of the last is seen later',
  async (t) => {
    const replicas = leader([1, 2])
    replicas.followerFetched(id(2), {
      life: again(2),
      logStart: 0,
      end: 10,
      leaderEnd: 10,
      nowMs: 2,
    })
    replicas.memberGone(member(2))
    t.same(replicas.propose(10, 2), [member(1), member(2, { epoch: 99 })])
  },
)

const again = (broker: number) => life(broker, { epoch: 99 })

t.test('a follower in another life than the ISR names leaves it, and rejoins', async (t) => {
  const replicas = leader([1, 2, 3])
  fetched(replicas, 2, 10)
  fetched(replicas, 3, 10)
  t.equal(replicas.highWatermark, 10)
  const end = 5 // it lost what it had
  replicas.followerFetched(id(3), { life: again(3), logStart: 0, end, leaderEnd: 12, nowMs: 2 })
  t.same(replicas.propose(12, 2), members(1, 2), 'at once, not after the lag time')
  replicas.settled({ isr: members(1, 2), eligible: [] }, 3)
  replicas.followerFetched(id(3), { life: again(3), logStart: 0, end: 12, leaderEnd: 12, nowMs: 4 })
  t.same(replicas.propose(12, 4), [...members(1, 2), member(3, { epoch: 99 })])
})

t.test('a follower that has everything is named in its new life in one change', async (t) => {
  const replicas = leader([1, 2, 3])
  fetched(replicas, 2, 10)
  replicas.followerFetched(id(3), { life: again(3), logStart: 0, end: 10, leaderEnd: 10, nowMs: 1 })
  t.same(replicas.propose(10, 2), [...members(1, 2), member(3, { epoch: 99 })])
})

t.test('a wiped disk’s fetches do not count for the disk that the ISR names', async (t) => {
  const replicas = leader([1, 2, 3])
  fetched(replicas, 2, 10)
  const wiped = life(3, { directory: 'new', epoch: 99 })
  replicas.followerFetched(id(3), { life: wiped, logStart: 0, end: 10, leaderEnd: 10, nowMs: 1 })
  t.equal(replicas.highWatermark, 4)
  const isr = replicas.propose(10, 2) ?? []
  t.same(isr, [...members(1, 2), member(3, { directory: 'new', epoch: 99 })])
  t.equal(replicas.highWatermark, 4, 'either may be in force')
  replicas.settled({ isr: isr, eligible: [] }, 3)
  t.equal(replicas.highWatermark, 10)
})

t.test('a member that did not return stays in the ISR for the lag time', async (t) => {
  const absent = [member(2, { isAwaited: true }), member(3, { isAwaited: true })]
  const replicas = leaderOf([member(1), ...absent])
  replicas.followerFetched(id(2), { life: again(2), logStart: 0, end: 3, leaderEnd: 10, nowMs: 50 })
  t.equal(replicas.propose(10, 60), undefined, 'neither has caught up')
  replicas.followerFetched(id(2), {
    life: again(2),
    logStart: 0,
    end: 10,
    leaderEnd: 10,
    nowMs: 70,
  })
  t.equal(replicas.highWatermark, 4, 'it is waited for')
  const isr = replicas.propose(10, 80)
  t.same(isr, [member(1), member(2, { epoch: 99 }), member(3, { isAwaited: true })])
  replicas.settled({ isr: isr ?? [], eligible: [] }, 80)
  replicas.followerFetched(id(2), {
    life: again(2),
    logStart: 0,
    end: 10,
    leaderEnd: 10,
    nowMs: 140,
  })
  t.same(replicas.propose(10, 150), [member(1), member(2, { epoch: 99 })])
})

t.test(
  'when fewer replicas have to be in sync, eligible ones leave the znode before anything is committed',
  async (t) => {
    const replicas = leader([1])
    replicas.settled({ isr: members(1), eligible: members(2, 3) }, 1)
    t.notOk(replicas.setMinInsyncReplicas(1, 2), 'broker 2 may yet be elected, and lacks it')
    t.notOk(replicas.enough)
    t.equal(replicas.highWatermark, 4)
    t.same(replicas.propose(10, 3), members(1), 'the same ISR, without eligible replicas')
    t.ok(replicas.settled({ isr: members(1), eligible: [] }, 4))
    t.equal(replicas.highWatermark, 10)
    t.equal(replicas.propose(10, 5), undefined)
  },
)

t.test(
  'when more replicas have to be in sync, nothing more is committed without them',
  async (t) => {
    const replicas = leader([1, 2], 2)
    fetched(replicas, 2, 8)
    t.equal(replicas.highWatermark, 8)
    replicas.setMinInsyncReplicas(3, 2)
    t.notOk(replicas.enough)
    t.notOk(fetched(replicas, 2, 10))
    t.equal(replicas.highWatermark, 8)
  },
)

t.test('a replica that is made joins by fetching, and holds nothing up before', async (t) => {
  const replicas = leader([1, 2, 3])
  t.notOk(replicas.setReplicas(ids(1, 2, 3, 4), 0))
  fetched(replicas, 2, 10)
  t.ok(fetched(replicas, 3, 10))
  t.equal(replicas.highWatermark, 10)
  t.equal(replicas.propose(10, 1), undefined)
  fetched(replicas, 4, 9, 2)
  t.equal(replicas.propose(10, 2), undefined, 'it lacks a committed record')
  fetched(replicas, 4, 10, 3)
  t.same(replicas.propose(10, 3), members(1, 2, 3, 4))
})

t.test('a member whose replica is to go counts until the ISR in force is without it', async (t) => {
  const replicas = leader([1, 2, 3])
  fetched(replicas, 2, 10)
  replicas.setReplicas(ids(1, 2), 1)
  t.equal(replicas.highWatermark, 4, 'broker 3 has not fetched')
  t.ok(replicas.settled({ isr: members(1, 2), eligible: [] }, 2))
  t.equal(replicas.highWatermark, 10)
  t.notOk(fetched(replicas, 3, 10, 3))
  t.equal(replicas.propose(10, 3), undefined, 'the partition has no replica there')
})

t.test('a replica that comes back says anew what it has', async (t) => {
  const replicas = leader([1, 2])
  fetched(replicas, 3, 10)
  replicas.setReplicas(ids(1, 2), 2)
  replicas.setReplicas(ids(1, 2, 3), 2)
  t.equal(replicas.propose(10, 3), undefined)
  fetched(replicas, 3, 0, 4)
  t.equal(replicas.propose(10, 4), undefined)
})

t.test(
  'what holds back a replica that the high watermark waits for holds back producers',
  async (t) => {
    const replicas = leader([1, 2])
    const waits = (nowMs: number) => [2, 3].map((broker) => replicas.waitsFor(id(broker), nowMs))
    t.same(waits(1), [true, false], 'a member of the ISR')
    fetched(replicas, 3, 6, 1)
    t.same(waits(1), [true, false], 'one that lacks what the leader had at its first fetch')
    fetched(replicas, 3, 10, 50)
    t.same(waits(100), [true, true], 'one that has caught up')
    t.same(waits(200), [true, false], 'and lags again')
    fetched(replicas, 2, 10, 201)
    fetched(replicas, 3, 10, 201)
    t.same(replicas.propose(10, 201), members(1, 2, 3))
    t.same(waits(1000), [true, true], 'a member of the ISR that is being written')
    t.ok(leader([1]).waitsFor(id(3), 1), 'any, when there are too few')
    t.notOk(replicas.waitsFor(id(9), 1), 'no stranger')
  },
)
