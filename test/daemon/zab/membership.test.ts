import t from 'tap'
import { Membership } from '../../../src/daemon/zab/membership.ts'
import { majority } from '../../../src/daemon/zab/quorum.ts'
import type { ServerId } from '../../../src/protocol/records.ts'

const ids = (...numbers: number[]) => numbers as ServerId[]

t.test('voters are in ascending order, each once', async (t) => {
  t.same(new Membership(majority(ids(3, 1, 2, 2))).voters, [1, 2, 3])
})

t.test('a server that is not listed is no voter', async (t) => {
  const membership = new Membership(majority(ids(1, 3)))
  t.ok(membership.isVoter(3 as ServerId))
  t.notOk(membership.isVoter(2 as ServerId))
})
