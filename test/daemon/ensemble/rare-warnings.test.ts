import t from 'tap'
import { systemClock } from '../../../src/clock.ts'
import { RareWarnings } from '../../../src/daemon/ensemble/rare-warnings.ts'
import { silentLogger } from '../../../src/logger.ts'

t.test('a warning that comes again is logged once per interval, with a count', async (t) => {
  let nowMs = 0
  const said: object[] = []
  const warnings = new RareWarnings(
    { ...silentLogger, warn: (fields, message) => said.push({ ...fields, message }) },
    { ...systemClock, nowMs: () => nowMs },
  )
  for (nowMs = 0; nowMs < 60_000; nowMs += 1000) warnings.warn('a', { peer: 1 }, 'Refusing')
  warnings.warn('b', { peer: 2 }, 'Refusing')
  nowMs = 60_000
  warnings.warn('a', { peer: 1 }, 'Refusing')
  t.same(said, [
    { peer: 1, message: 'Refusing' },
    { peer: 1, leftOut: 29, message: 'Refusing' },
    { peer: 2, message: 'Refusing' },
    { peer: 1, leftOut: 29, message: 'Refusing' },
  ])
})

t.test('the oldest of very many is forgotten', async (t) => {
  let count = 0
  const warnings = new RareWarnings(
    { ...silentLogger, warn: () => count++ },
    { ...systemClock, nowMs: () => 0 },
  )
  for (let i = 0; i <= 1000; i++) warnings.warn(`${i}`, {}, 'Refusing')
  warnings.warn('1000', {}, 'Refusing')
  t.equal(count, 1001)
  warnings.warn('0', {}, 'Refusing')
  t.equal(count, 1002)
})
