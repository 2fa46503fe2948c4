import t from 'tap'
import { Standstill } from '../../../src/daemon/ensemble/standstill.ts'

const made = () => new Standstill({ leaderTimeoutMs: 600, nowMs: 1000 })

t.test('a leader that stood still for half the leader time-out is in doubt', async (t) => {
  const standstill = made()
  t.equal(standstill.noteRunning(1300, true), undefined)
  t.notOk(standstill.isDoubtful)
  t.equal(standstill.noteRunning(1601, true), 301)
  t.ok(standstill.isDoubtful)
})

t.test('the doubt lasts until it is resolved, although the process runs', async (t) => {
  const standstill = made()
  standstill.noteRunning(2000, true)
  t.equal(standstill.noteRunning(2010, true), undefined)
  t.ok(standstill.isDoubtful)
  standstill.resolve()
  t.notOk(standstill.isDoubtful)
})

t.test('a server that does not lead is not in doubt, nor when it leads later', async (t) => {
  const standstill = made()
  t.equal(standstill.noteRunning(9000, false), undefined)
  t.equal(standstill.noteRunning(9010, true), undefined)
  t.notOk(standstill.isDoubtful)
})
