import t from 'tap'
import { Membership } from '../../../src/daemon/zab/membership.ts'
import { Quorum } from '../../../src/daemon/zab/quorum.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'

const ids = (...numbers: number[]) => numbers as ServerId[]

const cases = [
  { name: 'a lone server decides for itself', logged: [7], want: 7 },
  { name: 'two of three', logged: [1, 4, 9], want: 4 },
  { name: 'an even ensemble needs one more than half', logged: [1, 4, 4, 9], want: 4 },
  { name: 'two of four is no quorum', logged: [1, 1, 9, 9], want: 1 },
  {
    name: 'a voter that acknowledged nothing does not count',
    logged: [undefined, undefined, 9],
    want: 0,
  },
]
for (const { name, logged, want } of cases) {
  t.test(`Quorum.reachedBy: ${name}`, async (t) => {
    const quorum = new Quorum(ids(...logged.keys()))
    t.equal(
      quorum.reachedBy((voter) => logged[voter] as Zxid | undefined),
      want,
    )
  })
}

t.test('only voters make a quorum', async (t) => {
  const { quorum } = new Membership(ids(3, 1, 2, 2))
  t.notOk(quorum.has((voter) => voter === 1))
  t.ok(quorum.has((voter) => voter !== 1))
  t.notOk(
    quorum.has((voter) => voter > 2),
    'servers 4 and 5 are not asked',
  )
})

t.test('two of three are a majority, and not all', async (t) => {
  const quorum = new Quorum(ids(1, 2, 3))
  t.notOk(quorum.all((voter) => voter !== 3))
  t.ok(quorum.all((voter) => voter > 0))
})
