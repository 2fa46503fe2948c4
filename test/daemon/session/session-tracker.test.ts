import t from 'tap'
import { SessionTracker } from '../../../src/daemon/session/session-tracker.ts'
import type { ServerId, SessionId } from '../../../src/protocol/records.ts'

const session = (id: number): SessionId => id as SessionId
const server = (id: number): ServerId => id as ServerId

/** Advances time tick by tick, as the server does. @returns which sessions expired when */
function run(tracker: SessionTracker, fromMs: number, toMs: number): string[] {
  const expired: string[] = []
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 1000) {
    for (const id of tracker.expire(nowMs)) expired.push(`${id} at ${nowMs}`)
  }
  return expired
}

function tracker(): SessionTracker {
  const tracker = new SessionTracker({ tickMs: 1000 })
  tracker.add(session(1), { timeoutMs: 4000, owner: server(1) })
  tracker.add(session(2), { timeoutMs: 4500, owner: server(2) })
  tracker.add(session(3), { timeoutMs: 8000, owner: server(3) })
  for (const id of [1, 2, 3]) tracker.touch(session(id), 0)
  return tracker
}

t.test('the deadlines list which sessions expire when, the next ones first', async (t) => {
  const sessions = tracker()
  t.same(sessions.deadlines, [
    { deadlineMs: 5000, items: [1, 2] },
    { deadlineMs: 9000, items: [3] },
  ])
  sessions.touch(session(1), 5000)
  sessions.remove(session(2))
  t.same(sessions.deadlines, [
    { deadlineMs: 9000, items: [3] },
    { deadlineMs: 10_000, items: [1] },
  ])
})

t.test('a silent session lives its time-out and at most a tick more', async (t) => {
  const sessions = tracker()
  t.same(run(sessions, 0, 20_000), ['1 at 5000', '2 at 5000', '3 at 9000'])
  t.equal(sessions.size, 0)
})

t.test('the time of a session begins with its first touch', async (t) => {
  const sessions = new SessionTracker({ tickMs: 1000 })
  sessions.add(session(1), { timeoutMs: 4000, owner: server(1) })
  t.same(run(sessions, 0, 20_000), [])
  t.equal(sessions.touch(session(1), 20_000), true)
  t.same(run(sessions, 20_000, 40_000), ['1 at 25000'])
})

t.test('a touch gives a whole time-out from then on', async (t) => {
  const sessions = tracker()
  t.same(run(sessions, 0, 4000), [])
  t.equal(sessions.touch(session(1), 4000), true)
  t.same(run(sessions, 5000, 20_000), ['2 at 5000', '3 at 9000', '1 at 9000'])
})

t.test('an expired session is gone at once: no touch brings it back', async (t) => {
  const sessions = tracker()
  run(sessions, 0, 5000)
  t.equal(sessions.has(session(1)), false)
  t.equal(sessions.owner(session(1)), undefined)
  t.equal(sessions.touch(session(1), 5000), false)
  t.same(run(sessions, 6000, 20_000), ['3 at 9000'])
})

t.test('a removed session never expires', async (t) => {
  const sessions = tracker()
  sessions.remove(session(1))
  sessions.remove(session(1))
  t.equal(sessions.has(session(1)), false)
  t.same(run(sessions, 0, 20_000), ['2 at 5000', '3 at 9000'])
})

t.test('the owner is the server that attached the session last', async (t) => {
  const sessions = tracker()
  t.equal(sessions.owner(session(1)), 1)
  sessions.setOwner(session(1), server(3))
  t.equal(sessions.owner(session(1)), 3)
  t.equal(sessions.owner(session(99)), undefined)
})

t.test('under a new leader, a session goes on at the server that says so first', async (t) => {
  const sessions = tracker()
  sessions.reset(new Map([[session(2), { timeoutMs: 4500 }]]), 0)
  t.ok(sessions.maybeKeep(session(2), server(3)))
  t.ok(sessions.maybeKeep(session(2), server(3)))
  t.notOk(sessions.maybeKeep(session(2), server(4)))
  t.equal(sessions.owner(session(2)), 3)
  t.notOk(sessions.maybeKeep(session(99), server(3)), 'it is over')
})

t.test('a new leadership gives every session of the tree a whole time-out', async (t) => {
  const sessions = tracker()
  run(sessions, 0, 4000)
  const inTree = new Map([
    [session(2), { timeoutMs: 4500 }],
    [session(7), { timeoutMs: 6000 }],
  ])
  sessions.reset(inTree, 100_000)
  t.equal(sessions.has(session(1)), false)
  t.equal(sessions.owner(session(2)), undefined, 'no server attached it yet')
  t.same(run(sessions, 100_000, 120_000), ['2 at 105000', '7 at 107000'])
})

t.test('time in which the process stood still is not held against the clients', async (t) => {
  const sessions = tracker()
  run(sessions, 0, 2000)
  t.same(sessions.expire(60_000), [], 'their pings wait in the sockets')
  sessions.touch(session(1), 60_100)
  sessions.touch(session(3), 60_100)
  t.same(run(sessions, 61_000, 80_000), ['2 at 61000', '1 at 65000', '3 at 69000'])
})

t.test('clear removes every session', async (t) => {
  const sessions = tracker()
  sessions.clear()
  t.equal(sessions.size, 0)
  t.same(run(sessions, 0, 20_000), [])
})
