import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import { readConfig } from '../../src/daemon/config.ts'
import type { Server } from '../../src/daemon/server.ts'
import { type Logger, silentLogger } from '../../src/logger.ts'
import { realServer, serverOf } from './real-server.ts'

const serverFlags = [
  '--client-port=0',
  '--client-port-address=127.0.0.1',
  '--log-segment-bytes=4194304',
  '--4lw.commands.whitelist=*',
]

function serverOn(dataDir: string, ...flags: string[]): Server {
  return realServer([`--data-dir=${dataDir}`, ...serverFlags, ...flags])
}

/** Runs `claim` with a data directory, and stops what it started before removing the directory. */
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

test('a server that stands alone serves, and a restart keeps its data', async (t, dir, start) => {
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

for (const dialect of ['native', 'jute'] as const) {
  const claim = `lists of many children are of one moment each, while they come and go, in ${dialect}`
  test(claim, async (t, dir, start) => {
    const { clientPort: port } = await start(join(dir, 'data'))
    const servers = [{ host: '127.0.0.1', port }]
    const [writer, reader] = [new ZkClient({ servers }), new ZkClient({ servers, dialect })]
    await writer.create('/many')
    const count = 2000
    const nameOf = (i: number): string => String(i).padStart(200, '0')
    const create = (i: number) =>
      ({ type: 'create', path: `/many/${nameOf(i)}`, data: null, mode: 'persistent' }) as const
    await writer.multi(Array.from({ length: count }, (_, i) => create(i)))
    // Each change moves the window of names by one. Lists are asked for faster than they are read.
    let moved = 0
    const move = (): Promise<unknown> => {
      const gone = `/many/${nameOf(moved)}`
      return writer.multi([create(count + moved++), { type: 'delete', path: gone, version: -1 }])
    }
    const seen = new Set<number>()
    for (let round = 0; round < 10; round++) {
      const moves = Array.from({ length: 20 }, move)
      const lists = Array.from({ length: 10 }, () => reader.getChildren('/many'))
      for (const { children, stat } of await Promise.all(lists)) {
        const first = Number(children[0])
        seen.add(first)
        if (stat.numChildren !== count) t.fail(`${stat.numChildren} children`)
        const wanted = Array.from({ length: count }, (_, i) => nameOf(first + i))
        if (children.join() !== wanted.join()) t.fail(`the list from ${first} has a hole`)
      }
      await Promise.all(moves)
    }
    t.ok(seen.size >= 5, `lists of ${seen.size} moments`)
    const { children } = await reader.getChildren('/many')
    t.same([children[0], children.length], [nameOf(moved), count])
    await Promise.all([writer.close(), reader.close()])
  })
}

/** The values of mntr, by key. */
async function monitor({ clientPort }: Server): Promise<(key: string) => number> {
  const mntr = await ask(clientPort, 'mntr')
  return (key) => Number(new RegExp(`^zk_${key}\\t(.*)$`, 'm').exec(mntr)?.[1] ?? -1)
}

test('mntr counts events', async (t, dir, start) => {
  const server = await start(join(dir, 'data'))
  const zk = await clientOf(server)
  await zk.create('/a', 'x'.repeat(1000))
  const seen = new Promise<void>((resolve) => {
    zk.getData('/a', () => resolve()).catch(() => undefined)
  })
  await zk.getData('/a')
  await zk.setData('/a', 'y')
  await seen
  const value = await monitor(server)
  t.equal(value('global_sessions'), 1)
  t.equal(value('num_alive_connections'), 2)
  t.equal(value('non_mtls_local_conn_count'), 2)
  t.equal(value('quorum_size'), 1)
  const open = value('open_file_descriptor_count')
  t.ok(open === -1 || open > 5, `${open} descriptors`)
  t.equal(value('packets_received'), 5, 'a hello, two writes, two reads')
  t.equal(value('packets_sent'), 5, 'four answers and an event')
  t.equal(value('cnt_readlatency'), 2)
  t.equal(value('cnt_updatelatency'), 3)
  t.ok(value('max_client_response_size') > 1000)
  t.ok(value('response_bytes') > 2000)
  t.ok(value('bytes_received_count') > 1000)
  t.ok(value('watch_bytes') > 0)
  t.equal(value('sum_node_changed_watch_count'), 1)
  t.equal(value('commit_count'), 3)
  t.equal(value('cnt_propagation_latency'), 3)
  t.ok(value('cnt_fsynctime') >= 2)
  t.equal(value('sum_sync_processor_batch_size'), 3)
  t.equal(value('cnt_quorum_ack_latency'), 3)
  t.equal(value('cnt_dbinittime'), 1)
  t.equal(value('cnt_election_time'), 1)
  t.equal(value('cnt_unavailable_time'), 1)

  t.equal(await ask(server.clientPort, 'srst'), 'Server stats reset.\n')
  const after = await monitor(server)
  for (const key of ['packets_received', 'cnt_updatelatency', 'commit_count', 'response_bytes']) {
    t.equal(after(key), 0, key)
  }
  t.equal(after('max_client_response_size'), -1)
  t.equal(after('global_sessions'), 1, 'the current state is no statistic')
  await zk.close()
})

test('words about sessions, connections and watches', async (t, dir, start) => {
  const server = await start(join(dir, 'data'))
  const zk = await clientOf(server)
  const { stat } = await zk.create('/e', null, { mode: 'ephemeral' })
  await zk.exists('/e', () => undefined)
  await zk.getChildren('/', () => undefined)
  const id = `0x${stat.ephemeralOwner.toString(16)}`
  const port = server.clientPort

  const [line = '', own = ''] = (await ask(port, 'cons')).split('\n')
  t.match(
    line,
    /^ \/127\.0\.0\.1:\d+\[1\]\(queued=0,recved=4,sent=3,sid=0x[0-9a-f]+,lop=GETC,est=\d+,/,
  )
  t.ok(line.includes(`sid=${id},`))
  t.match(
    line,
    /,to=\d+,lcxid=0x3,lzxid=0x100000002,lresp=\d+,llat=0,minlat=0,avglat=\d+,maxlat=\d+\)$/,
  )
  t.match(
    own,
    /^ \/127\.0\.0\.1:\d+\[1\]\(queued=0,recved=0,sent=0\)$/,
    'the connection that asks is listed too',
  )
  t.equal(await ask(port, 'crst'), 'Connection stats reset.\n')
  t.match(await ask(port, 'stat'), /\(queued=0,recved=0,sent=0\)\n.*\n\nLatency/)

  t.equal(await ask(port, 'wchs'), '1 connections watching 1 paths\nTotal watches:1\n')
  t.equal(await ask(port, 'wchc'), `${id}\n\t/e\n\n`)
  t.equal(await ask(port, 'wchp'), `/e\n\t${id}\n\n`)
  const dump = await ask(port, 'dump')
  t.match(dump, /^SessionTracker dump:\nSession Sets \(1\)\/\(1\):\n1 expire at \w+ \w+ \d\d \d\d:/)
  t.ok(dump.includes(`ephemeral nodes dump:\nSessions with Ephemerals (1):\n${id}:\n\t/e\n`))
  t.ok(dump.includes(` sessionId: ${id}\n`))
  await zk.close()
})

test('connections that break, and those that never request a session, are counted', async (t, dir, start) => {
  const server = await start(join(dir, 'data'), '--nio.sessionlessCnxnTimeout=30')
  const zk = await clientOf(server)
  const silent = net.connect({ host: '127.0.0.1', port: server.clientPort })
  await new Promise((resolve) => silent.once('close', resolve).resume())
  await ask(server.clientPort, 'stmk\n').catch(() => '')
  const value = await monitor(server)
  t.equal(value('sessionless_connections_expired'), 1)
  t.equal(value('connection_drop_count'), 1, 'bytes that are no word are a frame that is too long')
  t.equal(value('connection_request_count'), 1)
  await zk.close()
})

test('leader and followers of an ensemble answer words by their role', async (t, dir, start) => {
  const ports = [await freePort(), await freePort(), await freePort()]
  const lines = ports.map((port, i) => `--server.${i + 1}=127.0.0.1:${port}:1`)
  const servers = await Promise.all(
    ports.map((_, i) => start(join(dir, `data${i}`), `--myid=${i + 1}`, ...lines)),
  )
  const clients = await Promise.all(servers.map(clientOf))
  await clients[0]?.create('/e', null, { mode: 'ephemeral' })
  for (const zk of clients) await zk.sync('/') // now each has everything: three sessions and a znode
  const modes: string[] = []
  for (const server of servers) {
    const mntr = await ask(server.clientPort, 'mntr')
    const mode = /^zk_server_state\t(.*)$/m.exec(mntr)?.[1] ?? ''
    modes.push(mode)
    const value = await monitor(server)
    t.equal(value('quorum_size'), 3)
    t.equal(value('cnt_unavailable_time'), 1)
    const leads = mode === 'leader'
    t.equal(value('synced_followers'), leads ? 2 : -1)
    t.equal(value('proposal_count'), leads ? 4 : 0)
    t.equal(value('commit_count'), leads ? 4 : 0)
    t.equal(value('learner_proposal_received_count'), leads ? 0 : 4)
    t.equal(value('cnt_follower_sync_time'), leads ? 0 : 1)
    t.match(
      await ask(server.clientPort, 'dump'),
      leads ? /^Session Sets \(\d\)\/\(3\):$/m : /^Global Sessions\(3\):\n0x[0-9a-f]+\t\d+ms$/m,
    )
    const conf = await ask(server.clientPort, 'conf')
    t.ok(
      conf.includes(
        `\nquorumPort=${ports[servers.indexOf(server)]}\npeerType=0\nmembership: \nserver.1=`,
      ),
    )
    t.match(conf, /\nserver\.3=127\.0\.0\.1:\d+:1:participant\nversion=[0-9a-f]+$/)
  }
  t.same(modes.sort(), ['follower', 'follower', 'leader'])
  for (const zk of clients) await zk.close()
})

test('conf and dirs show the effective values', async (t, dir, start) => {
  const dataDir = join(dir, 'data')
  const server = await start(dataDir, '--max-client-cnxns=0', '--tick-time=500')
  const zk = await clientOf(server)
  await zk.close()
  const conf = await ask(server.clientPort, 'conf')
  const rows = new Map(
    conf
      .trimEnd()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  )
  const sizes = { data: rows.get('dataDirSize'), log: rows.get('dataLogSize') }
  t.same(Object.fromEntries(rows), {
    clientPort: String(server.clientPort),
    secureClientPort: '-1',
    dataDir: join(dataDir, 'tree'),
    dataDirSize: sizes.data,
    dataLogDir: join(dataDir, 'log'),
    dataLogSize: sizes.log,
    tickTime: '500',
    maxClientCnxns: '0',
    minSessionTimeout: '1000',
    maxSessionTimeout: '10000',
    clientPortListenBacklog: '-1',
    serverId: '1',
  })
  t.match(await ask(server.clientPort, 'dirs'), /^datadir_size: \d+\nlogdir_size: \d+\n$/)
  t.match(await ask(server.clientPort, 'envi'), /^Environment:\nzookeeper\.version=3\.9\.\d+-/)
})

test('only words in the whitelist are answered', async (t, dir, start) => {
  const server = await start(join(dir, 'data'), '--4lw.commands.whitelist=ruok')
  t.equal(await ask(server.clientPort, 'ruok'), 'imok')
  t.equal(
    await ask(server.clientPort, 'srvr'),
    'srvr is not executed because it is not in the whitelist.\n',
  )
})

test('the client port applies the limits of the configuration', async (t, dir, start) => {
  const server = await start(join(dir, 'data'), '--jute.maxbuffer=4096', '--max-cnxns=2')
  const zk = await clientOf(server)
  await zk.create('/small', 'x'.repeat(3000))
  await t.rejects(zk.create('/large', 'x'.repeat(5000)), { code: 'CONNECTIONLOSS' })
  await zk.close()
  const first = await clientOf(server)
  t.not(await ask(server.clientPort, 'ruok'), '', 'a second connection')
  const second = await clientOf(server)
  t.equal(await ask(server.clientPort, 'ruok').catch(() => ''), '', 'no third one')
  await first.close()
  await second.close()
})

test('a server that waits for a quorum answers words, and reports that it waits', async (t, dir, start) => {
  const peerPort = await freePort()
  const server = await start(
    join(dir, 'data'),
    `--server.1=127.0.0.1:${peerPort}:1`,
    // That server is down: it has the larger id and would dial this one.
    '--server.2=127.0.0.1:1:1',
    '--myid=1',
  )
  t.match(
    await ask(server.clientPort, 'envi'),
    /^Environment:\nzookeeper\.version=3\.9\.5-zooweeper-/,
  )
  t.equal(await ask(server.clientPort, 'ruok'), 'imok')
  t.equal(await ask(server.clientPort, 'isro'), 'null')
  t.match(await ask(server.clientPort, 'srvr'), /not currently serving/)
})

test('a failed start names its cause, and leaves nothing behind', async (t, dir, start) => {
  const dataDir = join(dir, 'data')
  const server = await start(dataDir)

  await t.rejects(serverOn(dataDir).start(), { name: 'DataDirLockedError' }, 'used by another')
  t.equal(await ask(server.clientPort, 'ruok'), 'imok', 'which continues to run')
  await server.stop()

  const other = serverOn(dataDir, '--myid=2')
  await t.rejects(other.start(), { name: 'WrongServerError', message: /server 1/ })

  const busy = await start(join(dir, 'busy'))
  const second = serverOn(dataDir, `--client-port=${busy.clientPort}`)
  await t.rejects(second.start(), {
    code: 'EADDRINUSE',
    message: `Cannot listen on client-port=${busy.clientPort} from the command line: another process`,
  })

  await t.rejects(serverOn(join(dir, 'file'), '--myid=1').start(), {
    name: 'RefusedStartError',
    message: /Cannot use data-dir=.*file from the command line as data directory: EEXIST/,
  })

  mkdirSync(join(dir, 'damaged'))
  writeFileSync(join(dir, 'damaged', 'meta'), 'nonsense')
  await t.rejects(serverOn(join(dir, 'damaged')).start(), { name: 'MetaError' })

  const again = await start(dataDir)
  t.equal(await ask(again.clientPort, 'ruok'), 'imok', 'every failed start gave back the lock')
})

test('an address that this machine does not have is named by its option, file and line', async (t, dir) => {
  // TEST-NET-3 of RFC 5737: no machine has it.
  const file = join(dir, 'zoo.cfg')
  const message = (line: number, option: string) =>
    `Cannot listen on ${option} from ${file}:${line}: this machine does not have that address`
  const peerPort = await freePort()
  writeFileSync(file, '# address\nclientPortAddress=203.0.113.1\n')
  const withoutAddress = serverFlags.filter((flag) => !flag.startsWith('--client-port-address'))
  const read = readConfig(
    [...withoutAddress, `--data-dir=${join(dir, 'data')}`, '--config', file],
    {},
  )
  await t.rejects(serverOf(read).start(), {
    code: 'EADDRNOTAVAIL',
    message: message(2, 'clientPortAddress=203.0.113.1'),
  })
  const line = `server.1=203.0.113.1:${peerPort}:1`
  writeFileSync(file, `${line}\nserver.2=127.0.0.1:1:1\n`)
  const second = serverOn(join(dir, 'data'), `--config=${file}`, '--myid=1')
  await t.rejects(second.start(), { code: 'EADDRNOTAVAIL', message: message(1, line) })
})

test('servers 0, 256 and 70000 are an ensemble', async (t, dir, start) => {
  const ids = [0, 256, 70_000]
  const lines: string[] = []
  for (const id of ids) lines.push(`--server.${id}=127.0.0.1:${await freePort()}:1`)
  const servers = ids.map((id) => start(join(dir, String(id)), `--myid=${id}`, ...lines))
  const zk = new ZkClient({
    servers: (await Promise.all(servers)).map(({ clientPort }) => ({
      host: '127.0.0.1',
      port: clientPort,
    })),
  })
  await zk.connect()
  t.equal((await zk.create('/a')).path, '/a')
  await zk.close()
  const states = (await Promise.all(servers)).map((server) => server.status().state)
  t.equal(states.filter((state) => /^leader, epoch 1$/.test(state)).length, 1, String(states))
})

test('the status for a service manager is one line', async (t, dir, start) => {
  const server = serverOn(join(dir, 'data'))
  t.same(server.status(), { state: 'starting', detail: '' })
  const running = await start(join(dir, 'data'))
  const zk = await clientOf(running)
  t.match(running.status(), {
    state: /^standalone, epoch 1$/,
    detail: /^zxid 0x100000001, 1 sessions$/,
  })
  await zk.close()
})

// --- the audit log -------------------------------------------------------------------------------

/** Without what differs from run to run. */
function audited(text: string): string[] {
  return text.split('\n').map((line) => line.replace(/^session=\S+\t/, ''))
}

test('the audit log is a file of its own, which is appended to', async (t, dir, start) => {
  const file = join(dir, 'audit.log')
  for (let run = 0; run < 2; run++) {
    const server = await start(join(dir, 'data'), '--audit.enable=true', `--audit-file=${file}`)
    const zk = await clientOf(server)
    await zk.create(`/a${run}`)
    await zk.close()
    await server.stop()
  }
  const linesOf = (run: number): string[] => [
    'user=root\toperation=serverStart\tresult=success',
    `user=127.0.0.1\tip=127.0.0.1\toperation=create\tznode=/a${run}\tznode_type=persistent\tresult=success`,
    'user=root\toperation=serverStop\tresult=invoked',
  ]
  t.same(audited(readFileSync(file, 'utf8')), [...linesOf(0), ...linesOf(1), ''])
  t.equal(statSync(file).mode & 0o777, 0o600)
})

test('without a file, the audit log is part of the log', async (t, dir) => {
  const lines: string[] = []
  const logger: Logger = {
    ...silentLogger,
    child: ({ part }) =>
      part === 'audit' ? { ...silentLogger, info: (_, line) => lines.push(line) } : silentLogger,
  }
  const flags = [`--data-dir=${join(dir, 'data')}`, ...serverFlags, '--audit.enable=true']
  const server = realServer(flags, logger)
  await server.start()
  await server.stop()
  t.same(audited(lines.join('\n')), [
    'user=root\toperation=serverStart\tresult=success',
    'user=root\toperation=serverStop\tresult=invoked',
  ])
})

test('a file of the audit log that cannot be opened is refused by its option', async (t, dir) => {
  const flags = ['--audit.enable=true', `--audit-file=${join(dir, 'nothing', 'x')}`]
  const server = serverOn(join(dir, 'data'), ...flags)
  await t.rejects(server.start(), /Cannot use audit-file=.* for the audit log: ENOENT/)
})
