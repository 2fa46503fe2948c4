import t from 'tap'
import { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import { encodeMark } from '../../../src/broker/cluster/identity.ts'
import type { ReplicaReport } from '../../../src/broker/cluster/replica-status.ts'
import { encodeTopic, zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { DataDir } from '../../../src/broker/data-dir.ts'
import { BrokerSession } from '../../../src/broker/session/session.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { decodeRegistration } from '../../../src/protocol/mq/registration.ts'
import { Turn } from '../../../src/turn.ts'
import { RecordingLogger } from '../../recording-logger.ts'
import { settled, VirtualClock } from '../../virtual-clock.ts'
import {
  putBroker,
  putController,
  putState,
  putTopic,
  stateIn,
  statePath,
  topicId,
} from '../cluster/sample-znodes.ts'
import { MemoryDisk } from '../memory-disk.ts'
import { MemoryTree } from '../memory-zk.ts'
import { ids } from '../partition/members.ts'
import { testSecret } from '../test-secret.ts'

const id = 1 as BrokerId
const idPath = zkPaths.brokerId(id)
const place = { topic: 'goals', partition: 0, assignmentVersion: 0 }

let uuidCount = 0
const makeUuid = () => `uuid${++uuidCount}`

interface Parts {
  readonly tree: MemoryTree
  readonly disk: MemoryDisk
  readonly image: ClusterImage
}

/** The session of broker 1. Another broker is the controller, so it writes no states by itself. */
function session(changed: Partial<Parts> = {}) {
  const { tree = otherwiseIdle(), disk = new MemoryDisk(), image = new ClusterImage() } = changed
  const zk = tree.session()
  const clock = new VirtualClock()
  const log = new RecordingLogger()
  const dataDir = new DataDir(disk, id, makeUuid)
  const reports: ReplicaReport[] = []
  const seen = { changes: 0, expired: 0, opened: 0 }
  const made = new BrokerSession({
    id,
    zk,
    secret: testSecret,
    sessionTimeoutMs: 10_000,
    registrationPatienceMs: 10_000,
    endpoint: { host: 'h', port: 9092 },
    dataDir,
    recoveryWaitMs: 1000,
    image,
    clock,
    turn: new Turn(setImmediate),
    makeUuid,
    log,
    openReplicas: async () => {
      seen.opened += 1
      return reports
    },
    onComplete: () => undefined,
    onChange: () => {
      seen.changes += 1
    },
    onExpired: () => {
      seen.expired += 1
    },
  })
  return { tree, disk, image, zk, clock, log, dataDir, reports, seen, session: made }
}

function otherwiseIdle(): MemoryTree {
  const tree = MemoryTree.ofCluster()
  putBroker(tree, 9)
  putController(tree, 9, 9)
  return tree
}

/** An open session, with a partition whose state it may write. */
async function opened() {
  const one = session()
  putTopic(one.tree, 1, 9)
  putState(one.tree)
  const { life } = await one.session.open()
  await settled()
  const state = one.image.state('goals', 0)
  if (state === undefined) throw new Error('The image has no state')
  return { ...one, life, state }
}

t.test('it enters the cluster in an order that is safe against elections', async (t) => {
  const one = session()
  one.reports.push({
    ...place,
    topicId,
    status: { type: 'unavailable', reason: 'EMFILE', lastEpoch: 4, highWatermark: 5 },
  })
  const { clusterId, life } = await one.session.open()
  t.equal(JSON.parse(one.tree.text(zkPaths.clusterId) ?? '').id, clusterId)
  t.match(life, { directory: one.dataDir.directoryId, brokerEpoch: one.tree.stat(idPath)?.czxid })
  const mark = zkPaths.mark(life.directory)
  const steps = [
    `create ${zkPaths.clusterId}`,
    `addWatch ${zkPaths.topics}`,
    `getChildren ${zkPaths.topics}`, // the image is read before replicas are opened by it
    `getData ${mark}`, // an old copy takes its new identity before it registers with one
    `create ${zkPaths.report({ ...place, topicId, broker: id })}`, // other brokers see it only with its reports
    `create ${idPath}`,
    `create ${mark}`,
  ]
  t.same(
    one.zk.made
      .filter((made) => steps.includes(made))
      .filter((made, i, all) => all.indexOf(made) === i),
    steps,
  )
  t.equal(one.dataDir.clusterId, clusterId)
  t.equal(one.image.brokers.get(id)?.epoch, life.brokerEpoch, 'it sees itself')
})

t.test('the broker sees changes once it is registered, and not before', async (t) => {
  const one = session()
  const stopped = one.zk.stopAt('answer', 'create', idPath)
  const opening = one.session.open()
  await stopped
  t.equal(one.session.membership, undefined)
  t.equal(one.seen.changes, 0)
  one.zk.resume()
  await opening
  await settled()
  t.ok(one.seen.changes > 0)
})

t.test('an old copy of a directory registers with its new identity', async (t) => {
  const disk = new MemoryDisk()
  const before = session({ disk })
  await before.session.open()
  const { clusterId, directoryId } = before.dataDir
  if (directoryId === undefined || clusterId === undefined) throw new Error('It has no identity')
  await before.session.close()
  const tree = otherwiseIdle()
  tree.put(zkPaths.clusterId, JSON.stringify({ id: clusterId }))
  tree.put(zkPaths.mark(directoryId), encodeMark({ life: 10 ** 6, counter: 0 }))
  const one = session({ disk, tree })
  const { life } = await one.session.open()
  t.not(life.directory, directoryId)
  t.equal(decodeRegistration(Buffer.from(tree.text(idPath) ?? ''))?.directory, life.directory)
})

t.test('a directory of another cluster does not enter this one', async (t) => {
  const disk = new MemoryDisk()
  await session({ disk }).session.open()
  const tree = otherwiseIdle()
  tree.put(zkPaths.clusterId, '{"id":"another"}')
  const one = session({ disk, tree })
  await t.rejects(one.session.open(), { name: 'DataDirError' })
  t.equal(tree.stat(idPath), undefined)
  t.equal(one.seen.opened, 0)
})

t.test('a longer session than requested causes a warning', async (t) => {
  const one = session()
  one.zk.sessionTimeoutMs = 10_001
  await one.session.open()
  t.match(one.log.lines[0], { level: 'warn', fields: { asked: 10_000, got: 10_001 } })
})

const waits = [
  { name: 'connect', path: '' },
  { name: 'create', path: zkPaths.brokers },
  { name: 'sync', path: zkPaths.brokers },
  { name: 'getChildren', path: zkPaths.brokerIds },
  { name: 'create', path: idPath },
  { name: 'exists', path: idPath },
] as const
for (const { name, path } of waits) {
  t.test(
    `a session that expires at '${name} ${path}' fails at once, whatever it waits for`,
    async (t) => {
      const one = session()
      const stopped = one.zk.stopAt('request', name, path)
      const failed = t.rejects(one.session.open(), { code: 'SESSIONEXPIRED' })
      await stopped
      one.zk.expire()
      await failed
      t.equal(one.seen.expired, 1)
      t.equal(one.session.membership, undefined)
      await one.session.close()
      await settled()
      t.equal(one.clock.timerCount, 0)
    },
  )
}

t.test('waiting for an earlier session of its id fails when its own session expires', async (t) => {
  const one = session()
  putBroker(one.tree, id, 77)
  const failed = t.rejects(one.session.open(), { code: 'SESSIONEXPIRED' })
  await settled()
  one.zk.expire()
  await failed
  t.equal(one.seen.opened, 0)
})

t.test('an expired session is no longer a member, and neither notifies nor writes', async (t) => {
  const one = await opened()
  one.zk.expire()
  t.equal(one.session.membership, undefined)
  t.equal(one.seen.expired, 1)
  const { changes } = one.seen
  putBroker(one.tree, 3)
  one.session.report([])
  await settled()
  t.equal(one.seen.changes, changes)
  t.equal(await one.session.writeState(place, one.state), undefined)
  await one.session.raiseMark()
})

t.test('a closed session leaves at once, without being treated as expired', async (t) => {
  const one = await opened()
  await one.session.close()
  t.equal(one.tree.stat(idPath), undefined)
  t.equal(one.session.membership, undefined)
  t.equal(one.seen.expired, 0)
})

t.test('the mark rises with the life', async (t) => {
  const one = await opened()
  const mark = () => one.tree.text(zkPaths.mark(one.life.directory))
  const first = mark()
  t.equal(first, encodeMark({ life: one.life.brokerEpoch, counter: 0 }))
  await one.session.raiseMark()
  t.equal(mark(), encodeMark({ life: one.life.brokerEpoch, counter: 1 }))
})

t.test('a broker reads every write made before its call', async (t) => {
  const one = await opened()
  one.zk.made.length = 0
  putState(one.tree, { leaderEpoch: 5 })
  one.tree.put(zkPaths.topic('new'), encodeTopic({ topicId: 'y', replicas: [ids(1)] }))
  await one.session.readChanges()
  t.equal(one.zk.made[0], `sync ${zkPaths.brokerIds}`)
  t.equal(one.image.state('goals', 0)?.leaderEpoch, 5)
  t.ok(one.image.topics.has('new'))
})

t.test('what has not changed is not read to know every write', async (t) => {
  const one = await opened()
  one.zk.made.length = 0
  await one.session.readChanges()
  t.same(one.zk.made, [`sync ${zkPaths.brokerIds}`])
})

t.test('which topics there are is read without the states of those that are known', async (t) => {
  const one = await opened()
  one.zk.made.length = 0
  const path = zkPaths.topic('new')
  one.tree.put(path, encodeTopic({ topicId: 'y', replicas: [ids(1)] }))
  one.tree.put(zkPaths.brokerId(3 as BrokerId), 'not an address')
  await one.session.readMembers()
  t.ok(one.image.topics.has('new'))
  t.ok(one.zk.made.includes(`getData ${path}`))
  t.notOk(one.zk.made.some((call) => call.includes(zkPaths.topic('goals'))))
})

t.test('named topics are read with their states and reports, and no others', async (t) => {
  const one = await opened()
  putTopic(one.tree, 1, 2)
  one.tree.put(zkPaths.topic('other'), encodeTopic({ topicId: 'y', replicas: [ids(1)] }))
  await one.session.readChanges()
  one.zk.made.length = 0
  await one.session.readTopics(['goals', 'goals', 'none'])
  t.equal(one.zk.made[0], `sync ${zkPaths.brokerIds}`)
  const report = zkPaths.report({ topicId, partition: 0, broker: 2 as BrokerId })
  for (const path of [zkPaths.topic('goals'), statePath, idPath, report, zkPaths.topic('none')]) {
    t.equal(one.zk.made.filter((call) => call.endsWith(` ${path}`)).length, 1, path)
  }
  t.notOk(one.zk.made.some((call) => call.includes('other')))
  t.notOk(one.zk.made.includes(`getChildren ${zkPaths.topics}`), 'nor which there are')
})

// --- writes of an ISR
// ------------------------------------------------------------------------------

t.test('a written state is in force with its new version', async (t) => {
  const one = await opened()
  const wanted = { ...one.state, isr: one.state.isr.slice(0, 2) }
  t.same(await one.session.writeState(place, wanted), { ...wanted, version: 1 })
  t.same(stateIn(one.tree), { ...wanted, version: 1 })
  t.same(one.image.state('goals', 0), { ...wanted, version: 1 })
})

t.test(
  'a state that another has changed is not overwritten: the other one is in force',
  async (t) => {
    const one = await opened()
    const stopped = one.zk.stopAt('request', 'multi', statePath)
    const written = one.session.writeState(place, { ...one.state, isr: [] })
    await stopped
    putState(one.tree, { leaderEpoch: 5 })
    one.zk.resume()
    t.match(await written, { leaderEpoch: 5, version: 1 })
    t.equal(one.image.state('goals', 0)?.leaderEpoch, 5)
  },
)

t.test('no state is written for replicas that the topic no longer has', async (t) => {
  const one = await opened()
  const stopped = one.zk.stopAt('request', 'multi', statePath)
  const written = one.session.writeState(place, { ...one.state, isr: one.state.isr.slice(0, 2) })
  await stopped
  putTopic(one.tree, 1, 2)
  one.zk.resume()
  t.same(await written, one.state)
  t.same(stateIn(one.tree), one.state)
  t.same(one.image.topics.get('goals')?.assignment.replicas, [[1, 2]], 'the new ones are known')
})

for (const at of ['request', 'answer'] as const) {
  t.test(`what is in force after a write that broke at its ${at} is read`, async (t) => {
    const one = await opened()
    const stopped = one.zk.stopAt(at, 'multi', statePath)
    const wanted = { ...one.state, isr: one.state.isr.slice(0, 2) }
    const written = one.session.writeState(place, wanted)
    await stopped
    one.zk.disconnect()
    one.zk.reconnect()
    const inForce = await written
    t.same(inForce, stateIn(one.tree))
    t.equal(inForce?.version, at === 'answer' ? 1 : 0)
  })
}

t.test('no state is in force if the session ends during the read', async (t) => {
  const one = await opened()
  const stopped = one.zk.stopAt('answer', 'multi', statePath)
  const written = one.session.writeState(place, one.state)
  await stopped
  one.zk.disconnect()
  await settled()
  one.zk.expire()
  await one.clock.advance(50)
  t.equal(await written, undefined)
})

t.test('a state that was removed is not in force', async (t) => {
  const one = await opened()
  const stopped = one.zk.stopAt('request', 'multi', statePath)
  const written = one.session.writeState(place, one.state)
  await stopped
  one.tree.delete(statePath, -1)
  one.zk.resume()
  t.equal(await written, undefined)
})
