import t from 'tap'
import { cli, countOn, minutesOn, skip, Terminal } from './terminal.ts'
import { until } from './world.ts'

t.test('npm start on a terminal', { skip }, async (t) => {
  const terminal = new Terminal(t, [...cli, 'start', '--rate', '10'])
  const text = () => terminal.lines().join('\n')
  const untilCount = (count: number) =>
    until(`${count} goals came`, () => (countOn(text()) >= count ? true : undefined))

  t.test('goals are shown in order of minute, and the cluster is healthy', async (t) => {
    const seen = await terminal.sees(/HEALTHY +[3-9]\d goals/)
    const minutes = minutesOn(seen)
    t.ok(minutes.length >= 10)
    t.same(
      minutes,
      minutes.toSorted((a, b) => a - b),
    )
    t.match(seen, / goals +HEALTHY +\d+ goals +[\d.]+\/s +lag \d+ +from broker \d/)
    t.match(seen, /[123] leader +127\.0\.0\.1:\d+/)
    t.match(seen, /[123] L.? +127\.0\.0\.1:\d+ +\d/)
    t.match(seen, /in sync 1 2 3/)
  })

  t.test('the pause key stops the goals, and resumes them when pressed again', async (t) => {
    terminal.press('Space')
    const paused = countOn(await terminal.sees(/PAUSED/))
    const later = countOn(await terminal.sees(/PAUSED .*lag [1-9]\d/))
    t.ok(later - paused <= 3, 'goals already received may still be shown')
    terminal.press('Space')
    await untilCount(later + 10)
    t.notMatch(text(), /PAUSED/)
  })

  t.test('a scrolled page stays in place until the follow key is pressed', async (t) => {
    terminal.press('Home')
    t.equal(minutesOn(await terminal.sees(/\d+ below/))[0], 1)
    await terminal.sees(/[5-9]\d below|\d{3} below/)
    t.equal(minutesOn(text())[0], 1)
    terminal.press('f')
    t.notMatch(await terminal.sees(/─ goals by minute ─/), /─ 1–/)
  })

  t.test('help opens and closes', async (t) => {
    terminal.press('?')
    t.match(await terminal.sees(/keys/), /kill the server that leads the ensemble/)
    terminal.press('Escape')
    await until('it is closed', () => (text().includes('pause and resume') ? undefined : true))
    t.pass('the help is closed')
  })

  t.test('the screen adapts to a smaller terminal, a tiny one, and back', async (t) => {
    terminal.resize(60, 16)
    const small = await terminal.sees(/servers 1[FL] 2[FL] 3[FL]/)
    t.notMatch(small, /─ servers/)
    terminal.resize(30, 5)
    await terminal.sees(/make this terminal/)
    terminal.resize(140, 45)
    await terminal.sees(/[123] follower +controller|[123] leader +controller/)
    terminal.resize(80, 24)
    t.match(await terminal.sees(/─ brokers/), /─ events/)
  })

  t.test('a key kills the leader, and the ensemble recovers', async (t) => {
    terminal.press('l')
    const killed = /killed server-(\d), the leader/.exec(await terminal.sees(/killed server/))?.[1]
    const healed = await terminal.sees(/accepts writes again after \d+ ms/)
    const gapMs = Number(/accepts writes again after (\d+) ms/.exec(healed)?.[1])
    t.comment(`the ensemble accepted writes again after ${gapMs} ms`)
    t.ok(gapMs < 1000, 'in less than a second')
    t.match(await terminal.sees(/server-\d leads after \d+ ms/), /server-\d leads/)
    await terminal.sees(new RegExp(`│ ${killed} lost `))
    await terminal.sees(/DEGRADED 2 of 3 servers/)
    terminal.press('v')
    await terminal.sees(new RegExp(`server-${killed} is back`))
    t.match(await terminal.sees(new RegExp(`│ ${killed} follower`)), /leader/)
    await terminal.sees(/HEALTHY/)
  })

  t.test('a key kills the leading broker, and the topic recovers', async (t) => {
    terminal.press('b')
    const seen = await terminal.sees(/broker \d leads goals after \d+ ms/)
    const gapMs = Number(/leads goals after (\d+) ms/.exec(seen)?.[1])
    t.comment(`another broker led after ${gapMs} ms`)
    t.ok(gapMs < 3000, 'in less than three seconds')
    const before = countOn(await terminal.sees(/goals are stored again/))
    await untilCount(before + 10)
    t.match(await terminal.sees(/DEGRADED 2 of 3 brokers/), /brokers 2 of 3/)
    terminal.press('v')
    await terminal.sees(/HEALTHY/)
  })

  t.test('without a quorum, the screen says so and shows no leader', async (t) => {
    terminal.press('s')
    await terminal.sees(/DEGRADED 2 of 3 servers/)
    terminal.press('s')
    const seen = await terminal.sees(/NO QUORUM 1 of 3/)
    t.notMatch(seen, /HEALTHY/)
    t.match(await terminal.sees(/[123] LC?.?\? /), /[123] looking/)
    terminal.press('v')
    await terminal.sees(/HEALTHY/)
  })

  t.test('with one broker left nothing is stored, and with none the screen says so', async (t) => {
    terminal.press('x')
    await terminal.sees(/brokers 2 of 3/)
    terminal.press('x')
    t.match(await terminal.sees(/NOT STORING: in sync 1 < 2/), /brokers 1 of 3/)
    terminal.press('x')
    const seen = await terminal.sees(/NO BROKER/)
    t.match(seen, /brokers 0 of 3/)
    t.match(seen, /killed broker-\d/, 'the event of the key stays visible')
    terminal.press('x')
    terminal.press('x')
    await terminal.sees(/there is no broker to kill; v revives ×2/)
    terminal.press('v')
    await terminal.sees(/HEALTHY/)
  })

  t.test('quit restores the terminal and prints a summary', async (t) => {
    terminal.press('q')
    const seen = await terminal.sees(/exit code/)
    for (const id of [1, 2, 3]) {
      t.match(seen, new RegExp(`broker ${id} serves the same \\d+ goals from its own log`))
    }
    t.match(seen, /\n\d+ goals in order of minute on 3 brokers\nstopping …\n+exit code 0/)
    t.notMatch(seen, /│/)
  })
})
