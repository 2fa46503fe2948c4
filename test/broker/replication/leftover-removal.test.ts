import t from 'tap'
import { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import type { TopicAssignment } from '../../../src/broker/cluster/topic-assignment.ts'
import { decodeTopic, encodeTopic, zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { LeftoverRemoval } from '../../../src/broker/replication/leftover-removal.ts'
import { silentLogger } from '../../../src/logger.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { settled, VirtualClock } from '../../virtual-clock.ts'
import { MemoryTree } from '../memory-zk.ts'
import { ids } from '../partition/members.ts'

const path = zkPaths.topic('goals')

/** Broker 1, after partitions of `goals` were reassigned. */
function world(leftovers: [number, BrokerId[]][]) {
  const tree = MemoryTree.ofCluster()
  const image = new ClusterImage()
  const clock = new VirtualClock()
  const removed: (readonly string[])[] = []
  const failures: Error[] = []
  let zk: ReturnType<typeof tree.session> | undefined = tree.session()
  const removal = new LeftoverRemoval({
    self: 1 as BrokerId,
    image,
    replicas: {
      remove: async (names) => {
        const [failure] = failures.splice(0, 1)
        if (failure !== undefined) throw failure
        removed.push(names)
      },
    },
    clock,
    log: silentLogger,
    zk: () => zk,
  })
  const read = () => {
    const found = decodeTopic(Buffer.from(tree.text(path) ?? ''))
    if (found === undefined) image.removeTopic('goals')
    else image.setTopic('goals', found, tree.stat(path)?.version)
    removal.imageChanged()
  }
  const put = (changed: Partial<TopicAssignment>) => {
    const replicas = [ids(2), ids(3), ids(2)]
    const text = encodeTopic({ topicId: 'x', replicas, leftovers: new Map(leftovers), ...changed })
    tree.put(path, text)
  }
  put({})
  const left = () => decodeTopic(Buffer.from(tree.text(path) ?? ''))?.leftovers
  const hasSession = (has: boolean) => {
    zk = has ? tree.session() : undefined
  }
  return { tree, image, clock, removed, failures, removal, read, put, left, hasSession }
}

t.test('its directories go, then its name in the lists', async (t) => {
  const one = world([
    [0, ids(1)],
    [2, ids(1, 3)],
  ])
  one.read()
  await settled()
  t.same(one.removed, [['x-0', 'x-2']])
  t.same([...(one.left() ?? [])], [[2, [3]]])
  one.read()
  await settled()
  t.equal(one.removed.length, 1)
})

t.test('a broker that is in no list removes nothing', async (t) => {
  const one = world([[0, ids(3)]])
  one.read()
  await settled()
  t.same(one.removed, [])
})

t.test('while the lists change, it removes again and tries again', async (t) => {
  const one = world([[0, ids(1)]])
  one.read()
  one.put({
    leftovers: new Map([
      [0, ids(1)],
      [1, ids(1)],
    ]),
  })
  await settled()
  t.same(one.removed, [['x-0']])
  t.equal(one.left()?.size, 2, 'its write was for another version')
  one.read()
  await settled()
  t.same(one.removed, [['x-0'], ['x-0', 'x-1']])
  t.equal(one.left(), undefined)
})

t.test('a disk that fails, or a session that is over, is tried again', async (t) => {
  const one = world([[0, ids(1)]])
  one.failures.push(new Error('EIO'))
  one.read()
  await settled()
  t.equal(one.left()?.size, 1)
  one.hasSession(false)
  await one.clock.advance(200)
  t.same(one.removed, [['x-0']])
  t.equal(one.left()?.size, 1)
  one.hasSession(true)
  await one.clock.advance(200)
  t.equal(one.left(), undefined)
})

t.test('a topic that is deleted meanwhile ends it', async (t) => {
  const one = world([[0, ids(1)]])
  one.read()
  one.tree.delete(path, -1)
  await settled()
  one.read()
  await one.clock.advance(1000)
  t.same(one.removed, [['x-0']])
  t.equal(one.clock.timerCount, 0)
})

t.test('once closed it begins nothing', async (t) => {
  const one = world([[0, ids(1)]])
  one.failures.push(new Error('EIO'))
  one.read()
  await settled()
  one.removal.close()
  await one.clock.advance(1000)
  t.same(one.removed, [])
  t.equal(one.clock.timerCount, 0)
})
