import t from 'tap'
import { Partition } from '../../../src/broker/partition/partition.ts'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'
import type { BatchHeader, ProducerId } from '../../../src/protocol/mq/record-batch.ts'
import { ids, life, member, members } from './members.ts'

const state: PartitionState = {
  leader: 1 as BrokerId,
  leaderEpoch: 5,
  controllerEpoch: 1,
  isr: members(1, 2),
  eligible: [],
  committed: 0,
  uncleanEpoch: -1,
  version: 9,
}

function batch(baseOffset: number, leaderEpoch: number): BatchHeader {
  return {
    baseOffset,
    leaderEpoch,
    sizeBytes: 100,
    attributes: 0,
    lastOffsetDelta: 0,
    baseTimestampMs: 0,
    maxTimestampMs: 0,
    producerId: -1 as ProducerId,
    producerEpoch: 0,
    baseSequence: 0,
    recordCount: 1,
  }
}

/** Broker 1 with a record of each of these epochs. */
function replica(epochs: readonly number[], highWatermark = 0): Partition {
  const made = new Partition({
    self: 1 as BrokerId,
    replicas: ids(1, 2, 3),
    minInsyncReplicas: 2,
    lagTimeMsMax: 100,
  })
  for (const [offset, epoch] of epochs.entries()) made.appended(batch(offset, epoch))
  made.opened(highWatermark)
  return made
}

function leader(epochs: readonly number[], changed: Partial<PartitionState> = {}): Partition {
  const made = replica(epochs)
  made.become({ ...state, ...changed }, life(1), 0)
  t.equal(made.role.type, 'leading')
  return made
}

const fetch = (core: Partition, broker: number, highWatermark: number, offset = highWatermark) =>
  core.followerFetched(
    broker as BrokerId,
    life(broker),
    {
      leaderEpoch: core.leaderEpoch,
      offset,
      lastEpoch: 4,
      highWatermark,
      logStart: 0,
      durableEnd: offset,
    },
    0,
  )

t.test('a replica leads in the life and with the directory that its state names', async (t) => {
  for (const other of [life(1, { epoch: 99 }), life(1, { directory: 'new' })]) {
    const core = replica([4])
    core.become(state, other, 0)
    t.equal(core.role.type, 'idle')
  }
})

t.test('a leader that lacks committed records resigns, and leaves the ISR', async (t) => {
  const core = leader([4, 4, 4])
  t.equal(fetch(core, 2, 4).type, 'behind')
  t.equal(core.role.type, 'idle')
  const verdict = core.judgeProduce(batch(3, 5), false)
  t.match(verdict, { type: 'refused', code: 'NOT_LEADER_OR_FOLLOWER' }, 'it no longer appends')
  core.become(state, life(1), 0)
  t.equal(core.role.type, 'idle', 'the same state again does not make it a leader')
  const wanted = core.proposeIsr(0)
  t.match(wanted, { leader: noBroker, leaderEpoch: 5, isr: members(2), committed: 4, version: 9 })
  t.same(wanted?.eligible, [], 'it does not become eligible')
  t.equal(core.proposeIsr(0), undefined, 'one write at a time')
  core.isrWriteEnded(5, 0)
  t.match(core.proposeIsr(0), { leader: noBroker }, 'and again, if it failed')
  core.become({ ...state, leaderEpoch: 6, version: 12 }, life(1), 0)
  t.equal(core.role.type, 'leading', 'elected again, by reports, it leads')
})

t.test('the last member that resigns leaves an empty ISR: no disk has everything', async (t) => {
  const core = leader([4, 4, 4], { isr: members(1) })
  t.equal(fetch(core, 3, 4).type, 'behind', 'a replica that is not in sync shows it as well')
  t.match(core.proposeIsr(0), { leader: noBroker, isr: [], committed: 4 })
})

t.test('a log that diverges below a follower’s high watermark lacks records too', async (t) => {
  const core = leader([3, 3, 5, 5, 5, 5])
  t.equal(fetch(core, 2, 2, 4).type, 'diverging', 'both have what is committed')
  t.equal(fetch(core, 2, 3, 4).type, 'behind')
})

t.test('a high watermark from before an operator’s choice of leader no longer binds', async (t) => {
  const core = leader([4, 4, 4], { uncleanEpoch: 5 })
  t.equal(fetch(core, 2, 4).type, 'diverging')
  const follower = replica([4, 4, 4, 4], 4)
  t.notOk(follower.mayTruncate(3))
  follower.become({ ...state, leader: 2 as BrokerId, uncleanEpoch: 5 }, life(1), 0)
  t.ok(follower.mayTruncate(3))
  follower.truncated(3)
  t.equal(follower.highWatermark, 3)
})

t.test('an ISR that falls below the minimum leaves eligible replicas behind', async (t) => {
  const core = leader([4, 4, 4], { isr: members(1, 2, 3) })
  t.match(core.proposeIsr(500), { isr: members(1), eligible: members(2, 3) })
  const other = leader([4, 4, 4], { isr: members(1), eligible: [member(2, { epoch: 7 })] })
  fetch(other, 2, 0, 3)
  t.match(other.proposeIsr(1), { isr: members(1, 2), eligible: [] }, 'until it is reached again')
})

// --- the log start -------------------------------------------------------------------------------

/** Leads with a record of each of these epochs, of which the first `logStart` are removed. */
function trimmed(epochs: readonly number[], logStart: number): Partition {
  const core = replica(epochs, epochs.length)
  core.become(state, life(1), 0)
  core.logStartMoved(logStart)
  return core
}

const position = { leaderEpoch: 5, highWatermark: 0, logStart: 0 }
const positions = [
  { name: 'ends where our log begins, in the same epoch', offset: 3, lastEpoch: 3, want: 'fine' },
  {
    name: 'ends where our log begins, in another epoch',
    offset: 3,
    lastEpoch: 2,
    want: 'below start',
  },
  { name: 'was empty, and begins behind our log start', offset: 4, lastEpoch: -1, want: 'fine' },
  { name: 'ends before our log begins', offset: 2, lastEpoch: 4, want: 'below start' },
  { name: 'parted from ours before our log start', offset: 5, lastEpoch: 2, want: 'below start' },
  { name: 'parted from ours behind our log start', offset: 6, lastEpoch: 4, want: 'diverging' },
]
for (const { name, offset, lastEpoch, want } of positions) {
  t.test(`a follower whose log ${name}: ${want}`, async (t) => {
    const core = trimmed([3, 3, 3, 4, 5], 3)
    const asked = { ...position, offset, lastEpoch, durableEnd: offset }
    const verdict = core.followerFetched(2 as BrokerId, life(2), asked, 0)
    t.equal(verdict.type, want)
    if (verdict.type === 'below start') {
      t.match(verdict.beginning, { logStart: 3, baseEpoch: 3, producers: [] })
    }
  })
}

t.test('a log start never goes back, nor beyond what is committed', async (t) => {
  const core = replica([4, 4, 4, 4], 3)
  core.logStartMoved(2)
  t.throws(() => core.logStartMoved(1), { name: 'InvariantError' })
  t.throws(() => core.logStartMoved(4), { name: 'InvariantError' })
})

t.test('a follower takes a gap up to where compaction left some, and no further', async (t) => {
  const core = replica([4, 4])
  core.become({ ...state, leader: 2 as BrokerId }, life(1), 0)
  t.notOk(core.continuesLog(batch(7, 4), 5, 0))
  t.notOk(core.continuesLog(batch(7, 4), 5, 6))
  t.ok(core.continuesLog(batch(7, 4), 5, 7))
  t.ok(core.continuesLog(batch(2, 4), 5, 7))
  t.notOk(core.continuesLog(batch(1, 4), 5, 7), 'it has that already')
})

t.test('a log that began anew may begin within a batch', async (t) => {
  const core = replica([4, 4])
  core.become({ ...state, leader: 2 as BrokerId }, life(1), 0)
  core.beganAnew({ logStart: 8, baseEpoch: 4, producers: [] })
  t.same([core.logStart, core.logEnd, core.highWatermark, core.lastEpoch], [8, 8, 8, 4])
  t.notOk(core.continuesLog({ ...batch(5, 4), lastOffsetDelta: 2 }, 5, 0), 'it ends before')
  const first = { ...batch(5, 4), lastOffsetDelta: 4 }
  t.ok(core.continuesLog(first, 5, 0))
  core.appended(first)
  t.equal(core.logEnd, 10)
})

t.test(
  'what is known of producers from before the log start outlasts a cut behind it',
  async (t) => {
    const core = replica([])
    core.appended({ ...batch(0, 5), producerId: 7 as ProducerId })
    core.appended({ ...batch(1, 5), producerId: 7 as ProducerId, baseSequence: 1 })
    core.opened(2)
    core.logStartMoved(1)
    const [producer] = core.snapshotAtStart(0).producers
    t.match(producer, { producerId: 7, batches: [{ firstSequence: 0, lastOffset: 0 }] })
  },
)
