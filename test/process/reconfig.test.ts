import { once } from 'node:events'
import net from 'node:net'
import t, { type Test } from 'tap'
import { type Address, formatAddress } from '../../src/address.ts'
import { askHealth } from '../../src/cli/four-letter-word.ts'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import { superUser } from '../compat/operations.ts'
import { freePorts } from '../free-ports.ts'
import { connectTo, prepareWorld, until, untilRole, Zw } from './world.ts'

t.test('servers are added, replaced and removed while clients write', async (t) => {
  const { cluster, basePort } = await prepareWorld(t, { servers: 4 })
  const [one, two, three, joiner] = cluster.servers
  if (one === undefined || two === undefined || three === undefined || joiner === undefined) {
    throw new Error('There are four servers')
  }
  const lineOf = ({ id, address: { port } }: typeof one, role = 'participant'): string =>
    `127.0.0.1:${basePort + 200 + id}:${basePort + 150 + id}:${role};127.0.0.1:${port}`
  const flags = [
    '--reconfig-enabled',
    `--digest-authentication-provider-super-digest=${superUser.digest}`,
  ]
  // The file lists all four: to the first three, the fourth is an observer that is not there.
  const asObserver = `--server.${joiner.id}=${lineOf(joiner, 'observer')}`
  for (const server of [one, two, three]) cluster.start(server, ...flags, asObserver)
  for (const server of [one, two, three]) await untilRole(server, 'leader', 'follower')

  const admin = await connectTo(t, one, two, three)
  await admin.addAuth('digest', superUser.credential)
  const first = await admin.getConfig()
  t.match(first.data?.toString(), /\nversion=100000000$/, 'agreed on in the first epoch')
  t.equal(first.stat.mzxid, 2 ** 32)
  const writer = await connectTo(t, one, two, three)
  const losses: string[] = []
  writer.on('suspended', () => losses.push('suspended'))
  let written = 0
  let isOver = false
  await writer.create('/n')
  const writing = (async () => {
    while (!isOver) {
      await writer.setData('/n', String(++written))
    }
  })()

  const all = [one, two, three].map(({ address }) => formatAddress(address)).join()
  const zw = (...words: string[]) =>
    new Zw(t, ['ensemble', ...words, '-s', all, '--user', 'super'], { input: 'secret\n' })
  const removed = zw('remove', `${joiner.id}`)
  t.equal(await removed.closed(), 0, removed.errors)
  t.notMatch(removed.lines.join('\n'), new RegExp(`^server.${joiner.id}=`, 'm'))

  const added = zw('add', `server.${joiner.id}=${lineOf(joiner)}`)
  await until('zw waits for the server', () =>
    /Waiting: server 4 at .* does not answer/.test(added.errors) ? true : undefined,
  )
  t.match(
    (await admin.getConfig()).data?.toString(),
    /^server\.4=.*:observer;/m,
    'it observes first',
  )
  cluster.start(joiner, ...flags)
  t.equal(await added.closed(), 0, added.errors)
  t.match(added.errors, /Server 4 votes\./)
  t.match(added.lines.join('\n'), /^server\.4=.*:participant;/m)
  t.equal(await untilRole(joiner, 'follower', 'leader'), 'follower', 'it votes')

  const leaderOf = async () =>
    until('a server leads', async () => {
      for (const server of cluster.servers) {
        if ((await askHealth(server.address)).role === 'leader') return server
      }
      return undefined
    })
  const leaving = await leaderOf()
  const left = zw('remove', `${leaving.id}`)
  t.equal(await left.closed(), 0, left.errors)
  t.match(left.errors, /hands leadership over first/)
  t.notMatch(left.lines.join('\n'), new RegExp(`^server.${leaving.id}=`, 'm'))
  t.not((await leaderOf()).name, leaving.name, 'a leader that leaves hands over first')
  const [{ data }, watched] = await Promise.all([
    admin.getConfig(),
    until('it follows', async () => {
      const { role } = await askHealth(leaving.address)
      return role === 'follower' ? role : undefined
    }),
  ])
  t.equal(data?.toString(), left.lines.join('\n'))
  t.equal(watched, 'follower', 'it goes on, without a vote')

  const version = Number.parseInt(/version=(.*)$/.exec(data?.toString() ?? '')?.[1] ?? '', 16)
  await t.rejects(admin.reconfig({ leaving: '9', version: version + 1 }), { code: 'BADVERSION' })
  await t.rejects(writer.reconfig({ leaving: '9' }), { code: 'NOAUTH' })
  const absent = [7, 8, 9].map((id) => `server.${id}=127.0.0.1:${id}:1${id};${id}`).join()
  await t.rejects(admin.reconfig({ joining: absent }), { code: 'NEWCONFIGNOQUORUM' })

  isOver = true
  await writing
  t.ok(written > 10, `${written} writes`)
  t.same(losses, [], 'no client of these notices')

  await cluster.kill(leaving)
  const staying = cluster.servers.filter((server) => server !== leaving)
  for (const server of staying) await cluster.kill(server)
  for (const server of staying) cluster.start(server, ...flags, asObserver)
  const again = await connectTo(t, ...staying)
  const kept = await again.getData('/n')
  t.equal(kept.data?.toString(), String(written))
  t.equal((await again.getConfig()).data?.toString(), data?.toString(), 'the change is durable')
  await again.setData('/n', 'after')
})

async function connectTcp(t: Test, address: Address): Promise<void> {
  const socket = net.connect(address)
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
}

t.test('a server moves to other ports while its clients stay', async (t) => {
  const { cluster, basePort } = await prepareWorld(t, { servers: 3 })
  const [mover, two, three] = cluster.servers
  if (mover === undefined || two === undefined || three === undefined) throw new Error('3 servers')
  const logged: string[] = []
  let news: () => void = () => undefined
  cluster.on('line', ({ name }, line) => {
    if (name !== mover.name) return
    logged.push(line)
    news()
  })
  const says = async (message: RegExp): Promise<void> => {
    while (!logged.some((line) => message.test(line))) {
      await new Promise<void>((resolve) => {
        news = resolve
      })
    }
  }
  const flags = [
    '--reconfig-enabled',
    `--digest-authentication-provider-super-digest=${superUser.digest}`,
  ]
  for (const server of cluster.servers) cluster.start(server, ...flags)
  for (const server of cluster.servers) await untilRole(server, 'leader', 'follower')

  const admin = await connectTo(t, two, three)
  await admin.addAuth('digest', superUser.credential)
  const client = await connectTo(t, mover)
  const losses: string[] = []
  client.on('suspended', () => losses.push('suspended'))
  await client.create('/stays', '', { mode: 'ephemeral' })

  const host = '127.0.0.1'
  const peer = { host, port: basePort + 200 + mover.id }
  const [port = 0, peerPort = 0] = await freePorts(2)
  const moveTo = (peerPort: number, clientPort: number) =>
    admin.reconfig({
      joining: `server.${mover.id}=${host}:${peerPort}:${basePort + 150 + mover.id};${clientPort}`,
    })
  await moveTo(peerPort, port)
  await says(/Listening for clients on another address/)
  await says(/Listening for servers on another address, too/)
  const moved = new ZkClient({ servers: [{ host, port }] })
  t.teardown(() => moved.close())
  await moved.connect()
  t.ok(await moved.exists('/stays'), 'the new port serves')
  await t.rejects(connectTcp(t, mover.address), { code: 'ECONNREFUSED' })
  await connectTcp(t, { host, port: peerPort })
  await connectTcp(t, peer)
  await client.setData('/stays', 'written on the old connection')
  t.same(losses, [])

  const others = [net.createServer().listen(0, host), net.createServer().listen(0, host)]
  t.teardown(() => others.map((other) => other.close()))
  await Promise.all(others.map((other) => once(other, 'listening')))
  const [peers = 0, clients = 0] = others.map((each) => (each.address() as net.AddressInfo).port)
  await moveTo(peers, clients)
  await says(/Cannot listen for clients where the ensemble lists .*: the former port stays/)
  await says(/Cannot listen for servers where the ensemble lists .*: the former addresses stay/)
  const again = new ZkClient({ servers: [{ host, port }] })
  t.teardown(() => again.close())
  await again.connect()
  t.equal((await again.getData('/stays')).data?.toString(), 'written on the old connection')
  t.same(losses, [])
})
