import t from 'tap'
import { type Logger, silentLogger } from '../src/logger.ts'
import { RareWarnings, Repeats } from '../src/rare-warnings.ts'
import { VirtualClock } from './virtual-clock.ts'

t.test('the first warning of a kind is logged, and later ones are counted', async (t) => {
  const repeats = new Repeats<string>(60_000)
  t.equal(repeats.note('tls', 'a', 0), true)
  t.equal(repeats.note('tls', 'b', 1), false)
  t.equal(repeats.note('http', 'c', 2), true, 'another kind')
  t.equal(repeats.note('tls', 'd', 59_999), false)
  t.equal(repeats.dueMs, 60_000)
  t.same(repeats.take(59_999), [])
  t.same(repeats.take(60_000), [{ kind: 'tls', count: 2, last: 'd', seconds: 60 }])
})

t.test(
  'a continuing flood is reported once per period, and a finished one is forgotten',
  async (t) => {
    const repeats = new Repeats<string>(1000)
    repeats.note('a', '', 0)
    repeats.note('a', '', 10)
    t.equal(repeats.take(1000).length, 1)
    t.equal(repeats.note('a', '', 1500), false, 'still the same flood')
    t.equal(repeats.dueMs, 2000)
    t.match(repeats.take(2000), [{ count: 1, seconds: 1 }])
    t.same(repeats.take(3000), [], 'no warning was added')
    t.equal(repeats.dueMs, Number.POSITIVE_INFINITY)
    t.equal(repeats.note('a', '', 3001), true, 'the kind is new again')
  },
)

t.test('a period is over when `dueMs` says so, however its times are rounded', async (t) => {
  const repeats = new Repeats<string>(60_000)
  const sinceMs = 38_754 / 7
  t.ok(sinceMs + 60_000 - sinceMs < 60_000, 'the difference is rounded down')
  repeats.note('a', '', sinceMs)
  repeats.note('a', '', sinceMs)
  t.equal(repeats.take(repeats.dueMs).length, 1)
})

t.test('kinds are bounded in number', async (t) => {
  const repeats = new Repeats<string>(1000)
  for (let i = 0; i < 1001; i++) t.equal(repeats.note(`kind ${i}`, '', i), true)
  t.equal(repeats.note('kind 1000', '', 2), false)
  t.equal(repeats.note('kind 0', '', 2), true, 'the oldest was forgotten')
})

function made() {
  const clock = new VirtualClock()
  const lines: string[] = []
  const logger: Logger = {
    ...silentLogger,
    info: (facts, message) => lines.push(`info ${message} ${JSON.stringify(facts)}`),
    warn: (facts, message) => lines.push(`warn ${message} ${JSON.stringify(facts)}`),
  }
  return { clock, lines, warnings: new RareWarnings(logger, clock) }
}

t.test('two thousand warnings of a kind are two lines', async (t) => {
  const { clock, lines, warnings } = made()
  for (let i = 0; i < 2000; i++) warnings.warn('tls', { port: i }, 'Closed')
  clock.advanceNow(59_999)
  t.same(lines, ['warn Closed {"port":0}'])
  clock.advanceNow(1)
  t.same(lines.slice(1), [
    'warn Closed; and 1 999 more like it in the last 60 s {"port":1999,"count":1999}',
  ])
  clock.advanceNow(600_000)
  t.equal(lines.length, 2)
  t.equal(clock.timerCount, 0, 'no timer is left')
})

t.test('closing tells what was counted, and leaves no timer', async (t) => {
  const { clock, lines, warnings } = made()
  for (let i = 0; i < 3; i++) warnings.info('seen', {}, 'Refused')
  warnings.close()
  t.equal(clock.timerCount, 0)
  warnings.info('seen', {}, 'Refused')
  t.same(lines, ['info Refused {}', 'info Refused; and 2 more like it until now {"count":2}'])
})
