import t from 'tap'
import { zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { decodeCommit, encodeCommit } from '../../../src/broker/group/commit-text.ts'
import { GroupClaim } from '../../../src/broker/group/group-claim.ts'
import { groupOf, znodeNameOf } from '../../../src/broker/group/group-name.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { MemoryTree } from '../memory-zk.ts'

const deposed = { code: 'NOT_COORDINATOR' }
const claimPath = zkPaths.groupCoordinator('g')

function owner(id: number) {
  return { broker: id as BrokerId, brokerEpoch: 10 * id }
}

function offsets(count: number, data = '1') {
  return Array.from({ length: count }, (_, i) => ({ path: zkPaths.groupOffset('g', 't', i), data }))
}

t.test('the last broker to claim coordinates, and the one before can write no more', async (t) => {
  const tree = MemoryTree.ofCluster()
  const [zk1, zk2] = [tree.session(), tree.session()]
  const first = await GroupClaim.take(zk1, 'g', owner(1))
  t.equal(first.generation, 0)
  await first.begin(zk1, 1)
  await first.commit(zk1, offsets(2, '5'))
  const second = await GroupClaim.take(zk2, 'g', owner(2))
  t.equal(second.generation, 1)
  await t.rejects(first.commit(zk1, offsets(2, '6')), deposed)
  await t.rejects(first.commit(zk1, offsets(3, '6')), deposed, 'nor new offsets')
  await t.rejects(first.begin(zk1, 2), deposed)
  await t.rejects(first.remove(zk1), deposed)
  t.equal(tree.text(zkPaths.groupOffset('g', 't', 0)), '5')
  t.equal(tree.text(zkPaths.groupOffset('g', 't', 2)), undefined)
  await second.begin(zk2, 2)
  await second.commit(zk2, offsets(1, '7'))
  t.equal(tree.text(zkPaths.groupOffset('g', 't', 0)), '7')
  t.match(JSON.parse(tree.text(claimPath) ?? ''), {
    brokerid: 2,
    broker_epoch: 20,
    generation: 2,
  })
})

t.test('of two brokers that claim at once, one is deposed', async (t) => {
  const tree = MemoryTree.ofCluster()
  const sessions = [tree.session(), tree.session()] as const
  const claims = await Promise.all(sessions.map((zk, i) => GroupClaim.take(zk, 'g', owner(i))))
  const outcomes = await Promise.allSettled(
    claims.map((claim, i) => claim.commit(sessions[i] ?? sessions[0], offsets(1, `${i}`))),
  )
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
})

t.test('a deleted claim is void', async (t) => {
  const tree = MemoryTree.ofCluster()
  const zk = tree.session()
  const claim = await GroupClaim.take(zk, 'g', owner(1))
  await zk.delete(claimPath)
  await t.rejects(claim.commit(zk, offsets(1)), deposed)
  await t.rejects(claim.begin(zk, 1), deposed)
})

t.test('many offsets are written in few multis, also when repeated', async (t) => {
  const tree = MemoryTree.ofCluster()
  const zk = tree.session()
  const claim = await GroupClaim.take(zk, 'g', owner(1))
  for (const data of ['1', '2']) {
    const before = zk.made.length
    await claim.commit(zk, offsets(1200, data))
    const multis = zk.made.slice(before).filter((call) => call.startsWith('multi'))
    t.equal(multis.length, 3, 'at most 500 each')
    t.ok(offsets(1200).every(({ path }) => tree.text(path) === data))
  }
  const before = zk.made.length
  await claim.commit(zk, offsets(100, 'x'.repeat(4096)))
  t.equal(zk.made.length - before, 2, 'at most 256 KiB each; known znodes are not looked up')
})

t.test('an offset znode that another writer deletes or creates is still written', async (t) => {
  const tree = MemoryTree.ofCluster()
  const zk = tree.session()
  const claim = await GroupClaim.take(zk, 'g', owner(1))
  await claim.commit(zk, offsets(2))
  await zk.delete(zkPaths.groupOffset('g', 't', 1))
  await claim.commit(zk, offsets(2, '3'))
  t.equal(tree.text(zkPaths.groupOffset('g', 't', 1)), '3')
  const reached = zk.stopAt('request', 'multi')
  const committing = claim.commit(zk, offsets(3, '4'))
  await reached
  await tree.session().create(zkPaths.groupOffset('g', 't', 2), '9')
  zk.resume()
  await committing
  t.equal(tree.text(zkPaths.groupOffset('g', 't', 2)), '4')
})

t.test('a group is deleted with everything stored for it', async (t) => {
  const tree = MemoryTree.ofCluster()
  const zk = tree.session()
  const claim = await GroupClaim.take(zk, 'g', owner(1))
  await claim.commit(zk, offsets(3))
  await claim.remove(zk)
  t.equal(tree.text(zkPaths.group('g')), undefined)
  t.same((await zk.getChildren(zkPaths.consumers)).children, [])
})

const commits = [
  { value: { offset: 42, leaderEpoch: -1, metadata: '' }, text: '42' },
  {
    value: { offset: 0, leaderEpoch: 0, metadata: '' },
    text: '0\n{"leader_epoch":0,"metadata":""}',
  },
  {
    value: { offset: 7, leaderEpoch: -1, metadata: 'a\nb' },
    text: '7\n{"leader_epoch":-1,"metadata":"a\\nb"}',
  },
]
for (const { value, text } of commits) {
  t.test(`a commit as text: ${JSON.stringify(text)}`, async (t) => {
    t.equal(encodeCommit(value), text)
    t.same(decodeCommit(Buffer.from(text)), value)
  })
}

t.test('invalid data is not a commit', async (t) => {
  for (const text of ['', 'x', '-1', '\n{}', '1 2', '99999999999999999']) {
    t.equal(decodeCommit(Buffer.from(text)), undefined, JSON.stringify(text))
  }
  t.equal(decodeCommit(null), undefined)
  const plain = { offset: 5, leaderEpoch: -1, metadata: '' }
  t.same(decodeCommit(Buffer.from('5\nnot json')), plain, 'the offset is still valid')
})

t.test('group ids survive escaping as znode names', async (t) => {
  const names = ['fans', 'a.b_c-d', '..', '.', 'a/b', 'ä', '%41', "!'()*~", 'a b', '...']
  for (const name of names) {
    const znode = znodeNameOf(name)
    t.match(znode, /^[\w.%-]+$/)
    t.not(znode, '.')
    t.not(znode, '..')
    t.equal(groupOf(znode), name)
  }
  t.equal(znodeNameOf('a.b_c-d'), 'a.b_c-d', 'ids of the native protocol need no escape')
  t.equal(groupOf('%'), undefined)
  t.equal(groupOf('a b'), undefined)
  for (const bad of ['', 'x'.repeat(250), 'ä'.repeat(84)]) {
    t.throws(() => znodeNameOf(bad), { code: 'INVALID_GROUP_ID' })
  }
})
