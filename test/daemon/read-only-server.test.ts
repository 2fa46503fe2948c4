// Real servers over TCP, and a client that prefers stale reads to none.

import { once } from 'node:events'
import net from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { type DialectName, ZkClient } from '../../src/client/zk/zk-client.ts'
import type { Server } from '../../src/daemon/server.ts'
import { realServer } from './real-server.ts'

/** One of two servers; each needs the other for a quorum. */
function serverOn(dataDir: string, id: number, peerPorts: readonly number[]): Server {
  return realServer([
    `--data-dir=${join(dataDir, String(id))}`,
    `--myid=${id}`,
    '--client-port=0',
    '--client-port-address=127.0.0.1',
    '--log-segment-bytes=4194304',
    '--tick-time=200',
    '--readonlymode-enabled=true',
    ...peerPorts.map((port, i) => `--server.${i + 1}=127.0.0.1:${port}:1`),
  ])
}

async function freePorts(count: number): Promise<number[]> {
  const listeners = Array.from({ length: count }, () => net.createServer())
  for (const listener of listeners) {
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
  }
  const ports = listeners.map((listener) => (listener.address() as net.AddressInfo).port)
  for (const listener of listeners) listener.close()
  return ports
}

function clientOf({ clientPort: port }: Server, dialect: DialectName, readOnly: boolean): ZkClient {
  const servers = [{ host: '127.0.0.1', port }]
  return new ZkClient({ servers, dialect, readOnly, sessionTimeoutMs: 4000 })
}

async function word({ clientPort: port }: Server, asked: string): Promise<string> {
  const socket = net.connect({ host: '127.0.0.1', port })
  socket.write(asked)
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  return answer
}

t.test('a server that lost its quorum serves reads until the quorum is back', async (t) => {
  const dataDir = t.testdir()
  const ports = await freePorts(2)
  const started: Server[] = []
  const start = async (id: number): Promise<Server> => {
    const server = serverOn(dataDir, id, ports)
    started.push(server)
    await server.start()
    return server
  }
  const clients: ZkClient[] = []
  try {
    const [one, two] = (await Promise.all([start(1), start(2)])) as [Server, Server]
    const writer = clientOf(one, 'native', false)
    clients.push(writer)
    await writer.connect()
    await writer.create('/a', 'kept')
    t.equal(await word(one, 'isro'), 'rw')

    await two.stop()
    for (const dialect of ['native', 'jute'] as const) {
      const reader = clientOf(one, dialect, true)
      clients.push(reader)
      await reader.connect()
      t.equal(reader.state, 'connectedReadOnly', dialect)
      t.equal((await reader.getData('/a')).data?.toString(), 'kept')
      await t.rejects(reader.setData('/a', 'x'), { code: 'NOTREADONLY' })
      await t.rejects(reader.sync('/a'), { code: 'NOTREADONLY' })
    }
    t.equal(await word(one, 'isro'), 'ro')
    t.equal(writer.state, 'suspended', 'a client that did not ask for it is not served')

    const again = clients.map((client) => once(client, 'connected'))
    await start(2)
    await Promise.all(again)
    t.equal(await word(one, 'isro'), 'rw')
    for (const client of clients) await client.setData('/a', 'x')
    t.equal((await writer.getData('/a')).stat.version, clients.length)
  } finally {
    for (const client of clients) await client.close()
    for (const server of started) await server.stop()
  }
})
