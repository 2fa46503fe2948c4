import t from 'tap'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { create, multi, remove, TreeWorld } from '../tree-world.ts'

const full = { type: 'error', code: errorCodes.QUOTAEXCEEDED }

/** The initial tree has four znodes: two more may be created. */
function world(): TreeWorld {
  return new TreeWorld(undefined, { znodesMax: 6, enforceQuota: false })
}

t.test('a create is refused once there are as many znodes as may be', async (t) => {
  const w = world()
  const session = w.open()
  w.request(session, create('/a'))
  w.request(session, create('/b'))
  t.match(w.request(session, create('/c')), full)
  t.match(w.request(session, create('/a')), { code: errorCodes.NODEEXISTS }, 'other errors first')
  t.equal(w.tree.nodeCount, 6)
  w.request(session, remove('/a'))
  t.match(w.request(session, create('/c')), { type: 'create' })
  t.match(w.request(session, create('/d')), full)
})

t.test('creates and deletes in flight count', async (t) => {
  const w = world()
  const session = w.open()
  const propose = (request: Parameters<TreeWorld['propose']>[1]) =>
    w.propose(session, request).txn.body
  t.match(propose(create('/a')), { type: 'create' })
  t.match(propose(create('/b', '', 'ephemeral')), { type: 'create' })
  t.match(propose(create('/c')), full)
  t.match(propose(remove('/a')), { type: 'delete' })
  t.match(propose(create('/c')), { type: 'create' })
  w.applyNext()
  t.match(propose(create('/d')), full)
  w.expire(session)
  w.settle()
  t.equal(w.tree.nodeCount, 5, '/b ended with its session')
  t.match(w.request(w.open(), create('/d')), { type: 'create' })
  t.match(w.request(w.open(), create('/e')), full)
})

t.test('a multi is refused as a whole, and its creates do not count', async (t) => {
  const w = world()
  const session = w.open()
  const refused = w.request(session, multi(create('/a'), create('/b'), create('/c')))
  t.match(refused, { type: 'multi', results: [{}, {}, { code: errorCodes.QUOTAEXCEEDED }] })
  t.equal(w.tree.nodeCount, 4)
  const done = w.request(session, multi(create('/a'), create('/b'), remove('/a'), create('/c')))
  t.match(done, { type: 'multi', results: [{ type: 'create' }, {}, {}, { type: 'create' }] })
  t.equal(w.tree.nodeCount, 6)
})

t.test('it is news once, until there are clearly fewer znodes', async (t) => {
  const w = world()
  const session = w.open()
  const { fullness } = w.prep
  w.request(session, multi(create('/a'), create('/b')))
  t.equal(fullness.takeNews(), false)
  for (const isNews of [true, false]) {
    w.request(session, create('/c'))
    t.equal(fullness.takeNews(), isNews)
  }
  w.request(session, remove('/a'))
  w.request(session, create('/a'))
  w.request(session, create('/c'))
  t.equal(fullness.takeNews(), true)
})
