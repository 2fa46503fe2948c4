import t from 'tap'
import { LeadershipCheck } from '../../../src/daemon/zab/leadership-check.ts'
import { majority, Quorum } from '../../../src/daemon/zab/quorum.ts'
import type { ServerId } from '../../../src/protocol/records.ts'

const ids = (...numbers: number[]) => numbers as ServerId[]

t.test('leadership is confirmed only by answers to a ping sent after the question', async (t) => {
  const [one, two, three] = ids(1, 2, 3)
  const check = new LeadershipCheck({
    quorum: new Quorum(majority(ids(1, 2, 3))),
    self: one as ServerId,
  })
  const before = check.nextRound()
  t.ok(check.ask(1), 'a ping is due now')
  check.answered(two as ServerId, before)
  t.equal(check.takeConfirmed(), undefined, 'an answer to an older ping proves nothing')
  const first = check.nextRound()
  t.notOk(check.ask(2), 'a ping is in flight: this question waits for the next one')
  check.answered(two as ServerId, first)
  t.equal(check.takeConfirmed(), 1)
  t.ok(check.asking)
  const second = check.nextRound()
  check.answered(two as ServerId, second)
  check.forget(two as ServerId)
  t.equal(check.takeConfirmed(), undefined, 'answers of a lost connection do not count')
  check.answered(three as ServerId, second)
  t.equal(check.takeConfirmed(), 2)
  t.equal(check.takeConfirmed(), undefined)
})
