import t from 'tap'
import {
  groupsIn,
  membershipText,
  parseMembers,
  votersOf,
} from '../../../src/daemon/membership/membership.ts'
import { ZTree } from '../../../src/daemon/ztree/ztree.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { makeZxid } from '../../../src/protocol/zxid.ts'

const text = membershipText({
  servers: [
    {
      id: 1 as ServerId,
      addresses: [{ host: 'one', peerPort: 2888, electionPort: 3888 }],
      role: 'participant',
      client: { host: undefined, port: 2181 },
    },
    {
      id: 2 as ServerId,
      addresses: [
        { host: '::1', peerPort: 2888, electionPort: 3888 },
        { host: '10.0.0.2', peerPort: 2889, electionPort: 3889 },
      ],
      ...{ role: 'observer', client: undefined },
    },
    {
      id: 3 as ServerId,
      addresses: [{ host: '10.0.0.3', peerPort: 1, electionPort: 2 }],
      role: 'participant',
      client: { host: '::', port: 2181 },
    },
  ],
  groups: undefined,
})

t.test('the membership is written as in ZooKeeper', async (t) => {
  t.equal(
    text,
    [
      'server.1=one:2888:3888:participant;0.0.0.0:2181',
      'server.2=10.0.0.2:2889:3889|[::1]:2888:3888:observer',
      'server.3=10.0.0.3:1:2:participant;[::]:2181',
      'version=0',
    ].join('\n'),
  )
})

const lines = (...ids: number[]) => ids.map((id) => `server.${id}=h${id}:2888:3888`)

t.test('groups and weights are read and written as in ZooKeeper', async (t) => {
  const grouped = [...lines(1, 2, 3, 4), 'group.2=3:4', 'group.1=2:1', 'weight.2=0', 'weight.3=5']
  const members = parseMembers(grouped.join('\n'))
  t.ok(members)
  if (members === undefined) return
  t.equal(
    membershipText(members),
    [
      ...lines(1, 2, 3, 4).map((line) => `${line}:participant`),
      ...['group.1=1:2', 'group.2=3:4'],
      ...['weight.1=1', 'weight.2=0', 'weight.3=5', 'weight.4=1', 'version=0'],
    ].join('\n'),
  )
  t.same(votersOf(members), [1, 3, 4], 'a server without weight does not vote')
  t.same(groupsIn(grouped.join('\n')), [
    [{ voter: 1, weight: 1 }],
    [
      { voter: 3, weight: 5 },
      { voter: 4, weight: 1 },
    ],
  ])
  t.equal(groupsIn(lines(1, 2).join('\n')), undefined, 'a majority decides')
})

const wrong = [
  { name: 'a server in two groups', text: [...lines(1, 2), 'group.1=1:2', 'group.2=2'] },
  { name: 'a server in no group', text: [...lines(1, 2), 'group.1=1'] },
  { name: 'an observer in a group', text: [...lines(1), `${lines(2)}:observer`, 'group.1=1:2'] },
  { name: 'a group of a server that is not there', text: [...lines(1), 'group.1=1:2'] },
  { name: 'a weight without groups', text: [...lines(1, 2), 'weight.1=2'] },
  { name: 'no weight at all', text: [...lines(1), 'group.1=1', 'weight.1=0'] },
  { name: 'a weight below 0', text: [...lines(1), 'group.1=1', 'weight.1=-1'] },
  { name: 'two roles', text: ['server.1=a:1:2:observer|b:1:2:participant'] },
  { name: 'an empty address', text: ['server.1=a:1:2|'] },
  { name: 'a line twice', text: [...lines(1), ...lines(1)] },
]
for (const { name, text } of wrong) {
  t.test(`no configuration: ${name}`, async (t) => {
    t.equal(parseMembers(text.join('\n')), undefined)
  })
}

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
