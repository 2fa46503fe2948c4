import t from 'tap'
import type { SessionId } from '../../../src/protocol/records.ts'
import type { CreateMode } from '../../../src/protocol/zk/messages.ts'
import { create, remove, setData, TreeWorld } from '../tree-world.ts'

const minute = 60_000

function ttl(path: string, ttlMs: number, mode: CreateMode = 'persistentTtl') {
  return { ...create(path, '', mode), ttlMs }
}

function world(): { w: TreeWorld; session: SessionId; due: (neverUsedMs?: number) => string[] } {
  const w = new TreeWorld()
  const session = w.open()
  const due = (neverUsedMs = 0): string[] => w.tree.expiry.due({ wallMs: w.wallMs, neverUsedMs })
  return { w, session, due }
}

t.test('a container is due once its last child is gone, until it gets another', async (t) => {
  const { w, session, due } = world()
  w.request(session, create('/c', '', 'container'))
  t.same(due(), [], 'it has not been used')
  w.request(session, create('/c/a'))
  w.request(session, create('/c/b'))
  w.request(session, remove('/c/a'))
  t.same(due(), [])
  w.request(session, remove('/c/b'))
  t.same(due(), ['/c'])
  w.request(session, create('/c/e', '', 'ephemeral'))
  t.same(due(), [])
  w.request(session, { type: 'closeSession' })
  t.same(due(), ['/c'], 'the end of a session deletes children too')
  w.request(w.open(), remove('/c'))
  t.same(due(), [])
})

t.test('a container that was never used goes after a while, if at all', async (t) => {
  const { w, session, due } = world()
  w.request(session, create('/c', '', 'container'))
  w.wallMs += minute
  t.same(due(), [])
  t.same(due(minute), [], 'not before')
  w.wallMs += 1000
  t.same(due(minute), ['/c'])
  w.request(session, setData('/c'))
  t.same(due(minute), [], 'a write is a use')
  w.request(session, create('/c/a'))
  w.wallMs += 2 * minute
  t.same(due(minute), [])
})

t.test('a time to live counts from the last write, and waits for children', async (t) => {
  const { w, session, due } = world()
  w.request(session, ttl('/t', minute))
  w.wallMs += minute
  t.same(due(), [], 'never early')
  w.request(session, setData('/t'))
  w.wallMs += 30_000
  w.request(session, create('/t/a'))
  w.wallMs += 2 * minute
  t.same(due(), [], 'it has a child')
  w.request(session, remove('/t/a'))
  t.same(due(), ['/t'], 'now it is due at once')
  w.request(session, setData('/t'))
  t.same(due(), [])
})

t.test('only due znodes are listed, in the order of deadlines', async (t) => {
  const { w, session, due } = world()
  for (const [path, seconds] of [
    ['/d', 400],
    ['/a', 30],
    ['/c', 20],
    ['/b', 25],
    ['/later', 100_000],
  ] as const) {
    w.request(session, ttl(path, 1000 * seconds))
  }
  w.wallMs += 500_000
  t.same(due(), ['/c', '/b', '/a', '/d'])
  const { expiry } = w.tree
  const at = { wallMs: w.wallMs, neverUsedMs: 0 }
  t.same([expiry.isDue('/d', at), expiry.isDue('/later', at)], [true, false])
})

t.test('correcting a clock that was years behind costs nothing', async (t) => {
  const { w, session, due } = world()
  w.wallMs = 0
  w.request(session, ttl('/old', 1000))
  w.wallMs = 1_700_000_000_000
  w.request(session, ttl('/new', 2 ** 40 - 1))
  t.same(due(), ['/old'])
})

t.test('the leader deletes due znodes, unless a change of them is in flight', async (t) => {
  const { w, session } = world()
  w.request(session, create('/c', '', 'container'))
  w.request(session, create('/c/a'))
  w.request(session, remove('/c/a'))
  w.request(session, create('/plain'))
  t.equal(w.deleteDue('/plain'), undefined)
  t.equal(w.deleteDue('/missing'), undefined)
  w.propose(session, create('/c/b'))
  t.equal(w.deleteDue('/c'), undefined, 'a child is in flight')
  w.settle()
  t.equal(w.deleteDue('/c'), undefined, 'it exists')
  w.request(session, remove('/c/b'))
  const { txn } = w.deleteDue('/c') ?? {}
  t.match(txn, { seq: 0, session: 0, body: { type: 'delete', path: '/c' } })
  t.equal(w.deleteDue('/c'), undefined, 'its deletion is in flight')
  w.events.length = 0
  w.propose(session, create('/c/d'))
  t.same(w.settle(), [{ type: 'delete' }, { type: 'error', code: -101 }])
  t.same(w.takeEvents(), ['NodeDeleted /c', 'NodeChildrenChanged /'])
})
