import t from 'tap'
import { firstDifference, StoredGoals } from '../../../src/cli/cluster/goal-check.ts'
import { parseGoal } from '../../../src/cli/goals/goal.ts'

const goals = [1, 2, 3].map((minute) => {
  const goal = parseGoal(
    JSON.stringify({ id: `a-${minute}`, minute, player: 'p', club: 'c', score: '1:0' }),
  )
  if (goal === undefined) throw new Error('Cannot parse the goal')
  return goal
})
const [one, two, three] = goals
const differences = [
  { name: 'the same', served: goals, want: undefined },
  { name: 'one missing at the end', served: [one, two], want: 'only 2 of 3 goals' },
  {
    name: 'one missing in between',
    served: [one, three],
    want: 'a-3 of minute 3 where a-2 of minute 2 belongs',
  },
  {
    name: 'two swapped',
    served: [two, one, three],
    want: 'a-2 of minute 2 where a-1 of minute 1 belongs',
  },
  {
    name: 'one twice',
    served: [one, two, two],
    want: 'a-2 of minute 2 where a-3 of minute 3 belongs',
  },
  { name: 'no goal at all', served: [one, undefined, three], want: 'only 1 of 3 goals' },
]
for (const { name, served, want } of differences) {
  t.test(`goals served by a broker are compared: ${name}`, async (t) => {
    t.equal(firstDifference(goals, served), want)
  })
}

t.test('goals stored out of order are reported even if every broker has that order', async (t) => {
  const some = [one, three, two].flatMap((goal) => goal ?? [])
  t.equal(firstDifference(some, some), 'a-2 of minute 2 after a-3 of minute 3')
})

t.test('the last goals of an endless run are kept, with their offsets', async (t) => {
  const stored = new StoredGoals()
  for (let i = 0; i < 25_000; i++) stored.add(JSON.stringify({ ...one, id: `a-${i}` }), 100 + 2 * i)
  stored.add('no goal', 7)
  t.equal(stored.count, 25_000)
  t.ok(stored.kept.length >= 10_000 && stored.kept.length < 11_000)
  t.match(stored.kept.at(-1), { goal: { id: 'a-24999' }, offset: 100 + 2 * 24_999 })
  t.match(stored.kept[0], { goal: { id: `a-${25_000 - stored.kept.length}` } })
})

t.test('a goal that is acknowledged late keeps its place', async (t) => {
  const stored = new StoredGoals()
  for (const [goal, offset] of [
    [one, 5],
    [three, 7],
    [two, 6],
  ] as const) {
    stored.add(JSON.stringify(goal), offset)
  }
  t.same(
    stored.kept.map(({ goal }) => goal.id),
    ['a-1', 'a-2', 'a-3'],
  )
})
