// Servers that are told to stop, one after the other, under load: leadership is handed over, clients
// are closed in portions, and no request fails that a reconnect does not explain.

import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { formatAddress } from '../../src/address.ts'
import type { Member } from '../../src/cli/cluster/cluster.ts'
import { digestOf } from '../../src/protocol/digest.ts'
import { prepareWorld, until, untilRoles, type World, Zw } from './world.ts'
import { writerAt } from './writer.ts'

async function restart({ cluster }: World, member: Member): Promise<void> {
  await cluster.stop(member)
  cluster.start(member)
  await untilRoles(cluster, 2)
}

t.test('servers', async (t) => {
  const world = await prepareWorld(t, { servers: 3 })
  const { cluster } = world
  const superDigest = digestOf(Buffer.from('super:of this test'))
  const settings = [
    `DigestAuthenticationProvider.superDigest=${superDigest}`,
    // On a busy machine a server may be silent for longer than the default; planned stops need no
    // time-out.
    'leaderTimeoutMs=2500',
  ]
  appendFileSync(join(world.dataDir, 'zoo.cfg'), `${settings.join('\n')}\n`)
  cluster.startAll()
  await untilRoles(cluster, 2)

  await t.test('a leader that stops: clients of the others notice nothing', async (t) => {
    const { leader, followers } = await untilRoles(cluster, 2)
    const writers = await Promise.all(followers.map((follower) => writerAt(t, follower)))
    for (const writer of writers) await writer.goesOn()
    await cluster.stop(leader)
    for (const writer of writers) {
      await writer.goesOn()
      await writer.end()
    }
    t.same(
      writers.map(({ failures, lostConnections }) => ({ failures, lostConnections })),
      writers.map(() => ({ failures: [], lostConnections: 0 })),
    )
    const pauseMs = Math.max(...writers.map(({ longestMs }) => longestMs))
    t.comment(`no write for ${pauseMs.toFixed(0)} ms`)
    t.ok(pauseMs < 1000, 'writes go on at once')
    cluster.start(leader)
    await untilRoles(cluster, 2)
  })

  await t.test('each server in turn: at most one reconnect each, and nothing else', async (t) => {
    const { servers } = cluster
    const writers = await Promise.all(
      servers.map((_, i) => writerAt(t, ...servers.slice(i), ...servers.slice(0, i))),
    )
    for (const server of servers) {
      const before = writers.map(({ lostConnections }) => lostConnections)
      await restart(world, server)
      for (const writer of writers) await writer.goesOn()
      for (const [i, { lostConnections }] of writers.entries()) {
        t.ok(lostConnections - (before[i] ?? 0) <= 1, 'one server stops, one connection is lost')
      }
    }
    for (const writer of writers) await writer.end()
    for (const { failures, lostConnections } of writers) {
      t.ok(failures.length <= lostConnections, 'a write fails only with its connection')
      t.ok(failures.every((code) => code === 'CONNECTIONLOSS'))
    }
  })

  await t.test('zw ensemble moves the leader, for those who may, and clients stay', async (t) => {
    const { leader, followers } = await untilRoles(cluster, 2)
    const [next] = followers
    if (next === undefined) throw new Error('There are two followers')
    const writers = await Promise.all(cluster.servers.map((server) => writerAt(t, server)))
    const all = cluster.serverAddresses.map(formatAddress).join()
    const move = ['ensemble', 'move-leader', '-s', all, '--to', `${next.id}`]

    const refused = new Zw(t, move)
    t.equal(await refused.closed(), 1)
    t.match(refused.errors, /may not write \/zookeeper\/config/)
    t.equal((await untilRoles(cluster, 2)).leader, leader)

    const moved = new Zw(t, [...move, '--user', 'super'], { input: 'of this test\n' })
    t.equal(await moved.closed(), 0)
    t.same(moved.lines, [`Server ${next.id} leads.`])
    t.equal((await untilRoles(cluster, 2)).leader, next)
    for (const writer of writers) {
      await writer.goesOn()
      await writer.end()
    }
    t.same(
      writers.map(({ failures, lostConnections }) => ({ failures, lostConnections })),
      writers.map(() => ({ failures: [], lostConnections: 0 })),
    )

    const again = new Zw(t, [...move, '--user', 'super', '-o', 'json'], { input: 'of this test' })
    t.equal(await again.closed(), 1)
    t.match(again.errors, new RegExp(`server ${next.id} leads already`))
  })

  await t.test('zw ensemble drain: connections are closed, and clients are back', async (t) => {
    const [server] = cluster.servers
    if (server === undefined) throw new Error('There are three servers')
    const writers = await Promise.all(Array.from({ length: 4 }, () => writerAt(t, server)))
    const args = ['ensemble', 'drain', '--percent', '50', '-s', formatAddress(server.address)]
    const drained = new Zw(t, [...args, '--user', 'super'], { input: 'of this test\n' })
    t.equal(await drained.closed(), 0)
    const lost = () => writers.reduce((sum, { lostConnections }) => sum + lostConnections, 0)
    await until('half of the connections are closed', () => (lost() >= 2 ? true : undefined))
    for (const writer of writers) {
      await writer.goesOn()
      await writer.end()
    }
    t.equal(lost(), 2)
  })
})
