import t from 'tap'
import { LeadershipCheck } from '../../../src/daemon/zab/leadership-check.ts'
import { Quorum } from '../../../src/daemon/zab/quorum.ts'
import { compareVotes } from '../../../src/daemon/zab/vote.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'

const ids = (...numbers: number[]) => numbers as ServerId[]

const cases = [
  { name: 'a lone server decides for itself', logged: [7], want: 7 },
  { name: 'two of three', logged: [1, 4, 9], want: 4 },
  { name: 'an even ensemble needs one more than half', logged: [1, 4, 4, 9], want: 4 },
  { name: 'two of four is no quorum', logged: [1, 1, 9, 9], want: 1 },
  {
    name: 'who acknowledged nothing counts for nothing',
    logged: [undefined, undefined, 9],
    want: 0,
  },
]
for (const { name, logged, want } of cases) {
  t.test(`Quorum.reachedBy: ${name}`, async (t) => {
    const quorum = new Quorum(ids(...logged.keys()))
    t.equal(
      quorum.reachedBy((voter) => logged[voter] as Zxid | undefined),
      want,
    )
  })
}

t.test('only voters make a quorum', async (t) => {
  const quorum = new Quorum(ids(3, 1, 2, 2))
  t.same(quorum.voters, [1, 2, 3])
  t.equal(quorum.size, 2)
  t.notOk(quorum.has((voter) => voter === 1))
  t.ok(quorum.has((voter) => voter !== 1))
  t.notOk(quorum.isVoter(4 as ServerId))
})

t.test('votes are ordered by epoch, then zxid, then id', async (t) => {
  const vote = (epoch: number, zxid: number, id: number) => ({
    epoch,
    zxid: zxid as Zxid,
    id: id as ServerId,
  })
  const ascending = [vote(1, 9, 9), vote(2, 1, 5), vote(2, 3, 1), vote(2, 3, 2), vote(3, 0, 1)]
  for (const [i, a] of ascending.entries()) {
    for (const [j, b] of ascending.entries()) {
      t.equal(Math.sign(compareVotes(a, b)), Math.sign(i - j))
    }
  }
})

t.test('leadership is confirmed only by answers to a ping sent after the question', async (t) => {
  const [one, two, three] = ids(1, 2, 3)
  const check = new LeadershipCheck(new Quorum(ids(1, 2, 3)), one as ServerId)
  const before = check.nextRound()
  t.ok(check.ask(1), 'a ping is wanted now')
  check.answered(two as ServerId, before)
  t.equal(check.takeConfirmed(), undefined, 'an answer to an older ping proves nothing')
  const first = check.nextRound()
  t.notOk(check.ask(2), 'a ping is under way: this question takes the next one')
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
