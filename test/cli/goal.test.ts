import t from 'tap'
import { formatGoal, type Goal, GoalSource, parseGoal } from '../../src/cli/goal.ts'
import { Random } from '../../src/random.ts'

function goals(seed: number, count: number): Goal[] {
  const source = new GoalSource(new Random(seed))
  return Array.from({ length: count }, () => source.next())
}

t.test('minutes rise by one from 1, and no id comes twice', async (t) => {
  const all = goals(1, 1000)
  t.same(
    all.map(({ minute }) => minute),
    Array.from({ length: 1000 }, (_, i) => i + 1),
  )
  t.equal(new Set(all.map(({ id }) => id)).size, 1000)
})

t.test('a seed replays its goals, another seed makes others', async (t) => {
  t.same(goals(7, 50), goals(7, 50))
  t.notSame(goals(7, 50), goals(8, 50))
})

t.test('a score is one that a match can have, up to five for one side', async (t) => {
  for (const { score } of goals(3, 500)) {
    const [home = Number.NaN, away = Number.NaN] = score.split(':').map(Number)
    t.ok(home + away >= 1 && Math.max(home, away) <= 5 && Math.min(home, away) <= 4, score)
  }
})

t.test('a goal survives its JSON', async (t) => {
  for (const goal of goals(5, 20)) t.same(parseGoal(JSON.stringify(goal)), goal)
})

const noGoals = [
  'Goal!',
  '',
  'null',
  '7',
  '[]',
  '{"minute":1}',
  '{"id":"a","minute":"1","player":"p","club":"c","score":"1:0"}',
  '{"id":"a","minute":1.5,"player":"p","club":"c","score":"1:0"}',
  '{"id":1,"minute":1,"player":"p","club":"c","score":"1:0"}',
]
for (const text of noGoals) {
  t.test(`no goal: '${text}'`, async (t) => {
    t.equal(parseGoal(text), undefined)
  })
}

t.test('a line shows minute, score, club and player', async (t) => {
  const goal = { id: 'ab-3', minute: 3, player: 'Ada Park', club: 'Ajax', score: '1:0' }
  t.equal(formatGoal(goal), "   3'  1:0  Ajax             Ada Park  (ab-3)")
})
