import { mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ZkClient } from '../../src/client/zk-client.ts'
import { systemClock } from '../../src/clock.ts'
import { readConfig } from '../../src/daemon/config.ts'
import { Server } from '../../src/daemon/server.ts'
import { silentLogger } from '../../src/logger.ts'

function serverOn(dataDir: string, ...flags: string[]): Server {
  const read = readConfig(
    [
      `--data-dir=${dataDir}`,
      '--client-port=0',
      '--client-port-address=127.0.0.1',
      '--log-segment-bytes=4194304',
      ...flags,
    ],
    {},
  )
  if (read.type !== 'config') throw new Error(read.text)
  const { config } = read
  const onFailure = (error: Error): void => {
    throw error
  }
  return new Server({ config, clock: systemClock, logger: silentLogger, onFailure })
}

/** Runs `claim` with a place for data; what it started is stopped before that place goes. */
function test(claim: string, run: (t: Test, dir: string, start: Start) => Promise<void>): void {
  t.test(claim, async (t) => {
    const dir = t.testdir({ file: 'no directory' })
    const servers: Server[] = []
    try {
      await run(t, dir, async (dataDir, ...flags) => {
        const server = serverOn(dataDir, ...flags)
        servers.push(server)
        await server.start()
        return server
      })
    } finally {
      for (const server of servers) await server.stop()
    }
  })
}

type Start = (dataDir: string, ...flags: string[]) => Promise<Server>

async function clientOf({ clientPort }: Server): Promise<ZkClient> {
  const zk = new ZkClient({ servers: [{ host: '127.0.0.1', port: clientPort }] })
  await zk.connect()
  return zk
}

function ask(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8')
    })
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
    socket.end(word)
  })
}

async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

test('a server that stands alone serves, and a restart keeps what it was told', async (t, dir, start) => {
  const dataDir = join(dir, 'data')
  const server = await start(dataDir)
  const zk = await clientOf(server)
  await zk.create('/a', 'kept')
  await zk.create('/gone', null, { mode: 'ephemeral' })
  await Promise.all(Array.from({ length: 100 }, (_, i) => zk.create(`/a/${i}`, String(i))))
  await zk.close()
  const srvr = await ask(server.clientPort, 'srvr')
  t.match(srvr, /^Zookeeper version: 3\.9\.5-zooweeper-\d+\.\d+\.\d+, built on \d{4}-/)
  t.match(srvr, /\nMode: standalone\nNode count: 105\n$/)
  await server.stop()

  const again = await start(dataDir)
  const client = await clientOf(again)
  t.equal((await client.getData('/a')).data?.toString(), 'kept')
  t.equal(await client.exists('/gone'), undefined)
  t.equal((await client.getChildren('/a')).children.length, 100)
  await client.close()
})

test('mntr counts descriptors and sessions', async (t, dir, start) => {
  const server = await start(join(dir, 'data'))
  const zk = await clientOf(server)
  const mntr = await ask(server.clientPort, 'mntr')
  await zk.close()
  t.match(mntr, /^zk_global_sessions\t1$/m)
  t.match(mntr, /^zk_num_alive_connections\t2$/m)
  t.match(mntr, /^zk_quorum_size\t1$/m)
  const open = Number(/^zk_open_file_descriptor_count\t(-?\d+)$/m.exec(mntr)?.[1])
  t.ok(open === -1 || open > 5, `${open} descriptors`)
})

test('a server that waits for a quorum answers words, and says that it waits', async (t, dir, start) => {
  const peerPort = await freePort()
  const server = await start(
    join(dir, 'data'),
    `--server.1=127.0.0.1:${peerPort}:1`,
    // Nobody is there: it has the larger id and would dial us.
    '--server.2=127.0.0.1:1:1',
    '--myid=1',
  )
  t.equal(await ask(server.clientPort, 'ruok'), 'imok')
  t.equal(await ask(server.clientPort, 'isro'), 'null')
  t.match(await ask(server.clientPort, 'srvr'), /not currently serving/)
})

test('what keeps a server from starting has a name, and leaves nothing behind', async (t, dir, start) => {
  const dataDir = join(dir, 'data')
  const server = await start(dataDir)

  await t.rejects(serverOn(dataDir).start(), { name: 'DataDirLockedError' }, 'used by another')
  t.equal(await ask(server.clientPort, 'ruok'), 'imok', 'which goes on')
  await server.stop()

  const other = serverOn(dataDir, '--myid=2')
  await t.rejects(other.start(), { name: 'WrongServerError', message: /server 1/ })

  const busy = await start(join(dir, 'busy'))
  const second = serverOn(dataDir, `--client-port=${busy.clientPort}`)
  await t.rejects(second.start(), { code: 'EADDRINUSE' })

  await t.rejects(
    serverOn(join(dir, 'file'), '--myid=1').start(),
    { code: 'EEXIST' },
    'no directory',
  )

  mkdirSync(join(dir, 'damaged'))
  writeFileSync(join(dir, 'damaged', 'meta'), 'nonsense')
  await t.rejects(serverOn(join(dir, 'damaged')).start(), { name: 'MetaError' })

  const again = await start(dataDir)
  t.equal(await ask(again.clientPort, 'ruok'), 'imok', 'every failed start gave back the lock')
})
