import t from 'tap'
import { encodeTxn } from '../../../src/daemon/ztree/txn.ts'
import type { Applied } from '../../../src/daemon/ztree/ztree.ts'
import { errorCodeOf, errorCodes } from '../../../src/protocol/error-codes.ts'
import { MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import { noSession, type SessionId } from '../../../src/protocol/records.ts'
import type { CreateMode, WriteRequest } from '../../../src/protocol/zk/messages.ts'
import { check, create, multi, other, remove, self, setData, TreeWorld } from '../tree-world.ts'

/** One word that says how a request ended. */
function outcome(result: Applied): string {
  switch (result.type) {
    case 'error':
      return errorCodeOf(result.code)
    case 'create':
      return result.path
    case 'setData':
      return `version ${result.stat.version}`
    case 'multi':
      return result.results
        .map((part) => (part.type === 'error' ? errorCodeOf(part.code) : part.type))
        .join(' ')
    default:
      return result.type
  }
}

/** `/a` at version 1 with `/a/b` below it, an ephemeral `/e`. */
function world(): { world: TreeWorld; session: SessionId } {
  const world = new TreeWorld()
  const session = world.open()
  for (const request of [
    create('/a'),
    setData('/a', 'one'),
    create('/a/b'),
    create('/e', '', 'ephemeral'),
  ]) {
    world.request(session, request)
  }
  world.events.length = 0
  return { world, session }
}

const sequential = (path: string): WriteRequest => create(path, '', 'persistentSequential')

const cases: readonly { name: string; request: WriteRequest; want: string }[] = [
  { name: 'create below the root', request: create('/c'), want: '/c' },
  { name: 'create below a znode', request: create('/a/c'), want: '/a/c' },
  { name: 'create below /zookeeper', request: create('/zookeeper/c'), want: '/zookeeper/c' },
  { name: 'create an odd but valid name', request: create('/a/...'), want: '/a/...' },
  { name: 'create without a slash', request: create('c'), want: 'BADARGUMENTS' },
  { name: 'create the empty path', request: create(''), want: 'BADARGUMENTS' },
  { name: 'create a relative path', request: create('a/c'), want: 'NONODE' },
  { name: 'create with a NUL', request: create('/missing/\0'), want: 'BADARGUMENTS' },
  { name: 'create below nothing', request: create('/x/y'), want: 'NONODE' },
  { name: 'an absent parent before a bad path: //', request: create('/a//b'), want: 'NONODE' },
  { name: 'an absent parent before a bad path: ..', request: create('/a/../b'), want: 'NONODE' },
  { name: 'a slash at the end, no parent', request: create('/x/'), want: 'NONODE' },
  { name: 'a slash at the end, with a parent', request: create('/a/'), want: 'BADARGUMENTS' },
  { name: 'a dot below a parent', request: create('/a/.'), want: 'BADARGUMENTS' },
  { name: 'a surrogate in the path', request: create('/a/\ud800'), want: 'BADARGUMENTS' },
  { name: 'two slashes', request: create('//'), want: 'BADARGUMENTS' },
  { name: 'create what exists', request: create('/a'), want: 'NODEEXISTS' },
  { name: 'create the root', request: create('/'), want: 'NODEEXISTS' },
  { name: 'create below an ephemeral', request: create('/e/c'), want: 'NOCHILDRENFOREPHEMERALS' },
  {
    name: 'a bad path before the ephemeral parent',
    request: create('/e/.'),
    want: 'BADARGUMENTS',
  },
  { name: 'sequential counts creates so far', request: sequential('/a/s'), want: '/a/s0000000001' },
  { name: 'sequential after a slash', request: sequential('/a/'), want: '/a/0000000001' },
  { name: 'sequential in the root', request: sequential('/s'), want: '/s0000000002' },
  { name: 'sequential, nameless, in the root', request: sequential('/'), want: '/0000000002' },
  { name: 'sequential dots become a name', request: sequential('/a/.'), want: '/a/.0000000001' },
  { name: 'sequential below nothing', request: sequential('/x/s'), want: 'NONODE' },

  { name: 'delete any version', request: remove('/a/b'), want: 'delete' },
  { name: 'delete a version', request: remove('/a/b', 0), want: 'delete' },
  { name: 'delete another version', request: remove('/a/b', 1), want: 'BADVERSION' },
  { name: 'delete what has children', request: remove('/a'), want: 'NOTEMPTY' },
  { name: 'a wrong version before children', request: remove('/a', 7), want: 'BADVERSION' },
  { name: 'delete what is absent', request: remove('/x'), want: 'NONODE' },
  { name: 'delete below nothing', request: remove('/x/y'), want: 'NONODE' },
  { name: 'delete an invalid path misses', request: remove('/a/'), want: 'NONODE' },
  { name: 'delete without a slash', request: remove('a'), want: 'BADARGUMENTS' },
  { name: 'delete with a NUL', request: remove('/x/\0'), want: 'BADARGUMENTS' },
  { name: 'delete the root', request: remove('/'), want: 'BADARGUMENTS' },
  { name: 'delete /zookeeper', request: remove('/zookeeper', 9), want: 'BADARGUMENTS' },
  { name: 'delete the quota', request: remove('/zookeeper/quota'), want: 'BADARGUMENTS' },
  { name: 'delete the config', request: remove('/zookeeper/config'), want: 'BADARGUMENTS' },

  { name: 'setData any version', request: setData('/a', 'x'), want: 'version 2' },
  { name: 'setData a version', request: setData('/a', 'x', 1), want: 'version 2' },
  { name: 'setData an old version', request: setData('/a', 'x', 0), want: 'BADVERSION' },
  { name: 'setData what is absent', request: setData('/x'), want: 'NONODE' },
  { name: 'setData a bad path', request: setData('/a/'), want: 'BADARGUMENTS' },
  { name: 'setData the empty path', request: setData(''), want: 'BADARGUMENTS' },
  { name: 'setData the root', request: setData('/', 'x', 0), want: 'version 1' },

  { name: 'an empty multi', request: multi(), want: '' },
  {
    name: 'parts see the parts before them',
    request: multi(create('/m'), create('/m/n'), remove('/m/n', 0), setData('/m', 'x', 0)),
    want: 'create create delete setData',
  },
  {
    name: 'checks',
    request: multi(check('/a', 1), check('/a'), setData('/a'), check('/a', 2)),
    want: 'check check setData check',
  },
  {
    name: 'a failed part fails all: the first',
    request: multi(check('/x'), create('/m'), create('/m')),
    want: 'NONODE RUNTIMEINCONSISTENCY RUNTIMEINCONSISTENCY',
  },
  {
    name: 'a failed part fails all: the middle',
    request: multi(create('/m'), check('/a', 0), create('/n')),
    want: 'OK BADVERSION RUNTIMEINCONSISTENCY',
  },
  {
    name: 'a failed part fails all: the last',
    request: multi(create('/m'), create('/n'), check('/a/')),
    want: 'OK OK BADARGUMENTS',
  },
  { name: 'one failed part', request: multi(remove('/a')), want: 'NOTEMPTY' },
]

for (const { name, request, want } of cases) {
  t.test(`prep: ${name} → ${want || 'nothing'}`, async (t) => {
    const { world: w, session } = world()
    t.equal(outcome(w.request(session, request)), want)
    t.equal(w.prep.outstandingCount, 0, 'what is applied is not outstanding')
  })

  t.test(`prep, with everything before it in flight: ${name} → ${want || 'nothing'}`, async (t) => {
    const w = new TreeWorld()
    const session = w.open()
    w.propose(session, create('/a'))
    w.propose(session, setData('/a', 'one'))
    w.propose(session, create('/a/b'))
    w.propose(session, create('/e', '', 'ephemeral'))
    w.propose(session, request)
    t.equal(outcome(w.settle().at(-1) as Applied), want)
    t.equal(w.prep.outstandingCount, 0)
  })
}

t.test('a failed multi leaves nothing behind, not even a sequence number', async (t) => {
  const { world: w, session } = world()
  const failing = multi(
    create('/a/s', '', 'persistentSequential'),
    create('/f', '', 'ephemeral'),
    remove('/a/b'),
    setData('/a', 'x'),
    check('/missing'),
  )
  w.propose(session, failing)
  w.propose(session, sequential('/a/s'))
  w.propose(session, remove('/a/b'))
  w.propose(session, setData('/a', 'y', 1))
  w.propose(session, { type: 'closeSession' })
  t.same(w.settle().map(outcome), [
    'OK OK OK OK NONODE',
    '/a/s0000000001',
    'delete',
    'version 2',
    'closeSession',
  ])
  t.equal(w.tree.get('/e'), undefined)
})

t.test('a session error is the whole multi’s', async (t) => {
  const { world: w, session } = world()
  t.same(w.request(session, multi(create('/m')), other), {
    type: 'error',
    code: errorCodes.SESSIONMOVED,
  })
})

t.test('a request through a server that does not own the session is SESSIONMOVED', async (t) => {
  const { world: w, session } = world()
  t.equal(outcome(w.request(session, create('/c'), other)), 'SESSIONMOVED')
  const password = new Uint8Array(16).fill(7)
  t.same(w.prep.attach({ session, password, owner: other, nowMs: 0 }), {
    timeoutMs: 10_000,
    movedFrom: self,
  })
  t.equal(outcome(w.request(session, create('/c'), self)), 'SESSIONMOVED')
  t.equal(outcome(w.request(session, { type: 'closeSession' }, self)), 'SESSIONMOVED')
  t.equal(outcome(w.request(session, create('/c'), other)), '/c')
  t.same(w.prep.attach({ session, password, owner: other, nowMs: 0 }), {
    timeoutMs: 10_000,
    movedFrom: undefined,
  })
})

t.test('after a change of leader a session must be attached before it writes', async (t) => {
  const { world: w, session } = world()
  const later = new TreeWorld(w.tree)
  t.equal(outcome(later.request(session, create('/c'))), 'SESSIONMOVED')
  const password = new Uint8Array(16).fill(7)
  t.same(later.prep.attach({ session, password, owner: self, nowMs: 0 }), {
    timeoutMs: 10_000,
    movedFrom: undefined,
  })
  t.equal(outcome(later.request(session, create('/c'))), '/c')
})

t.test('attach refuses everything but a live session with its password', async (t) => {
  const { world: w, session } = world()
  const password = new Uint8Array(16).fill(7)
  const attach = (id: SessionId, given: Uint8Array) =>
    w.prep.attach({ session: id, password: given, owner: other, nowMs: 0 })
  t.equal(attach(session, new Uint8Array(16)), undefined, 'a wrong password')
  t.equal(attach(session, new Uint8Array(0)), undefined, 'no password')
  t.equal(attach(noSession, password), undefined, 'no session')
  t.equal(attach((session + 1) as SessionId, password), undefined, 'no known session')
  t.equal(outcome(w.request(session, create('/c'))), '/c', 'none of that moved it')
  w.propose(session, { type: 'closeSession' })
  t.equal(attach(session, password), undefined, 'one that is closing')
})

t.test('a session can be attached elsewhere before its leader applied it', async (t) => {
  const w = new TreeWorld()
  const { zxid } = w.propose(noSession, { type: 'createSession', timeoutMs: 5000 })
  const session = zxid as number as SessionId
  const password = new Uint8Array(16).fill(7)
  t.equal(w.tree.sessions.has(session), false)
  t.same(w.prep.attach({ session, password, owner: other, nowMs: 0 }), {
    timeoutMs: 5000,
    movedFrom: self,
  })
})

for (const [wanted, got] of [
  [-1, 4000],
  [0, 4000],
  [4000, 4000],
  [9999, 9999],
  [40_000, 40_000],
  [2 ** 31, 40_000],
] as const) {
  t.test(`createSession: a time-out of ${wanted} becomes ${got}`, async (t) => {
    const w = new TreeWorld()
    t.equal(w.tree.sessions.get(w.open(wanted))?.timeoutMs, got)
  })
}

t.test('no request of a session is ordered after its close', async (t) => {
  const { world: w, session } = world()
  w.propose(session, create('/f', '', 'ephemeral'))
  w.propose(session, { type: 'closeSession' })
  w.propose(session, create('/g', '', 'ephemeral'))
  w.propose(session, create('/h'))
  w.propose(session, { type: 'closeSession' })
  t.same(w.settle().map(outcome), [
    '/f',
    'closeSession',
    'SESSIONEXPIRED',
    'SESSIONEXPIRED',
    'SESSIONEXPIRED',
  ])
  t.equal(w.tree.ephemeralCount, 0)
  t.equal(w.tree.get('/f'), undefined)
  t.equal(w.tree.get('/g'), undefined)
})

t.test('closing deletes the ephemerals of proposals in flight', async (t) => {
  const { world: w, session } = world()
  const neighbour = w.open()
  w.propose(session, create('/f', '', 'ephemeral'))
  w.propose(session, remove('/e'))
  w.propose(session, multi(create('/g', '', 'ephemeral'), create('/h', '', 'ephemeral')))
  w.propose(neighbour, remove('/h'))
  w.propose(neighbour, create('/h', '', 'ephemeral'))
  w.propose(session, setData('/f', 'x'))
  w.propose(session, { type: 'closeSession' })
  w.propose(neighbour, create('/g'))
  t.equal(outcome(w.settle().at(-1) as Applied), '/g')
  t.same([...w.tree.ephemeralsOf(session)], [])
  t.same([...w.tree.ephemeralsOf(neighbour)], ['/h'])
  t.equal(w.tree.get('/f'), undefined)
})

t.test('the close of a session fits a frame, however many znodes the session owns', async (t) => {
  const { world: w, session } = world()
  const out = new MsgpackWriter()
  for (let i = 0; i < 20; i++) {
    w.request(session, create(`/${'x'.repeat(900_000)}${i}`, '', 'ephemeral'))
  }
  t.equal(w.tree.ephemeralCount, 21)
  encodeTxn(out, w.propose(session, { type: 'closeSession' }).txn)
  t.ok(out.length < 100, `${out.length} bytes`)
  w.settle()
  t.equal(w.tree.ephemeralCount, 0)
})

t.test(
  'an expired session is closed whichever server owns it, and refused from then on',
  async (t) => {
    const { world: w, session } = world()
    w.prep.attach({ session, password: new Uint8Array(16).fill(7), owner: other, nowMs: 0 })
    w.nowMs = 11_000
    t.same(w.sessions.expire(w.nowMs), [session])
    t.equal(outcome(w.request(session, create('/c'), other)), 'SESSIONEXPIRED')
    const { txn } = w.expire(session)
    t.same(txn.body, { type: 'closeSession' })
    t.equal(txn.seq, 0)
    w.settle()
    t.equal(w.tree.sessions.size, 0)
  },
)

t.test('a parent emptied in flight can be deleted; one filled in flight cannot', async (t) => {
  const { world: w, session } = world()
  w.propose(session, remove('/a/b'))
  w.propose(session, remove('/a'))
  w.propose(session, create('/c'))
  w.propose(session, create('/c/d'))
  w.propose(session, remove('/c'))
  t.same(w.settle().map(outcome), ['delete', 'delete', '/c', '/c/d', 'NOTEMPTY'])
})

t.test('applied drops only records that the tree has', async (t) => {
  const { world: w, session } = world()
  w.propose(session, setData('/a', 'x', 1))
  w.propose(session, setData('/a', 'y', 2))
  w.applyNext()
  t.equal(outcome(w.request(session, setData('/a', 'z', 3))), 'version 4')
  t.equal(w.prep.outstandingCount, 0)
})

t.test('reset forgets proposals that a new leader may never have seen', async (t) => {
  const { world: w, session } = world()
  w.propose(session, create('/lost'))
  w.proposals.length = 0
  w.prep.reset()
  t.equal(outcome(w.request(session, create('/lost'))), '/lost')
})

const modes: readonly CreateMode[] = ['persistentSequential', 'ephemeralSequential']
for (const mode of modes) {
  t.test(`${mode}: numbers never repeat, deletes or not, in flight or not`, async (t) => {
    const { world: w, session } = world()
    w.propose(session, create('/a/s', '', mode))
    w.propose(session, create('/a/s', '', mode))
    w.propose(session, remove('/a/s0000000002'))
    w.propose(session, create('/a/s', '', mode))
    t.same(w.settle().map(outcome), [
      '/a/s0000000001',
      '/a/s0000000002',
      'delete',
      '/a/s0000000003',
    ])
  })
}
