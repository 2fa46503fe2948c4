import t from 'tap'
import { compareGoals, formatGoal, type Goal, parseGoal } from '../../../src/cli/goals/goal.ts'
import { playerName, squadSize } from '../../../src/cli/goals/goal-names.ts'
import { GoalSource } from '../../../src/cli/goals/goal-source.ts'
import { Random } from '../../../src/random.ts'

function goals(seed: number, count: number, total: number | undefined = count): Goal[] {
  const source = new GoalSource(new Random(seed), total)
  return Array.from({ length: count }, () => source.next())
}

function scoreOf({ score }: Goal): readonly [number, number] {
  const [home = Number.NaN, away = Number.NaN] = score.split(':').map(Number)
  return [home, away]
}

for (const count of [1, 2, 7, 100, 1000, 20_000]) {
  t.test(`${count} goals: the minute begins with 1, never falls, and ends by 90`, async (t) => {
    const all = goals(count, count)
    t.equal(all[0]?.minute, 1)
    for (const [i, goal] of all.entries()) {
      if (i > 0 && compareGoals(all[i - 1] as Goal, goal) > 0) t.fail(`${i} comes too late`)
      if (goal.minute < 1 || goal.minute > 90) t.fail(`minute ${goal.minute}`)
      if (goal.day !== undefined) t.fail('they fit into one match day')
    }
    t.equal(new Set(all.map(({ id }) => id)).size, count, 'ids are unique')
  })
}

t.test('added time is short and ends a half', async (t) => {
  const added = goals(3, 5000).filter((goal) => goal.added !== undefined)
  t.ok(added.length > 0)
  t.ok(added.every(({ minute }) => minute === 45 || minute === 90))
  t.ok(added.every((goal) => (goal.added ?? 0) >= 1 && (goal.added ?? 0) <= 5))
})

t.test('a match has two clubs, and a goal raises the score of its club by one', async (t) => {
  const scores = new Map<string, readonly [number, number]>()
  const opponents = new Map<string, string>()
  for (const goal of goals(11, 2000)) {
    const { home = '', away = '', club } = goal
    t.equal(opponents.get(home) ?? away, away, `${home} plays one match a day`)
    opponents.set(home, away)
    t.notOk(opponents.has(away), `${away} plays one match a day`)
    const [homeBefore, awayBefore] = scores.get(home) ?? [0, 0]
    const after = scoreOf(goal)
    t.ok(club === home || club === away)
    t.same(after, club === home ? [homeBefore + 1, awayBefore] : [homeBefore, awayBefore + 1])
    scores.set(home, after)
  }
  t.ok([...scores.values()].every((score) => Math.max(...score) <= 9))
})

t.test('players belong to their club', async (t) => {
  const clubs = new Map<string, string>()
  for (const { player, club } of [...goals(1, 300), ...goals(2, 300)]) {
    t.equal(clubs.get(player) ?? club, club, player)
    clubs.set(player, club)
  }
})

t.test('no two clubs have a player of the same name until names run out', async (t) => {
  const names = new Set<string>()
  const clubCount = 390
  for (let club = 0; club < clubCount; club++) {
    for (let shirt = 0; shirt < squadSize; shirt++) names.add(playerName(club, shirt))
  }
  t.equal(names.size, clubCount * squadSize)
})

t.test('an endless run plays one match day after another, each from minute 1', async (t) => {
  const source = new GoalSource(new Random(5))
  const all = Array.from({ length: 1000 }, () => source.next())
  const days = [...new Set(all.map(({ day = 1 }) => day))]
  t.same(days, [1, 2, 3, 4])
  for (const day of days) t.equal(all.find((goal) => (goal.day ?? 1) === day)?.minute, 1)
  t.ok(all.every((goal, i) => i === 0 || compareGoals(all[i - 1] as Goal, goal) <= 0))
})

t.test('a seed reproduces its goals, and another seed makes others', async (t) => {
  t.same(goals(7, 50), goals(7, 50))
  t.notSame(goals(7, 50), goals(8, 50))
})

t.test('a goal survives its JSON', async (t) => {
  for (const goal of goals(5, 400, undefined)) t.same(parseGoal(JSON.stringify(goal)), goal)
})

t.test('a goal of another producer may leave out the clubs of the match', async (t) => {
  const fields = { id: 'x', minute: 7, player: 'p', club: 'c', score: '1:0' }
  t.match(parseGoal(JSON.stringify({ ...fields, home: 7, added: 'two', day: 1.5 })), fields)
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
  t.test(`'${text}' is not a goal`, async (t) => {
    t.equal(parseGoal(text), undefined)
  })
}

t.test('a line shows minute, match and player', async (t) => {
  const goal = { id: 'ab-3', minute: 3, player: 'Ada Park', club: 'Ajax', score: '1:0' }
  t.equal(
    formatGoal({ ...goal, home: 'Ajax', away: 'Porto' }),
    "    3'          Ajax 1:0 Porto         Ada Park, Ajax  (ab-3)",
  )
  t.equal(
    formatGoal({
      ...goal,
      minute: 90,
      added: 4,
      day: 2,
      home: 'Porto',
      away: 'Ajax',
      score: '0:1',
    }),
    "day 2  90+4'         Porto 0:1 Ajax          Ada Park, Ajax  (ab-3)",
  )
  t.match(formatGoal({ ...goal, player: '\x1b[2J' }), /Ajax 1:0 +␛\[2J, Ajax/)
})
