import t from 'tap'
import type { Replica } from '../../../src/broker/replication/replica.ts'
import {
  decodeBatch,
  encodeBatch,
  forEachBatch,
  lastOffsetOf,
  noProducer,
  readBatchHeader,
} from '../../../src/protocol/mq/record-batch.ts'
import { MemoryDirectory } from '../../log/memory-directory.ts'
import { settled } from '../../virtual-clock.ts'
import { members } from '../partition/members.ts'
import { answer, batch, following, leads, open, ours, reopened, rules } from './replica-world.ts'

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
