import t from 'tap'
import type { Member } from '../../src/cli/cluster/cluster.ts'
import { askHealth } from '../../src/cli/four-letter-word.ts'
import { connectTo, startWorld, until, untilRoles } from './world.ts'

t.test('data synchronization', async (t) => {
  const { cluster } = await startWorld(t, { servers: 3 })
  const { leader, followers } = await untilRoles(cluster, 2)
  const [follower] = followers
  if (follower === undefined) throw new Error('There are two followers')

  /** Reads from each server after a `sync` on it. */
  const readEverywhere = (path: string) =>
    Promise.all(
      cluster.servers.map(async (server) => {
        const zk = await connectTo(t, server)
        await zk.sync(path)
        const { data, stat } = await zk.getData(path)
        return { text: data?.toString(), stat }
      }),
    )

  const writeTo = async (server: Member, path: string) => {
    const zk = await connectTo(t, server)
    const { stat } = await zk.create(path, 'first')
    const changed = await zk.setData(path, 'second')
    t.equal(changed.version, 1)
    return { text: 'second', stat: { ...changed, czxid: stat.czxid } }
  }

  for (const [claim, server] of [
    ['write to leader', leader],
    ['write to follower, forwarded', follower],
  ] as const) {
    t.test(claim, async (t) => {
      const path = `/${claim.replaceAll(/\W+/g, '-')}`
      const written = await writeTo(server, path)
      for (const read of await readEverywhere(path)) t.same(read, written)
      await until('every server has applied the same transactions', async () => {
        const healths = await Promise.all(cluster.servers.map(({ address }) => askHealth(address)))
        return new Set(healths.map(({ zxid }) => zxid)).size === 1 ? true : undefined
      })
    })
  }

  t.test('a write through a follower reaches a watcher on the leader', async (t) => {
    const onLeader = await connectTo(t, leader)
    const onFollower = await connectTo(t, follower)
    const told = new Promise((resolve) => onLeader.exists('/seen', resolve))
    await onLeader.sync()
    await onFollower.create('/seen')
    t.match(await told, { type: 'NodeCreated', path: '/seen' })
  })
})
