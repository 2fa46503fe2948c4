import t from 'tap'
import { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import type { ReplicaReport } from '../../../src/broker/cluster/replica-status.ts'
import { Checkpoint } from '../../../src/broker/partition/checkpoint.ts'
import { SnapshotFile } from '../../../src/broker/partition/log-snapshot.ts'
import { directoryName } from '../../../src/broker/partition/partition-directory.ts'
import type { PartitionState } from '../../../src/broker/partition/partition-state.ts'
import type { Replica } from '../../../src/broker/replication/replica.ts'
import { ReplicaManager } from '../../../src/broker/replication/replica-manager.ts'
import { DurableFile } from '../../../src/durable-file.ts'
import type { MqRequest } from '../../../src/protocol/mq/apis.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import { type BrokerId, type DirectoryId, noBroker } from '../../../src/protocol/mq/messages.ts'
import {
  encodeBatch,
  noProducer,
  type Offset,
  readBatchHeader,
} from '../../../src/protocol/mq/record-batch.ts'
import { Turn } from '../../../src/turn.ts'
import { RecordingLogger } from '../../recording-logger.ts'
import { settled, VirtualClock } from '../../virtual-clock.ts'
import { MemoryDisk } from '../memory-disk.ts'
import { ids, life, members } from '../partition/members.ts'

const ours = life(1)
const goals0 = directoryName({ topicId: 'x', partition: 0 })
const goals1 = directoryName({ topicId: 'x', partition: 1 })
const startMs = 1000

/**
 * Broker 1 with topic `goals`: it leads partition 0, follows broker 2 in 1, and has no replica of
 * 2.
 */
async function world(disk = new MemoryDisk()) {
  const clock = new VirtualClock()
  await clock.advance(startMs)
  const log = new RecordingLogger()
  const image = new ClusterImage()
  const asked: BrokerId[] = []
  const reported: (readonly ReplicaReport[])[] = []
  const failures: Error[] = []
  const written: PartitionState[] = []
  const checkpoint = new Checkpoint(new DurableFile(disk.openFiles(), 'checkpoints.json'))
  const manager = new ReplicaManager({
    self: 1 as BrokerId,
    image,
    links: linksThatCount(asked),
    clock,
    turn: new Turn(setImmediate),
    log,
    disk,
    flush: 'group',
    lagTimeMsMax: 100,
    checkpoint,
    maintenanceMs: 1000,
    checkedBytesPerSecond: 2 ** 20,
    writeState: async (_, state) => {
      written.push(state)
      return undefined
    },
    report: (reports) => reported.push(reports),
    failed: (error) => failures.push(error),
  })
  for (const id of ids(1, 2, 3)) putBroker(image, id, id * 10)
  image.setTopic('goals', { topicId: 'x', replicas: [ids(1, 2), ids(2, 1), ids(2, 3)] })
  setState(image, 0, { leader: 1 as BrokerId })
  setState(image, 1, { leader: 2 as BrokerId })
  const replica = (partition: number): Replica => {
    const found = manager.get('goals', partition)
    if (found === undefined) throw new Error(`There is no replica of goals/${partition}`)
    return found
  }
  /** The last reports in short: `0 unavailable`. */
  const reports = () =>
    reported.at(-1)?.map(({ partition, status }) => `${partition} ${status.type}`)
  const open = () => {
    void manager.open()
    manager.imageChanged(ours)
  }
  return {
    clock,
    log,
    image,
    disk,
    asked,
    failures,
    written,
    checkpoint,
    manager,
    replica,
    reports,
    reported,
    open,
  }
}

/** Fetches are never answered. */
function linksThatCount(asked: BrokerId[]): { ask: (id: BrokerId, request: MqRequest) => void } {
  return {
    ask: (id, request) => {
      if (request.type === 'replicaFetch') asked.push(id)
    },
  }
}

function putBroker(image: ClusterImage, id: BrokerId, epoch: number): void {
  const directory = `d${id}` as DirectoryId
  image.setBroker({ id, host: 'h', port: 1, directory, epoch, session: id })
}

let version = 0

function setState(image: ClusterImage, partition: number, changed: Partial<PartitionState>): void {
  version += 1
  image.setState('goals', partition, {
    leader: noBroker,
    leaderEpoch: 4,
    controllerEpoch: 1,
    isr: members(1, 2),
    eligible: [],
    committed: 0,
    uncleanEpoch: -1,
    version,
    ...changed,
  })
}

/** Appends a record as leader. @returns its offset, or the error */
async function produce(replica: Replica): Promise<Offset | string> {
  const records = [{ key: null, value: Buffer.from('x'), timestampMs: 1, headers: [] }]
  const batch = encodeBatch({
    producerId: noProducer,
    producerEpoch: -1,
    baseSequence: -1,
    records,
  })
  const result = new Promise<Offset | BrokerError>((done) => {
    replica.produce({
      header: readBatchHeader(batch),
      batch,
      acks: 'leader',
      deadlineMs: 1e9,
      mayBeEarly: true,
      done,
    })
  })
  const found = await result
  return found instanceof BrokerError ? found.code : found
}

t.test('it opens the assigned replicas, and leads and follows as the states say', async (t) => {
  const { manager, replica, asked, disk, open, reports } = await world()
  open()
  t.same([...disk.logNames].sort(), [goals0, goals1])
  t.equal(manager.get('goals', 2), undefined)
  t.equal(replica(0).role.type, 'leading')
  t.match(replica(1).role, { type: 'following', leader: 2 })
  t.same(asked, [2])
  t.same(reports(), [])
})

t.test('one fetcher per leader: the new leader is asked, and the old one no longer', async (t) => {
  const { manager, image, asked, open, clock } = await world()
  setState(image, 0, { leader: 2 as BrokerId })
  open()
  t.same(asked, [2], 'both partitions in one fetch')
  setState(image, 0, { leader: 3 as BrokerId, leaderEpoch: 5, isr: members(1, 2, 3) })
  manager.imageChanged(ours)
  t.same(asked, [2], 'once per tick')
  await clock.advance(20)
  t.same(asked.slice(1).sort(), [2, 3])
  setState(image, 0, { leader: 1 as BrokerId, leaderEpoch: 6 })
  asked.length = 0
  manager.imageChanged(ours)
  await clock.advance(20)
  t.same(asked, [], 'the fetch of partition 1 continues')
})

t.test('after resigning it neither leads nor follows until the next life', async (t) => {
  const { manager, replica, open, asked, clock } = await world()
  open()
  manager.resign()
  t.same([replica(0).role.type, replica(1).role.type], ['idle', 'idle'])
  asked.length = 0
  await clock.advance(1000)
  t.same(asked, [])
  manager.imageChanged(ours)
  t.same([replica(0).role.type, replica(1).role.type], ['leading', 'following'])
  t.same(asked, [2])
})

t.test('a state that names another life of this broker does not make it lead', async (t) => {
  const { manager, replica } = await world()
  await manager.open()
  manager.imageChanged(life(1, { epoch: 11 }))
  t.equal(replica(0).role.type, 'idle')
})

t.test(
  'a partition no longer assigned to this broker is dropped, and its files stay',
  async (t) => {
    const { manager, image, open, disk } = await world()
    open()
    const dropped = manager.get('goals', 0)
    image.setTopic('goals', { topicId: 'x', replicas: [ids(3, 2), ids(2, 1), ids(2, 3)] })
    manager.imageChanged(ours)
    await settled()
    t.equal(manager.get('goals', 0), undefined)
    t.equal(dropped?.role.type, 'idle')
    t.ok(disk.log(goals0).list().length > 0)
  },
)

t.test('a topic that was created again has new replicas, in their own directories', async (t) => {
  const { manager, image, open, replica, disk } = await world()
  open()
  const before = replica(0)
  t.equal(await produce(before), 0)
  image.setTopic('goals', { topicId: 'y', replicas: [ids(1, 2)] })
  setState(image, 0, { leader: 1 as BrokerId, leaderEpoch: 0 })
  manager.imageChanged(ours)
  t.not(replica(0), before)
  t.equal(replica(0).logEnd, 0)
  t.equal(replica(0).role.type, 'leading')
  t.equal(await produce(before), 'NOT_LEADER_OR_FOLLOWER')
  t.ok(disk.logNames.includes('y-0'))
})

// --- replicas that cannot be used
// ------------------------------------------------------------------

t.test('a replica that cannot be opened is reported, and the others serve', async (t) => {
  const { replica, reports, open, disk, log, manager } = await world()
  disk.refused.set(goals1, 'EMFILE')
  t.match(await manager.open(), [
    { partition: 1, status: { type: 'unavailable', reason: /EMFILE/ } },
  ])
  open()
  t.equal(replica(0).role.type, 'leading')
  t.equal(manager.get('goals', 1), undefined)
  t.same(reports(), ['1 unavailable'])
  t.equal(log.said('error').length, 1, 'it is logged once')
})

t.test('it is retried, and then takes its role', async (t) => {
  const { clock, replica, reports, open, disk, log, manager } = await world()
  disk.refused.set(goals1, 'EMFILE')
  open()
  await clock.advance(499)
  disk.refused.clear()
  t.equal(manager.get('goals', 1), undefined)
  await clock.advance(21)
  t.equal(replica(1).role.type, 'following')
  t.same(reports(), [])
  t.ok(log.said('info').includes('A partition is available again here'))
})

t.test('it is not retried while the broker has no life', async (t) => {
  const { clock, open, disk, manager } = await world()
  disk.refused.set(goals1, 'EMFILE')
  open()
  manager.resign()
  disk.refused.clear()
  await clock.advance(2000)
  t.equal(manager.get('goals', 1), undefined)
})

/** A disk on which partition 0 has a record of epoch 4, durable and in the checkpoint. */
async function usedDisk(): Promise<MemoryDisk> {
  const { manager, checkpoint, replica, open, disk } = await world()
  open()
  t.equal(await produce(replica(0)), 0)
  await checkpoint.write(manager.checkpoints())
  await manager.close()
  return disk
}

t.test('a log that lost records below its checkpoint is damaged, for this life', async (t) => {
  const disk = await usedDisk()
  const directory = disk.log(goals0)
  for (const name of directory.list().filter((one) => one.endsWith('.segment'))) {
    directory.remove(name)
  }
  const { clock, manager, reports, open, reported } = await world(disk)
  open()
  t.same(reports(), ['0 damaged'])
  t.match(reported.at(-1)?.[0]?.status, { lastEpoch: 4 }, 'from the checkpoint')
  await clock.advance(2000)
  t.equal(manager.get('goals', 0), undefined)
})

t.test('a lost directory is created again, and is marked incomplete', async (t) => {
  const disk = await usedDisk()
  const directory = disk.log(goals0)
  for (const name of directory.list()) directory.remove(name)
  const { image, open, reports } = await world(disk)
  setState(image, 0, { leader: noBroker, isr: members(2) })
  open()
  t.same(reports(), ['0 incomplete'])
})

t.test('a directory of another partition is not used for this one', async (t) => {
  const disk = await usedDisk()
  const file = disk.log(goals0).open('partition.json')
  file.write(Buffer.from('{"version":1,"topic":"fans","partition":3,"topicId":"z"}\n\n\n\n'), 0)
  file.close()
  const { open, reported } = await world(disk)
  open()
  t.match(reported.at(-1), [
    { status: { type: 'unavailable', reason: /partition 3 of topic 'fans'/ } },
  ])
})

t.test('a state older than the log is not adopted, and a newer one is', async (t) => {
  const disk = await usedDisk()
  const { image, manager, reports, replica, open, log, clock } = await world(disk)
  setState(image, 0, { leader: 1 as BrokerId, leaderEpoch: 3 })
  open()
  manager.imageChanged(ours)
  t.equal(replica(0).role.type, 'idle', 'it would use epoch 4 a second time')
  t.same(reports(), ['0 unavailable'])
  t.equal(log.said('error').length, 1)
  setState(image, 0, { leader: 1 as BrokerId, leaderEpoch: 5 })
  manager.imageChanged(ours)
  t.equal(replica(0).role.type, 'leading')
  await clock.advance(20)
  t.same(reports(), [], 'once per tick')
})

t.test('a leader resigns when its state becomes unreadable', async (t) => {
  const { image, manager, replica, open } = await world()
  open()
  image.setBadState('goals', 0)
  manager.imageChanged(ours)
  t.equal(replica(0).role.type, 'idle')
  setState(image, 0, { leader: 1 as BrokerId, leaderEpoch: 5 })
  manager.imageChanged(ours)
  t.equal(replica(0).role.type, 'leading')
})

t.test('a report waits until its log is durable', async (t) => {
  const { clock, image, manager, reports, replica, open } = await world()
  open()
  void produce(replica(0))
  setState(image, 0, { leader: noBroker, leaderEpoch: 5 })
  manager.imageChanged(ours)
  t.same(reports(), [])
  await settled() // its fsync
  await clock.advance(20)
  t.same(reports(), ['0 whole'])
})

// --- reassignment
// ---------------------------------------------------------------------------------------

t.test('a leader learns of other replicas, and writes its ISR for that assignment', async (t) => {
  const { manager, replica, image, open } = await world()
  open()
  t.equal(replica(0).assignmentVersion, 0)
  image.setTopic('goals', { topicId: 'x', replicas: [ids(1, 2, 3), ids(2, 1), ids(2, 3)] }, 5)
  manager.imageChanged(ours)
  t.equal(replica(0).assignmentVersion, 5)
  t.equal(replica(1).assignmentVersion, 5)
})

t.test(
  'a leader takes a broker that is gone out of the ISR only if it is then alone',
  async (t) => {
    const { manager, image, written, open } = await world()
    image.setTopic('goals', { topicId: 'x', replicas: [ids(1, 2, 3), ids(2, 1), ids(2, 3)] }, 5)
    setState(image, 0, { leader: 1 as BrokerId, isr: members(1, 2, 3) })
    open()
    image.removeBroker(3 as BrokerId)
    manager.imageChanged(ours)
    t.same(written, [], 'the controller does that, together with many others')
    image.removeBroker(2 as BrokerId)
    manager.imageChanged(ours)
    t.match(written, [{ isr: members(1) }])
  },
)

t.test('a replica that is assigned again is opened when its directory is gone', async (t) => {
  const { manager, image, disk, open } = await world()
  open()
  const [removed, other] = [
    [ids(2), ids(2, 1), ids(2, 3)],
    [ids(1, 2), ids(2, 1), ids(2, 3)],
  ]
  image.setTopic('goals', { topicId: 'x', replicas: removed }, 1)
  manager.imageChanged(ours)
  t.equal(manager.get('goals', 0), undefined)
  t.ok(disk.logNames.includes(goals0), 'no list names it')
  const removal = manager.remove([goals0])
  image.setTopic('goals', { topicId: 'x', replicas: other }, 2)
  manager.imageChanged(ours)
  t.equal(manager.get('goals', 0), undefined, 'it is being removed')
  await removal
  t.equal(manager.get('goals', 0)?.logEnd, 0)
  t.ok(disk.logNames.includes(goals0))
})

// --- fatal errors and closing
// ----------------------------------------------------------------------

t.test('a checkpoint that cannot be lowered ends the process before a log is cut', async (t) => {
  const { failures, replica, manager, checkpoint, disk, open } = await world()
  open()
  await produce(replica(0))
  await checkpoint.write(manager.checkpoints())
  disk.fault = (operation) => (operation === 'create' ? new Error('ENOSPC') : null)
  await t.rejects(manager.willTruncate(replica(0), 0), { message: 'ENOSPC' })
  t.match(failures, [{ message: 'ENOSPC' }])
})

t.test('a checkpoint has what is durable and committed of each open log', async (t) => {
  const { manager, replica, open } = await world()
  open()
  await produce(replica(0))
  t.same(
    [...manager.checkpoints()],
    [
      [goals0, { durableEnd: 1, highWatermark: 0, lastEpoch: 4 }],
      [goals1, { durableEnd: 0, highWatermark: 0, lastEpoch: -1 }],
    ],
  )
})

t.test('closing ends what waits, and leaves no timer', async (t) => {
  const { manager, replica, open, clock, asked } = await world()
  open()
  const waiting = produce(replica(0))
  await manager.close()
  t.equal(await waiting, 'NOT_LEADER_OR_FOLLOWER')
  t.equal(clock.timerCount, 0)
  asked.length = 0
  await clock.advance(1000)
  t.same(asked, [])
})

t.test(
  'a log whose damage is found by a check is closed, reported and not opened again',
  async (t) => {
    const first = await world()
    first.open()
    for (let i = 0; i < 3; i++) await produce(first.replica(0))
    await first.manager.close()
    await first.checkpoint.write(first.manager.checkpoints())
    const directory = first.disk.openLog(goals0)
    const epochs = { baseEpoch: -1, starts: [{ epoch: 4, startOffset: 0 }] }
    const place = { logStart: 0, end: 3, gapsBelow: 0, compactedTo: 0 }
    const snapshot = { ...place, epochs, producers: [] }
    await new SnapshotFile(directory).write(snapshot)
    const file = directory.open('0000000000000000.segment')
    const last = Buffer.alloc(1)
    const at = 67 // in the value of the first batch
    file.read(last, at)
    file.write(Buffer.of((last[0] ?? 0) ^ 1), at)
    file.syncNow()
    const { manager, replica, reports, reported, open, clock, failures } = await world(first.disk)
    open()
    t.equal(replica(0).role.type, 'leading', 'a start does not read it')
    await clock.advance(100)
    t.equal(manager.get('goals', 0), undefined)
    t.same(reports(), ['0 damaged'])
    t.match(reported.at(-1), [{ status: { reason: /segment: damaged at byte 0/ } }])
    open()
    t.equal(manager.get('goals', 0), undefined, 'it waits for an operator')
    const { reports: reportsOfNext, open: openNext } = await world(first.disk)
    openNext()
    t.same(reportsOfNext(), ['0 damaged'], 'and so after a restart')
    t.same(failures, [])
  },
)
