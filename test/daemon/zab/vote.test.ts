import t from 'tap'
import { compareVotes } from '../../../src/daemon/zab/vote.ts'
import type { Standing } from '../../../src/protocol/peer/messages.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'

t.test('votes are ordered by epoch, then zxid, then standing, then id', async (t) => {
  const vote = (epoch: number, zxid: number, id: number, standing: Standing = 'voter') => ({
    ...{ epoch, zxid: zxid as Zxid, standing, id: id as ServerId },
  })
  const ascending = [
    vote(1, 9, 9),
    vote(2, 1, 5),
    vote(2, 3, 7, 'former'),
    vote(2, 3, 1),
    vote(2, 3, 2),
    vote(3, 0, 1),
  ]
  for (const [i, a] of ascending.entries()) {
    for (const [j, b] of ascending.entries()) {
      t.equal(Math.sign(compareVotes(a, b)), Math.sign(i - j))
    }
  }
})
