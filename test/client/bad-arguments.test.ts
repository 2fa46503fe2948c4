// Each method with what a newcomer, or a bug, might give to it: that call is refused, by the argument's
// name, and nothing else happens. bad-arguments.property.test.ts does it at random.

import t from 'tap'
import { ZkClient } from '../../src/client/zk-client.ts'
import { ZkError } from '../../src/protocol/error-codes.ts'
import { FakeServer, plainAnswer } from './fake-server.ts'

/** A client as somebody without types sees it. */
type Untyped = Record<string, (...given: readonly unknown[]) => Promise<unknown>>

function untyped(client: unknown): Untyped {
  return client as Untyped
}

const zkCalls: readonly (readonly [call: readonly unknown[], names: RegExp])[] = [
  [['getData', '/x', true], /^Cannot getData \/x: watcher is true; allowed: a function$/],
  [['getData', '/x', { linearizable: true }], /watcher is \{ linearizable: true \}/],
  [['getData', '/x', undefined, { linearisable: true }], /did you mean 'linearizable'\?/],
  [['getData', '/x', undefined, null], /options is null/],
  [['getData'], /path is missing/],
  [['getData', 'x'], /path is 'x'; .*must start with \//],
  [['getData', Buffer.from('/x')], /path is/],
  [['exists', '/a//b'], /path is '\/a\/\/b'/],
  [['getChildren', '/x', 'watcher'], /watcher is 'watcher'/],
  [['create', '/x', 'd', { mode: 'ephemral' }], /options\.mode is 'ephemral'.*mean 'ephemeral'/],
  [['create', '/x', 'd', 'ephemeral'], /options is 'ephemeral'/],
  [['create', '/x', 'd', { ttl: 5 }], /a field 'ttl'.*mean 'ttlMs'/],
  [['create', '/x', 'd', { ttlMs: -1 }], /options\.ttlMs is -1/],
  [['create', '/x', 'd', { ttlMs: 0.5 }], /options\.ttlMs is 0\.5/],
  [['create', '/x', { a: 1 }], /data is \{ a: 1 \}/],
  [['create', '/x', 5], /data is 5/],
  [['create', '/x/', 'd'], /path is '\/x\/'/],
  [['create', '/x', 'd', { acl: { perms: 31 } }], /options\.acl is/],
  [
    ['create', '/x', 'd', { acl: [{ perms: 'r', scheme: 'world', id: 'anyone' }] }],
    /acl\[0\]\.perms/,
  ],
  [['create', '/x', 'd', { acl: [{ perms: 1, scheme: 'world' }] }], /acl\[0\]\.id is missing/],
  [['setData', '/x', 'd', Number.NaN], /version is NaN/],
  [['setData', '/x', 'd', 1.5], /version is 1\.5/],
  [['setData', '/x', 'd', 2 ** 31], /version is 2147483648/],
  [['setData', '/x', 'd', '3'], /version is '3'/],
  [['setData', '/x'], /data is missing/],
  [['setData', '/x', Buffer.alloc(2_000_000)], /it takes 2000\d+ bytes/],
  [['delete', '/x', null], /version is null/],
  [['getACL', 7], /path is 7/],
  [['setACL', '/x', 'world:anyone:r'], /acl is 'world:anyone:r'/],
  [['setACL', '/x', [{ perms: 32, scheme: 'world', id: 'anyone' }]], /acl\[0\]\.perms is 32/],
  [['getAllChildrenNumber', ''], /path is ''/],
  [['getEphemerals', 1], /prefix is 1/],
  [['sync', null], /path is null/],
  [['multi', [{ op: 'create' }]], /ops\[0\]\.type is missing; allowed: 'create', 'delete'/],
  [['multi', [{ type: 'delete', path: '/a' }]], /ops\[0\]\.version is missing/],
  [['multi', [{ type: 'check', path: '/a', verison: 1 }]], /mean 'version'/],
  [['multi', [{ type: 'create', path: '/a', data: 1, mode: 'persistent' }]], /ops\[0\]\.data is 1/],
  [['multi', [{ type: 'create', path: '/a/', data: '', mode: 'persistent' }]], /ops\[0\]\.path is/],
  [['multi', { type: 'delete', path: '/a', version: 1 }], /ops is \{.*allowed: an array/],
  [['multi', [null]], /ops\[0\] is null/],
  [['multiRead', [{ type: 'exists', path: '/a' }]], /ops\[0\]\.type is 'exists'/],
  [['multiRead', ['/a']], /ops\[0\] is '\/a'/],
  [['addAuth', 'digest'], /credential is missing/],
  [['addAuth', 'digest', { user: 'ann', password: 'hush' }], /credential is of type object/],
  [['addAuth', '', 'x'], /scheme is ''/],
  [['addWatch', '/x', 'persistent'], /watcher is missing/],
  [['addWatch', '/x', 'recursive', () => undefined], /mode is 'recursive'/],
  [['addWatch', '/x', () => undefined], /mode is \[Function/],
  [['checkWatches', '/x', 'child'], /type is 'child'.*mean 'children'\?/],
  [['removeWatches', '/x', 'any', 'all'], /watcher is 'all'/],
]

t.test('a bad argument of ZkClient is refused alone, and by its name', async (t) => {
  const asked: string[] = []
  let connections = 0
  const server = await FakeServer.listen({
    hello: (connection) => {
      connections++
      connection.welcome()
    },
    request: (connection, xid, request) => {
      if (request.type !== 'ping') asked.push(request.type)
      connection.reply(xid, 1, plainAnswer(request))
    },
  })
  t.teardown(() => server.close())
  const zk = new ZkClient({ servers: [server.address] })
  t.teardown(() => zk.close())
  await zk.connect()
  for (const [[name, ...given], message] of zkCalls) {
    const innocent = zk.exists('/innocent')
    const refused = untyped(zk)[String(name)]?.call(zk, ...given)
    t.type(refused, Promise, 'it does not throw')
    const error = await refused?.catch((caught: unknown) => caught)
    t.type(error, ZkError, `${String(name)} ${message}`)
    t.match(error, { code: 'BADARGUMENTS', message })
    await innocent
  }
  t.same(new Set(asked), new Set(['exists']), 'nothing of it reached the wire')
  t.equal(asked.length, zkCalls.length)
  t.equal(connections, 1)
})

t.test('what the caller changes after the call does not change what is sent', async (t) => {
  const asked: unknown[] = []
  const server = await FakeServer.listen({
    request: (connection, xid, request) => {
      asked.push(structuredClone(request))
      connection.reply(xid, 1, plainAnswer(request))
    },
  })
  t.teardown(() => server.close())
  const zk = new ZkClient({ servers: [server.address] })
  t.teardown(() => zk.close())
  const acl = [{ perms: 1, scheme: 'world', id: 'anyone' }]
  const ops = [{ type: 'delete' as const, path: '/a', version: 1 }]
  const calls = [zk.setACL('/x', acl), zk.multi(ops)]
  acl[0] = { perms: 2 ** 40, scheme: 'nonsense', id: '' }
  Object.assign(ops[0] ?? {}, { version: Number.NaN })
  await Promise.all(calls)
  t.match(asked, [
    { type: 'setACL', acl: [{ perms: 1, scheme: 'world' }] },
    { type: 'multi', ops: [{ version: 1 }] },
  ])
})

const servers = '127.0.0.1:2181'
const zkOptions: readonly (readonly [given: unknown, names: RegExp])[] = [
  [undefined, /options is missing/],
  ['127.0.0.1:2181', /options is '127\.0\.0\.1:2181'; allowed: an object/],
  [{}, /options\.servers is missing/],
  [{ servers: [] }, /options\.servers is empty/],
  [{ servers: '' }, /options\.servers/],
  [{ servers: ['a:b'] }, /options\.servers\[0\]/],
  [{ servers: [['a', 1]] }, /options\.servers\[0\]/],
  [{ servers: [{ host: 'a', port: '2181' }] }, /options\.servers\[0\]\.port is '2181'/],
  [{ servers: [{ host: 'a', port: 0 }] }, /servers\[0\]\.port is 0/],
  [{ servers: [{ hostname: 'a', port: 1 }] }, /servers\[0\]\.host is missing/],
  [{ servers: [{ host: 'a:2181' }] }, /servers\[0\]\.host is 'a:2181'/],
  [{ servers: [{ host: '[::1]' }] }, /servers\[0\]\.host is '\[::1\]'/],
  [{ servers: '::1:2181' }, /no brackets.*write \[::1\]:2181/],
  [{ servers: ['a/chroot'] }, /options\.servers\[0\]/],
  [{ servers: 'a:1//x' }, /options\.servers/],
  [{ servers: 'a/one', chroot: '/two' }, /options\.chroot is '\/two', options\.servers names/],
  [{ server: servers }, /a field 'server'.*mean 'servers'/],
  [{ servers, sessionTimeout: 1 }, /mean 'sessionTimeoutMs'/],
  [{ servers, sessionTimeoutMs: 0 }, /sessionTimeoutMs is 0/],
  [{ servers, sessionTimeoutMs: Number.POSITIVE_INFINITY }, /sessionTimeoutMs is Infinity/],
  [{ servers, connectTimeoutMs: Number.NaN }, /connectTimeoutMs is NaN/],
  [{ servers, connectTimeoutMs: 2 ** 31 }, /connectTimeoutMs is 2147483648/],
  [{ servers, chroot: 'app' }, /options\.chroot is 'app'/],
  [
    { servers, dialect: 'zookeeper' },
    /options\.dialect is 'zookeeper'; allowed: 'native' or 'jute'/,
  ],
  [{ servers, readOnly: 'yes' }, /readOnly is 'yes'/],
  [{ servers, logger: {} }, /logger is \{\}.*no method child/],
  [{ servers, clock: Date }, /options\.clock/],
]

t.test('a bad option of ZkClient is refused by its constructor, and by its name', async (t) => {
  const Untyped = ZkClient as unknown as new (options: unknown) => unknown
  for (const [given, message] of zkOptions) {
    t.throws(() => new Untyped(given), { name: 'ZkError', code: 'BADARGUMENTS', message })
  }
})
