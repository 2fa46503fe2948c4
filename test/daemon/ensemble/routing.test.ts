import t from 'tap'
import type { EnsembleRole } from '../../../src/daemon/ensemble/ensemble.ts'
import { Routing } from '../../../src/daemon/ensemble/routing.ts'
import type { RoutedMessage } from '../../../src/protocol/peer/messages.ts'
import type { ServerId, SessionId } from '../../../src/protocol/records.ts'
import { zxidZero } from '../../../src/protocol/zxid.ts'

const [one, two, three] = [1 as ServerId, 2 as ServerId, 3 as ServerId]

const asked: readonly RoutedMessage[] = [
  { type: 'SYNC', seq: 1 },
  { type: 'TOUCH', sessions: [] },
  {
    ...{ type: 'ATTACH', seq: 2, session: 1 as SessionId },
    ...{ password: Buffer.alloc(16), timeoutMs: 1000 },
  },
  {
    ...{ type: 'REQUEST', seq: 3, session: 1 as SessionId, identities: [] },
    request: { type: 'closeSession' },
  },
]
const answered: readonly RoutedMessage[] = [
  { type: 'SYNCED', seq: 1, zxid: zxidZero },
  { type: 'ATTACHED', seq: 2, zxid: zxidZero, timeoutMs: 1000 },
  { type: 'MOVED', session: 1 as SessionId },
  { type: 'DIGEST', zxid: zxidZero, high: 1, low: 2 },
]

/** @returns where `messages` go if this server has that role, and server two is its only learner */
function heard(role: EnsembleRole, from: ServerId, messages: readonly RoutedMessage[]): string[] {
  const calls: string[] = []
  const routing = new Routing(
    { role: () => role, hasLearner: (peer) => peer === two },
    {
      zab: (_, { type }) => calls.push(`zab ${type}`),
      snapshot: (_, { type }) => calls.push(`snapshot ${type}`),
      fromLearner: (peer, { type }) => calls.push(`learner ${peer} ${type}`),
      fromLeader: ({ type }) => calls.push(`leader ${type}`),
    },
  )
  for (const message of messages) routing.received(from, message)
  return calls
}

const leading: EnsembleRole = { type: 'leading', epoch: 1 }
const following: EnsembleRole = { type: 'following', epoch: 1, leader: one }

t.test(
  'a leader accepts requests of its learners, and of no peer without its history',
  async (t) => {
    t.same(
      heard(leading, two, asked),
      asked.map(({ type }) => `learner 2 ${type}`),
    )
    t.same(heard(leading, three, asked), [])
  },
)

t.test('a server that does not lead answers no learner', async (t) => {
  for (const role of [following, { type: 'looking' } as const]) {
    t.same(heard(role, two, asked), [], role.type)
  }
})

t.test('a follower accepts messages of its leader, and of no earlier leader', async (t) => {
  t.same(
    heard(following, one, answered),
    answered.map(({ type }) => `leader ${type}`),
  )
  t.same(heard(following, two, answered), [])
  t.same(heard(leading, two, answered), [])
  t.same(heard({ type: 'looking' }, one, answered), [])
})

t.test('votes, phases and trees pass in every role: Zab judges them itself', async (t) => {
  const messages: readonly RoutedMessage[] = [
    { type: 'COMMIT', zxid: zxidZero },
    { type: 'PING', round: 1 },
    { type: 'SNAPTAKEN', count: 1 },
  ]
  for (const role of [following, leading, { type: 'looking' } as const]) {
    t.same(heard(role, three, messages), ['zab COMMIT', 'zab PING', 'snapshot SNAPTAKEN'])
  }
})
