import t from 'tap'
import { membershipText } from '../../src/daemon/membership.ts'
import { ZTree } from '../../src/daemon/ztree/ztree.ts'
import type { ServerId } from '../../src/protocol/records.ts'
import { makeZxid } from '../../src/protocol/zxid.ts'

const text = membershipText([
  {
    ...{ id: 1 as ServerId, host: 'one', peerPort: 2888, electionPort: 3888 },
    role: 'participant',
    client: { host: undefined, port: 2181 },
  },
  {
    ...{ id: 2 as ServerId, host: '::1', peerPort: 2888, electionPort: 3888, client: undefined },
    role: 'observer',
  },
  {
    ...{ id: 3 as ServerId, host: '10.0.0.3', peerPort: 1, electionPort: 2 },
    role: 'participant',
    client: { host: '::', port: 2181 },
  },
])

t.test('the membership is written as in ZooKeeper', async (t) => {
  t.equal(
    text,
    [
      'server.1=one:2888:3888:participant;0.0.0.0:2181',
      'server.2=[::1]:2888:3888:observer',
      'server.3=10.0.0.3:1:2:participant;[::]:2181',
      'version=0',
    ].join('\n'),
  )
})

function shown(tree: ZTree): readonly [string, number] {
  const znode = tree.get('/zookeeper/config')
  if (znode === undefined) throw new Error('There is no configuration')
  return [Buffer.from(tree.data(znode) ?? '').toString(), tree.stat(znode).dataLength]
}

t.test('/zookeeper/config shows it, and the tree is the same for all servers', async (t) => {
  const tree = new ZTree()
  t.same(shown(tree), ['', 0])
  const { digest } = tree
  tree.showMembership(text)
  t.same(shown(tree), [text, text.length])
  t.same(tree.digest, digest)
})

t.test('once it is agreed on, its version is the mzxid that clients see', async (t) => {
  const tree = new ZTree()
  const stat = () => {
    const znode = tree.get('/zookeeper/config')
    return znode === undefined ? undefined : tree.stat(znode)
  }
  const { digest } = tree
  tree.showMembership(text, makeZxid({ epoch: 1, counter: 0 }))
  t.equal(stat()?.mzxid, 2 ** 32)
  t.equal(stat()?.czxid, 0)
  t.same(tree.digest, digest)
  tree.become(new ZTree())
  t.equal(stat()?.mzxid, 2 ** 32)
})

t.test('a tree sent by another server shows it too', async (t) => {
  const tree = new ZTree()
  tree.showMembership(text)
  tree.become(new ZTree())
  t.same(shown(tree), [text, text.length])
})
