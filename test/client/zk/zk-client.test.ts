import t, { type Test } from 'tap'
import type { Attempt } from '../../../src/client/attempts.ts'
import { Callbacks } from '../../../src/client/callbacks.ts'
import { ZkClient, type ZkClientOptions, ZkMultiError } from '../../../src/client/zk/zk-client.ts'
import { limits } from '../../../src/limits.ts'
import { type Logger, silentLogger } from '../../../src/logger.ts'
import { ZkError } from '../../../src/protocol/error-codes.ts'
import { perms } from '../../../src/protocol/records.ts'
import type { ReplyBody, Request, WatchEvent } from '../../../src/protocol/zk/messages.ts'
import { realWorld } from '../../../src/real-world.ts'
import {
  type FakeConnection,
  type FakeScript,
  FakeServer,
  plainAnswer,
  someAcl,
  someStat,
} from './fake-server.ts'

async function serverFor(t: Test, script: FakeScript): Promise<FakeServer> {
  const server = await FakeServer.listen(script)
  t.teardown(() => server.close())
  return server
}

async function clientOf(
  t: Test,
  servers: readonly FakeServer[],
  options?: Partial<ZkClientOptions>,
): Promise<ZkClient> {
  const zk = new ZkClient({
    servers: servers.map((server) => server.address),
    // The order in which it tries them is always the same.
    world: { ...realWorld(), randomBytes: () => Buffer.of(1, 0, 0, 0) },
    ...options,
  })
  t.teardown(() => zk.close())
  await zk.connect()
  return zk
}

const answerAll: FakeScript = {
  request: (connection, xid, request) => connection.reply(xid, 100 + xid, plainAnswer(request)),
}

t.test('every operation reaches the server and brings its answer', async (t) => {
  const asked: Request[] = []
  const server = await serverFor(t, {
    request: (connection, xid, request) => {
      asked.push(structuredClone(request))
      connection.reply(xid, 5, plainAnswer(request))
    },
  })
  const zk = await clientOf(t, [server])
  t.equal(zk.state, 'connected')
  t.same(zk.server, server.address)
  t.equal(zk.sessionId, 4711)
  t.match(await zk.create('/a', 'x', { mode: 'ephemeral' }), { path: '/a', stat: { version: 3 } })
  t.match(await zk.exists('/a'), { version: 3 })
  const { data } = await zk.getData('/goals')
  t.ok(Buffer.isBuffer(data))
  t.equal(data?.toString(), '/goals')
  t.match(await zk.setData('/a', Buffer.of(1), 7), { version: 3 })
  t.same((await zk.getChildren('/')).children, ['a', 'b', 'c'])
  await zk.sync()
  await zk.delete('/a', 2)
  t.match(await zk.multi([{ type: 'check', path: '/a', version: 1 }]), [{ type: 'check' }])
  t.match(asked, [
    { type: 'create', path: '/a', data: Buffer.from('x'), mode: 'ephemeral' },
    { type: 'exists', path: '/a', watch: false },
    { type: 'getData', path: '/goals', watch: false },
    { type: 'setData', path: '/a', version: 7 },
    { type: 'getChildren', path: '/', watch: false },
    { type: 'sync', path: '/' },
    { type: 'delete', path: '/a', version: 2 },
    { type: 'multi', ops: [{ type: 'check', path: '/a', version: 1 }] },
  ])
  t.equal(zk.lastZxidSeen, 5)
})

t.test('pages of children are asked for from a place, in the chroot', async (t) => {
  const server = await serverFor(t, {
    request: (connection, xid, request) => connection.reply(xid, 5, plainAnswer(request)),
  })
  const zk = await clientOf(t, [server], { chroot: '/app' })
  const first = { children: ['of /app/many'], next: 0, stat: someStat }
  t.same(await zk.getChildrenPage('/many'), first)
  t.same(await zk.getChildrenPage('/many', 7), { ...first, next: 7 })
})

for (const dialect of ['native', 'jute'] as const) {
  t.test(`ACLs, TTLs, counts and identities cross the wire in ${dialect}`, async (t) => {
    const asked: Request[] = []
    const server = await serverFor(t, {
      request: (connection, xid, request) => {
        asked.push(structuredClone(request))
        connection.reply(xid, 5, plainAnswer(request))
      },
    })
    const zk = await clientOf(t, [server], { dialect })
    const readers = [{ perms: perms.read, scheme: 'digest', id: 'ann:aGFzaA==' }]
    await zk.addAuth('digest', 'ann:secret')
    t.equal((await zk.create('/t', 'x', { ttlMs: 5000, acl: readers })).path, '/t')
    await zk.create('/c', null, { mode: 'container' })
    await zk.create('/q', null, { mode: 'persistentSequentialTtl', ttlMs: 7 })
    t.match(await zk.setACL('/t', readers, 2), { version: 3 })
    t.same(await zk.getACL('/t'), { acl: someAcl, stat: someStat })
    t.equal(await zk.getAllChildrenNumber('/'), 7)
    t.same(await zk.getEphemerals('/e'), ['/e', '/e/b'])
    t.same(await zk.whoAmI(), [
      { scheme: 'ip', id: '127.0.0.1' },
      { scheme: 'digest', id: 'ann' },
    ])
    t.match(
      await zk.multiRead([
        { type: 'getData', path: '/a' },
        { type: 'getChildren', path: '/b' },
      ]),
      [
        { type: 'getData', data: Buffer.from('/a') },
        { type: 'getChildren', children: ['a'] },
      ],
    )
    await zk.checkWatches('/a', 'data')
    t.match(asked, [
      { type: 'auth', scheme: 'digest', credential: Buffer.from('ann:secret') },
      { type: 'create', path: '/t', mode: 'persistentTtl', ttlMs: 5000, acl: readers },
      { type: 'create', path: '/c', mode: 'container' },
      { type: 'create', path: '/q', mode: 'persistentSequentialTtl', ttlMs: 7 },
      { type: 'setACL', path: '/t', acl: readers, version: 2 },
      { type: 'getACL', path: '/t' },
      { type: 'getAllChildrenNumber', path: '/' },
      { type: 'getEphemerals', prefix: '/e' },
      { type: 'whoAmI' },
      { type: 'multiRead' },
      { type: 'checkWatches', path: '/a', watcherType: 'data' },
    ])
  })

  t.test(`a read can ask for the latest in ${dialect}`, async (t) => {
    const asked: Request[] = []
    const server = await serverFor(t, {
      request: (connection, xid, request) => {
        asked.push(structuredClone(request))
        const refused = request.type === 'sync' && request.path === '/refused'
        const body: ReplyBody = refused ? { type: 'error', code: -119 } : plainAnswer(request)
        connection.reply(xid, 5, body)
      },
    })
    const zk = await clientOf(t, [server], { dialect })
    await zk.getData('/a', undefined, { linearizable: true })
    await zk.exists('/b', () => undefined, { linearizable: true })
    const flag = dialect === 'native' ? { linearizable: true } : {}
    const sync = (path: string) => (dialect === 'native' ? [] : [{ type: 'sync', path }])
    t.match(asked, [
      ...sync('/a'),
      { type: 'getData', path: '/a', watch: false, ...flag },
      ...sync('/b'),
      { type: 'exists', path: '/b', watch: true, ...flag },
    ])
    if (dialect === 'native') return
    const late = zk.getChildren('/refused', undefined, { linearizable: true })
    await t.rejects(late, { code: 'NOTREADONLY' }, 'the sync before it failed')
  })

  t.test(`watches and identities follow a session in ${dialect}`, async (t) => {
    const seen: string[] = []
    const hellos: number[] = []
    let first: FakeConnection | undefined
    const server = await serverFor(t, {
      hello: (connection, { sessionId }) => {
        first ??= connection
        hellos.push(sessionId)
        connection.welcome()
      },
      request: (connection, xid, request) => {
        seen.push(request.type)
        if (request.type === 'sync' && connection === first) connection.cut()
        else connection.reply(xid, 9, plainAnswer(request))
        if (request.type === 'setWatches') connection.event('NodeDataChanged', '/w', 11)
      },
    })
    const zk = await clientOf(t, [server], { dialect })
    await zk.addAuth('digest', 'ann:secret')
    const events: WatchEvent[] = []
    await zk.addWatch('/w', 'persistent', (event) => events.push(event))
    await zk.sync()
    t.match(events, [{ type: 'NodeDataChanged', path: '/w' }])
    t.same(seen, ['auth', 'addWatch', 'sync', 'auth', 'setWatches', 'sync'])
    t.same(hellos, [0, 4711])
  })
}

t.test('a client that accepts read-only servers moves to a server with a quorum', async (t) => {
  const asked: string[] = []
  let hasQuorum = false
  const server = await serverFor(t, {
    hello: (connection, { readOnly, sessionId }) => {
      asked.push(`hello ${readOnly} ${sessionId}`)
      connection.welcome({ readOnly: !hasQuorum })
    },
    word: (word) => {
      asked.push(word)
      hasQuorum = true
      return 'rw'
    },
    request: (connection, xid, request) => connection.reply(xid, 1, plainAnswer(request)),
  })
  const zk = await clientOf(t, [server], { readOnly: true })
  t.equal(zk.state, 'connectedReadOnly')
  await new Promise<void>((resolve) => zk.once('connected', resolve))
  t.same(asked, ['hello true 0', 'isro', 'hello true 0'])
})

t.test(
  'errors are ZkErrors with code and path; a missing znode is no error for exists',
  async (t) => {
    const server = await serverFor(t, {
      request: (connection, xid, request) => {
        const code = request.type === 'closeSession' ? undefined : -101
        const body: ReplyBody = code === undefined ? plainAnswer(request) : { type: 'error', code }
        connection.reply(xid, 1, body)
      },
    })
    const zk = await clientOf(t, [server])
    const error = await zk.getData('/none').catch((caught: unknown) => caught)
    t.type(error, ZkError)
    t.match(error, { code: 'NONODE', path: '/none' })
    t.equal(await zk.exists('/none'), undefined)
  },
)

t.test('invalid requests are refused without a server', async (t) => {
  const server = await serverFor(t, answerAll)
  const zk = await clientOf(t, [server])
  await t.rejects(zk.getData('no-slash'), { code: 'BADARGUMENTS', path: 'no-slash' })
  await t.rejects(zk.create('/a/', null), { code: 'BADARGUMENTS' })
  await t.resolves(zk.create('/a/', null, { mode: 'persistentSequential' }))
  await t.rejects(zk.multi([{ type: 'delete', path: '/a//b', version: -1 }]), {
    code: 'BADARGUMENTS',
  })
  const most = limits.clientFrameBytesMax
  await t.rejects(zk.setData('/a', Buffer.alloc(most)), { code: 'BADARGUMENTS' })
  await t.resolves(zk.setData('/a', Buffer.alloc(most - 100)))
})

t.test('a failed multi names the part that failed', async (t) => {
  const server = await serverFor(t, {
    request: (connection, xid, request) => {
      const codes = [0, -103, -2] as const
      const results = codes.map((code) => ({ type: 'error' as const, code }))
      const body: ReplyBody =
        request.type === 'multi' ? { type: 'multi', results } : plainAnswer(request)
      connection.reply(xid, 1, body)
    },
  })
  const zk = await clientOf(t, [server])
  const error = await zk
    .multi(['/a', '/b', '/c'].map((path) => ({ type: 'delete', path, version: 1 })))
    .catch((caught: unknown) => caught)
  t.type(error, ZkMultiError)
  t.match(error, { code: 'BADVERSION', index: 1, path: '/b', results: { length: 3 } })
})

t.test('requests of one turn arrive together and are answered in order', async (t) => {
  const server = await serverFor(t, answerAll)
  const zk = await clientOf(t, [server])
  const order: number[] = []
  const calls = Array.from({ length: 500 }, async (_, i) => {
    const { data } = await zk.getData(`/${i}`)
    order.push(i)
    return data?.toString()
  })
  t.same(
    await Promise.all(calls),
    Array.from({ length: 500 }, (_, i) => `/${i}`),
  )
  t.same(
    order,
    [...order].sort((a, b) => a - b),
  )
})

t.test('answers and events reach their listeners in the order they were sent', async (t) => {
  const server = await serverFor(t, {
    request: (connection, xid, request) => {
      connection.reply(xid, 1, plainAnswer(request))
      if (request.type === 'getData' && request.watch) {
        connection.event('NodeDataChanged', request.path, 2)
        connection.event('NodeDataChanged', request.path, 3)
      }
    },
  })
  const zk = await clientOf(t, [server])
  const log: string[] = []
  const first = zk.getData('/a', (event) => log.push(`event ${event.path} ${event.zxid}`))
  const second = zk.getData('/b')
  await Promise.all([first.then(() => log.push('first')), second.then(() => log.push('second'))])
  t.same(log, ['first', 'event /a 2', 'second'], 'a one-shot watch gets one event')
})

t.test('a chroot is added to requests and removed from answers and events', async (t) => {
  const asked: string[] = []
  const server = await serverFor(t, {
    request: (connection, xid, request) => {
      if ('path' in request) asked.push(request.path)
      connection.reply(xid, 1, plainAnswer(request))
      if (request.type === 'addWatch') {
        connection.event('NodeCreated', '/app/x/y', 2)
        connection.event('NodeDataChanged', '/app/x', 3)
      }
    },
  })
  const zk = await clientOf(t, [server], { chroot: '/app/x' })
  const events: WatchEvent[] = []
  await zk.addWatch('/', 'persistentRecursive', (event) => events.push(event))
  t.equal((await zk.create('/y', null)).path, '/y')
  t.same(
    events.map((event) => event.path),
    ['/y', '/'],
  )
  t.same(asked, ['/app/x', '/app/x/y'])
  await t.rejects(zk.delete('bad'), { code: 'BADARGUMENTS', path: 'bad' })
})

t.test('a chroot is made with its parents, and what is there of it stays', async (t) => {
  const asked: string[] = []
  const server = await serverFor(t, {
    request: (connection, xid, request) => {
      const isThere = request.type === 'create' && request.path === '/app'
      if (request.type === 'create') asked.push(request.path)
      const body: ReplyBody = isThere ? { type: 'error', code: -110 } : plainAnswer(request)
      connection.reply(xid, 1, body)
    },
  })
  const zk = await clientOf(t, [server], { chroot: '/app/x/y' })
  await zk.createChroot()
  t.same(asked, ['/app', '/app/x', '/app/x/y'])
  const atRoot = await clientOf(t, [server])
  await atRoot.createChroot()
  t.equal(asked.length, 3)
})

t.test(
  'ephemerals outside the chroot are not shown, though their path begins like it',
  async (t) => {
    const server = await serverFor(t, {
      request: (connection, xid, request) => {
        const paths = ['/app', '/app/b', '/apple', '/app/a']
        const isList = request.type === 'getEphemerals'
        const body: ReplyBody = isList ? { type: 'getEphemerals', paths } : plainAnswer(request)
        connection.reply(xid, 1, body)
      },
    })
    const zk = await clientOf(t, [server], { chroot: '/app' })
    t.same(await zk.getEphemerals(), ['/', '/a', '/b'])
  },
)

t.test('a session moves to another server: watches, reads and order survive', async (t) => {
  const hellos: { sessionId: number; lastZxidSeen: number }[] = []
  const seen: string[] = []
  let first: FakeConnection | undefined
  const script: FakeScript = {
    hello: (connection, { sessionId, lastZxidSeen }) => {
      hellos.push({ sessionId, lastZxidSeen })
      first ??= connection
      connection.welcome()
    },
    request: (connection, xid, request) => {
      seen.push(request.type)
      if (connection === first && seen.length > 1) {
        if (seen.length === 3) connection.cut()
        return
      }
      if (request.type === 'setWatches') connection.event('NodeDataChanged', '/w', 0)
      connection.reply(xid, 9, plainAnswer(request))
    },
  }
  const servers = [await serverFor(t, script), await serverFor(t, script)]
  const zk = await clientOf(t, servers)
  const states: string[] = []
  for (const state of ['connected', 'suspended', 'expired', 'closed'] as const) {
    zk.on(state, () => states.push(state))
  }
  const changed = new Promise<WatchEvent>((resolve) => {
    void zk.getData('/w', resolve)
  })
  await new Promise(setImmediate)
  const write = t.rejects(zk.setData('/a', 'x'), { code: 'CONNECTIONLOSS', path: '/a' })
  const read = zk.getData('/b')
  await write
  t.equal((await read).data?.toString(), '/b')
  t.match(await changed, { type: 'NodeDataChanged', path: '/w' })
  t.same(hellos, [
    { sessionId: 0, lastZxidSeen: 0 },
    { sessionId: 4711, lastZxidSeen: 9 },
  ])
  t.same(seen, ['getData', 'setData', 'getData', 'setWatches', 'getData'], 'no write is sent twice')
  await zk.close()
  t.same(states, ['suspended', 'connected', 'closed'])
})

t.test('servers that do not serve yet are retried until one does', async (t) => {
  let refusals = 0
  const server = await serverFor(t, {
    ...answerAll,
    hello: (connection) => {
      if (refusals++ < 6) connection.cut()
      else connection.welcome()
    },
  })
  const zk = await clientOf(t, [server])
  t.equal(refusals, 7)
  t.equal(zk.state, 'connected')
})

/** A port of this machine without a listener. */
async function closedPort(): Promise<{ host: string; port: number }> {
  const server = await FakeServer.listen({})
  await server.close()
  return server.address
}

t.test('a connect that gives up reports the result of each server', async (t) => {
  const silent = await serverFor(t, { hello: () => undefined })
  const cutting = await serverFor(t, { hello: (connection) => connection.cut() })
  const garbling = await serverFor(t, { hello: (connection) => connection.raw(Buffer.alloc(9)) })
  const withoutQuorum = await serverFor(t, {
    hello: (connection) => connection.welcome({ readOnly: true }),
  })
  const servers = [
    await closedPort(),
    silent.address,
    cutting.address,
    garbling.address,
    withoutQuorum.address,
  ]
  const zk = new ZkClient({ servers, connectTimeoutMs: 1500, sessionTimeoutMs: 600 })
  const told = new Promise<readonly Attempt[]>((resolve) => zk.once('unreachable', resolve))
  const error = await zk.connect().catch((caught: unknown) => caught)
  const { message } = error as ZkError
  const found = [
    'connection refused',
    'connected, no answer within 200 ms',
    'connected, then closed without an answer: it may want TLS, or a certificate',
    'connected, no valid answer: ',
    'it has no quorum',
  ]
  for (const [i, { host, port }] of servers.entries()) {
    t.match(message, new RegExp(`${host}:${port} \\(${found[i]}`))
  }
  t.match(message, /within 1500 ms$/)
  const attempts = await told
  t.equal(attempts.length, servers.length, 'it was emitted as soon as all had been tried')
})

t.test('a client that cannot connect yet says so at once, and then connects', async (t) => {
  const address = await closedPort()
  const zk = new ZkClient({ servers: [address] })
  t.teardown(() => zk.close())
  const connecting = zk.connect()
  const attempts = await new Promise((resolve) => zk.once('unreachable', resolve))
  t.same(attempts, [{ server: address, found: 'connection refused' }])
  const server = await FakeServer.listen(answerAll, address.port)
  t.teardown(() => server.close())
  await connecting
  t.equal(zk.state, 'connected')
})

t.test('the first call connects, so connect is not needed', async (t) => {
  const server = await serverFor(t, answerAll)
  const { port } = server.address
  const zk = new ZkClient({ servers: `127.0.0.1:${port}/app` })
  t.teardown(() => zk.close())
  t.equal((await zk.getData('/a')).data?.toString(), '/app/a')
})

t.test('a client whose session is over refuses calls at once', async (t) => {
  const server = await serverFor(t, answerAll)
  const closed = await clientOf(t, [server])
  await closed.close()
  await t.rejects(closed.connect(), { code: 'SESSIONEXPIRED' })
  await t.rejects(closed.getData('/a'), { code: 'SESSIONEXPIRED' })
  const never = new ZkClient({ servers: [server.address] })
  await never.close()
  await t.rejects(never.connect(), { code: 'SESSIONEXPIRED' })
})

t.test('a credential that is refused ends the client with one event', async (t) => {
  let hellos = 0
  const server = await serverFor(t, {
    hello: (connection) => {
      hellos++
      connection.welcome()
    },
    request: (connection, xid, request) => {
      const isAuth = request.type === 'auth'
      connection.reply(xid, 1, isAuth ? { type: 'error', code: -115 } : plainAnswer(request))
    },
  })
  const zk = await clientOf(t, [server])
  const states: string[] = []
  for (const state of ['suspended', 'connected', 'expired', 'closed', 'authFailed'] as const) {
    zk.on(state, () => states.push(state))
  }
  await t.rejects(zk.addAuth('magic', 'x'), { code: 'AUTHFAILED' })
  await t.rejects(zk.getData('/a'), { code: 'AUTHFAILED' })
  await t.rejects(zk.connect(), { code: 'AUTHFAILED' })
  await zk.close()
  t.equal(zk.state, 'authFailed')
  t.same(states, ['authFailed'])
  t.equal(hellos, 1)
})

t.test('a credential on which servers hang up is not resent forever', async (t) => {
  let shown = 0
  const server = await serverFor(t, {
    request: (connection, xid, request) => {
      if (request.type === 'auth') {
        shown++
        connection.cut()
      } else connection.reply(xid, 1, plainAnswer(request))
    },
  })
  const zk = await clientOf(t, [server])
  const read = zk.getData('/a')
  await t.rejects(zk.addAuth('magic', 'x'), { code: 'CONNECTIONLOSS' })
  t.equal(shown, 3)
  await read
  t.equal((await zk.getData('/b')).data?.toString(), '/b', 'the session continues')
})

t.test('an error of a watcher or a listener is reported, and affects no other', async (t) => {
  const server = await serverFor(t, {
    request: (connection, xid, request) => {
      connection.reply(xid, 1, plainAnswer(request))
      if (request.type === 'exists' && request.path === '/go') {
        connection.event('NodeDataChanged', '/w', 2)
      }
    },
  })
  const failures: unknown[] = []
  const logger: Logger = {
    ...silentLogger,
    error: ({ err }, message) => failures.push([message, (err as Error).message]),
  }
  const zk = new ZkClient({ servers: [server.address], logger })
  t.teardown(() => zk.close())
  zk.on('connected', () => {
    throw new Error('of a listener')
  })
  await zk.connect()
  await zk.getData('/w', () => {
    throw new Error('of a watcher')
  })
  await zk.getData('/w', async () => {
    throw new Error('of an async watcher')
  })
  const last = new Promise<WatchEvent>((resolve) => void zk.getData('/w', resolve))
  await zk.exists('/go')
  t.match(await last, { path: '/w' })
  zk.removeAllListeners()
  await zk.close()
  t.same(failures, [
    ["A listener of 'connected' failed", 'of a listener'],
    ['A watcher failed', 'of a watcher'],
    ['A watcher failed', 'of an async watcher'],
  ])
})

t.test('without a logger it is a warning of the process', async (t) => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  new Callbacks(undefined).call('A watcher', () => {
    throw new Error('boo')
  })
  t.match(await warned, { name: 'ZooWeeperWarning', message: /A watcher failed: Error: boo/ })
})

t.test('connect gives up after its time, naming the servers', async (t) => {
  const server = await serverFor(t, { hello: (connection) => connection.cut() })
  const zk = new ZkClient({ servers: [server.address], connectTimeoutMs: 100 })
  const waiting = t.rejects(zk.getData('/a'), { code: 'SESSIONEXPIRED' })
  const port = String(server.address.port)
  await t.rejects(zk.connect(), { code: 'CONNECTIONLOSS', message: new RegExp(port) })
  t.equal(zk.state, 'closed')
  await waiting
})

t.test(
  'a session that the ensemble expired is reported once, and calls fail from then on',
  async (t) => {
    let connections = 0
    const server = await serverFor(t, {
      hello: (connection) => {
        if (connections++ === 0) connection.welcome()
        else connection.welcome({ timeoutMs: 0 })
      },
      request: (connection) => connection.cut(),
    })
    const zk = await clientOf(t, [server])
    const expired = new Promise<void>((resolve) => zk.once('expired', resolve))
    const write = t.rejects(zk.setData('/a', ''), { code: 'CONNECTIONLOSS' })
    await expired
    await write
    await t.rejects(zk.getData('/a'), { code: 'SESSIONEXPIRED' })
    t.equal(zk.state, 'expired')
    await zk.close()
  },
)

t.test('its own clock ends a session that no server continues', async (t) => {
  let connections = 0
  const server = await serverFor(t, {
    hello: (connection) => {
      if (connections++ === 0) connection.welcome({ timeoutMs: 150 })
      else connection.cut()
    },
    request: (connection) => connection.cut(),
  })
  const startMs = performance.now()
  const zk = await clientOf(t, [server])
  const expired = new Promise<void>((resolve) => zk.once('expired', resolve))
  const read = t.rejects(zk.getData('/a'), { code: 'SESSIONEXPIRED' })
  await expired
  await read
  t.ok(performance.now() - startMs >= 140)
})

const garbage = [
  { name: 'a frame that is not a message', bytes: Buffer.from([0, 0, 0, 2, 0x93, 0xff]) },
  { name: 'a frame over the limit', bytes: Buffer.from([0x7f, 0xff, 0xff, 0xff]) },
  { name: 'an answer to nothing', bytes: Buffer.from([0, 0, 0, 4, 0x93, 0x37, 1, 0]) },
]
for (const { name, bytes } of garbage) {
  t.test(`${name} costs the connection, not the client`, async (t) => {
    let requests = 0
    const server = await serverFor(t, {
      request: (connection, xid, request) => {
        if (requests++ === 0) connection.raw(bytes)
        else connection.reply(xid, 1, plainAnswer(request))
      },
    })
    const zk = await clientOf(t, [server])
    t.equal((await zk.getData('/again')).data?.toString(), '/again')
    t.equal(requests, 2)
  })
}

t.test('closing ends the session at the server', async (t) => {
  const asked: string[] = []
  const server = await serverFor(t, {
    request: (connection, xid, request) => {
      asked.push(request.type)
      connection.reply(xid, 1, plainAnswer(request))
    },
  })
  const zk = await clientOf(t, [server])
  const [write] = await Promise.all([zk.setData('/a', 'x'), zk.close(), zk.close()])
  t.equal(write.version, 3)
  t.same(asked, ['setData', 'closeSession'])
  t.equal(zk.state, 'closed')
  await t.rejects(zk.sync(), { code: 'SESSIONEXPIRED' })
})
