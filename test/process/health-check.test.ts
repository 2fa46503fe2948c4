import t from 'tap'
import type { Member } from '../../src/cli/cluster/cluster.ts'
import { askWord } from '../../src/client/zk/ask-word.ts'
import { realWorld } from '../../src/real-world.ts'
import { connectTo, epochOf, startWorld, until, untilRole, untilRoles } from './world.ts'

/** Number of followers that the leader counts as synchronized. */
async function syncedFollowers(leader: Member): Promise<number | undefined> {
  const answer = await askWord(realWorld(), leader.address, 'mntr')
  const count = /^zk_synced_followers\t(\d+)$/m.exec(answer ?? '')?.[1]
  return count === undefined ? undefined : Number(count)
}

t.test('health check', async (t) => {
  const { cluster } = await startWorld(t, { servers: 3 })
  const { leader, followers } = await untilRoles(cluster, 2)
  const [stopped, other] = followers
  if (stopped === undefined || other === undefined) throw new Error('There are two followers')
  const zk = await connectTo(t, leader, other)
  const before = await zk.create('/before')

  t.test('a stopped follower is shown as lost', async (t) => {
    cluster.freeze(stopped)
    t.equal(await untilRole(stopped, 'lost'), 'lost')
    const left = await until('the leader has dropped the follower', async () =>
      (await syncedFollowers(leader)) === 1 ? 1 : undefined,
    )
    t.equal(left, 1)
  })

  t.test('no election', async (t) => {
    const during = await zk.create('/during')
    t.equal(epochOf(during.stat.czxid), epochOf(before.stat.czxid))
    t.equal((await untilRoles(cluster, 1)).leader, leader)
  })

  t.test('it returns', async (t) => {
    cluster.thaw(stopped)
    await untilRole(stopped, 'follower')
    const back = await connectTo(t, stopped)
    t.ok(await back.exists('/during'), 'with the znode created in its absence')
    const after = await zk.create('/after')
    t.equal(epochOf(after.stat.czxid), epochOf(before.stat.czxid))
    t.equal((await untilRoles(cluster, 2)).leader, leader)
  })
})
