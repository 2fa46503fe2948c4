import t from 'tap'
import type { Change, Txn, TxnBody } from '../../../src/daemon/ztree/txn.ts'
import { type Applied, type TreeEvent, ZTree } from '../../../src/daemon/ztree/ztree.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import {
  type Acl,
  noSession,
  openAcl,
  perms,
  type ServerId,
  type SessionId,
} from '../../../src/protocol/records.ts'
import { makeZxid, type Zxid } from '../../../src/protocol/zxid.ts'
import { Random } from '../../../src/random.ts'
import { create, image, multi, remove, setData, TreeWorld } from '../tree-world.ts'

const ann: readonly Acl[] = [{ perms: perms.all, scheme: 'digest', id: 'ann:h' }]

function txn(body: TxnBody, session: number = noSession): Txn {
  return { origin: 1 as ServerId, seq: 1, session: session as SessionId, timeMs: 1000, body }
}

function zxid(counter: number): Zxid {
  return makeZxid({ epoch: 1, counter })
}

function creation(path: string, fields: Partial<Extract<Change, { type: 'create' }>> = {}) {
  const ephemeralOwner = noSession
  return {
    type: 'create',
    path,
    data: null,
    ephemeralOwner,
    parentCreateCount: 1,
    acl: openAcl,
    lifetime: 0,
    ...fields,
  } as const
}

const zero = { czxid: 0, mzxid: 0, ctime: 0, mtime: 0, version: 0, aversion: 0, pzxid: 0 }
for (const { path, numChildren } of [
  { path: '/', numChildren: 1 },
  { path: '', numChildren: 1 },
  { path: '/zookeeper', numChildren: 2 },
  { path: '/zookeeper/config', numChildren: 0 },
  { path: '/zookeeper/quota', numChildren: 0 },
]) {
  t.test(`a new ensemble has '${path}'`, async (t) => {
    const tree = new ZTree()
    const znode = tree.get(path)
    if (znode === undefined) throw new Error(`${path} is missing`)
    const cversion = -numChildren
    const version = path === '/zookeeper/config' ? -1 : 0
    const versions = { cversion, version, aversion: version }
    const rest = { ephemeralOwner: 0, dataLength: 0, numChildren }
    t.same(tree.stat(znode), { ...zero, ...versions, ...rest })
    const everybodys = path === '/zookeeper/config' ? perms.read : perms.all
    t.same(tree.acl(znode), [{ perms: everybodys, scheme: 'world', id: 'anyone' }])
    t.equal(tree.children(znode).length, numChildren)
    t.equal(znode.data?.length, 0)
  })
}

t.test('the stat of a znode through its life', async (t) => {
  const w = new TreeWorld()
  const session = w.open() // counter 1
  const stat = () => {
    const znode = w.tree.get('/a')
    return znode === undefined ? undefined : w.tree.stat(znode)
  }
  const t0 = w.wallMs
  w.request(session, create('/a', 'four'))
  const created = {
    czxid: zxid(2),
    mzxid: zxid(2),
    pzxid: zxid(2),
    ctime: t0 + 1,
    mtime: t0 + 1,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 0,
    dataLength: 4,
    numChildren: 0,
  }
  t.same(stat(), created)
  w.request(session, setData('/a', 'seven77'))
  const changed = { ...created, mzxid: zxid(3), mtime: t0 + 2, version: 1, dataLength: 7 }
  t.same(stat(), changed)
  w.request(session, create('/a/b'))
  t.same(stat(), { ...changed, pzxid: zxid(4), cversion: 1, numChildren: 1 })
  w.request(session, create('/a/b/c'))
  t.same(stat(), { ...changed, pzxid: zxid(4), cversion: 1, numChildren: 1 }, 'a grandchild')
  w.request(session, remove('/a/b/c'))
  w.request(session, setData('/a/b'))
  t.same(stat(), { ...changed, pzxid: zxid(4), cversion: 1, numChildren: 1 }, 'a child’s change')
  w.request(session, remove('/a/b'))
  t.same(stat(), { ...changed, pzxid: zxid(8), cversion: 2 }, 'a delete counts, too')
  w.request(session, { ...setData('/a'), data: null })
  t.same(stat()?.dataLength, 0)
  t.equal(w.tree.get('/a')?.data, null)
})

t.test('an answer carries the stat of its own moment, also within a multi', async (t) => {
  const w = new TreeWorld()
  const session = w.open()
  const result = w.request(session, multi(create('/a', 'x'), create('/a/b'), setData('/a', 'xyz')))
  if (result.type !== 'multi') throw new Error('a multi answers a multi')
  t.match(result.results, [
    { type: 'create', path: '/a', stat: { version: 0, numChildren: 0, dataLength: 1 } },
    { type: 'create', path: '/a/b', stat: { version: 0, numChildren: 0 } },
    { type: 'setData', stat: { version: 1, numChildren: 1, cversion: 1, dataLength: 3 } },
  ])
})

for (const [before, after] of [
  [0, 1],
  [2 ** 31 - 2, 2 ** 31 - 1],
  [2 ** 31 - 1, -(2 ** 31)],
  [-3, -2],
  [-2, 0],
] as const) {
  t.test(`the version after ${before} is ${after}`, async (t) => {
    const w = new TreeWorld()
    const session = w.open()
    w.request(session, create('/a'))
    const { zxid: last } = w.propose(session, create('/b'))
    w.settle()
    const znode = (last + 1) as Zxid
    w.tree.apply(znode, txn({ type: 'setData', path: '/a', data: null, version: before }), [])
    const next = new TreeWorld(w.tree)
    const id = next.open()
    t.match(next.request(id, setData('/a', '', before)), { stat: { version: after } })
  })
}

t.test('sequence numbers turn negative after 2147483647, cversion wraps', async (t) => {
  const w = new TreeWorld()
  const session = w.open()
  const at = (w.tree.lastApplied + 1) as Zxid
  w.tree.apply(at, txn(creation('/last', { parentCreateCount: 2 ** 31 - 1 })), [])
  const next = new TreeWorld(w.tree)
  const id = next.open()
  const numbered = create('/s', '', 'persistentSequential')
  t.match(next.request(id, numbered), { path: '/s2147483647' })
  t.match(next.request(id, numbered), { path: '/s-2147483648' })
  t.match(next.request(id, numbered), { path: '/s-2147483647' })
  const root = next.tree.get('/')
  t.equal(root && next.tree.stat(root).cversion, (2 * (2 ** 31 + 2) - 5) | 0)
  t.ok(session)
})

t.test('bytes are copied out of the transaction', async (t) => {
  const tree = new ZTree()
  const chunk = Buffer.from('..value..')
  const data = chunk.subarray(2, 7)
  const password = chunk.subarray(0, 9)
  tree.apply(zxid(1), txn({ type: 'createSession', timeoutMs: 1, password }), [])
  tree.apply(zxid(2), txn(creation('/a', { data })), [])
  tree.apply(zxid(3), txn(creation('/b', { data: null })), [])
  tree.apply(zxid(4), txn({ type: 'setData', path: '/b', data, version: 1 }), [])
  chunk.fill(0)
  t.equal(`${tree.get('/a')?.data}`, `${[...Buffer.from('value')]}`)
  t.equal(`${tree.get('/b')?.data}`, `${[...Buffer.from('value')]}`)
  t.equal(tree.sessions.get(zxid(1) as number as SessionId)?.password[2], 'v'.charCodeAt(0))
})

t.test('closing a session deletes its ephemerals, in the order of their paths', async (t) => {
  const w = new TreeWorld()
  const [ann, bob] = [w.open(), w.open()]
  w.request(ann, create('/p'))
  for (const path of ['/e3', '/e1', '/e2']) w.request(ann, create(path, '', 'ephemeral'))
  w.request(bob, create('/f', '', 'ephemeral'))
  t.equal(w.tree.ephemeralCount, 4)
  const at = (w.tree.lastApplied + 1) as Zxid
  const events: TreeEvent[] = []
  w.tree.apply(at, txn({ type: 'closeSession' }, ann), events)
  t.same(
    events.map(({ type, path }) => `${type} ${path}`),
    ['/e1', '/e2', '/e3'].flatMap((path) => [`NodeDeleted ${path}`, 'NodeChildrenChanged /']),
  )
  t.ok(events.every((event) => event.zxid === at))
  t.same([...w.tree.ephemeralsOf(ann)], [])
  t.same([...w.tree.ephemeralsOf(bob)], ['/f'])
  t.same([...w.tree.sessions.keys()], [bob])
})

t.test('a transaction that the tree has already applied changes nothing', async (t) => {
  const w = new TreeWorld()
  const session = w.open()
  const proposals = [
    w.propose(session, create('/a', 'x')),
    w.propose(session, create('/a/b', '', 'ephemeral')),
    w.propose(session, setData('/a', 'y')),
    w.propose(session, remove('/a/b')),
    w.propose(session, { type: 'closeSession' }),
  ]
  w.settle()
  const before = image(w.tree)
  w.tree.takeDirty()
  const events: TreeEvent[] = []
  for (const proposal of proposals) w.tree.apply(proposal.zxid, proposal.txn, events)
  t.same(image(w.tree), before)
  t.same(events, [])
  t.equal(w.tree.isDirty, false)
})

t.test(
  'apply is total: a transaction that does not fit the tree changes nothing, and never throws',
  async (t) => {
    const seed = 99
    t.comment(`seed ${seed}`)
    const random = new Random(seed)
    const trees = [new ZTree(), new ZTree()]
    const paths = ['/', '/a', '/b', '/a/b', '/a/c', '/a/b/c', '/x/y/z', '/zookeeper']
    const change = (): Change => {
      const path = random.pick(paths)
      const owner = random.below(3) as SessionId
      return random.pick<Change>([
        creation(path, { ephemeralOwner: owner, parentCreateCount: random.below(9) }),
        creation(path, { lifetime: random.pick([-1, 1000]), acl: random.pick([openAcl, ann]) }),
        { type: 'delete', path },
        { type: 'setData', path, data: null, version: random.below(9) },
        { type: 'check', path },
      ])
    }
    let misfits = 0
    for (let i = 1; i <= 5000; i++) {
      const single = change()
      const changes = [change(), change(), change()]
      const body = random.pick<TxnBody>([
        single.type === 'check' ? { type: 'multi', changes: [] } : single,
        { type: 'multi', changes },
        { type: 'setACL', path: random.pick(paths), acl: random.pick([openAcl, ann]), aversion: i },
        { type: 'closeSession' },
      ])
      const [result, same] = trees.map((tree) =>
        tree.apply(zxid(i), txn(body, random.below(1)), []),
      )
      if (result?.type === 'error') misfits++
      if (JSON.stringify(result) !== JSON.stringify(same)) t.same(result, same)
    }
    t.ok(misfits > 100)
    t.same(...(trees.map(image) as [unknown, unknown]))
  },
)

t.test('a refusal is answered as it was decided', async (t) => {
  const tree = new ZTree()
  const before = image(tree)
  const answer = (body: TxnBody, counter: number): Applied =>
    tree.apply(zxid(counter), txn(body), [])
  const { NONODE, OK, RUNTIMEINCONSISTENCY } = errorCodes
  t.same(answer({ type: 'error', code: NONODE, failedAt: 0, partCount: 0 }, 1), {
    type: 'error',
    code: NONODE,
  })
  t.same(answer({ type: 'error', code: NONODE, failedAt: 1, partCount: 3 }, 2), {
    type: 'multi',
    results: [OK, NONODE, RUNTIMEINCONSISTENCY].map((code) => ({ type: 'error', code })),
  })
  t.same(image(tree), { ...(before as object), lastApplied: zxid(2) })
})

t.test('the dirty znodes are those changed since they were last taken, once each', async (t) => {
  const w = new TreeWorld()
  const taken = () => {
    const { paths, sessions } = w.tree.takeDirty()
    return [[...paths].sort(), [...sessions]]
  }
  t.same(taken(), [['/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota'], []])
  const session = w.open()
  w.request(session, create('/a'))
  w.request(session, create('/a/b', '', 'ephemeral'))
  t.same(taken(), [['/', '/a', '/a/b'], [session]])
  w.request(session, setData('/a'))
  w.request(session, setData('/a'))
  t.equal(w.tree.isDirty, true)
  t.same(taken(), [['/a'], []])
  t.equal(w.tree.isDirty, false)
  w.request(session, remove('/x'))
  t.same(taken(), [[], []], 'a refusal')
  w.request(session, { type: 'closeSession' })
  t.same(taken(), [['/a', '/a/b'], [session]])
})

t.test('counts follow the tree', async (t) => {
  const w = new TreeWorld()
  const session = w.open()
  const { nodeCount, dataBytes } = w.tree
  w.request(session, create('/a', '12345'))
  w.request(session, create('/a/b', '123', 'ephemeral'))
  w.request(session, setData('/a', '1'))
  t.equal(w.tree.nodeCount, nodeCount + 2)
  t.equal(w.tree.ephemeralCount, 1)
  t.equal(w.tree.dataBytes, dataBytes + 2 + 1 + 4 + 3)
  w.request(session, remove('/a/b'))
  w.request(session, remove('/a'))
  t.same([w.tree.nodeCount, w.tree.ephemeralCount, w.tree.dataBytes], [nodeCount, 0, dataBytes])
})

const setAcl = (path: string, acl: readonly Acl[], version = -1) =>
  ({ type: 'setACL', path, acl, version }) as const

t.test('setACL changes the list and aversion, nothing else, and fires nothing', async (t) => {
  const w = new TreeWorld()
  w.identities = [{ scheme: 'super', id: '' }]
  const session = w.open()
  w.request(session, create('/a', 'x'))
  const before = w.tree.stat(w.tree.get('/a') as never)
  w.takeEvents()
  t.match(w.request(session, setAcl('/a', ann, 0)), { type: 'setACL', stat: { aversion: 1 } })
  const znode = w.tree.get('/a')
  t.same(znode && w.tree.stat(znode), { ...before, aversion: 1 })
  t.same(znode && w.tree.acl(znode), ann)
  t.same(w.takeEvents(), [])
  w.request(session, setAcl('/a', openAcl, 1))
  t.equal(znode && w.tree.acl(znode), openAcl)
})

t.test('events carry the ACL that decides which clients get them', async (t) => {
  const w = new TreeWorld()
  w.identities = [{ scheme: 'super', id: '' }]
  const session = w.open()
  w.request(session, { ...create('/a'), acl: ann })
  w.request(session, setData('/a', 'x'))
  w.request(session, create('/a/b'))
  w.request(session, { type: 'multi', ops: [remove('/a/b'), remove('/a')] })
  const shown = w.events.map(({ type, path, acl }) => {
    return `${type} ${path} ${acl === openAcl ? 'open' : acl[0]?.id}`
  })
  t.same(shown, [
    'NodeCreated /a ann:h',
    'NodeChildrenChanged / open',
    'NodeDataChanged /a ann:h',
    'NodeCreated /a/b open',
    'NodeChildrenChanged /a ann:h',
    'NodeDeleted /a/b open',
    'NodeChildrenChanged /a ann:h',
    'NodeDeleted /a ann:h',
    'NodeChildrenChanged / open',
  ])
})

t.test('descendants are counted at every depth', async (t) => {
  const w = new TreeWorld()
  const session = w.open()
  for (const path of ['/a', '/a/b', '/a/b/c', '/a/d', '/ab', '/ab/c']) {
    w.request(session, create(path))
  }
  const wanted = { '/a': 3, '/a/b': 1, '/a/d': 0, '/ab': 1, '/': 9, '': 9, '/zookeeper': 2 }
  for (const [path, count] of Object.entries(wanted)) {
    t.equal(w.tree.descendantCount(path), count, `below '${path}'`)
  }
})
