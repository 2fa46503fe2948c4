import t from 'tap'
import type { Cluster, Member } from '../../src/cli/cluster/cluster.ts'
import {
  connectTo,
  epochOf,
  prepareWorld,
  startWorld,
  untilRole,
  untilRoles,
  writeThrough,
} from './world.ts'

/** Starts the first `count` servers, without waiting for the others. */
async function startSome(cluster: Cluster, count: number): Promise<readonly Member[]> {
  const some = cluster.servers.slice(0, count)
  for (const server of some) cluster.start(server, '--bootstrap')
  for (const server of some) await untilRole(server, 'leader', 'follower')
  return some
}

t.test('election', async (t) => {
  t.test('one server joins', async (t) => {
    const { cluster } = await prepareWorld(t, { servers: 3 })
    const first = await startSome(cluster, 2)
    const { leader } = await untilRoles(cluster, 1)
    const zk = await connectTo(t, ...first)
    const before = await zk.create('/before', 'it came')

    const joiner = cluster.member('server', 3)
    cluster.start(joiner)
    t.equal(await untilRole(joiner, 'leader', 'follower'), 'follower')
    const { data } = await (await connectTo(t, joiner)).getData('/before')
    t.equal(data?.toString(), 'it came')
    const after = await zk.create('/after')
    t.equal(epochOf(after.stat.czxid), epochOf(before.stat.czxid), 'without an election')
    t.equal((await untilRoles(cluster, 2)).leader, leader)
  })

  t.test('several join at once', async (t) => {
    const { cluster } = await prepareWorld(t, { servers: 5 })
    const first = await startSome(cluster, 3)
    const { leader } = await untilRoles(cluster, 2)
    const zk = await connectTo(t, ...first)
    const before = await zk.create('/before', 'they came')

    const joiners = cluster.servers.slice(3)
    for (const joiner of joiners) cluster.start(joiner)
    for (const joiner of joiners) {
      t.equal(await untilRole(joiner, 'leader', 'follower'), 'follower')
      const { data } = await (await connectTo(t, joiner)).getData('/before')
      t.equal(data?.toString(), 'they came')
    }
    const after = await zk.create('/after')
    t.equal(epochOf(after.stat.czxid), epochOf(before.stat.czxid), 'without an election')
    t.equal((await untilRoles(cluster, 4)).leader, leader)
  })

  t.test('leader fails', async (t) => {
    const { cluster } = await startWorld(t, { servers: 3 })
    const { leader, followers } = await untilRoles(cluster, 2)
    const zk = await connectTo(t, ...followers)
    const before = await zk.create('/before', 'it stays')

    await cluster.kill(leader)
    const gapMs = await writeThrough(zk, '/before', 'it changes')
    t.comment(`written again after ${gapMs.toFixed(0)} ms`)
    t.ok(gapMs < 1000, 'writes go on in less than a second')
    const roles = await untilRoles(cluster, 1)
    t.ok(followers.includes(roles.leader))
    const after = await zk.create('/after')
    t.ok(epochOf(after.stat.czxid) > epochOf(before.stat.czxid), 'after an election')
  })

  t.test('follower fails: no election', async (t) => {
    const { cluster } = await startWorld(t, { servers: 3 })
    const { leader, followers } = await untilRoles(cluster, 2)
    const [failing, other] = followers
    if (failing === undefined || other === undefined) throw new Error('There are two followers')
    const zk = await connectTo(t, leader, other)
    const before = await zk.create('/before')

    await cluster.kill(failing)
    const after = await zk.create('/after')
    t.equal(epochOf(after.stat.czxid), epochOf(before.stat.czxid))
    t.equal((await untilRoles(cluster, 1)).leader, leader)
    cluster.start(failing)
    await untilRole(failing, 'follower')
    const last = await zk.create('/last')
    t.equal(epochOf(last.stat.czxid), epochOf(before.stat.czxid))
  })
})
