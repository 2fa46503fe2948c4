import t from 'tap'
import { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import { ClusterWatch } from '../../../src/broker/cluster/cluster-watch.ts'
import { reassigned } from '../../../src/broker/cluster/topic-assignment.ts'
import {
  decodeController,
  decodeState,
  decodeTopic,
  encodeTopic,
  zkPaths,
} from '../../../src/broker/cluster/zk-paths.ts'
import { ControllerDriver } from '../../../src/broker/controller/driver.ts'
import type { Member } from '../../../src/broker/partition/partition-state.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'
import { Turn } from '../../../src/turn.ts'
import { RecordingLogger } from '../../recording-logger.ts'
import { settled, VirtualClock } from '../../virtual-clock.ts'
import {
  putBroker,
  putController,
  putLogReport,
  putState,
  putTopic,
  stateIn,
  statePath,
  topicId,
} from '../cluster/sample-znodes.ts'
import { MemoryTree, type MemoryZk } from '../memory-zk.ts'
import { ids, member } from '../partition/members.ts'

const recoveryWaitMs = 1000

/** One more candidate for controller, with the parts of its broker's session. */
async function candidate(tree: MemoryTree, broker: number) {
  const made = makeCandidate(tree, broker)
  await made.watch.start()
  await settled()
  return made
}

/** The same, stopped at a call. */
async function candidateAt(
  tree: MemoryTree,
  broker: number,
  stop: (zk: MemoryZk) => Promise<void>,
) {
  const made = makeCandidate(tree, broker)
  const stopped = stop(made.zk)
  await made.watch.start()
  await stopped
  return made
}

function makeCandidate(tree: MemoryTree, broker: number) {
  const zk = tree.session()
  const image = new ClusterImage()
  const clock = new VirtualClock()
  const log = new RecordingLogger()
  const lookedAt: (() => void)[] = []
  const watch: ClusterWatch = new ClusterWatch({
    zk,
    image,
    turn: new Turn(setImmediate),
    log,
    onChange: () => {
      for (const look of lookedAt) look()
      driver.imageChanged()
    },
  })
  const driver = new ControllerDriver({
    self: broker as BrokerId,
    zk,
    image,
    watch,
    clock,
    log,
    recoveryWaitMs,
  })
  const end = () => {
    watch.stop()
    driver.stop()
  }
  zk.once('expired', end)
  return { zk, image, clock, log, watch, driver, end, lookedAt }
}

/** Brokers 1 to 3 are alive, and the topic has no leader yet. */
function cluster(): MemoryTree {
  const tree = MemoryTree.ofCluster()
  for (const broker of [1, 2, 3]) putBroker(tree, broker)
  putTopic(tree, 2, 3, 1)
  return tree
}

function inOffice(tree: MemoryTree): BrokerId {
  const text = tree.text(zkPaths.controller)
  return text === undefined ? noBroker : decodeController(Buffer.from(text))
}

t.test(
  'the first broker becomes the controller, in a new epoch, and elects a leader',
  async (t) => {
    const tree = cluster()
    const one = await candidate(tree, 1)
    const two = await candidate(tree, 2)
    t.same([one.driver.isController, two.driver.isController], [true, false])
    t.equal(inOffice(tree), 1)
    t.equal(tree.text(zkPaths.controllerEpoch), '1')
    t.match(stateIn(tree), { leader: 2, leaderEpoch: 0, controllerEpoch: 1 })
    t.match(one.image.state('goals', 0), { leader: 2, version: 0 }, 'it knows what it wrote')
  },
)

/** Broker 4 is to have the replica of broker 1, and is in sync. */
function reassigning(): MemoryTree {
  const tree = cluster()
  putBroker(tree, 4)
  putState(tree, { isr: inSync(tree, 1, 2, 3, 4) })
  const topic = reassigned({ topicId, replicas: [ids(2, 3, 1)] }, 0, ids(2, 3, 4))
  tree.put(zkPaths.topic('goals'), encodeTopic(topic))
  return tree
}

/** In the lives in which they are registered. */
function inSync(tree: MemoryTree, ...brokers: number[]): readonly Member[] {
  return ids(...brokers).map((id) => {
    return member(id, { epoch: tree.stat(zkPaths.brokerId(id))?.czxid ?? 0 })
  })
}

const topicIn = (tree: MemoryTree) =>
  decodeTopic(Buffer.from(tree.text(zkPaths.topic('goals')) ?? ''))

t.test('a reassignment ends in one write of the state and the topic', async (t) => {
  const tree = reassigning()
  const { image } = await candidate(tree, 1)
  t.match(stateIn(tree), { leader: 2, isr: inSync(tree, 2, 3, 4) })
  t.same(topicIn(tree), { topicId, replicas: [[2, 3, 4]], leftovers: new Map([[0, [1]]]) })
  t.same(image.topics.get('goals')?.assignment.replicas, [[2, 3, 4]], 'it knows what it wrote')
})

t.test('another controller ends it when the first one was deposed', async (t) => {
  const tree = reassigning()
  const one = await candidateAt(tree, 1, (zk) => zk.stopAt('request', 'multi', statePath))
  tree.end(one.zk.sessionId)
  const two = await candidate(tree, 2)
  t.ok(two.driver.isController)
  t.same(topicIn(tree)?.replicas, [[2, 3, 4]])
  const version = tree.stat(zkPaths.topic('goals'))?.version
  one.zk.resume()
  await settled()
  t.equal(tree.stat(zkPaths.topic('goals'))?.version, version)
  t.match(stateIn(tree), { controllerEpoch: 2 })
})

for (const path of [zkPaths.topic('goals'), statePath]) {
  t.test(`a reassignment does not end if ${path} changes meanwhile`, async (t) => {
    const tree = reassigning()
    const one = await candidateAt(tree, 1, (zk) => zk.stopAt('request', 'multi', statePath))
    if (path === statePath) putState(tree, { isr: inSync(tree, 1, 2, 3) })
    else tree.put(path, encodeTopic({ topicId, replicas: [ids(2, 3, 1, 4)] }))
    one.zk.resume()
    await settled()
    t.equal(topicIn(tree)?.replicas[0]?.length, 4)
    t.equal(topicIn(tree)?.leftovers, undefined)
    t.same(stateIn(tree)?.isr, inSync(tree, ...(path === statePath ? [1, 2, 3] : [1, 2, 3, 4])))
  })
}

t.test('when its session ends another takes over, in a later epoch', async (t) => {
  const tree = cluster()
  const one = await candidate(tree, 1)
  const two = await candidate(tree, 2)
  one.zk.expire()
  await settled()
  t.same([one.driver.isController, two.driver.isController], [false, true])
  t.equal(tree.text(zkPaths.controllerEpoch), '2')
})

t.test('of two brokers that find no controller, one is elected', async (t) => {
  const tree = cluster()
  putController(tree, 9, 9)
  const [one, two] = [await candidate(tree, 1), await candidate(tree, 2)]
  const stopped = [one, two].map(({ zk }) => zk.stopAt('request', 'multi'))
  tree.end(9)
  await Promise.all(stopped) // both have read the epoch, and are about to write the next one
  two.zk.resume()
  await settled()
  one.zk.resume()
  await settled()
  t.same([one.driver.isController, two.driver.isController], [false, true])
  t.equal(tree.text(zkPaths.controllerEpoch), '1', 'the late one has not raised it')
  t.same(one.log.said('warn'), [], 'being late is no failure')
})

t.test('an election whose answer is lost counts if it succeeded', async (t) => {
  const tree = cluster()
  putController(tree, 9, 9)
  const { zk, clock, driver } = await candidate(tree, 1)
  const stopped = zk.stopAt('answer', 'multi', zkPaths.controllerEpoch)
  tree.end(9)
  await stopped
  zk.disconnect()
  await settled()
  t.notOk(driver.isController, 'it does not know yet')
  zk.reconnect()
  await clock.advance(100)
  t.ok(driver.isController)
  t.equal(tree.text(zkPaths.controllerEpoch), '1')
  t.match(stateIn(tree), { controllerEpoch: 1 })
})

t.test('an election whose request was lost is repeated', async (t) => {
  const tree = cluster()
  putController(tree, 9, 9)
  const { zk, clock, driver } = await candidate(tree, 1)
  const stopped = zk.stopAt('request', 'multi', zkPaths.controllerEpoch)
  tree.end(9)
  await stopped
  zk.disconnect()
  zk.reconnect()
  await clock.advance(100)
  t.ok(driver.isController)
  t.equal(tree.text(zkPaths.controllerEpoch), '1')
})

t.test('a controller deposed between its decision and its write writes nothing', async (t) => {
  const tree = cluster()
  const { zk, driver, log } = await candidate(tree, 1)
  const stopped = zk.stopAt('request', 'multi', statePath)
  tree.end(2)
  await stopped // broker 2 is dead, so another is to lead
  tree.delete(zkPaths.controller, -1)
  putController(tree, 3, 3)
  tree.put(zkPaths.controllerEpoch, '2')
  const before = tree.text(statePath)
  zk.resume()
  await settled()
  t.equal(tree.text(statePath), before)
  t.notOk(driver.isController)
  t.ok(log.said('warn').includes('Deposed: another controller has taken over'))
})

t.test(
  'a controller whose session ends between its decision and its write writes nothing',
  async (t) => {
    const tree = cluster()
    const { zk, driver, clock } = await candidate(tree, 1)
    const stopped = zk.stopAt('request', 'multi', statePath)
    tree.end(2)
    await stopped
    const before = tree.text(statePath)
    zk.expire()
    await settled()
    await clock.advance(10_000)
    t.equal(tree.text(statePath), before)
    t.notOk(driver.isController)
    t.equal(clock.timerCount, 0, 'nothing is retried')
  },
)

t.test('a state that changed meanwhile is read, and the decision is made again', async (t) => {
  const tree = cluster()
  const { zk } = await candidate(tree, 1)
  const made = stateIn(tree)
  const stopped = zk.stopAt('request', 'multi', statePath)
  tree.end(2)
  await stopped
  // The old leader has removed broker 1 from the ISR.
  const isr = made?.isr.filter(({ broker }) => broker !== 1) ?? []
  putState(tree, { ...made, isr })
  zk.resume()
  await settled()
  t.match(stateIn(tree), { leader: 3, leaderEpoch: 1, version: 2 })
  t.notOk(
    stateIn(tree)?.isr.some(({ broker }) => broker === 1),
    'its change is kept',
  )
})

/** A topic with a partition for each of these lists of replicas, each led by the first of them. */
async function clusterOf(...replicas: readonly BrokerId[][]) {
  const tree = MemoryTree.ofCluster()
  for (const broker of [1, 2, 3]) putBroker(tree, broker)
  tree.put(zkPaths.topic('many'), encodeTopic({ topicId: 'y', replicas }))
  tree.put(zkPaths.partitions('many'), '')
  for (const partition of replicas.keys()) tree.put(zkPaths.partition('many', partition), '')
  const one = await candidate(tree, 1)
  const leaders = () => replicas.map((_, partition) => one.image.state('many', partition)?.leader)
  const multis = () => one.zk.made.filter((call) => call.startsWith('multi ')).length
  /** How many partitions broker 3 led, each time the broker looked at the image. */
  const adopted: number[] = []
  one.lookedAt.push(() => adopted.push(leaders().filter((leader) => leader === 3).length))
  return { tree, ...one, leaders, multis, adopted }
}

t.test('the states of many partitions share few writes', async (t) => {
  const many = Array.from({ length: 250 }, () => ids(2, 3))
  const { tree, leaders, multis } = await clusterOf(...many)
  t.ok(leaders().every((leader) => leader === 2))
  const before = multis()
  tree.end(2)
  await settled()
  t.ok(leaders().every((leader) => leader === 3))
  t.equal(multis() - before, 3)
})

t.test('a written state is adopted at once, whatever is still being written', async (t) => {
  const many = Array.from({ length: 250 }, () => ids(2, 3))
  const { tree, zk, adopted, leaders } = await clusterOf(...many)
  const stopped = zk.stopAt('request', 'multi', zkPaths.state('many', 199))
  tree.end(2)
  await stopped
  await settled()
  const ledByThree = leaders().filter((leader) => leader === 3).length
  t.equal(ledByThree, 100)
  t.equal(adopted.at(-1), ledByThree, 'behind the other writes, no read has shown it')
  zk.resume()
})

t.test('a state that changed meanwhile does not hold up those that shared its write', async (t) => {
  const { tree, zk, leaders } = await clusterOf(ids(2, 3), ids(2, 3, 1), ids(2, 3))
  const changed = zkPaths.state('many', 1)
  const stopped = zk.stopAt('request', 'multi', zkPaths.state('many', 2))
  tree.end(2)
  await stopped
  const state = JSON.parse(tree.text(changed) ?? '')
  const [, two, three] = state.members
  tree.put(changed, JSON.stringify({ ...state, isr: [2, 3], members: [two, three] }))
  zk.resume()
  await settled()
  t.same(leaders(), [3, 3, 3])
  const { isr } = decodeState(Buffer.from(tree.text(changed) ?? ''), 2) ?? {}
  t.notOk(
    isr?.some(({ broker }) => broker === 1),
    'its change is kept',
  )
})

t.test('a write whose answer is lost is not made a second time', async (t) => {
  const tree = cluster()
  const { zk, clock, image } = await candidate(tree, 1)
  const stopped = zk.stopAt('answer', 'multi', statePath)
  tree.end(2)
  await stopped
  zk.disconnect()
  zk.reconnect()
  await settled()
  await clock.advance(10_000)
  t.match(stateIn(tree), { leader: 3, leaderEpoch: 1, version: 1 })
  t.equal(image.state('goals', 0)?.version, 1)
})

t.test('reports are awaited until the deadline, then the best reported log leads', async (t) => {
  const tree = MemoryTree.ofCluster()
  putTopic(tree, 1, 2, 3)
  putState(tree, { leader: noBroker })
  for (const broker of [1, 2]) {
    putBroker(tree, broker)
    putLogReport(tree, broker, { end: broker * 10 })
  }
  const { clock, driver } = await candidate(tree, 1)
  await clock.advance(recoveryWaitMs - 1)
  t.equal(stateIn(tree)?.leader, noBroker, 'broker 3 may have a longer log')
  await clock.advance(1)
  t.match(stateIn(tree), { leader: 2, leaderEpoch: 5 })
  driver.stop()
  t.equal(clock.timerCount, 0)
})

t.test('a partition that no log may lead is logged once per state', async (t) => {
  const tree = MemoryTree.ofCluster()
  putTopic(tree, 1, 2, 3)
  putState(tree, { leader: noBroker })
  putBroker(tree, 1)
  putLogReport(tree, 1, { type: 'tail-cut' })
  const { clock, log } = await candidate(tree, 1)
  const told = () => log.said('warn').filter((text) => text.includes('zw topics recover')).length
  await clock.advance(recoveryWaitMs)
  t.equal(told(), 1)
  putBroker(tree, 9) // the image changes, and this partition does not
  await clock.advance(recoveryWaitMs)
  t.equal(told(), 1)
  putState(tree, { leader: noBroker, leaderEpoch: 5 })
  putLogReport(tree, 1, { type: 'tail-cut' })
  await settled()
  await clock.advance(recoveryWaitMs)
  t.equal(told(), 2)
  t.equal(stateIn(tree)?.leader, noBroker)
})

t.test('an unexplained failure is retried after a delay', async (t) => {
  const tree = cluster()
  tree.delete(zkPaths.controllerEpoch, -1)
  const { clock, driver, log } = await candidate(tree, 1)
  await clock.advance(1000)
  t.notOk(driver.isController)
  const tries = log.said('warn').length
  t.ok(tries >= 10 && tries <= 11, `${tries} tries in a second`)
  tree.put(zkPaths.controllerEpoch, '7')
  await clock.advance(100)
  t.ok(driver.isController)
  t.equal(tree.text(zkPaths.controllerEpoch), '8')
})

t.test('a driver that is stopped during its election does not become the controller', async (t) => {
  const tree = cluster()
  putController(tree, 9, 9)
  const { zk, driver, end } = await candidate(tree, 1)
  const elected = zk.stopAt('answer', 'multi', zkPaths.controllerEpoch)
  tree.end(9)
  await elected
  end()
  zk.resume()
  await settled()
  t.notOk(driver.isController)
  t.equal(tree.text(statePath), undefined, 'nor does it write')
})
