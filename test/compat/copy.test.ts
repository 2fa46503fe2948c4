// zw copy from Debian's ZooKeeper into a server of ours, and from there into another ZooKeeper.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { RealZooKeeper } from '../../bench/real-zookeeper.ts'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import type { Acl } from '../../src/protocol/records.ts'
import { realServer } from '../daemon/real-server.ts'
import { program } from '../programs.ts'
import { superUser } from './operations.ts'
import { withoutZooKeeper } from './tools.ts'

async function copy(from: string, to: string, ...flags: string[]) {
  const args = [program('cli'), 'copy', '--from', from, '--to', to, ...flags]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += String(chunk)
    })
  }
  const [code] = (await once(child, 'close')) as [number]
  return { code, said }
}

async function startOurs(t: Test, name: string): Promise<string> {
  const server = realServer([
    `--data-dir=${join(t.testdirName, name)}`,
    ...['--client-port=0', '--client-port-address=127.0.0.1', '--log-segment-bytes=4194304'],
    `--DigestAuthenticationProvider.superDigest=${superUser.digest}`,
  ])
  await server.start()
  t.teardown(() => server.stop())
  return `127.0.0.1:${server.clientPort}`
}

async function startTheirs(t: Test): Promise<string> {
  const zookeeper = await RealZooKeeper.start(t.testdirName, {
    size: 1,
    javaOptions: [
      ...['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
      '-Dzookeeper.extendedTypesEnabled=true',
      '-Dzookeeper.authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
      `-Dzookeeper.DigestAuthenticationProvider.superDigest=${superUser.digest}`,
    ],
  })
  t.teardown(() => zookeeper.stop())
  return `127.0.0.1:${zookeeper.addresses[0]?.port}`
}

async function clientOf(t: Test, address: string): Promise<ZkClient> {
  const [host = '', port] = address.split(':')
  const zk = new ZkClient({ servers: [{ host, port: Number(port) }], dialect: 'jute' })
  t.teardown(() => zk.close())
  await zk.connect()
  return zk
}

const superAuth = `digest:${superUser.credential}`
const secret: readonly Acl[] = [
  { perms: 31, scheme: 'digest', id: 'ann:tpUq/4Pn5A64fVZyQ0gOJ8ZWqkY=' },
  { perms: 1, scheme: 'ip', id: '10.0.0.0/8' },
]

/** Data of every kind, counters beyond the children there are, ACLs, quotas, a container. */
async function fill(zk: ZkClient): Promise<void> {
  await zk.create('/app', 'text')
  await zk.create('/app/null', null)
  await zk.create('/app/empty', '')
  await zk.create('/app/bytes', Uint8Array.of(0, 255, 10))
  await zk.create('/app/large', Buffer.alloc(1_000_000, 7))
  await zk.create('/queue')
  for (let i = 0; i < 3; i++)
    await zk.create('/queue/n-', String(i), { mode: 'persistentSequential' })
  await zk.delete('/queue/n-0000000000')
  await zk.delete('/queue/n-0000000002')
  await zk.create('/app/container', 'c', { mode: 'container' })
  const wide = Array.from({ length: 300 }, (_, i) => `/wide/${i}`)
  await zk.create('/wide')
  await Promise.all(wide.map((path) => zk.create(path, path)))
  await zk.create('/wide/gone', null, { mode: 'ephemeral' })
  await zk.create('/zookeeper/quota/app')
  await zk.create('/zookeeper/quota/app/zookeeper_limits', 'count=100,bytes=-1')
  await zk.create('/zookeeper/quota/app/zookeeper_stats', 'count=0,bytes=0')
  await zk.create('/secret', 's')
  await zk.create('/secret/below', 'b', { acl: secret })
  await zk.setACL('/secret', secret)
}

async function contentOf(zk: ZkClient): Promise<Record<string, unknown>> {
  const content: Record<string, unknown> = {}
  const paths = ['/']
  for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
    const { children } = await zk.getChildren(path)
    const { data, stat } = await zk.getData(path)
    const { acl } = await zk.getACL(path)
    for (const name of children) {
      const child = path === '/' ? `/${name}` : `${path}/${name}`
      if (!/^\/zookeeper\/config/.test(child)) paths.push(child)
    }
    if (stat.ephemeralOwner !== 0 || path === '/') continue
    content[path] = { data: data?.toString('base64'), acl: acl.map((each) => ({ ...each })) }
  }
  return content
}

t.test('all that a client can see is the same', { skip: withoutZooKeeper ?? false }, async (t) => {
  t.testdir()
  // One after the other: each looks for ports that are free at the moment.
  const theirs = await startTheirs(t)
  const others = await startTheirs(t)
  const ours = await startOurs(t, 'ours')
  const source = await clientOf(t, theirs)
  await fill(source)

  const blind = await copy(theirs, ours)
  t.equal(blind.code, 1)
  t.match(blind.said, /Cannot read \/secret.* at the source: .*--from-auth/)
  await source.addAuth('digest', superUser.credential)

  const kafka: readonly Acl[] = [{ perms: 31, scheme: 'sasl', id: 'kafka' }]
  await source.create('/kafka', null, { acl: kafka })
  const foreign = await copy(theirs, ours, '--from-auth', superAuth)
  t.equal(foreign.code, 1)
  t.match(foreign.said, /Cannot copy \/kafka: its ACL has sasl:kafka, and only world, digest, ip/)
  await source.delete('/kafka')

  for (const [from, to, next] of [
    [theirs, ours, '/queue/n-0000000003'],
    [ours, others, '/queue/n-0000000004'],
  ] as const) {
    const { code, said } = await copy(from, to, '--from-auth', superAuth, '--to-auth', superAuth)
    t.equal(code, 0, said)
    t.match(said, /^Copied 31\d znodes with \d+ bytes of data and 2 ACLs\.\n/)
    t.match(said, from === theirs ? /Left out 1 ephemerals/ : /data/)
    const target = await clientOf(t, to)
    await target.addAuth('digest', superUser.credential)
    t.same(await contentOf(target), await contentOf(source))
    const { path } = await target.create('/queue/n-', null, { mode: 'persistentSequential' })
    t.equal(path, next, 'the next name is the one that the source would give')
    await target.delete(path)
  }

  const again = await copy(theirs, ours, '--from-auth', superAuth)
  t.equal(again.code, 1)
  t.match(again.said, /Cannot copy into the target: it has \/\w+, and must be empty/)
  const below = await copy(`${theirs}/wide`, `${ours}/copies`, '--to-auth', superAuth)
  t.equal(below.code, 0, below.said)
  const target = await clientOf(t, ours)
  t.equal((await target.getChildren('/copies')).children.length, 300)
})
