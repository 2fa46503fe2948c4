import t from 'tap'
import { ClusterConfigs } from '../../../src/broker/cluster/cluster-configs.ts'
import type { TopicConfig } from '../../../src/broker/cluster/topic-config.ts'
import { noCheckpoint } from '../../../src/broker/partition/checkpoint.ts'
import {
  hasCutTail,
  isSuspect,
  markIncomplete,
  markSuspect,
} from '../../../src/broker/partition/partition-directory.ts'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import { Operation, Purgatory } from '../../../src/broker/replication/purgatory.ts'
import {
  Replica,
  type ReplicaHost,
  type ReplicaOptions,
} from '../../../src/broker/replication/replica.ts'
import { Codecs } from '../../../src/client/mq/compression/codecs.ts'
import type { LogDamagedError, LogVersionError } from '../../../src/log/log-errors.ts'
import { IndexMemory } from '../../../src/log/segment-index.ts'
import { TailMemory } from '../../../src/log/tail.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'
import type { RequiredAcks } from '../../../src/protocol/mq/produce.ts'
import {
  decodeBatch,
  encodeBatch,
  forEachBatch,
  lastOffsetOf,
  noProducer,
  type Offset,
  type ProducerId,
  placeBatch,
  readBatchHeader,
} from '../../../src/protocol/mq/record-batch.ts'
import type { ReplicaFetchPartition } from '../../../src/protocol/mq/replica-fetch.ts'
import { Turn } from '../../../src/turn.ts'
import { MemoryDirectory } from '../../log/memory-directory.ts'
import { RecordingLogger } from '../../recording-logger.ts'
import { settled, VirtualClock } from '../../virtual-clock.ts'
import { ids, life, member, members } from '../partition/members.ts'

const ours = life(1)
const lagTimeMsMax = 100

/** Broker 1 leads, in the life that registered at 10. */
const leads: PartitionState = {
  leader: 1 as BrokerId,
  leaderEpoch: 5,
  controllerEpoch: 1,
  isr: members(1, 2),
  eligible: [],
  committed: 0,
  uncleanEpoch: -1,
  version: 9,
}
const follows: PartitionState = { ...leads, leader: 2 as BrokerId }

function batch(count: number, at: { offset?: Offset; epoch?: number } = {}): Buffer {
  const records = Array.from({ length: count }, (_, i) => ({
    key: null,
    value: Buffer.from(`record ${i}`),
    timestampMs: 1,
    headers: [],
  }))
  const made = encodeBatch({ producerId: noProducer, producerEpoch: -1, baseSequence: -1, records })
  if (at.offset !== undefined) placeBatch(made, at.offset, at.epoch ?? 5)
  return made
}

/** The broker around one replica, which the test controls. */
class Host implements ReplicaHost {
  readonly clock = new VirtualClock()
  readonly turn = new Turn(setImmediate)
  readonly log = new RecordingLogger()
  readonly purgatory = new Purgatory()
  readonly decompression = new Codecs()
  /** unanswered writes of the state */
  readonly writes: {
    readonly state: PartitionState
    readonly answer: (inForce: PartitionState | undefined) => Promise<void>
  }[] = []
  readonly failures: Error[] = []
  readonly truncations: Offset[] = []
  readonly damages: (LogDamagedError | LogVersionError)[] = []
  reportCount = 0
  roleChangeCount = 0
  /** replicas that wait for the next tick */
  readonly eager = new Set<Replica>()
  /** the end of `willTruncate`; undefined: it ends at once */
  truncating: (() => void)[] | undefined
  truncateError: Error | undefined

  writeState(_: Replica, state: PartitionState): Promise<PartitionState | undefined> {
    return new Promise((resolve) => {
      const answer = (inForce: PartitionState | undefined) => {
        resolve(inForce)
        return settled()
      }
      this.writes.push({ state, answer })
    })
  }

  async willTruncate(_: Replica, end: Offset): Promise<void> {
    this.truncations.push(end)
    if (this.truncateError !== undefined) throw this.truncateError
    const { truncating } = this
    if (truncating !== undefined) await new Promise<void>((resolve) => truncating.push(resolve))
  }

  reportChanged(): void {
    this.reportCount += 1
  }

  damaged(_: Replica, error: LogDamagedError | LogVersionError): void {
    this.damages.push(error)
  }

  roleChanged(): void {
    this.roleChangeCount += 1
  }

  tickSoon(replica: Replica): void {
    this.eager.add(replica)
  }

  failed(error: Error): void {
    this.failures.push(error)
  }
}

function open(directory = new MemoryDirectory(), changed: Partial<ReplicaOptions> = {}) {
  const host = new Host()
  const replica = new Replica(
    {
      topic: 'goals',
      topicId: 'x',
      partition: 0,
      self: 1 as BrokerId,
      replicas: ids(1, 2, 3),
      assignmentVersion: 0,
      minInsyncReplicas: 1,
      lagTimeMsMax,
      directory,
      segmentBytes: 1 << 20,
      flush: 'group',
      checkpoint: noCheckpoint,
      isIncomplete: false,
      isSuspect: false,
      memory: { tails: new TailMemory(2 ** 20), indexes: new IndexMemory(2 ** 20) },
      ...changed,
    },
    host,
  )
  const produce = (count: number, acks: RequiredAcks = 'leader') => {
    const outcome: { result: Offset | string | undefined } = { result: undefined }
    const made = batch(count)
    replica.produce({
      header: readBatchHeader(made),
      batch: made,
      acks,
      deadlineMs: host.clock.nowMs() + 1000,
      mayBeEarly: true,
      done: (result) => {
        outcome.result = result instanceof BrokerError ? result.code : result
      },
    })
    return outcome
  }
  /** Broker 2 has everything before `offset`; its last record is of `lastEpoch`. */
  const fetchedBy2 = (offset: Offset, asked: Partial<ReplicaFetchPartition> = {}) =>
    replica.followerFetched(2 as BrokerId, life(2), {
      topic: 'goals',
      topicId: 'x',
      partition: 0,
      leaderEpoch: 5,
      offset,
      lastEpoch: offset === 0 ? -1 : 5,
      highWatermark: 0,
      logStart: 0,
      durableEnd: offset,
      isStart: false,
      ...asked,
    })
  return { host, replica, directory, produce, fetchedBy2 }
}

/** Follows broker 2, with records of these epochs, one each, all durable. */
async function following(epochs: readonly number[], highWatermark = 0) {
  const one = open()
  const { replica } = one
  replica.become({ ...follows, leaderEpoch: 5 }, ours)
  for (const [offset, epoch] of epochs.entries()) {
    replica.appendFetched(answer(replica, batch(1, { offset, epoch }), highWatermark))
  }
  await settled()
  return one
}

/** Of a leader that has sent everything before the replica's log end. */
function answer({ logEnd: offset }: Replica, records: Buffer, highWatermark = 0) {
  const common = {
    topic: 'goals',
    partition: 0,
    since: 0,
    offset,
    code: 'NONE',
    logStart: 0,
  } as const
  return { ...common, diverging: undefined, anew: undefined, gapsBelow: 0, highWatermark, records }
}

// --- as leader
// -------------------------------------------------------------------------------------

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

// --- the ISR
// ---------------------------------------------------------------------------------------

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

// --- as follower
// -----------------------------------------------------------------------------------

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

function flipped(bytes: Buffer): Buffer {
  const at = bytes.length - 1
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes
}

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

// --- reports on its log
// ----------------------------------------------------------------------------

t.test('the log of a partition without a leader is reported once it is durable', async (t) => {
  const { replica } = await following([3, 4])
  t.equal(replica.status, undefined, 'there is a leader')
  replica.appendFetched(answer(replica, batch(1, { offset: 2 })))
  replica.become({ ...follows, leader: noBroker, version: 10 }, ours)
  t.ok(replica.isToReport)
  t.equal(replica.status, undefined)
  await settled()
  t.same(replica.status, {
    type: 'whole',
    life: ours,
    stateVersion: 10,
    lastEpoch: 5,
    end: 3,
    highWatermark: 0,
  })
  replica.resign()
  t.equal(replica.status, undefined, 'there is no report without a life')
})

t.test('a log whose directory was lost is incomplete until it is in sync again', async (t) => {
  const directory = new MemoryDirectory()
  markIncomplete(directory)
  const checkpoint = { durableEnd: 50, highWatermark: 40, lastEpoch: 4 }
  const { replica } = open(directory, { isIncomplete: true, checkpoint })
  replica.become({ ...follows, leader: noBroker, isr: members(2), version: 10 }, ours)
  t.match(replica.status, { type: 'incomplete', end: 0, highWatermark: 40 })
  t.equal(replica.highWatermark, 0, 'it has no records')
  const inSync = { ...follows, leader: noBroker, version: 11, leaderEpoch: 6 }
  const isr = [member(1, { isAwaited: true }), member(2)]
  replica.become({ ...inSync, isr }, ours)
  t.match(replica.status, { type: 'incomplete' }, 'the ISR awaits its earlier life')
  replica.become({ ...inSync, version: 12, isr: members(1, 2) }, life(1, { epoch: 11 }))
  t.match(replica.status, { type: 'incomplete' }, 'the ISR names another life')
  replica.become({ ...inSync, version: 13, isr: members(1, 2) }, ours)
  await settled()
  t.match(replica.status, { type: 'whole' })
  t.same(
    directory.list().filter((name) => name === 'incomplete'),
    [],
  )
})

t.test(
  'a log whose tail was cut at the start is reported so until it is in sync again',
  async (t) => {
    const directory = await withTornTail()
    const { replica, host } = open(directory)
    t.ok(hasCutTail(directory))
    t.same(host.log.said('warn'), ['Cut a torn tail off a log'])
    t.equal(replica.logEnd, 2)
    replica.become({ ...follows, leader: noBroker, isr: members(2), version: 10 }, ours)
    t.match(replica.status, { type: 'tail-cut', end: 2 })
    replica.become({ ...leads, leaderEpoch: 6, version: 11 }, ours)
    await settled()
    t.notOk(hasCutTail(directory))
    const again = open(directory)
    again.replica.become({ ...follows, leader: noBroker, version: 12 }, ours)
    t.match(again.replica.status, { type: 'whole' })
  },
)

async function withTornTail(): Promise<MemoryDirectory> {
  const directory = new MemoryDirectory()
  const { replica, produce } = open(directory)
  replica.become(leads, ours)
  produce(1)
  produce(1)
  const whole = produce(1)
  await settled()
  t.equal(whole.result, 2)
  await replica.close()
  const [segment = ''] = directory.list().filter((name) => name.endsWith('.segment'))
  const file = directory.open(segment)
  const bytes = Buffer.alloc(file.sizeBytes())
  file.read(bytes, 0)
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1 // zeros follow
  file.write(flipped(bytes.subarray(end - 8, end)), end - 8)
  file.close()
  return directory
}

t.test('a failure to clear the marks of a loss ends the process', async (t) => {
  const directory = new MemoryDirectory({
    fault: (operation) => (operation === 'remove' ? new Error('EIO') : null),
  })
  markIncomplete(directory)
  const { replica, host } = open(directory, { isIncomplete: true })
  replica.become(leads, ours)
  await settled()
  t.match(host.failures, [{ name: 'LogFailedError' }])
})

t.test('without fdatasync nothing counts as on the disk', async (t) => {
  const { replica, produce } = open(new MemoryDirectory(), { flush: 'os' })
  replica.become(leads, ours)
  const one = produce(1)
  await settled()
  t.equal(one.result, 0)
  t.match(replica.checkpoint, { durableEnd: 0, lastEpoch: 5 })
})

// --- reads
// -----------------------------------------------------------------------------------------

t.test('a watch sees records at once, and the high watermark as it rises', async (t) => {
  const { replica, produce, fetchedBy2 } = open()
  replica.become(leads, ours)
  const seen: string[] = []
  const unwatch = replica.watch({
    appended: () => seen.push(`appended ${replica.logEnd}`),
    moved: () => seen.push(`moved ${replica.durableEnd} ${replica.highWatermark}`),
    replicasChanged: () => seen.push('replicas changed'),
    roleEnded: () => seen.push('role ended'),
  })
  produce(1)
  t.same(seen, ['appended 1'], 'before the record is durable here')
  await settled()
  fetchedBy2(1)
  fetchedBy2(1)
  t.same(seen, ['appended 1', 'moved 1 0', 'moved 1 1'])
  replica.resign()
  t.same(seen.at(-1), 'role ended')
  unwatch()
  replica.become({ ...leads, leaderEpoch: 6 }, ours)
  t.equal(seen.length, 4)
})

t.test('a change of roles does not end a consumer’s wait', async (t) => {
  const { replica } = await following([5])
  const endings: string[] = []
  replica.waitForRecords(new Operation((ending) => endings.push(ending)), 0)
  replica.become({ ...leads, isr: members(1), leaderEpoch: 6, version: 10 }, ours)
  t.same(endings, ['reached'], 'alone in the ISR it commits what it has')
  replica.waitForRecords(new Operation((ending) => endings.push(ending)), 1)
  replica.become({ ...follows, leaderEpoch: 7, version: 11 }, ours)
  t.equal(endings.length, 1)
  await replica.close()
  t.same(endings, ['reached', 'calledOff'])
})

t.test('consumers read only what is committed', async (t) => {
  const { replica, produce, fetchedBy2 } = open()
  replica.become(leads, ours)
  produce(1)
  produce(1)
  await settled()
  t.equal(replica.readCommitted(0, 1e6).records.length, 0)
  fetchedBy2(1)
  const { records, highWatermark } = replica.readCommitted(0, 1e6)
  t.equal(highWatermark, 1)
  t.equal(records.length, batch(1).length)
  t.equal(replica.readForFollower(0, 1e6).records.length, 2 * records.length)
})

// --- the log start -------------------------------------------------------------------------------

/** Leads alone, with three committed batches of two records, each in a segment of its own. */
async function leadingAlone(directory = new MemoryDirectory()) {
  const one = open(directory, { segmentBytes: 100 })
  one.replica.become({ ...leads, isr: members(1) }, ours)
  for (let i = 0; i < 3; i++) one.produce(2)
  await settled()
  return one
}

const reopened = (directory: MemoryDirectory) => open(directory.crash(), { segmentBytes: 100 })

t.test('records before the log start are gone, and stay gone after a power cut', async (t) => {
  const { replica, directory } = await leadingAlone()
  replica.removeBefore(3)
  t.equal(replica.earliestOffset, 0, 'nothing is told before it is durable')
  await settled()
  t.equal(replica.earliestOffset, 3)
  t.ok(replica.isOutOfRange(2))
  t.notOk(directory.list().includes('0000000000000000.segment'))
  const { replica: again } = reopened(directory)
  t.same([again.earliestOffset, again.logEnd, again.highWatermark], [3, 6, 6])
  t.equal(again.readForFollower(3, 1e6).logStart, 3)
})

t.test('a replica that is closed while its log start moves removes nothing more', async (t) => {
  const { replica, directory } = await leadingAlone()
  replica.removeBefore(3)
  await replica.close()
  await settled()
  const { replica: again } = reopened(directory)
  t.same([again.logEnd, again.highWatermark], [6, 6])
  t.ok([0, 3].includes(again.earliestOffset))
})

t.test('an emptied log continues where it ended, in the epoch of its last record', async (t) => {
  const { replica, directory } = await leadingAlone()
  replica.removeBefore(99)
  await settled()
  t.same([replica.earliestOffset, replica.logEnd], [6, 6])
  t.same(
    directory.list().filter((name) => name.endsWith('.segment')),
    [],
  )
  const { replica: again, produce } = reopened(directory)
  t.same([again.earliestOffset, again.logEnd, again.lastEpoch], [6, 6, 5])
  again.become({ ...leads, leaderEpoch: 6, isr: members(1) }, ours)
  const outcome = produce(1)
  await settled()
  t.equal(outcome.result, 6)
})

/** One record of an idempotent producer. */
function produced(to: Replica, baseSequence: number): Promise<unknown> {
  return new Promise((resolve) => {
    const record = { key: null, value: null, timestampMs: 1, headers: [] }
    const sequenced = { producerId: 7 as ProducerId, producerEpoch: 0, baseSequence }
    const made = encodeBatch({ ...sequenced, records: [record] })
    const header = readBatchHeader(made)
    const waits = { acks: 'leader', deadlineMs: 1000, mayBeEarly: true } as const
    to.produce({ header, batch: made, ...waits, done: resolve })
  })
}

t.test('a producer is known after its records are removed and the broker restarts', async (t) => {
  const { replica, directory } = await leadingAlone()
  t.equal(await produced(replica, 0), 6)
  replica.removeBefore(7)
  await settled()
  const { replica: again } = reopened(directory)
  again.become({ ...leads, leaderEpoch: 6, isr: members(1) }, ours)
  t.equal(await produced(again, 0), 6, 'sent again, it gets its offset')
  t.equal(await produced(again, 1), 7)
})

t.test(
  'a producer whose records are removed is known after the log has lost its end, too',
  async (t) => {
    const { replica, directory } = await leadingAlone()
    t.equal(await produced(replica, 0), 6)
    replica.removeBefore(7)
    await settled()
    t.equal(await produced(replica, 1), 7)
    replica.maybeSaveSnapshot({ isLast: false })
    await settled()
    for (const name of directory.list()) if (name.endsWith('.segment')) directory.remove(name)
    directory.syncNow()
    const { replica: again } = reopened(directory)
    t.equal(again.logEnd, 7, 'record 7 is lost')
    again.become({ ...leads, leaderEpoch: 6, isr: members(1) }, ours)
    t.equal(await produced(again, 0), 6, 'sent again, it gets its offset')
    t.equal(await produced(again, 1), 7)
  },
)

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

t.test('a damaged snapshot is rebuilt from the log, and said so', async (t) => {
  const { replica, directory } = await leadingAlone()
  replica.removeBefore(2)
  await settled()
  const file = directory.open('snapshot.json')
  file.write(Buffer.from('x'), 20)
  file.syncNow()
  const { replica: again, host } = reopened(directory)
  t.same([again.earliestOffset, again.logEnd], [2, 6])
  t.match(host.log.lines, [{ level: 'error' }])
})

// --- what is due ---------------------------------------------------------------------------------

function rules(changed: Partial<TopicConfig>): TopicConfig {
  return { ...new ClusterConfigs().topic('goals'), 'segment.bytes': 100, ...changed }
}

t.test('segments that are due by the topic’s rules are removed', async (t) => {
  const { replica, directory } = await leadingAlone()
  replica.maintain(rules({ 'retention.ms': -1, 'retention.bytes': -1 }), 1e12)
  await settled()
  t.equal(replica.earliestOffset, 0)
  replica.maintain(rules({ 'retention.bytes': 150, 'cleanup.policy': ['compact'] }), 0)
  await settled()
  t.equal(replica.earliestOffset, 0, 'a log that is only compacted keeps all')
  replica.maintain(rules({ 'retention.bytes': 150 }), 0)
  await settled()
  t.equal(replica.earliestOffset, 2)
  replica.maintain(rules({ 'retention.ms': 1000 }), 1e12)
  await settled()
  t.same([replica.earliestOffset, replica.logEnd], [6, 6], 'by time, all of it')
  t.equal(reopened(directory).replica.earliestOffset, 6)
})

t.test('a segment ends by age, whatever timestamps its records have', async (t) => {
  const { replica, directory, produce } = open(new MemoryDirectory())
  replica.become({ ...leads, isr: members(1) }, ours)
  const produced = async () => {
    produce(1)
    await settled()
    return directory.list().filter((name) => name.endsWith('.segment')).length
  }
  t.equal(await produced(), 1)
  const hour = rules({ 'segment.bytes': 1 << 20, 'segment.ms': 3_600_000, 'retention.ms': -1 })
  replica.maintain(hour, 0)
  t.equal(await produced(), 1, 'the records are of 1970, and so is the time')
  replica.maintain(hour, 3_600_002)
  t.equal(await produced(), 2)
})

// --- compaction ----------------------------------------------------------------------------------

const compacting = rules({ 'cleanup.policy': ['compact'], 'min.cleanable.dirty.ratio': 0 })

/** Leads alone; a record of one of three keys in each segment, but the last. */
async function keyed(count: number) {
  const one = open(new MemoryDirectory(), { segmentBytes: 100 })
  one.replica.become({ ...leads, isr: members(1) }, ours)
  for (let i = 0; i < count; i++) {
    const record = { key: Buffer.from(`k${i % 3}`), value: Buffer.from(`${i}`) }
    const none = { producerId: noProducer, producerEpoch: -1, baseSequence: -1 }
    const made = encodeBatch({ ...none, records: [{ ...record, timestampMs: 1, headers: [] }] })
    const call = {
      header: readBatchHeader(made),
      batch: made,
      acks: 'leader',
      mayBeEarly: true,
    } as const
    one.replica.produce({ ...call, deadlineMs: 1e6, done: () => undefined })
  }
  await settled()
  return one
}

/** The records by offset. */
function contentOf(replica: Replica): [number, string][] {
  const found: [number, string][] = []
  for (let offset = replica.earliestOffset; offset < replica.logEnd; ) {
    const { records } = replica.readForFollower(offset, 1e6)
    forEachBatch(records, (at) => {
      for (const record of decodeBatch(records, at)) {
        found.push([record.offset, `${record.key}=${record.value}`])
      }
      offset = lastOffsetOf(records, at) + 1
    })
  }
  return found
}

/** The first look writes the snapshot that a compaction needs. */
async function beginCompaction(replica: Replica, config = compacting): Promise<void> {
  for (let i = 0; i < 5; i++) {
    replica.maintain(config, 1e6)
    await settled()
  }
}

/** Compacts all that may be; `each` is called after each step. */
async function compactAll(replica: Replica, each: () => void = () => undefined): Promise<void> {
  await beginCompaction(replica)
  while (replica.isCompacting) {
    replica.compactSome()
    each()
    await settled()
    each()
  }
}

t.test('of each key the last record is left, and the active segment is not touched', async (t) => {
  const { replica, directory } = await keyed(11)
  await compactAll(replica)
  const want = [
    [7, 'k1=7'],
    [8, 'k2=8'],
    [9, 'k0=9'],
    [10, 'k1=10'],
  ]
  t.same(
    contentOf(replica),
    want,
    'the last one is in the active segment, which supersedes nothing',
  )
  t.equal(replica.gapsBelow, 10)
  t.same(contentOf(reopened(directory).replica), want)
})

t.test(
  'a power cut at any moment of a compaction leaves the last record of each key',
  async (t) => {
    const { replica, directory } = await keyed(14)
    const broken: string[] = []
    let looks = 0
    await compactAll(replica, () => {
      const { replica: again } = reopened(directory)
      const last = new Map(contentOf(again).map(([, text]) => text.split('=') as [string, string]))
      const found = ['k0', 'k1', 'k2'].map((key) => last.get(key)).join()
      if (found !== '12,13,11' || again.logEnd !== 14) broken.push(`${found} to ${again.logEnd}`)
      looks++
    })
    t.same(broken, [])
    t.ok(looks > 20)
  },
)

t.test('what was compacted is not compacted again after a restart', async (t) => {
  const { replica, directory } = await keyed(11)
  await compactAll(replica)
  const { replica: again } = reopened(directory)
  again.become({ ...leads, leaderEpoch: 6, isr: members(1) }, ours)
  await beginCompaction(again)
  t.notOk(again.isCompacting)
})

t.test('a gap that is expected while the log start moves leaves the move as it is', async (t) => {
  const { replica, directory } = await following([5, 5, 5, 5])
  replica.appendFetched({ ...answer(replica, Buffer.alloc(0), 3), logStart: 3 })
  const withGap = { ...answer(replica, batch(1, { offset: 7 }), 3), gapsBelow: 8 }
  t.equal(replica.appendFetched(withGap), 'later', 'both are written now')
  await settled()
  const { replica: again } = open(directory.crash())
  t.same([again.earliestOffset, again.gapsBelow], [3, 8])
})

t.test('a log that is cut meanwhile is not compacted on', async (t) => {
  const { replica, directory } = await keyed(8)
  await beginCompaction(replica)
  replica.compactSome()
  replica.compactSome()
  t.ok(replica.isCompacting)
  const closed = replica.close()
  t.notOk(replica.isCompacting)
  await closed
  t.equal(contentOf(reopened(directory).replica).length, 8)
})

t.test('records younger than the lag are left alone', async (t) => {
  const { replica } = await keyed(8)
  await beginCompaction(replica, { ...compacting, 'min.compaction.lag.ms': 1e6 })
  t.notOk(replica.isCompacting)
})

// --- damage that is found late -------------------------------------------------------------------

/** The log of `leadingAlone`, stopped cleanly, with a flipped bit in its first batch, and open again. */
async function damagedAndOpen() {
  const { replica, directory } = await leadingAlone()
  replica.maybeSaveSnapshot({ isLast: true })
  await replica.close()
  const file = directory.open('0000000000000000.segment')
  const bytes = Buffer.alloc(file.sizeBytes())
  file.read(bytes, 0)
  file.write(flipped(bytes.subarray(0, batch(2).length)), 0)
  file.syncNow()
  const checkpoint = { durableEnd: 6, highWatermark: 6, lastEpoch: 5 }
  return { checkpoint, ...open(directory, { segmentBytes: 100, checkpoint }) }
}

t.test(
  'a damaged batch is not served, nor is anything after it, and the host is told',
  async (t) => {
    const { replica, host } = await damagedAndOpen()
    t.equal(
      replica.readCommitted(2, 1e6).records.length,
      batch(2).length,
      'a start reads none of it',
    )
    t.equal(replica.readCommitted(0, 1e6).records.length, 0)
    t.equal(replica.readForFollower(2, 1e6).records.length, 0)
    t.match(host.damages, [{ name: 'LogDamagedError', byteOffset: 0 }])
    t.equal(host.damages.length, 1)
  },
)

t.test('a check finds damage before a fetch does', async (t) => {
  const { replica, host } = await damagedAndOpen()
  t.notOk(replica.isChecked)
  replica.checkSome(10)
  t.ok(replica.isChecked)
  t.match(host.damages, [{ byteOffset: 0 }])
})

t.test('a start after damage was found reads the whole log, and refuses it', async (t) => {
  const { replica, directory, checkpoint } = await damagedAndOpen()
  replica.checkSome(10)
  await replica.close()
  t.ok(isSuspect(directory))
  const again = () => open(directory, { segmentBytes: 100, checkpoint, isSuspect: true })
  t.throws(again, { name: 'LogDamagedError', byteOffset: 0 })
  t.ok(isSuspect(directory))
})

t.test('a suspicion ends when the whole log was read and is sound', async (t) => {
  const { replica, directory } = await leadingAlone()
  await replica.close()
  markSuspect(directory)
  const { replica: again } = open(directory, { segmentBytes: 100, isSuspect: true })
  t.ok(again.isChecked)
  t.notOk(isSuspect(directory))
})
