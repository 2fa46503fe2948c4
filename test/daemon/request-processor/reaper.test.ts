import t from 'tap'
import { Reaper, type ReaperOptions } from '../../../src/daemon/request-processor/reaper.ts'

const minute = 60_000

/** A tree in which the same znodes are due until they are taken. */
function world(count: number, options: Partial<ReaperOptions> = {}) {
  const due = Array.from({ length: count }, (_, i) => `/${i}`)
  let asked = 0
  const tree = {
    expiry: {
      due: () => {
        asked++
        return [...due]
      },
      isDue: () => true,
    },
  }
  const reaper = new Reaper(tree, {
    checkIntervalMs: minute,
    perMinuteMax: 600,
    neverUsedMs: 0,
    ...options,
  })
  let nowMs = 1_000_000
  reaper.reset(nowMs)
  const take = (afterMs: number): string[] => {
    nowMs += afterMs
    const taken = reaper.take({ nowMs, wallMs: 0 })
    due.splice(0, taken.length)
    return taken
  }
  return { reaper, take, asked: () => asked, now: () => nowMs }
}

t.test('the tree is searched once per interval, first after a whole interval', async (t) => {
  const { take, asked, reaper, now } = world(3)
  t.same(take(minute - 1), [])
  t.equal(asked(), 0)
  t.same(take(1), ['/0'], 'one at once, at most')
  t.same(take(1000), ['/1', '/2'])
  t.same(take(minute - 1001), [])
  t.equal(asked(), 1)
  take(1)
  t.equal(asked(), 2)
  reaper.reset(now())
  take(minute - 1)
  t.equal(asked(), 2)
})

t.test('znodes beyond the rate per minute wait, in their order', async (t) => {
  const { take } = world(2000)
  take(minute - 2000)
  const taken = take(2000)
  t.equal(taken.length, 20)
  for (let i = 0; i < 29; i++) taken.push(...take(2000))
  t.equal(taken.length, 600)
  t.same(
    taken,
    [...taken].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))),
  )
})

t.test('a rate below one per tick is kept too', async (t) => {
  const { take } = world(10, { perMinuteMax: 3, checkIntervalMs: 1 })
  const taken: string[] = []
  for (let i = 0; i < 30; i++) taken.push(...take(2000))
  t.same(taken, ['/0', '/1', '/2'])
})

t.test('a process that stood still does not catch up on the missed deletions', async (t) => {
  const { take } = world(5000)
  t.equal(take(100 * minute).length, 600)
})
