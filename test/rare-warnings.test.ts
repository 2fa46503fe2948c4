import t from 'tap'
import type { Clock } from '../src/clock.ts'
import type { Logger } from '../src/logger.ts'
import { RareWarnings, Repeats } from '../src/rare-warnings.ts'

t.test('the first of a kind is said, the next ones are counted', async (t) => {
  const repeats = new Repeats<string>(60_000)
  t.equal(repeats.note('tls', 'a', 0), true)
  t.equal(repeats.note('tls', 'b', 1), false)
  t.equal(repeats.note('http', 'c', 2), true, 'another kind')
  t.equal(repeats.note('tls', 'd', 59_999), false)
  t.equal(repeats.dueMs, 60_000)
  t.same(repeats.take(59_999), [])
  t.same(repeats.take(60_000), [{ kind: 'tls', count: 2, last: 'd', seconds: 60 }])
})

t.test('what goes on is told once a period, what is over is forgotten', async (t) => {
  const repeats = new Repeats<string>(1000)
  repeats.note('a', '', 0)
  repeats.note('a', '', 10)
  t.equal(repeats.take(1000).length, 1)
  t.equal(repeats.note('a', '', 1500), false, 'still the same flood')
  t.equal(repeats.dueMs, 2000)
  t.match(repeats.take(2000), [{ count: 1, seconds: 1 }])
  t.same(repeats.take(3000), [], 'nothing more came')
  t.equal(repeats.dueMs, Number.POSITIVE_INFINITY)
  t.equal(repeats.note('a', '', 3001), true, 'that is news again')
})

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

/** A clock with one timer at a time, moved by hand, and what was logged. */
class World implements Clock {
  ms = 0
  timer: { readonly atMs: number; readonly run: () => void } | undefined
  readonly lines: string[] = []
  readonly logger: Logger = {
    child: () => this.logger,
    debug: () => undefined,
    info: (facts, message) => this.lines.push(`info ${message} ${JSON.stringify(facts)}`),
    warn: (facts, message) => this.lines.push(`warn ${message} ${JSON.stringify(facts)}`),
    error: () => undefined,
  }

  nowMs = () => this.ms
  wallMs = () => this.ms
  every = () => () => undefined
  after = (delayMs: number, run: () => void) => {
    const timer = { atMs: this.ms + delayMs, run }
    this.timer = timer
    return () => {
      if (this.timer === timer) this.timer = undefined
    }
  }

  moveTo(ms: number): void {
    for (let due = this.timer; due !== undefined && due.atMs <= ms; due = this.timer) {
      this.timer = undefined
      this.ms = due.atMs
      due.run()
    }
    this.ms = ms
  }
}

t.test('two thousand of a kind are two lines', async (t) => {
  const world = new World()
  const warnings = new RareWarnings(world.logger, world)
  for (let i = 0; i < 2000; i++) warnings.warn('tls', { port: i }, 'Closed')
  world.moveTo(59_999)
  t.same(world.lines, ['warn Closed {"port":0}'])
  world.moveTo(60_000)
  t.same(world.lines.slice(1), [
    'warn Closed; and 1 999 more like it in the last 60 s {"port":1999,"count":1999}',
  ])
  world.moveTo(600_000)
  t.equal(world.lines.length, 2)
  t.equal(world.timer, undefined, 'no timer is left')
})

t.test('closing tells what was counted, and leaves no timer', async (t) => {
  const world = new World()
  const warnings = new RareWarnings(world.logger, world)
  for (let i = 0; i < 3; i++) warnings.info('seen', {}, 'Refused')
  warnings.close()
  t.equal(world.timer, undefined)
  warnings.info('seen', {}, 'Refused')
  t.same(world.lines, ['info Refused {}', 'info Refused; and 2 more like it until now {"count":2}'])
})
