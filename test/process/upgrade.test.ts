// An ensemble of the release before, upgraded one server at a time under load, and partly taken back.
// `scripts/keep-release.mjs` kept the servers of that release.

import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import type { Member } from '../../src/cli/cluster/cluster.ts'
import { askWord } from '../../src/client/zk/ask-word.ts'
import { packageVersion } from '../../src/package-version.ts'
import { realWorld } from '../../src/real-world.ts'
import { dist } from '../programs.ts'
import { connectTo, prepareWorld, until, untilRoles } from './world.ts'
import { type Writer, writerAt } from './writer.ts'

const before = '0.2.0'

/** The directory of the build of the release before. */
function unpack(into: string): URL {
  const archive = fileURLToPath(new URL(`releases/${before}.tgz`, import.meta.url))
  mkdirSync(into)
  execFileSync('tar', ['-xzf', archive, '-C', into])
  symlinkSync(fileURLToPath(new URL('../node_modules', dist)), join(into, 'node_modules'))
  return pathToFileURL(`${join(into, 'dist')}/`)
}

/** Servers that were told to change their release. */
class Upgrade {
  readonly #world: Awaited<ReturnType<typeof prepareWorld>>
  readonly #newer: Set<Member>
  readonly #writers: readonly Writer[]

  constructor(
    world: Awaited<ReturnType<typeof prepareWorld>>,
    newer: Set<Member>,
    writers: readonly Writer[],
  ) {
    this.#world = world
    this.#newer = newer
    this.#writers = writers
  }

  /** Restarts a server as the other release; an `empty` one has lost its data. */
  async change(t: Test, server: Member, { isEmpty = false } = {}): Promise<void> {
    const { cluster, dataDir } = this.#world
    const lost = this.#writers.map(({ lostConnections }) => lostConnections)
    await cluster.stop(server)
    if (!this.#newer.delete(server)) this.#newer.add(server)
    if (isEmpty) rmSync(join(dataDir, server.name), { recursive: true })
    cluster.start(server)
    await untilRoles(cluster, 2)
    const release = this.#newer.has(server) ? packageVersion() : before
    const shown = await askWord(realWorld(), server.address, 'srvr')
    t.ok(shown?.includes(`-zooweeper-${release},`), `${server.name} is of ${release}`)
    for (const [i, writer] of this.#writers.entries()) {
      await writer.goesOn()
      t.ok(writer.lostConnections - (lost[i] ?? 0) <= 1, 'at most one reconnect')
    }
  }
}

t.test('an ensemble is upgraded one server at a time', async (t) => {
  const newer = new Set<Member>()
  const world = await prepareWorld(t, {
    servers: 3,
    distOf: (member) => (newer.has(member) ? dist : older),
  })
  const older = unpack(join(world.dataDir, before))
  const { cluster } = world
  const releases = new Set<string>()
  cluster.on('line', ({ name }, line) => {
    if (line.includes('"msg":"A server runs another release"')) releases.add(name)
  })
  cluster.startAll()
  const { leader, followers } = await untilRoles(cluster, 2)
  const [first, second] = followers
  if (first === undefined || second === undefined) throw new Error('There are two followers')

  const zk = await connectTo(t, ...cluster.servers)
  await zk.create('/kept', '')
  const values = Array.from({ length: 200 }, (_, i) => `${i} `.repeat(i))
  await Promise.all(values.map((value, i) => zk.create(`/kept/${i}`, value)))
  await zk.create('/ephemeral', '', { mode: 'ephemeral' })

  const { servers } = cluster
  const writers = await Promise.all(
    servers.map((_, i) => writerAt(t, ...servers.slice(i), ...servers.slice(0, i))),
  )
  const upgrade = new Upgrade(world, newer, writers)
  await upgrade.change(t, first)
  await upgrade.change(t, first) // back to the release before, with what the newer one wrote
  await upgrade.change(t, first, { isEmpty: true })
  await upgrade.change(t, second)
  await upgrade.change(t, leader)
  for (const writer of writers) await writer.end()
  for (const { failures, lostConnections } of writers) {
    t.ok(failures.length <= lostConnections, 'a write fails only with its connection')
    t.ok(failures.every((code) => code === 'CONNECTIONLOSS'))
  }
  await until('a newer server has noted the older ones', () =>
    releases.has(first.name) ? true : undefined,
  )
  t.ok(await zk.exists('/ephemeral'), 'the session has survived')

  for (const server of servers) {
    const reader = await connectTo(t, server)
    await reader.sync('/')
    const found = await Promise.all(values.map((_, i) => reader.getData(`/kept/${i}`)))
    t.same(
      found.map(({ data }) => `${data}`),
      values,
      `${server.name} has everything`,
    )
  }
})
