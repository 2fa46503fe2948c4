import t from 'tap'
import { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import { ClusterWatch } from '../../../src/broker/cluster/cluster-watch.ts'
import { encodeTopic, zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'
import type { ReadOp, ReadResult } from '../../../src/protocol/zk/messages.ts'
import { Turn } from '../../../src/turn.ts'
import { RecordingLogger } from '../../recording-logger.ts'
import { settled } from '../../virtual-clock.ts'
import { MemoryTree } from '../memory-zk.ts'
import { ids } from '../partition/members.ts'
import {
  putBroker,
  putController,
  putReport,
  putState,
  putTopic,
  sampleState,
  statePath,
} from './sample-znodes.ts'

const someBroker = 7 as BrokerId

function world(tree = MemoryTree.ofCluster()) {
  const zk = tree.session()
  const image = new ClusterImage()
  const log = new RecordingLogger()
  const made = { tree, zk, image, log, changes: 0 }
  const onChange = () => {
    made.changes += 1
  }
  const watch = new ClusterWatch({ zk, image, turn: new Turn(setImmediate), log, onChange })
  return Object.assign(made, { watch })
}

/** With brokers 1 and 2, the topic, its state, and a report of broker 1. */
async function watched() {
  const one = world()
  for (const broker of [1, 2]) putBroker(one.tree, broker)
  putTopic(one.tree, 1, 2)
  putState(one.tree)
  putReport(one.tree, 1)
  putController(one.tree, 1, 1)
  await one.watch.start()
  await settled()
  one.changes = 0
  return one
}

t.test('the image is complete once it has started', async (t) => {
  const { image, tree } = await watched()
  t.same([...image.brokers.keys()], [1, 2])
  t.equal(image.brokers.get(1 as BrokerId)?.epoch, tree.stat('/brokers/ids/1')?.czxid)
  t.equal(image.controller, 1)
  t.equal(image.state('goals', 0)?.leaderEpoch, 4)
  t.match(image.standing({ topicId: 'x', partition: 0, broker: 1 as BrokerId }).status, {
    type: 'unavailable',
  })
})

t.test(
  'a changed znode is read again, with one notification for all changes of a turn',
  async (t) => {
    const one = await watched()
    putState(one.tree, { leaderEpoch: 5 })
    putBroker(one.tree, 3)
    one.tree.delete(zkPaths.brokerId(1 as BrokerId), -1)
    await settled()
    t.same([...one.image.brokers.keys()], [2, 3])
    t.match(one.image.state('goals', 0), { leaderEpoch: 5, version: 1 })
    t.equal(one.changes, 1)
  },
)

t.test('a change while a read of the same znode is in flight is not lost', async (t) => {
  const { zk, tree, image } = await watched()
  const stopped = zk.stopAt('answer', 'getData', statePath)
  putState(tree, { leaderEpoch: 5 })
  await stopped
  putState(tree, { leaderEpoch: 6 })
  zk.resume()
  await settled()
  t.match(image.state('goals', 0), { leaderEpoch: 6, version: 2 })
})

t.test('catching up waits for the reads that events began, and for no others', async (t) => {
  const { zk, tree, image, watch } = await watched()
  await watch.catchUp()
  const stopped = zk.stopAt('answer', 'getData', statePath)
  putState(tree, { leaderEpoch: 5 })
  await stopped
  let isCurrent = false
  const caughtUp = watch.catchUp().then(() => {
    isCurrent = true
  })
  await settled()
  t.notOk(isCurrent)
  zk.resume()
  await caughtUp
  t.equal(image.state('goals', 0)?.leaderEpoch, 5)
})

t.test('an answer older than a write that was answered first changes nothing', async (t) => {
  const { zk, tree, image } = await watched()
  const stopped = zk.stopAt('answer', 'getData', statePath)
  putState(tree, { leaderEpoch: 5 })
  await stopped
  image.setState('goals', 0, { ...sampleState, leaderEpoch: 6, version: 2 })
  zk.resume()
  await settled()
  t.match(image.state('goals', 0), { leaderEpoch: 6, version: 2 })
})

t.test('states that were created before their topic was known here are read with it', async (t) => {
  const one = world()
  await one.watch.start()
  const stopped = one.zk.stopAt('request', 'getData', zkPaths.topic('goals'))
  putTopic(one.tree, 1, 2)
  await stopped
  putState(one.tree)
  one.zk.resume()
  await settled()
  t.equal(one.image.state('goals', 0)?.leader, 2)
})

t.test('a broker that registers while everything is read is not taken for gone', async (t) => {
  const { zk, tree, image, watch } = await watched()
  const stopped = zk.stopAt('request', 'getChildren', zkPaths.topics)
  const reading = watch.readAll()
  await stopped // the list of brokers has been answered
  putBroker(tree, someBroker)
  await settled() // the event has arrived, and the broker is being read
  zk.resume()
  await reading
  t.ok(image.brokers.has(someBroker))
})

t.test('a znode that is gone after a reconnect is forgotten', async (t) => {
  const { zk, tree, image } = await watched()
  const report = putReport(tree, 1)
  zk.disconnect()
  for (const path of [
    zkPaths.brokerId(2 as BrokerId),
    `${zkPaths.reports}/${report}`,
    zkPaths.controller,
    statePath,
    zkPaths.partition('goals', 0),
    zkPaths.partitions('goals'),
    zkPaths.topic('goals'),
  ]) {
    tree.delete(path, -1)
  }
  putBroker(tree, 3)
  await settled()
  t.same([...image.brokers.keys()], [1, 2], 'no event arrives without a connection')
  zk.reconnect()
  await settled()
  t.same([...image.brokers.keys()], [1, 3])
  t.equal(image.topics.size, 0)
  t.equal(image.reports.size, 0)
  t.equal(image.controller, noBroker)
})

t.test('events that are lost during the start are made up for', async (t) => {
  const one = world()
  putBroker(one.tree, 1)
  const stopped = one.zk.stopAt('request', 'getChildren', zkPaths.topics)
  const starting = one.watch.start()
  await stopped // the list of brokers has been answered
  one.zk.disconnect()
  putBroker(one.tree, 2)
  one.zk.reconnect()
  await starting
  await settled()
  t.same([...one.image.brokers.keys()].sort(), [1, 2])
})

t.test('a read of one partition reflects every write before the call', async (t) => {
  const { zk, watch } = await watched()
  zk.made.length = 0
  await watch.readState('goals', 0)
  t.same(zk.made, [`sync ${statePath}`, `getData ${statePath}`])
})

t.test('states that change at the same time are read together', async (t) => {
  const { tree, zk, image } = await watched()
  const many = Array.from({ length: 150 }, () => ids(1))
  tree.put(zkPaths.topic('many'), encodeTopic({ topicId: 'y', replicas: many }))
  tree.put(zkPaths.partitions('many'), '')
  for (const partition of many.keys()) tree.put(zkPaths.partition('many', partition), '')
  await settled()
  zk.made.length = 0
  const text = tree.text(statePath) ?? ''
  for (const partition of many.keys()) tree.put(zkPaths.state('many', partition), text)
  await settled()
  t.equal(image.topics.get('many')?.states.size, 150)
  t.equal(zk.made.length, 2)
})

t.test('states that are too large together are read one by one', async (t) => {
  const { tree, zk, image } = await watched()
  const refused = async (ops: readonly ReadOp[]): Promise<ReadResult[]> =>
    ops.map(() => ({ type: 'error', code: errorCodes.BADARGUMENTS }))
  zk.multiRead = refused
  tree.put(zkPaths.topic('two'), encodeTopic({ topicId: 'y', replicas: [ids(1), ids(1)] }))
  tree.put(zkPaths.partitions('two'), '')
  for (const partition of [0, 1]) {
    tree.put(zkPaths.partition('two', partition), '')
    tree.put(zkPaths.state('two', partition), tree.text(statePath) ?? '')
  }
  await settled()
  t.equal(image.topics.get('two')?.states.size, 2)
})

t.test(
  'we are the controller if our session created the znode, whatever its content',
  async (t) => {
    const { tree, zk, watch, image } = await watched()
    tree.delete(zkPaths.controller, -1)
    putController(tree, 9, zk.sessionId)
    await settled()
    t.ok(watch.isController)
    tree.delete(zkPaths.controller, -1)
    await settled()
    t.notOk(watch.isController)
    t.equal(image.controller, noBroker)
  },
)

t.test('only an unreadable znode is unavailable, and is logged once', async (t) => {
  const { tree, image, log } = await watched()
  for (let i = 0; i < 2; i++) {
    tree.put(statePath, 'garbage')
    tree.put('/brokers/topics/other', '{}')
    await settled()
  }
  t.equal(image.state('goals', 0), undefined)
  t.ok(image.topics.has('goals'))
  t.ok(image.topicProblems.has('other'))
  t.equal(log.said('error').length, 2)
  tree.put(zkPaths.brokerId(2 as BrokerId), '{"host":"h"}')
  tree.put('/brokers/ids/x', '{}')
  tree.put(`${zkPaths.reports}/${putReport(tree, 1)}`, 'garbage')
  await settled()
  t.same([...image.brokers.keys()], [1], 'a broker without an address is not alive')
  t.equal(image.reports.size, 0)
})

t.test('once stopped it neither notifies nor reads', async (t) => {
  const one = await watched()
  const stopped = one.zk.stopAt('answer', 'getData', statePath)
  putState(one.tree, { leaderEpoch: 5 })
  await stopped
  one.watch.stop()
  one.zk.resume()
  await settled()
  one.zk.made.length = 0
  one.zk.disconnect()
  one.zk.reconnect()
  await settled()
  t.equal(one.changes, 0)
  t.same(one.zk.made, [])
})

t.test('the end of the session while a change is read is no error', async (t) => {
  const { zk, tree, log, watch } = await watched()
  const stopped = zk.stopAt('request', 'getData', statePath)
  putState(tree, { leaderEpoch: 5 })
  await stopped
  zk.expire()
  watch.stop()
  await settled()
  t.same(log.lines, [])
  await t.rejects(watch.readState('goals', 0), { code: 'SESSIONEXPIRED' })
})
