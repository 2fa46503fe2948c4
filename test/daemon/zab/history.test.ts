import t from 'tap'
import { History } from '../../../src/daemon/zab/history.ts'
import { decideSync } from '../../../src/daemon/zab/synchronization.ts'
import { makeZxid, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'

const z = (epoch: number, counter: number): Zxid => makeZxid({ epoch, counter })

/** (1,1)–(1,3), (3,1)–(3,2) */
function sample(base: Zxid = zxidZero): History {
  return new History(base, [
    { epoch: 1, firstCounter: 1, lastCounter: 3 },
    { epoch: 3, firstCounter: 1, lastCounter: 2 },
  ])
}

t.test('floor finds the largest zxid held that is not above the given one', async (t) => {
  const history = sample()
  t.equal(history.floor(zxidZero), zxidZero)
  t.equal(history.floor(z(1, 2)), z(1, 2))
  t.equal(history.floor(z(1, 9)), z(1, 3))
  t.equal(history.floor(z(2, 1)), z(1, 3), 'an epoch that this server never saw')
  t.equal(history.floor(z(3, 0)), z(1, 3), 'the name of an epoch is no transaction')
  t.equal(history.floor(z(9, 9)), z(3, 2))
  const cut = new History(z(1, 1), [{ epoch: 1, firstCounter: 2, lastCounter: 3 }])
  t.equal(cut.floor(zxidZero), undefined, 'before the beginning of the log')
  t.equal(cut.floor(z(1, 1)), z(1, 1))
})

t.test('append accepts entries that follow without a gap, and no others', async (t) => {
  const entries = (first: Zxid, count = 1) => ({ first, count, bytes: new Uint8Array(0) })
  const history = sample()
  t.notOk(history.accepts(entries(z(3, 2))), 'held already')
  t.notOk(history.accepts(entries(z(3, 4))), 'a gap')
  t.notOk(history.accepts(entries(z(4, 2))), 'an epoch begins with 1')
  t.notOk(history.accepts(entries(z(2, 1))), 'an earlier epoch')
  t.notOk(history.accepts(entries(z(3, 3), 0)), 'nothing')
  t.throws(() => history.append(entries(z(3, 4))))
  history.append(entries(z(3, 3), 2))
  t.equal(history.last, z(3, 4))
  history.append(entries(z(5, 1)))
  t.equal(history.last, z(5, 1))
})

t.test('truncateAfter drops everything after the zxid', async (t) => {
  const history = sample()
  history.truncateAfter(z(1, 2))
  t.equal(history.last, z(1, 2))
  t.notOk(history.contains(z(1, 3)))
  t.notOk(history.contains(z(3, 1)))
  t.throws(() => history.truncateAfter(z(1, 3)), 'it is not held any more')
  history.truncateAfter(zxidZero)
  t.equal(history.last, zxidZero)
})

t.test('a purge moves the base, also into a range and over a whole epoch', async (t) => {
  const history = sample()
  history.purgeUpTo(z(1, 2))
  t.equal(history.base, z(1, 2))
  t.notOk(history.contains(z(1, 1)))
  t.ok(history.contains(z(1, 2)))
  t.ok(history.contains(z(1, 3)))
  history.purgeUpTo(z(1, 3))
  t.equal(history.floor(z(1, 2)), undefined)
  t.equal(history.floor(z(2, 1)), z(1, 3), 'where the first epoch left ends is still known')
  history.purgeUpTo(z(3, 2))
  t.equal(history.last, z(3, 2))
  t.throws(() => history.purgeUpTo(z(3, 3)), 'it is not held')
  const halfPurged = sample(z(1, 3))
  t.equal(halfPurged.floor(z(1, 2)), undefined, 'everything up to the base is dropped')
})

const cases = [
  {
    name: 'an equal log takes an empty DIFF',
    last: z(3, 2),
    want: { type: 'DIFF', after: z(3, 2) },
  },
  { name: 'a prefix takes the rest', last: z(1, 2), want: { type: 'DIFF', after: z(1, 2) } },
  { name: 'an empty log takes all', last: zxidZero, want: { type: 'DIFF', after: zxidZero } },
  { name: 'a longer log is cut', last: z(3, 5), want: { type: 'TRUNC', to: z(3, 2) } },
  { name: 'a tail of a lost epoch is cut', last: z(2, 4), want: { type: 'TRUNC', to: z(1, 3) } },
  { name: 'a tail of an older epoch is cut', last: z(1, 7), want: { type: 'TRUNC', to: z(1, 3) } },
]
for (const { name, last, want } of cases) {
  t.test(`decideSync: ${name}`, async (t) => {
    t.same(decideSync(last, sample()), want)
  })
}

t.test('decideSync: a learner from before the log needs the tree', async (t) => {
  const history = new History(z(1, 3), [{ epoch: 3, firstCounter: 1, lastCounter: 2 }])
  t.same(decideSync(z(1, 2), history), { type: 'SNAP' })
  t.same(decideSync(z(1, 3), history), { type: 'DIFF', after: z(1, 3) })
})
