// An ensemble that grows without reconfigEnabled: its servers are restarted with a list that is longer by
// one voter, one after the other. The server that is new was an observer that was not there.

import t from 'tap'
import { formatAddress } from '../../src/address.ts'
import type { Member } from '../../src/cli/cluster/cluster.ts'
import { connectTo, prepareWorld, until, untilRole, untilRoles, writeThrough } from './world.ts'

t.test('three servers become four, and two voters at once are refused', async (t) => {
  const { cluster, basePort } = await prepareWorld(t, { servers: 5 })
  const [one, two, three, four, five] = cluster.servers
  if (!one || !two || !three || !four || !five) throw new Error('There are five servers')
  const listOf = (voters: number): string[] =>
    [four, five].flatMap((server) => {
      if (server.id <= voters) return []
      const port = basePort + 200 + server.id
      const client = formatAddress(server.address)
      return [`--server.${server.id}=127.0.0.1:${port}:${port}:observer;${client}`]
    })
  const give = async (server: Member, voters: number): Promise<void> => {
    await cluster.kill(server)
    cluster.start(server, ...listOf(voters))
  }
  for (const server of [one, two, three]) cluster.start(server, ...listOf(3))
  for (const server of [one, two, three]) await untilRole(server, 'leader', 'follower')
  const zk = await connectTo(t, one, two, three, four)
  await zk.create('/n', '0')

  const refusals: string[] = []
  cluster.on('line', ({ name }, line) => {
    const lists = /lists of servers differ: server \d has (\{.*?\}); server \d has (\{.*?\})/.exec(
      line,
    )
    if (lists !== null) refusals.push(`${name}: ${lists[1]} ${lists[2]}`)
  })
  cluster.start(five, ...listOf(5))
  const both = /\{.*5=127.*:\d+ \(observer\)\} .*5=127|5=127[^(]*\} .*5=127.*\(observer\)/
  const isLogged = ({ name }: Member) =>
    refusals.some((text) => text.startsWith(name) && both.test(text))
  await until('both logs name both lists', () =>
    isLogged(five) && [one, two, three].every(isLogged) ? true : undefined,
  )
  await cluster.kill(five)

  cluster.start(four, ...listOf(4))
  t.equal(await untilRole(four, 'leader', 'follower'), 'follower')
  for (const [i, server] of [one, two, three].entries()) {
    await give(server, 4)
    await untilRoles(cluster, 3)
    await writeThrough(zk, '/n', `${i + 1}`)
  }
  await cluster.kill(one)
  await writeThrough(zk, '/n', 'three of four')
})
