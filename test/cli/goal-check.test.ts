import t from 'tap'
import { parseGoal } from '../../src/cli/goal.ts'
import { firstDifference } from '../../src/cli/goal-check.ts'

const goals = [1, 2, 3].map((minute) => {
  const goal = parseGoal(
    JSON.stringify({ id: `a-${minute}`, minute, player: 'p', club: 'c', score: '1:0' }),
  )
  if (goal === undefined) throw new Error('It is a goal')
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
  { name: 'one twice', served: [one, two, three, three], want: '1 goals too many' },
  { name: 'no goal at all', served: [one, undefined, three], want: 'only 1 of 3 goals' },
]
for (const { name, served, want } of differences) {
  t.test(`what a broker serves is compared: ${name}`, async (t) => {
    t.equal(firstDifference(goals, served), want)
  })
}
