import t from 'tap'
import { torture } from './torture.ts'

t.test('a few seconds of torture break no promise', async (t) => {
  const seed = Date.now() % 2 ** 32
  t.comment(`seed ${seed}`)
  const { history, violations, deaths } = await torture({
    seed,
    seconds: 3,
    servers: 3,
    clients: 4,
    sessionTimeoutMs: 1000,
    dataDir: t.testdir(),
    say: (line) => t.comment(line),
  })
  t.same(violations, [])
  t.same(deaths, [])
  const acknowledged = history.operations.filter(({ outcome }) => outcome.type === 'ok')
  t.ok(acknowledged.length > 100, `${acknowledged.length} operations were acknowledged`)
  t.equal(history.replicas.length, 3)
})
