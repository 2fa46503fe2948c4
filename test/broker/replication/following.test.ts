import t from 'tap'
import { MemoryDirectory } from '../../log/memory-directory.ts'
import { settled } from '../../virtual-clock.ts'
import { answer, batch, flipped, following, follows, leads, open, ours } from './replica-world.ts'

t.test('a follower shows committed records as far as its own disk has them', async (t) => {
  const { replica } = open()
  replica.become(follows, ours)
  t.equal(replica.appendFetched(answer(replica, batch(3, { offset: 0 }), 2)), 'appended')
  t.equal(replica.highWatermark, 0)
  t.match(replica.position({ isStart: false }), { offset: 3, durableEnd: 0 })
  t.notOk(replica.mayStart, 'a log that may have to be cut is durable')
  t.ok(replica.mayFollow)
  await settled()
  t.match(replica.position({ isStart: false }), { offset: 3, durableEnd: 3 })
  t.equal(replica.highWatermark, 2)
  t.ok(replica.mayStart)
  replica.appendFetched(answer(replica, Buffer.alloc(0), 9))
  t.equal(replica.highWatermark, 3)
})

const unfit = [
  { what: 'leaves a gap', records: () => batch(1, { offset: 7 }) },
  {
    what: 'is of a later epoch than the leader',
    records: () => batch(1, { offset: 3, epoch: 6 }),
  },
  {
    what: 'is of an earlier epoch than our last record',
    records: () => batch(1, { offset: 3, epoch: 4 }),
  },
  { what: 'is damaged', records: () => flipped(batch(1, { offset: 3 })) },
]
for (const { what, records } of unfit) {
  t.test(`a batch that ${what} is not appended`, async (t) => {
    const { replica } = await following([5, 5, 5])
    t.equal(replica.appendFetched(answer(replica, records())), 'not next')
    t.equal(replica.logEnd, 3)
  })
}

t.test('the part of an answer before the first unfit batch is appended', async (t) => {
  const { replica } = await following([])
  const good = batch(2, { offset: 0 })
  const records = Buffer.concat([good, flipped(batch(1, { offset: 2 })), batch(1, { offset: 3 })])
  t.equal(replica.appendFetched(answer(replica, records)), 'not next')
  t.equal(replica.logEnd, 2)
  await settled()
  t.equal(replica.readForFollower(0, 1e6).records.length, good.length)
})

t.test('a log is cut where its leader’s differs, after its checkpoint was lowered', async (t) => {
  const { replica, host } = await following([3, 3, 4])
  host.truncating = []
  const truncated = replica.truncate({ epoch: 3, endOffset: 1 }, 0)
  t.same(host.truncations, [1])
  t.equal(replica.logEnd, 3, 'not before the checkpoint is lowered')
  t.match(replica.checkpoint, { durableEnd: 1, highWatermark: 0 })
  t.notOk(replica.mayStart)
  host.truncating[0]?.()
  await truncated
  t.equal(replica.logEnd, 1)
  t.equal(replica.lastEpoch, 3)
  t.ok(replica.mayStart)
})

t.test('a log that is being cut shows no more committed records', async (t) => {
  const held: (() => void)[] = []
  let isHeld = false
  const schedule = (step: () => void) => {
    if (isHeld) held.push(step)
    else setImmediate(step)
  }
  const { replica, host } = open(new MemoryDirectory({ schedule }))
  replica.become(follows, ours)
  replica.appendFetched(answer(replica, batch(1, { offset: 0 }), 9))
  await settled()
  isHeld = true
  replica.appendFetched(answer(replica, batch(2, { offset: 1 }), 9))
  await settled()
  host.truncating = []
  const begun = replica.beginAnew({ logStart: 9, baseEpoch: 5, producers: [] })
  isHeld = false
  for (const step of held) step()
  await settled()
  t.match(replica.position({ isStart: false }), { durableEnd: 3, highWatermark: 1 })
  host.truncating[0]?.()
  await begun
  t.match(replica.position({ isStart: false }), { offset: 9, highWatermark: 9 })
})

t.test('a state that arrives while a log is being cut is adopted afterwards', async (t) => {
  const { replica, host } = await following([3, 4])
  host.truncating = []
  const truncated = replica.truncate({ epoch: 3, endOffset: 1 }, 0)
  replica.become({ ...leads, leaderEpoch: 6, version: 10 }, ours)
  t.equal(replica.role.type, 'following')
  host.truncating[0]?.()
  await truncated
  t.equal(replica.role.type, 'leading')
  t.equal(replica.logEnd, 1)
})

t.test('a replica whose session ends while its log is being cut adopts no state', async (t) => {
  const { replica, host } = await following([3, 4])
  host.truncating = []
  const truncated = replica.truncate({ epoch: 3, endOffset: 1 }, 0)
  replica.become({ ...leads, leaderEpoch: 6, version: 10 }, ours)
  replica.resign()
  host.truncating[0]?.()
  await truncated
  t.equal(replica.role.type, 'idle')
  t.equal(replica.logEnd, 1)
})

t.test(
  'committed records are not cut: the replica halts, reports, and continues with a new state',
  async (t) => {
    const { replica, host } = await following([3, 3, 4], 3)
    await replica.truncate({ epoch: 3, endOffset: 1 }, 0)
    t.equal(replica.logEnd, 3)
    t.same(host.truncations, [])
    t.notOk(replica.mayStart)
    t.equal(host.reportCount, 1)
    t.match(replica.status, { type: 'ahead', end: 3, highWatermark: 3, stateVersion: 9 })
    replica.become(follows, ours)
    t.notOk(replica.mayStart, 'the same state again changes nothing')
    replica.become({ ...follows, leaderEpoch: 6, version: 10 }, ours)
    t.ok(replica.mayStart)
    t.equal(replica.status, undefined)
  },
)

t.test('they are cut, with an error, when an operator chose a leader without them', async (t) => {
  const { replica, host } = await following([3, 3, 4], 3)
  replica.become({ ...follows, leaderEpoch: 6, uncleanEpoch: 6, version: 10 }, ours)
  await replica.truncate({ epoch: 3, endOffset: 1 }, 0)
  t.equal(replica.logEnd, 1)
  t.equal(host.log.said('error').length, 1)
})

t.test('a log whose checkpoint cannot be lowered is not cut, and can be closed', async (t) => {
  const { replica, host } = await following([3, 4])
  host.truncateError = new Error('EIO')
  await t.rejects(replica.truncate({ epoch: 3, endOffset: 1 }, 0), { message: 'EIO' })
  t.equal(replica.logEnd, 2)
  t.notOk(replica.mayStart, 'the process is about to end')
  await replica.close()
})

t.test('a replica that is closed while its log is being cut closes afterwards', async (t) => {
  const { replica, host } = await following([3, 4])
  host.truncating = []
  const truncated = replica.truncate({ epoch: 3, endOffset: 1 }, 0)
  let isClosed = false
  const closed = replica.close().then(() => {
    isClosed = true
  })
  await settled()
  t.notOk(isClosed)
  host.truncating[0]?.()
  await Promise.all([truncated, closed])
})

t.test('a follower removes what its leader has removed, as far as it is committed', async (t) => {
  const { replica, directory } = await following([5, 5, 5, 5])
  replica.appendFetched({ ...answer(replica, Buffer.alloc(0), 3), logStart: 4 })
  await settled()
  t.equal(replica.earliestOffset, 3)
  t.equal(replica.logStart, 3)
  t.equal(open(directory.crash()).replica.earliestOffset, 3)
})

t.test('a follower begins anew where its leader’s log begins, with its producers', async (t) => {
  const { replica, directory } = await following([5, 5, 5], 2)
  await replica.beginAnew({ logStart: 9, baseEpoch: 5, producers: [] })
  t.match(replica.position({ isStart: true }), {
    offset: 9,
    lastEpoch: 5,
    highWatermark: 9,
    logStart: 9,
  })
  t.equal(replica.appendFetched(answer(replica, batch(2, { offset: 9 }), 11)), 'appended')
  await settled()
  const { replica: again } = open(directory.crash())
  t.match(again.position({ isStart: true }), { offset: 11, lastEpoch: 5, logStart: 9 })
})

t.test('a follower does not begin anew below what it knows to be committed', async (t) => {
  const { replica, host } = await following([5, 5, 5], 3)
  await replica.beginAnew({ logStart: 1, baseEpoch: 5, producers: [] })
  t.equal(replica.logEnd, 3)
  t.equal(host.reportCount, 1, 'the controller is told')
})

t.test('a gap is appended once a restart would not take it for damage', async (t) => {
  const { replica, directory } = await following([5, 5])
  const withGap = { ...answer(replica, batch(1, { offset: 7 })), gapsBelow: 8 }
  t.equal(replica.appendFetched(withGap), 'later')
  t.equal(replica.logEnd, 2)
  t.notOk(replica.mayStart)
  await settled()
  t.ok(replica.mayStart)
  t.equal(replica.appendFetched(withGap), 'appended')
  t.equal(replica.logEnd, 8)
  await settled()
  t.equal(open(directory.crash()).replica.logEnd, 8)
  const stale = { ...withGap, records: batch(1, { offset: 8 }) }
  t.equal(replica.appendFetched(stale), 'not next', 'it was sent to a log that ended elsewhere')
})
