import fc from 'fast-check'
import t from 'tap'
import { Membership } from '../../../src/daemon/zab/membership.ts'
import { type Electorate, majority, Quorum } from '../../../src/daemon/zab/quorum.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'

const ids = (...numbers: number[]) => numbers as ServerId[]

/** Each group is a list of `id` or `[id, weight]`. */
function groups(
  ...given: readonly (readonly (number | readonly [number, number])[])[]
): Electorate {
  return given.map((group) =>
    group.map((each) => {
      const [id, weight] = typeof each === 'number' ? [each, 1] : each
      return { voter: id as ServerId, weight }
    }),
  )
}

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
    const quorum = new Quorum(majority(ids(...logged.keys())))
    t.equal(
      quorum.reachedBy((voter) => logged[voter] as Zxid | undefined),
      want,
    )
  })
}

const three = groups([1, 2, 3], [4, 5, 6], [7, 8, 9])
const weighed = groups([[1, 3], 2, 3], [4, [5, 2]], [6])
const grouped: readonly {
  readonly name: string
  readonly electorate: Electorate
  readonly agree: readonly number[]
  readonly want: boolean
}[] = [
  {
    name: 'two of three in two of three groups',
    electorate: three,
    agree: [1, 2, 4, 5],
    want: true,
  },
  { name: 'a whole group is not two', electorate: three, agree: [1, 2, 3, 4, 7], want: false },
  { name: 'five of nine, one majority', electorate: three, agree: [1, 2, 3, 6, 9], want: false },
  {
    name: 'two groups of two are both needed',
    electorate: groups([1], [2]),
    agree: [1],
    want: false,
  },
  { name: 'a heavy voter is more than half', electorate: weighed, agree: [1, 6], want: true },
  { name: 'many light voters are not', electorate: weighed, agree: [2, 3, 6], want: false },
  {
    name: 'half of the weight is not more',
    electorate: groups([[1, 2], 2, 3]),
    agree: [1],
    want: false,
  },
  { name: 'a voter of no group has no say', electorate: three, agree: [1, 2, 10, 11], want: false },
]
for (const { name, electorate, agree, want } of grouped) {
  t.test(`groups: ${name}`, async (t) => {
    const quorum = new Quorum(electorate)
    t.equal(
      quorum.has((voter) => agree.includes(voter)),
      want,
    )
    t.equal(quorum.reachedBy((voter) => (agree.includes(voter) ? 7 : 3) as Zxid) === 7, want)
  })
}

/** Ids from 1 on, divided into groups. */
const electorates = fc
  .array(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((weights) => {
    let id = 0
    return groups(...weights.map((group) => group.map((weight) => [++id, weight] as const)))
  })
const sets = fc.integer({ min: 0, max: 2 ** 16 - 1 })

t.test('any two quorums of an electorate have a voter in common', async () => {
  fc.assert(
    fc.property(electorates, sets, sets, (electorate, one, other) => {
      const quorum = new Quorum(electorate)
      const isIn = (set: number) => (voter: ServerId) => ((set >> (voter - 1)) & 1) === 1
      fc.pre(quorum.has(isIn(one)) && quorum.has(isIn(other)))
      return electorate.flat().some(({ voter }) => isIn(one & other)(voter))
    }),
    { numRuns: 3000 },
  )
})

t.test('what a quorum has reached is the highest zxid that a quorum has', async () => {
  const logs = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 16, maxLength: 16 })
  fc.assert(
    fc.property(electorates, electorates, logs, (last, before, logged) => {
      const quorum = new Quorum(last, before)
      const reached = (voter: ServerId) => (logged[voter - 1] ?? 0) as Zxid
      const zxid = quorum.reachedBy(reached)
      return (
        quorum.has((voter) => reached(voter) >= zxid) &&
        !quorum.has((voter) => reached(voter) > zxid)
      )
    }),
  )
})

t.test('only voters make a quorum', async (t) => {
  const { quorum } = new Membership(majority(ids(3, 1, 2, 2)))
  t.notOk(quorum.has((voter) => voter === 1))
  t.ok(quorum.has((voter) => voter !== 1))
  t.notOk(
    quorum.has((voter) => voter > 2),
    'servers 4 and 5 are not asked',
  )
})

t.test('two of three are a majority, and not all', async (t) => {
  const quorum = new Quorum(majority(ids(1, 2, 3)))
  t.notOk(quorum.all((voter) => voter !== 3))
  t.ok(quorum.all((voter) => voter > 0))
})
