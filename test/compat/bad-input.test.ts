// Real servers under input that no correct client sends, and at the limits of what one may send: no
// server crashes, memory does not grow, and other clients are served in the meantime.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import t from 'tap'
import type { Address } from '../../src/address.ts'
import { Random } from '../../src/random.ts'
import type { World } from '../process/world.ts'
import {
  framed,
  handshakeFrame,
  JuteConnection,
  type Request,
  requestFrame,
} from './jute-connection.ts'
import { startForClients } from './world.ts'

const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }]

function create(path: string, data = ''): Request {
  return { op: 'create', fields: { path, data, acl, flags: 0 } }
}

/**
 * More than a server may grow by; less than each of these tests could make a faulty one grow by.
 */
const growthMiBMax = 96

function residentMiB({ cluster }: World): number[] {
  return cluster.servers.map((server) => {
    const text = readFileSync(`/proc/${cluster.pidOf(server)}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]) / 1024
  })
}

async function open({ host, port }: Address): Promise<net.Socket> {
  const socket = net.connect({ host, port, noDelay: true })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** Until the other side has closed it. */
async function closed(socket: net.Socket): Promise<void> {
  socket.resume()
  if (!socket.closed) await once(socket, 'close')
}

t.test('bad input', async (t) => {
  const world = await startForClients(t)
  const { cluster } = world
  const [server] = cluster.serverAddresses
  if (server === undefined) throw new Error('There is no server')
  const good = await JuteConnection.connect(server)
  t.teardown(() => good.destroy())

  /** A correct client is served by the server that receives the bad input. */
  const isServed = async (path: string) => {
    await good.ask('create', { path, data: 'x', acl, flags: 0 })
    const { data } = await good.ask('getData', { path, watch: false })
    return String(data) === 'x'
  }

  /** @returns the largest growth of a server, in MiB */
  const growth = async (deed: () => Promise<void>) => {
    const before = residentMiB(world)
    await deed()
    const after = residentMiB(world)
    return Math.max(...after.map((one, i) => one - (before[i] ?? 0)))
  }

  t.test('a request over the limit ends its connection', async (t) => {
    const client = await JuteConnection.connect(server)
    client.write(requestFrame(1, create('/large', 'x'.repeat(1_048_576))))
    await client.untilClosed()
    t.ok(await isServed('/after-large'))
    await t.rejects(
      good.ask('exists', { path: '/large', watch: false }),
      Object.assign(new Error(), { err: -101 }),
    )
  })

  t.test('random bytes, in place of a hello and after one', async (t) => {
    const seed = Date.now() >>> 0
    t.comment(`seed ${seed}`)
    const random = new Random(seed)
    const grown = await growth(async () => {
      for (let round = 0; round < 40; round++) {
        const sockets = await Promise.all(Array.from({ length: 20 }, () => open(server)))
        for (const [i, socket] of sockets.entries()) {
          if (i % 2 === 0) socket.write(handshakeFrame({ readOnly: false }))
          // A frame with a correct length is decoded; one with a wrong length closes the connection
          // at once.
          const bytes = Buffer.from(random.bytes(1 + random.below(2000)))
          socket.write(i % 3 === 0 ? bytes : framed(bytes))
          socket.end()
        }
        await Promise.all(sockets.map(closed))
      }
    })
    t.ok(await isServed('/after-random'))
    t.ok(grown < growthMiBMax, `${grown} MiB`)
  })

  t.test('frames that are announced and never sent take no memory', async (t) => {
    const sockets: net.Socket[] = []
    const promise = Buffer.alloc(5)
    promise.writeInt32BE(1_000_000)
    const grown = await growth(async () => {
      for (let i = 0; i < 500; i++) {
        const socket = await open(server)
        sockets.push(socket)
        if (i % 2 === 0) socket.write(handshakeFrame({ readOnly: false }))
        socket.write(promise)
      }
      t.ok(await isServed('/beside-promises'))
    })
    for (const socket of sockets) socket.destroy()
    t.ok(grown < growthMiBMax, `${grown} MiB`)
  })

  t.test('a client that does not read its answers is not read either', async (t) => {
    const valueBytes = 500_000
    await good.ask('create', { path: '/much', data: 'x'.repeat(valueBytes), acl, flags: 0 })
    const socket = await open(server)
    socket.pause()
    const read: Request = { op: 'getData', fields: { path: '/much', watch: false } }
    const grown = await growth(async () => {
      socket.write(handshakeFrame({ readOnly: false }))
      for (let xid = 1; xid <= 2000; xid++) socket.write(requestFrame(xid, read))
      let served = 0
      while (served < 50 && (await isServed(`/beside-unread-${served}`))) served++
      t.equal(served, 50)
    })
    socket.destroy()
    t.ok(grown < growthMiBMax, `${grown} MiB of the ${(2000 * valueBytes) / 2 ** 20} asked for`)
  })

  t.test('connections that open and close without a request', async (t) => {
    const grown = await growth(async () => {
      for (let round = 0; round < 100; round++) {
        const sockets = await Promise.all(Array.from({ length: 20 }, () => open(server)))
        for (const socket of sockets) socket.destroy()
      }
    })
    t.ok(await isServed('/after-come-and-go'))
    t.ok(grown < growthMiBMax, `${grown} MiB`)
  })

  t.test('100 000 children', async (t) => {
    const count = 100_000
    const each = 1000
    await good.ask('create', { path: '/many', data: '', acl, flags: 0 })
    const xids: number[] = []
    for (let from = 0; from < count; from += each) {
      const ops = Array.from({ length: each }, (_, i) => create(`/many/child-${from + i}`))
      xids.push(...good.send({ op: 'multi', fields: { ops } }))
    }
    await good.answered(xids)
    const { children } = await good.ask('getChildren', { path: '/many', watch: false })
    t.equal(new Set(children as string[]).size, count)
    t.match(await good.ask('exists', { path: '/many', watch: false }), {
      stat: { numChildren: count, cversion: count },
    })
    t.same(await good.ask('getAllChildrenNumber', { path: '/many' }), { count })
    await t.rejects(
      good.ask('delete', { path: '/many', version: -1 }),
      Object.assign(new Error(), { err: -111 }),
    )
  })

  t.test('a thousand levels', async (t) => {
    const paths = Array.from({ length: 1000 }, (_, i) => '/d'.repeat(i + 1))
    await good.answered(good.send(...paths.map((path) => create(path))))
    t.same(await good.ask('getAllChildrenNumber', { path: '/d' }), { count: 999 })
    await good.answered(
      good.send(
        ...paths
          .toReversed()
          .map((path): Request => ({ op: 'delete', fields: { path, version: 0 } })),
      ),
    )
    await t.rejects(
      good.ask('exists', { path: '/d', watch: false }),
      Object.assign(new Error(), { err: -101 }),
    )
  })

  t.test('an expired session does not come back', async (t) => {
    const client = await JuteConnection.connect(server, { timeoutMs: 500 })
    await client.ask('create', { path: '/ephemeral', data: '', acl, flags: 1 })
    const { sessionId = 0n, password = null } = client.welcome ?? {}
    await good.ask('exists', { path: '/ephemeral', watch: true })
    client.destroy()
    await good.untilEvent('/ephemeral')
    for (const address of cluster.serverAddresses) {
      const again = await JuteConnection.open(address)
      const welcome = await again.greet({ sessionId, password, readOnly: false })
      t.match(welcome, { timeoutMs: 0, sessionId: 0n })
      await again.untilClosed()
    }
  })

  t.test('all clients are served after all of this, and no server has restarted', async (t) => {
    for (const [i, address] of cluster.serverAddresses.entries()) {
      const client = await JuteConnection.connect(address)
      await client.ask('create', { path: `/last-${i}`, data: '', acl, flags: 0 })
      client.destroy()
    }
    t.ok(cluster.servers.every((one) => cluster.stateOf(one) === 'running'))
  })
})
