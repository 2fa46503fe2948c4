import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RealZooKeeper } from '../../bench/real-zookeeper.ts'
import { callAll } from './client-calls.ts'
import { differences } from './differences.ts'
import { harmful, table } from './operations.ts'
import { withoutZooKeeper } from './tools.ts'
import { transcript } from './transcript.ts'
import { startForClients, zooKeeperOptions } from './world.ts'

t.test('as ZooKeeper answers', { skip: withoutZooKeeper ?? false }, async (t) => {
  const { cluster, dataDir } = await startForClients(t)
  const beside = join(dataDir, 'zookeeper')
  const zookeeper = await RealZooKeeper.start(beside, { size: 3, ...zooKeeperOptions })
  t.teardown(() => zookeeper.stop())
  const ours = cluster.serverAddresses
  const theirs = zookeeper.addresses

  t.test('every operation, but for the differences that we know of', async (t) => {
    const known = new Map(differences.map(({ operation, reason }) => [operation, reason]))
    for (const [i, operation] of table.entries()) {
      const at = `/operation-${i}`
      const found = await transcript(ours, operation, at)
      const wanted = await transcript(theirs, operation, at)
      const reason = known.get(operation.name)
      known.delete(operation.name)
      if (reason === undefined) t.same(found, wanted, operation.name)
      else t.notSame(found, wanted, `${operation.name}: ${reason}`)
    }
    t.same([...known.keys()], [], 'each known difference is one of an operation in the table')
  })

  t.test('what our client is told in ZooKeeper’s protocol', async (t) => {
    t.same(await callAll(ours, '/calls'), await callAll(theirs, '/calls'))
  })

  t.test('what brings ZooKeeper 3.8.0 down is refused, and others are served', async (t) => {
    for (const [i, operation] of harmful.entries()) {
      const lines = await transcript(ours, operation, `/harmful-${i}`)
      t.match(lines[0], /UNIMPLEMENTED|BADARGUMENTS|MARSHALLINGERROR/, operation.name)
    }
    const [quiet] = table
    if (quiet !== undefined) t.ok(await transcript(ours, quiet, '/after'))
  })
})

t.test('the page lists the same differences', async (t) => {
  const page = readFileSync(new URL('../../docs/compatibility.md', import.meta.url), 'utf8')
  for (const { operation, reason } of differences) t.match(page, reason, operation)
})
