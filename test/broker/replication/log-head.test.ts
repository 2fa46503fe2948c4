import t from 'tap'
import type { Replica } from '../../../src/broker/replication/replica.ts'
import {
  encodeBatch,
  type ProducerId,
  readBatchHeader,
} from '../../../src/protocol/mq/record-batch.ts'
import { settled } from '../../virtual-clock.ts'
import { members } from '../partition/members.ts'
import { leadingAlone, leads, ours, reopened } from './replica-world.ts'

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
