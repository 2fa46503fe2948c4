import t from 'tap'
import { SteadyTime } from '../../../src/broker/replication/steady-time.ts'

const dayMs = 24 * 60 * 60 * 1000
const wallAtStartMs = 1_700_000_000_000

/** A monotonic clock from 0, and a wall clock that is off by `skewMs`. */
function world() {
  const clocks = { monotonicMs: 0, skewMs: 0 }
  const time = new SteadyTime({
    nowMs: () => clocks.monotonicMs,
    wallMs: () => wallAtStartMs + clocks.monotonicMs + clocks.skewMs,
  })
  return { clocks, time }
}

t.test('without a jump it is the wall clock', async (t) => {
  const { clocks, time } = world()
  t.equal(time.nowMs(), wallAtStartMs)
  clocks.monotonicMs = dayMs
  t.equal(time.nowMs(), wallAtStartMs + dayMs)
})

t.test('a jump of a year forward makes nothing a year old', async (t) => {
  const { clocks, time } = world()
  clocks.skewMs = 365 * dayMs
  t.equal(time.nowMs(), wallAtStartMs, 'at once: nothing')
  clocks.monotonicMs = dayMs
  t.equal(time.nowMs(), wallAtStartMs + 1.1 * dayMs)
  clocks.skewMs = 0
  t.equal(time.nowMs(), wallAtStartMs + dayMs, 'and it is taken back')
})

t.test('a correction is caught up with in ten times its size', async (t) => {
  const { clocks, time } = world()
  clocks.skewMs = 5000
  clocks.monotonicMs = 50_000
  t.equal(time.nowMs(), wallAtStartMs + 55_000)
  clocks.monotonicMs = 60_000
  t.equal(time.nowMs(), wallAtStartMs + 65_000)
})
