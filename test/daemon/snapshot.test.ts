// SNAP from end to end: three servers in one process, on real disks and sockets. One of them is
// behind the beginning of the others' logs, or has lost everything.

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import type { Server } from '../../src/daemon/server.ts'
import { realServer } from './real-server.ts'

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => net.createServer())
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  }
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port)
  for (const server of servers) await new Promise((resolve) => server.close(resolve))
  return ports
}

class World {
  readonly dir: string
  readonly #peers: readonly string[]
  readonly #running = new Map<number, Server>()

  constructor(dir: string, ports: readonly number[]) {
    this.dir = dir
    this.#peers = ports.map((port, i) => `--server.${i + 1}=127.0.0.1:${port}:1`)
  }

  dataDir(id: number): string {
    return join(this.dir, `${id}`)
  }

  async start(id: number): Promise<Server> {
    const flags = [
      ...['--data-dir', this.dataDir(id), `--myid=${id}`, ...this.#peers],
      ...['--client-port=0', '--client-port-address=127.0.0.1'],
      ...['--log-segment-bytes=4194304', '--log-segments-kept=1'],
    ]
    const server = realServer(flags)
    await server.start()
    this.#running.set(id, server)
    return server
  }

  async stop(id: number): Promise<void> {
    await this.#running.get(id)?.stop()
    this.#running.delete(id)
  }

  async client(...ids: readonly number[]): Promise<ZkClient> {
    const servers = ids.map((id) => this.#running.get(id)).filter((server) => server !== undefined)
    const zk = new ZkClient({
      servers: servers.map(({ clientPort }) => ({ host: '127.0.0.1', port: clientPort })),
      connectTimeoutMs: 20_000,
    })
    await zk.connect()
    return zk
  }

  /** Three segments and more, so that the first is dropped everywhere. */
  async fill(...ids: readonly number[]): Promise<void> {
    const zk = await this.client(...ids)
    const large = Buffer.alloc(900_000, 'x')
    await Promise.all(Array.from({ length: 16 }, () => zk.setData('/large', large)))
    await zk.close()
    while (!ids.every((id) => this.isPurged(id))) await new Promise((r) => setTimeout(r, 20))
  }

  isPurged(id: number): boolean {
    return !existsSync(join(this.dataDir(id), 'log', '0000000100000001.segment'))
  }

  directories(id: number): string[] {
    return readdirSync(this.dataDir(id)).filter((name) => /^(tree|log)/.test(name))
  }

  async stopAll(): Promise<void> {
    for (const id of [...this.#running.keys()]) await this.stop(id)
  }
}

/** Runs `claim` with three servers, and stops them before removing their data. */
function test(claim: string, run: (t: Test, world: World) => Promise<void>): void {
  t.test(claim, async (t) => {
    const world = new World(t.testdir(), await freePorts(3))
    try {
      await Promise.all([1, 2, 3].map((id) => world.start(id)))
      const zk = await world.client(1, 2, 3)
      await zk.create('/large')
      await zk.create('/small', 'before')
      await zk.close()
      await run(t, world)
    } finally {
      await world.stopAll()
    }
  })
}

async function read(world: World, id: number, path: string): Promise<string | undefined> {
  const zk = await world.client(id)
  await zk.sync()
  const { data } = await zk.getData(path)
  await zk.close()
  return data?.toString()
}

test('a server behind the beginning of the log receives the tree, and keeps it', async (t, world) => {
  await world.stop(1)
  const zk = await world.client(2, 3)
  await zk.setData('/small', 'meanwhile')
  await zk.delete('/large')
  await zk.create('/large', 'again')
  await zk.create('/passing', null, { mode: 'ephemeral' })
  await world.fill(2, 3)
  t.equal(world.isPurged(1), false)

  await world.start(1)
  t.equal(await read(world, 1, '/small'), 'meanwhile')
  t.same(world.directories(1), ['log-1', 'tree-1'], 'nothing is left of the old tree and log')
  t.ok(await zk.exists('/passing'))
  await zk.setData('/small', 'after')
  await zk.close()
  t.equal(await read(world, 1, '/small'), 'after')

  await world.stop(1)
  // What a crash in the middle of another SNAP would leave.
  mkdirSync(join(world.dataDir(1), 'tree-2'))
  writeFileSync(join(world.dataDir(1), 'tree-2', '000003.log'), 'half of it')
  await world.start(1)
  t.equal(await read(world, 1, '/small'), 'after')
  t.same(world.directories(1), ['log-1', 'tree-1'])
  await world.stop(2)
  t.equal(await read(world, 1, '/small'), 'after', 'it counts in the quorum')
})

test('a server that lost everything receives the tree', async (t, world) => {
  await world.fill(1, 2, 3)
  await world.stop(3)
  rmSync(world.dataDir(3), { recursive: true })
  await world.start(3)
  t.equal(await read(world, 3, '/small'), 'before')
  t.equal((await read(world, 3, '/large'))?.length, 900_000)
})
