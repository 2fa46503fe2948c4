import t from 'tap'
import { SyncPace } from '../../src/log/sync-pace.ts'

/** @param mainThreadSync as the log's option */
function made(mainThreadSync = true) {
  const clock = { ms: 0 }
  const pace = new SyncPace({ nowMs: () => clock.ms, mainThreadSync })
  const sync = (tookMs: number) => {
    const begun = pace.begin()
    clock.ms += tookMs
    return pace.ended(begun)
  }
  return { clock, pace, sync }
}

t.test(
  'a sync tells how many records it covers and how long the first of them waited',
  async (t) => {
    const { clock, pace, sync } = made()
    clock.ms = 10
    pace.appended()
    clock.ms = 13
    pace.appended()
    clock.ms = 15
    t.same(sync(2), { records: 2, queuedMs: 5, tookMs: 2 })
    t.same(sync(1), { records: 0, queuedMs: 0, tookMs: 1 }, 'nothing waited')
  },
)

t.test('records appended while a sync runs wait for the next', async (t) => {
  const { clock, pace, sync } = made()
  pace.appended()
  const begun = pace.begin()
  clock.ms = 3
  pace.appended()
  clock.ms = 4
  t.same(pace.ended(begun), { records: 1, queuedMs: 0, tookMs: 4 })
  t.same(sync(1), { records: 1, queuedMs: 1, tookMs: 1 })
})

t.test('the main thread is blocked only by a disk that was fast four times in a row', async (t) => {
  const { pace, sync } = made()
  const allowed: boolean[] = []
  for (const tookMs of [0.5, 0.5, 0.5, 0.5, 1, 0.5, 0.5, 0.5, 0.9]) {
    sync(tookMs)
    allowed.push(pace.mayBlock)
  }
  t.same(allowed, [false, false, false, true, false, false, false, false, true])
})

t.test('the main thread is not blocked while more than two records wait', async (t) => {
  const { pace, sync } = made()
  for (let i = 0; i < 4; i++) sync(0.1)
  pace.appended()
  pace.appended()
  t.ok(pace.mayBlock)
  pace.appended()
  t.notOk(pace.mayBlock)
})

t.test('the main thread is never blocked if the option forbids it', async (t) => {
  const { pace, sync } = made(false)
  for (let i = 0; i < 9; i++) sync(0.1)
  t.notOk(pace.mayBlock)
})
