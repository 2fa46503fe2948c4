import t from 'tap'
import { openTreeDatabase } from '../../../src/daemon/storage/real-disk.ts'
import { TreeStore } from '../../../src/daemon/storage/tree-store.ts'
import { sameDigest } from '../../../src/daemon/ztree/digest.ts'
import { parseLimits } from '../../../src/daemon/ztree/quotas.ts'
import { ZTree } from '../../../src/daemon/ztree/ztree.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import type { SessionId } from '../../../src/protocol/records.ts'
import { Random } from '../../../src/random.ts'
import { Turn } from '../../../src/turn.ts'
import { ManualClock } from '../fake-client.ts'
import { create, image, multi, remove, setData, TreeWorld } from '../tree-world.ts'

for (const { text, want } of [
  { text: null, want: {} },
  { text: '', want: {} },
  { text: 'count=5,bytes=-1', want: { count: 5 } },
  { text: 'count=5,bytes=70', want: { count: 5, bytes: 70 } },
  {
    text: 'count=1,bytes=2=;byteHardLimit=3;countHardLimit=4',
    want: { count: 1, bytes: 2, bytesHard: 3, countHard: 4 },
  },
  { text: 'count=,bytes=', want: {} },
  { text: 'bytes=0', want: { bytes: 0 } },
  { text: 'count=many,,;=5;bytes', want: {} },
  { text: 'constructor=1,count=9', want: { count: 9 } },
]) {
  t.test(`limits in '${text}'`, async (t) => {
    const none = { count: -1, bytes: -1, countHard: -1, bytesHard: -1 }
    t.same(parseLimits(text === null ? null : Buffer.from(text)), { ...none, ...want })
  })
}

const limitsOf = (path: string): string => `/zookeeper/quota${path}/zookeeper_limits`
const statsOf = (path: string): string => `/zookeeper/quota${path}/zookeeper_stats`

/** As `setquota` does: parents, limits, stats. */
function setQuota(w: TreeWorld, session: SessionId, path: string, limits: string): void {
  const names = path.split('/').slice(1)
  for (let i = 1; i <= names.length; i++) {
    w.request(session, create(`/zookeeper/quota/${names.slice(0, i).join('/')}`))
  }
  w.request(session, create(limitsOf(path), limits))
  w.request(session, create(statsOf(path), 'count=0,bytes=0'))
}

function shown(tree: ZTree, path: string): string | undefined {
  const znode = tree.get(path)
  const data = znode && tree.data(znode)
  if (znode === undefined || data == null) return undefined
  if (tree.stat(znode).dataLength !== data.length) return 'another length'
  return Buffer.from(data).toString()
}

function world(): { w: TreeWorld; session: SessionId } {
  const w = new TreeWorld()
  const session = w.open()
  for (const [path, data] of [
    ['/a', 'one'],
    ['/a/b', 'three'],
    ['/a/b/c', ''],
    ['/ab', 'not below /a'],
  ] as const) {
    w.request(session, create(path, data))
  }
  return { w, session }
}

t.test('the stats show the usage as it changes; their version and times stay', async (t) => {
  const { w, session } = world()
  setQuota(w, session, '/a', 'count=-1,bytes=-1')
  const stat = () => w.tree.stat(w.tree.get(statsOf('/a')) as never)
  const before = stat()
  t.equal(shown(w.tree, statsOf('/a')), 'count=3,bytes=8')
  w.request(session, create('/a/b/d', '12'))
  t.equal(shown(w.tree, statsOf('/a')), 'count=4,bytes=10')
  w.request(session, setData('/a', 'a longer one'))
  t.equal(shown(w.tree, statsOf('/a')), 'count=4,bytes=19')
  w.request(session, { ...setData('/a'), data: null })
  w.request(session, remove('/a/b/c'))
  w.request(session, setData('/ab', 'x'))
  t.equal(shown(w.tree, statsOf('/a')), 'count=3,bytes=7')
  w.request(session, create('/a/e', '123', 'ephemeral'))
  w.request(session, multi(remove('/a/b/d'), create('/a/b/d', '1'), remove('/missing')))
  t.equal(shown(w.tree, statsOf('/a')), 'count=4,bytes=10')
  w.request(session, { type: 'closeSession' })
  t.equal(shown(w.tree, statsOf('/a')), 'count=3,bytes=7')
  t.same(stat(), { ...before, dataLength: 15 })
})

t.test('a quota exists as long as its limits', async (t) => {
  const { w, session } = world()
  w.request(session, create('/zookeeper/quota/a'))
  w.request(session, create(statsOf('/a'), 'as written'))
  t.equal(shown(w.tree, statsOf('/a')), 'as written')
  t.equal(w.tree.quotas.of('/a/b'), undefined)
  w.request(session, create(limitsOf('/a'), 'count=7,bytes=-1'))
  t.equal(shown(w.tree, statsOf('/a')), 'count=3,bytes=8')
  t.match(w.tree.quotas.of('/a/b'), { path: '/a', limits: { count: 7 } })
  t.equal(w.tree.quotas.of('/ab'), undefined)
  w.request(session, setData(limitsOf('/a'), 'count=8'))
  t.match(w.tree.quotas.of('/a'), { limits: { count: 8 } })
  w.request(session, remove(limitsOf('/a')))
  t.equal(w.tree.quotas.of('/a'), undefined)
  t.equal(shown(w.tree, statsOf('/a')), 'as written')
})

t.test('the root has no quota; of several the nearest counts', async (t) => {
  const { w, session } = world()
  w.request(session, create('/zookeeper/quota/zookeeper_limits', 'count=1'))
  t.equal(w.tree.quotas.of('/a'), undefined)
  setQuota(w, session, '/a', 'count=1')
  setQuota(w, session, '/a/b', 'count=2')
  t.equal(w.tree.quotas.of('/a/x')?.path, '/a')
  t.equal(w.tree.quotas.of('/a/b/x/y')?.path, '/a/b')
  w.request(session, create('/a/b/x', '12'))
  t.equal(shown(w.tree, statsOf('/a')), 'count=4,bytes=10', 'each counts its whole subtree')
  t.equal(shown(w.tree, statsOf('/a/b')), 'count=3,bytes=7')
})

t.test('an exceeded limit is reported once', async (t) => {
  const { w, session } = world()
  setQuota(w, session, '/a', 'count=4,bytes=10')
  w.tree.quotas.takeCrossings()
  w.request(session, create('/a/1', '12'))
  t.same(w.tree.quotas.takeCrossings(), [])
  w.request(session, create('/a/2', '1'))
  const over = { path: '/a', limit: 10, used: 11, what: 'bytes' }
  t.same(w.tree.quotas.takeCrossings(), [{ ...over, limit: 4, used: 5, what: 'count' }, over])
  w.request(session, create('/a/3', '1'))
  t.same(w.tree.quotas.takeCrossings(), [])
  w.request(session, setData('/a/3', ''))
  w.request(session, setData('/a/2', ''))
  w.request(session, setData('/a/2', '1'))
  t.same(w.tree.quotas.takeCrossings(), [over], 'again, after it was below')
})

const hard = 'count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=5'

for (const { name, before, ask, refused } of [
  { name: 'up to the count', before: [], ask: create('/a/1'), refused: false },
  { name: 'beyond it, in flight', before: ['/a/1', '/a/2'], ask: create('/a/3'), refused: true },
  {
    name: 'a delete in flight makes room',
    before: ['/a/1', '/a/2', '-/a/1'],
    ask: create('/a/3'),
    refused: false,
  },
  { name: 'up to the bytes', before: [], ask: create('/a/1', '12'), refused: false },
  { name: 'beyond them', before: [], ask: create('/a/1', '123'), refused: true },
  { name: 'by a setData', before: [], ask: setData('/a', 'sixsix'), refused: true },
  { name: 'before its version', before: [], ask: setData('/a', 'sixsix', 9), refused: true },
  { name: 'by one of the same length', before: [], ask: setData('/a', 'two'), refused: false },
  {
    name: 'elsewhere',
    before: ['/a/1', '/a/2'],
    ask: create('/ab/c', 'x'.repeat(50)),
    refused: false,
  },
] as const) {
  t.test(`a hard limit: ${name} is ${refused ? 'refused' : 'fine'}`, async (t) => {
    for (const enforceQuota of [true, false]) {
      const { w: first, session } = world()
      setQuota(first, session, '/a', hard)
      const w = new TreeWorld(first.tree, { enforceQuota })
      const password = new Uint8Array(16).fill(7)
      w.prep.attach({ session, password, owner: 1 as never, nowMs: 0 })
      for (const path of before) {
        w.propose(session, path.startsWith('-') ? remove(path.slice(1)) : create(path))
      }
      w.propose(session, ask)
      const answer = w.settle().at(-1)
      const code = answer?.type === 'error' ? answer.code : errorCodes.OK
      if (refused && enforceQuota) t.equal(code, errorCodes.QUOTAEXCEEDED)
      else t.not(code, errorCodes.QUOTAEXCEEDED)
      t.equal(w.prep.outstandingCount, 0)
    }
  })
}

t.test('a refused multi uses nothing of a quota', async (t) => {
  const { w, session } = world()
  setQuota(w, session, '/a', hard)
  w.propose(session, multi(create('/a/1'), create('/a/2'), create('/a/3')))
  w.propose(session, multi(create('/a/1'), remove('/missing')))
  w.propose(session, multi(create('/a/1'), create('/a/2')))
  const [first, second, third] = w.settle()
  t.match(first, { results: [{ code: 0 }, { code: 0 }, { code: errorCodes.QUOTAEXCEEDED }] })
  t.match(second, { results: [{ code: 0 }, { code: errorCodes.NONODE }] })
  t.match(third, { results: [{ path: '/a/1' }, { path: '/a/2' }] })
})

t.test('the usage does not depend on how the tree was built', async (t) => {
  const seed = Math.floor(Math.random() * 1e9)
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  const { w, session } = world()
  const quotas = ['/a', '/zz', '/a/b/deep', '/zookeeper/quota']
  const paths = [
    '/a',
    '/a/b',
    '/a/b/c',
    '/a/x',
    '/zz',
    '/zz/y',
    '/a/b/deep',
    '/a/b/deep/z',
    '/zz/y/x',
  ]
  for (let step = 0; step < 600; step++) {
    const path = random.pick(paths)
    const data = 'x'.repeat(random.below(20))
    const dice = random.next()
    if (dice < 0.4) w.request(session, create(path, data))
    else if (dice < 0.6) w.request(session, remove(path))
    else if (dice < 0.8) w.request(session, setData(path, data))
    else if (dice < 0.9) setQuota(w, session, random.pick(quotas), 'count=1000')
    else w.request(session, remove(random.pick([limitsOf, statsOf])(random.pick(quotas))))
    if (step % 20 > 0) continue
    const copy = new ZTree(w.tree.lastApplied)
    const walk = (at: string): void => {
      const znode = w.tree.get(at)
      if (znode !== undefined) copy.restore(at, znode)
      const names = znode === undefined ? [] : w.tree.children(znode).sort()
      if (random.chance(0.5)) names.reverse()
      for (const name of names) walk(at === '/' ? `/${name}` : `${at}/${name}`)
    }
    walk('/')
    for (const [id, known] of w.tree.sessions) copy.restoreSession(id, known)
    if (!sameDigest(copy.digest, w.tree.digest)) t.fail(`another digest at step ${step}`)
    const [ours, theirs] = [image(w.tree), image(copy)]
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) t.same(theirs, ours, `at step ${step}`)
  }
  t.ok(w.tree.lastApplied > 0)
})

t.test('ACLs, containers, TTLs and quotas survive a restart', async (t) => {
  const directory = t.testdir()
  const options = {
    clock: new ManualClock(),
    turn: new Turn(setImmediate),
    onFailure: (cause: unknown) => t.fail(`${cause}`),
  }
  const store = await TreeStore.open(directory, openTreeDatabase(directory), options)
  const w = new TreeWorld(store.tree)
  w.identities = [{ scheme: 'super', id: '' }]
  const session = w.open()
  w.request(session, create('/a', 'one'))
  w.request(session, { ...create('/a/b'), acl: [{ perms: 3, scheme: 'digest', id: 'ann:é' }] })
  w.request(session, { type: 'setACL', path: '/a', acl: [], version: -1 })
  const acl = [{ perms: 1, scheme: 'ip', id: '::/0' }]
  w.request(session, { type: 'setACL', path: '/a', acl, version: -1 })
  w.request(session, { ...create('/t', 'x', 'persistentTtl'), ttlMs: 2 ** 40 - 1 })
  w.request(session, create('/c', '', 'container'))
  w.request(session, create('/c/d'))
  w.request(session, remove('/c/d'))
  setQuota(w, session, '/a', 'count=7,bytes=8')
  const before = image(w.tree)
  const { digest } = w.tree
  await store.close()
  const again = await TreeStore.open(directory, openTreeDatabase(directory), options)
  t.same(image(again.tree), before)
  t.ok(sameDigest(again.tree.digest, digest))
  t.equal(shown(again.tree, statsOf('/a')), 'count=2,bytes=3')
  t.same(again.tree.expiry.due({ wallMs: 0, neverUsedMs: 0 }), ['/c'])
  t.match(again.tree.quotas.of('/a'), { limits: { count: 7, bytes: 8 } })
  await again.close()
})
