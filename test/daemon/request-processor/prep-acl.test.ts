// Permissions of writes, and which of several errors in a request its client gets.

import t from 'tap'
import { encodeTxn } from '../../../src/daemon/ztree/txn.ts'
import type { Applied } from '../../../src/daemon/ztree/ztree.ts'
import { limits } from '../../../src/limits.ts'
import { errorCodeOf, errorCodes } from '../../../src/protocol/error-codes.ts'
import { MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import {
  type Acl,
  type Id,
  noSession,
  openAcl,
  perms,
  type SessionId,
} from '../../../src/protocol/records.ts'
import type { CreateMode, WriteRequest } from '../../../src/protocol/zk/messages.ts'
import { check, create, multi, other, remove, setData, TreeWorld } from '../tree-world.ts'

const stranger: readonly Id[] = [{ scheme: 'ip', id: '10.0.0.1' }]
const ann: readonly Id[] = [...stranger, { scheme: 'digest', id: 'ann:h' }]
const superUser: readonly Id[] = [...stranger, { scheme: 'super', id: '' }]

const world = (bits: number): readonly Acl[] => [{ perms: bits, scheme: 'world', id: 'anyone' }]
const annOnly: readonly Acl[] = [{ perms: perms.all, scheme: 'digest', id: 'ann:h' }]
const invalid: readonly Acl[] = [{ perms: perms.all, scheme: 'unknown', id: 'x' }]

function setAcl(path: string, acl: readonly Acl[] | null = openAcl, version = -1) {
  return { type: 'setACL', path, acl, version } as const
}

function withAcl(path: string, acl: readonly Acl[] | null, mode: CreateMode = 'persistent') {
  return { ...create(path, '', mode), acl }
}

function withTtl(ttlMs: number | undefined, mode: CreateMode = 'persistentTtl', path = '/t') {
  return { ...create(path, '', mode), ttlMs }
}

function outcome(result: Applied): string {
  switch (result.type) {
    case 'error':
      return errorCodeOf(result.code)
    case 'create':
      return result.path
    case 'setACL':
      return `aversion ${result.stat.aversion}`
    case 'multi':
      return result.results
        .map((part) => (part.type === 'error' ? errorCodeOf(part.code) : part.type))
        .join(' ')
    default:
      return result.type
  }
}

const znodes = [
  withAcl('/readable', world(perms.read)),
  withAcl('/readable/open', openAcl),
  withAcl('/writable', world(perms.read | perms.write)),
  withAcl('/secret', world(0)),
  withAcl('/ann', annOnly),
  withAcl('/ann/open', openAcl),
  withAcl('/creatable', world(perms.create)),
  withAcl('/deletable', world(perms.delete)),
  withAcl('/deletable/secret', world(0)),
  create('/e', '', 'ephemeral'),
]

const cases: readonly { name: string; who?: readonly Id[]; ask: WriteRequest; want: string }[] = [
  { name: 'create needs create on the parent', ask: create('/creatable/c'), want: '/creatable/c' },
  { name: 'read is not enough', ask: create('/readable/c'), want: 'NOAUTH' },
  { name: 'the right one may', who: ann, ask: create('/ann/c'), want: '/ann/c' },
  { name: 'the super user may', who: superUser, ask: create('/secret/c'), want: '/secret/c' },
  { name: 'a missing parent comes first', ask: create('/readable/x/y'), want: 'NONODE' },
  { name: 'before the whole path is looked at', ask: create('/readable/.'), want: 'NOAUTH' },
  { name: 'before it is looked for', ask: create('/readable/open'), want: 'NOAUTH' },
  {
    name: 'an invalid ACL before a missing parent',
    ask: withAcl('/x/y', invalid),
    want: 'INVALIDACL',
  },
  {
    name: 'an invalid ACL before what is not allowed',
    ask: withAcl('/secret/c', invalid),
    want: 'INVALIDACL',
  },
  { name: 'a bad path before an invalid ACL', ask: withAcl('c', invalid), want: 'BADARGUMENTS' },
  { name: 'no ACL', ask: withAcl('/c', null), want: 'INVALIDACL' },
  { name: 'an empty ACL', ask: withAcl('/c', []), want: 'INVALIDACL' },
  {
    name: 'a znode of one’s own, unproved',
    ask: withAcl('/c', [{ perms: 31, scheme: 'auth', id: '' }]),
    want: 'INVALIDACL',
  },
  {
    name: 'a znode of one’s own',
    who: ann,
    ask: withAcl('/c', [{ perms: 31, scheme: 'auth', id: '' }]),
    want: '/c',
  },

  { name: 'delete needs delete on the parent', ask: remove('/deletable/secret'), want: 'delete' },
  { name: 'not on the znode', ask: remove('/readable/open'), want: 'NOAUTH' },
  { name: 'before it is looked for', ask: remove('/readable/x'), want: 'NOAUTH' },
  { name: 'a missing parent comes first', ask: remove('/x/y'), want: 'NONODE' },
  { name: 'the right one may', who: ann, ask: remove('/ann/open'), want: 'delete' },

  { name: 'setData needs write', ask: setData('/writable'), want: 'setData' },
  { name: 'setData without', ask: setData('/readable'), want: 'NOAUTH' },
  { name: 'before the version', ask: setData('/readable', '', 7), want: 'NOAUTH' },
  { name: 'behind the existence', ask: setData('/readable/x'), want: 'NONODE' },

  { name: 'setACL needs admin', ask: setAcl('/writable'), want: 'NOAUTH' },
  { name: 'setACL, open', ask: setAcl('/readable/open', annOnly), want: 'aversion 1' },
  { name: 'setACL, the right one', who: ann, ask: setAcl('/ann'), want: 'aversion 1' },
  { name: 'setACL, a version', who: ann, ask: setAcl('/ann', openAcl, 0), want: 'aversion 1' },
  { name: 'setACL, another', who: ann, ask: setAcl('/ann', openAcl, 1), want: 'BADVERSION' },
  { name: 'before the version', ask: setAcl('/ann', openAcl, 1), want: 'NOAUTH' },
  { name: 'an invalid ACL before existence', ask: setAcl('/x', invalid), want: 'INVALIDACL' },
  { name: 'a bad path before all', ask: setAcl('/x/', invalid), want: 'BADARGUMENTS' },
  { name: 'setACL, no ACL', ask: setAcl('/readable/open', null), want: 'INVALIDACL' },
  { name: 'setACL, absent', ask: setAcl('/x'), want: 'NONODE' },

  { name: 'check needs read', ask: multi(check('/readable')), want: 'check' },
  { name: 'check without', ask: multi(check('/secret', 5)), want: 'NOAUTH' },
  {
    name: 'in a multi',
    ask: multi(create('/c'), create('/c/d'), setData('/secret'), remove('/c')),
    want: 'OK OK NOAUTH RUNTIMEINCONSISTENCY',
  },
  {
    name: 'a multi sees the ACL that it gave',
    ask: multi(withAcl('/c', world(perms.read)), create('/c/d')),
    want: 'OK NOAUTH',
  },
  {
    name: 'every client may read the config, and nothing more',
    ask: setData('/zookeeper/config'),
    want: 'NOAUTH',
  },

  { name: 'a TTL', ask: withTtl(1), want: '/t' },
  { name: 'the longest TTL', ask: withTtl(2 ** 40 - 1), want: '/t' },
  { name: 'one that is longer', ask: withTtl(2 ** 40), want: 'BADARGUMENTS' },
  { name: 'a TTL of 0', ask: withTtl(0), want: 'BADARGUMENTS' },
  { name: 'no TTL', ask: withTtl(undefined), want: 'BADARGUMENTS' },
  { name: 'less than none', ask: withTtl(-1), want: 'BADARGUMENTS' },
  { name: 'a TTL for what has none', ask: withTtl(5, 'persistent'), want: 'BADARGUMENTS' },
  { name: 'not even a negative one', ask: withTtl(-1, 'container'), want: 'BADARGUMENTS' },
  { name: 'none for what has none', ask: withTtl(0, 'container'), want: '/t' },
  {
    name: 'sequential, with a TTL',
    ask: withTtl(5, 'persistentSequentialTtl'),
    want: '/t0000000007',
  },
  {
    name: 'a bad TTL before a bad path',
    ask: withTtl(0, 'persistentTtl', 't'),
    want: 'BADARGUMENTS',
  },
  { name: 'a TTL in a multi', ask: multi(create('/c'), withTtl(0)), want: 'OK BADARGUMENTS' },
]

for (const inFlight of [false, true]) {
  for (const { name, who = stranger, ask, want } of cases) {
    t.test(`prep${inFlight ? ', all in flight' : ''}: ${name} → ${want}`, async (t) => {
      const w = new TreeWorld()
      const session = w.open()
      w.identities = superUser
      for (const znode of znodes) w.propose(session, znode)
      if (!inFlight) w.settle()
      w.identities = who
      w.propose(session, ask)
      t.equal(outcome(w.settle().at(-1) as Applied), want)
      t.equal(w.prep.outstandingCount, 0)
    })
  }
}

t.test('an ACL holds from its proposal on, for what is proposed after it', async (t) => {
  const w = new TreeWorld()
  const session = w.open()
  w.identities = ann
  w.propose(session, create('/a'))
  w.propose(session, setAcl('/a', [{ perms: perms.all, scheme: 'auth', id: '' }]))
  w.identities = stranger
  w.propose(session, setData('/a'))
  w.propose(session, setAcl('/a'))
  w.identities = ann
  w.propose(session, setData('/a'))
  w.propose(session, setAcl('/a', openAcl, 1))
  t.same(w.settle().map(outcome), ['/a', 'aversion 1', 'NOAUTH', 'NOAUTH', 'setData', 'aversion 2'])
})

t.test('where TTLs are disabled, one is refused before anything else', async (t) => {
  const w = new TreeWorld(undefined, { extendedTypesEnabled: false })
  const session = w.open()
  t.equal(outcome(w.request(session, withTtl(5))), 'UNIMPLEMENTED')
  t.equal(outcome(w.request(session, withTtl(0, 'persistentTtl', ''))), 'UNIMPLEMENTED')
  t.equal(outcome(w.request(noSession, withTtl(5))), 'UNIMPLEMENTED')
  t.equal(outcome(w.request(session, multi(create('/a'), withTtl(5)))), 'OK UNIMPLEMENTED')
  t.equal(outcome(w.request(session, withTtl(undefined, 'container'))), '/t')
})

t.test('a request of another server’s session is refused before its other errors', async (t) => {
  const w = new TreeWorld()
  const session = w.open()
  t.equal(outcome(w.request(session, setAcl('/x', null), other)), 'SESSIONMOVED')
  t.equal(outcome(w.request(9 as SessionId, setAcl('/x', null))), 'SESSIONEXPIRED')
})

// --- size ---------------------------------------------------------------------------------------

function txnBytes(w: TreeWorld, session: SessionId, request: WriteRequest): number {
  const out = new MsgpackWriter()
  encodeTxn(out, w.propose(session, request).txn)
  return out.length
}

t.test('the most parts that a frame can hold make a transaction that fits', async (t) => {
  const w = new TreeWorld()
  const session = w.open()
  // [1, "/", nil, 3, nil, 0], 8 bytes each.
  const part = { type: 'create', path: '/', data: null, mode: 'ephemeralSequential' } as const
  const ops = new Array<typeof part>(Math.floor(limits.clientFrameBytesMax / 8)).fill(part)
  const bytes = txnBytes(w, session, { type: 'multi', ops })
  t.ok(bytes > 2 * 1024 * 1024 && bytes < limits.txnBytesMax, `${bytes} bytes`)
})

t.test('a multi that its ACLs would make too large is refused as a whole', async (t) => {
  const w = new TreeWorld()
  const session = w.open()
  w.identities = Array.from({ length: 500 }, (_, i) => ({ scheme: 'digest', id: `user${i}:hash` }))
  const acl = [{ perms: perms.all, scheme: 'auth', id: '' }]
  const ops = Array.from({ length: 5000 }, (_, i) => withAcl(`/n${i}`, acl))
  t.same(w.request(session, multi(...ops)), { type: 'error', code: errorCodes.MARSHALLINGERROR })
  t.equal(w.prep.outstandingCount, 0)
  t.equal(outcome(w.request(session, multi(...ops.slice(0, 50)))).split(' ').length, 50)
  const wide = Array.from({ length: 5000 }, (_, i) => ({ perms: i, scheme: 'auth', id: '' }))
  t.equal(outcome(w.request(session, setAcl('/n0', wide))), 'INVALIDACL')
})
