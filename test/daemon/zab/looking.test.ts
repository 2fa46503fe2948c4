// Which vote a server casts that has a proposed configuration: it needs both quorums.

import t from 'tap'
import { Looking } from '../../../src/daemon/zab/looking.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { id, ids, stateOf, z } from './leader-parts.ts'

/** Server 1 has proposed that 1, 4 and 5 are the voters, after 1, 2 and 3. */
function proposer(...connected: number[]) {
  const state = stateOf(3)
  const others = ids(2, 3, 4, 5, 6).filter((peer) => !connected.includes(peer))
  for (const peer of others) state.disconnected(peer)
  state.configurations.append(z(2, 6), { type: 'propose', voters: ids(1, 4, 5), text: '' })
  const looking = new Looking(state, 0)
  const heard = (from: ServerId, candidate: ServerId) => {
    const vote = { epoch: 2, zxid: z(2, 5), standing: 'voter', id: candidate } as const
    looking.received(1, from, { ...looking.notification(), vote, configuration: z(0, 0) })
  }
  const vote = () => {
    const { id: candidate, standing } = looking.notification().vote
    return [candidate, standing]
  }
  return { state, looking, heard, vote }
}

t.test('it stands for election when it has links to both quorums', async (t) => {
  t.same(proposer(2, 4).vote(), [1, 'voter'])
})

t.test('without one of them it stands aside, and says whom it misses', async (t) => {
  const { looking, vote } = proposer(2, 3)
  t.same(vote(), [1, 'none'])
  t.same(looking.waiting, { for: 'configuration', missing: [4, 5], initialised: [] })
  t.same(proposer(4, 5).vote(), [1, 'none'])
})

t.test('it supports a server that does not have it, but follows it once it leads', async (t) => {
  const { looking, heard, vote } = proposer(2, 3)
  heard(id(2), id(3))
  heard(id(3), id(3))
  t.same(vote(), [3, 'voter'])
  looking.tick(1000)
  t.equal(looking.next, undefined, 'its log is better: as a follower it would depose the leader')
})

t.test('it withdraws when a link is lost, and stands again when that is back', async (t) => {
  const { state, looking, vote } = proposer(2, 4)
  const { round } = state
  state.disconnected(id(4))
  looking.disconnected(1, id(4))
  t.same(vote(), [1, 'none'])
  t.ok(state.round > round, 'who voted for it votes again')
  state.connect(id(5), { isMember: true })
  looking.connected(2)
  t.same(vote(), [1, 'voter'])
})
