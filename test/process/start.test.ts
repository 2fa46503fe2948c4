import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Zw } from './world.ts'

t.test('without a terminal: 100 goals, checked on every broker', async (t) => {
  const zw = new Zw(t, ['start'])
  t.equal(await zw.closed(), 0)
  t.equal(zw.errors, '')
  t.equal(zw.lines.at(-1), '100 goals in order of minute on 3 brokers')
  const shown = zw.lines.flatMap((line) => {
    const found = /^ *(\d+)(?:\+(\d+))?' .*\([0-9a-f]{4}-(\d+)\)$/.exec(line)
    return found === null ? [] : [found.slice(1).map((number) => Number(number ?? 0))]
  })
  t.same(
    shown.map(([, , nth]) => nth),
    Array.from({ length: 100 }, (_, i) => i + 1),
  )
  const times = shown.map(([minute = Number.NaN, added = 0]) => minute * 100 + added)
  t.same(
    times,
    times.toSorted((a, b) => a - b),
    'in order of minute',
  )
  t.equal(times[0], 100, 'from minute 1')
  for (const id of [1, 2, 3]) {
    t.ok(
      zw.lines.some((line) =>
        line.endsWith(`broker ${id} serves the same 100 goals from its own log`),
      ),
    )
  }
})

t.test('a kept data directory is reused, and only new goals count', async (t) => {
  const data = join(t.testdir(), 'kept')
  const flags = ['start', '--servers', '1', '--brokers', '1', '--data', data]
  const first = new Zw(t, [...flags, '--goals', '20'])
  t.equal(await first.closed(), 0)
  t.equal(first.lines.at(-1), '20 goals in order of minute on 1 broker')
  t.ok(existsSync(join(data, 'server-1.log')))

  const second = new Zw(t, [...flags, '--goals', '30'])
  t.equal(await second.closed(), 0)
  t.equal(second.lines.at(-1), '30 goals in order of minute on 1 broker')
})

t.test('when stopped early, it leaves no process behind and does not claim success', async (t) => {
  const zw = new Zw(t, ['start', '--servers', '1', '--brokers', '1', '--rate', '2'])
  await zw.untilLine(/-2\)$/)
  const pids = zw.childPids()
  t.equal(pids.length, 2)
  t.equal(await zw.end('SIGTERM'), 1)
  for (const pid of pids) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})
