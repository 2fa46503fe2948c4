import t from 'tap'
import type { ReplicaReport } from '../../../src/broker/cluster/replica-status.ts'
import { decodeReport } from '../../../src/broker/cluster/replica-status.ts'
import { zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { ReplicaReports } from '../../../src/broker/session/replica-reports.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { RecordingLogger } from '../../recording-logger.ts'
import { settled, VirtualClock } from '../../virtual-clock.ts'
import { MemoryTree } from '../memory-zk.ts'

const self = 1 as BrokerId
const topicId = 'x'
const pathOf = (partition: number) => zkPaths.report({ topicId, partition, broker: self })

function report(partition: number, reason = 'EMFILE'): ReplicaReport {
  const status = { type: 'unavailable', reason, lastEpoch: 4, highWatermark: 5 } as const
  return { topic: 'goals', topicId, partition, status }
}

function world() {
  const tree = MemoryTree.ofCluster()
  const zk = tree.session()
  const clock = new VirtualClock()
  const log = new RecordingLogger()
  const reports = new ReplicaReports({ self, zk, clock, log })
  /** Reasons in the tree, by partition. */
  const reasons = () => {
    const found: Record<number, string> = {}
    for (const partition of [0, 1, 2]) {
      const status = decodeReport(Buffer.from(tree.text(pathOf(partition)) ?? ''))
      if (status?.type === 'unavailable') found[partition] = status.reason
    }
    return found
  }
  return { tree, zk, clock, log, reports, reasons }
}

t.test(
  'the first reports are written when `begin` resolves, and belong to the session',
  async (t) => {
    const { tree, zk, reports, reasons } = world()
    await reports.begin([report(0), report(1)])
    t.same(reasons(), { 0: 'EMFILE', 1: 'EMFILE' })
    t.equal(tree.stat(pathOf(0))?.ephemeralOwner, zk.sessionId)
  },
)

t.test('changed reports are written, obsolete ones removed, the others left alone', async (t) => {
  const { zk, reports, reasons } = world()
  await reports.begin([report(0), report(1)])
  zk.made.length = 0
  reports.report([report(1), report(2)])
  await settled()
  t.same(reasons(), { 1: 'EMFILE', 2: 'EMFILE' })
  t.same(zk.made, [`delete ${pathOf(0)}`, `create ${pathOf(2)}`])
  zk.made.length = 0
  reports.report([report(1, 'EIO'), report(2)])
  await settled()
  t.same(reasons(), { 1: 'EIO', 2: 'EMFILE' })
  t.notOk(zk.made.some((made) => made.includes(pathOf(2))))
})

t.test('of the reports set during a write, the last are written next', async (t) => {
  const { zk, reports, reasons } = world()
  await reports.begin([])
  const stopped = zk.stopAt('request', 'create')
  reports.report([report(0)])
  await stopped
  reports.report([report(1)])
  reports.report([report(2)])
  zk.resume()
  await settled()
  t.same(reasons(), { 2: 'EMFILE' })
  t.notOk(zk.made.includes(`create ${pathOf(1)}`), 'an intermediate report is skipped')
})

t.test('reports set while the first are written are not lost', async (t) => {
  const { zk, reports, reasons } = world()
  const stopped = zk.stopAt('request', 'create')
  const begun = reports.begin([report(0)])
  await stopped
  reports.report([report(0, 'EIO')])
  zk.resume()
  await begun
  await settled()
  t.same(reasons(), { 0: 'EIO' })
})

for (const at of ['request', 'answer'] as const) {
  t.test(`a report whose connection broke at the ${at} is there in the end`, async (t) => {
    const { zk, clock, log, reports, reasons } = world()
    await reports.begin([])
    const stopped = zk.stopAt(at, 'create')
    reports.report([report(0)])
    await stopped
    zk.disconnect()
    zk.reconnect()
    await clock.advance(199)
    t.same(log.said('warn'), ['Could not report on replicas'])
    t.same(reasons(), at === 'answer' ? { 0: 'EMFILE' } : {}, 'not before 200 ms have passed')
    await clock.advance(1)
    t.same(reasons(), { 0: 'EMFILE' })
  })

  t.test(`one that is to go and whose connection broke at the ${at} goes`, async (t) => {
    const { zk, clock, reports, reasons } = world()
    await reports.begin([report(0)])
    const stopped = zk.stopAt(at, 'delete')
    reports.report([])
    await stopped
    zk.disconnect()
    zk.reconnect()
    await clock.advance(200)
    t.same(reasons(), {})
  })
}

t.test('reports that another session wrote in our name are replaced', async (t) => {
  const { tree, zk, reports, reasons } = world()
  tree.put(pathOf(0), 'an earlier life', 77)
  await reports.begin([report(0)])
  t.same(reasons(), { 0: 'EMFILE' })
  t.equal(tree.stat(pathOf(0))?.ephemeralOwner, zk.sessionId, 'or it would not count')
})

t.test('a znode of an earlier session that disappears meanwhile is no obstacle', async (t) => {
  const { tree, zk, reports, reasons } = world()
  tree.put(pathOf(0), 'an earlier life', 77)
  const stopped = zk.stopAt('request', 'exists')
  const begun = reports.begin([report(0)])
  await stopped
  tree.end(77)
  zk.resume()
  await begun
  t.same(reasons(), { 0: 'EMFILE' })
})

t.test('a failure to write the first reports rejects `begin`', async (t) => {
  const { zk, reports } = world()
  const stopped = zk.stopAt('request', 'create')
  const begun = reports.begin([report(0)])
  const refused = t.rejects(begun, { code: 'SESSIONEXPIRED' })
  await stopped
  zk.expire()
  await refused
})

t.test('once stopped it writes nothing and retries nothing', async (t) => {
  const { zk, clock, log, reports, reasons } = world()
  await reports.begin([])
  const stopped = zk.stopAt('request', 'create')
  reports.report([report(0)])
  await stopped
  zk.expire()
  reports.stop()
  reports.report([report(1)])
  await settled()
  await clock.advance(1000)
  t.same(reasons(), {})
  t.same(log.lines, [])
  t.equal(clock.timerCount, 0)
})
