import t from 'tap'
import { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import {
  decodeDeletedTopic,
  encodeDeletedTopic,
} from '../../../src/broker/cluster/deleted-topics.ts'
import { zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { TopicRemoval } from '../../../src/broker/replication/topic-removal.ts'
import { silentLogger } from '../../../src/logger.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { settled, VirtualClock } from '../../virtual-clock.ts'
import { MemoryTree } from '../memory-zk.ts'
import { ids } from '../partition/members.ts'

const path = zkPaths.deletedTopic('x')

/** Broker 1, after topic `goals` with two partitions was deleted. */
function world(brokers: BrokerId[]) {
  const tree = MemoryTree.ofCluster()
  const image = new ClusterImage()
  const clock = new VirtualClock()
  const removed: (readonly string[])[] = []
  const failures: Error[] = []
  const zk = tree.session()
  const removal = new TopicRemoval({
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
    const text = tree.text(path)
    const version = tree.stat(path)?.version ?? 0
    const found =
      text === undefined ? undefined : decodeDeletedTopic('x', Buffer.from(text), version)
    if (found === undefined) image.deleted.delete('x')
    else image.deleted.set('x', found)
    removal.imageChanged()
  }
  tree.put(path, encodeDeletedTopic({ topic: 'goals', partitionCount: 2, brokers }))
  return { tree, image, clock, removed, failures, zk, removal, read }
}

t.test('the directories of all partitions go, then the broker’s name in the znode', async (t) => {
  const one = world(ids(1, 2))
  one.read()
  await settled()
  t.same(one.removed, [['x-0', 'x-1']])
  t.match(one.tree.text(path), /"brokers":\[2\]/)
  one.read()
  await settled()
  t.equal(one.removed.length, 1)
})

t.test('the last broker deletes the znode', async (t) => {
  const one = world(ids(1))
  one.read()
  await settled()
  t.equal(one.tree.text(path), undefined)
})

t.test('nothing is removed while the image has a topic with this id', async (t) => {
  const one = world(ids(1))
  one.image.setTopic('goals', { topicId: 'x', replicas: [ids(1)] })
  one.read()
  await settled()
  t.same(one.removed, [])
  one.image.setTopic('goals', { topicId: 'y', replicas: [ids(1)] })
  one.read()
  await settled()
  t.equal(one.removed.length, 1, 'the name alone does not matter')
})

t.test('another broker that was faster is not put back', async (t) => {
  const one = world(ids(1, 2))
  const stopped = one.zk.stopAt('request', 'setData')
  one.read()
  await stopped
  one.tree.put(path, encodeDeletedTopic({ topic: 'goals', partitionCount: 2, brokers: ids(1) }))
  one.zk.resume()
  await settled()
  t.match(one.tree.text(path), /"brokers":\[1\]/)
  one.read()
  await settled()
  t.equal(one.tree.text(path), undefined)
})

t.test('another broker was faster, and the image showed it while ours was under way', async (t) => {
  const one = world(ids(1, 2))
  const stopped = one.zk.stopAt('request', 'setData')
  one.read()
  await stopped
  one.tree.put(path, encodeDeletedTopic({ topic: 'goals', partitionCount: 2, brokers: ids(1) }))
  one.read()
  one.zk.resume()
  await settled()
  t.equal(one.tree.text(path), undefined)
})

t.test('a removal that failed is repeated, and the znode waits for it', async (t) => {
  const one = world(ids(1))
  one.failures.push(new Error('EIO'))
  one.read()
  await settled()
  t.ok(one.tree.text(path))
  await one.clock.advance(1000)
  await settled()
  t.same(one.removed, [['x-0', 'x-1']])
  t.equal(one.tree.text(path), undefined)
})

t.test('once closed it begins nothing', async (t) => {
  const one = world(ids(1))
  one.removal.close()
  one.read()
  await settled()
  t.same(one.removed, [])
  t.equal(one.clock.timerCount, 0)
})
