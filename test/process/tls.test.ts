// `zw` over TLS, against a real server: the flags of every command that connects.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import { Authority, loopbackNames, openssl } from '../certificates.ts'
import { realServer } from '../daemon/real-server.ts'
import { Zw } from './world.ts'

const directory = t.testdir()
mkdirSync(join(directory, 'certificates'))
const at = (file: string) => join(directory, 'certificates', file)
const authority = new Authority(join(directory, 'certificates'))
const keyStore = authority.sign('server', { names: loopbackNames })
const alice = authority.sign('alice', { subject: '/O=Example/CN=alice' })
openssl([
  ...['pkcs12', '-export', '-inkey', alice.key, '-in', alice.certificate],
  ...['-out', at('alice.p12'), '-passout', 'pass:secret'],
])
writeFileSync(at('password'), 'secret\n', { mode: 0o600 })

const server = realServer([
  `--data-dir=${join(directory, 'data')}`,
  '--secureClientPort=0',
  '--secureClientPortAddress=127.0.0.1',
  `--ssl.keyStore.location=${keyStore.pem}`,
  `--ssl.trustStore.location=${authority.certificate}`,
  '--log-segment-bytes=4194304',
])
await server.start()
t.teardown(() => server.stop())
const address = `127.0.0.1:${server.secureClientPort}`

const tls = ['--tls-ca', authority.certificate, '--tls-cert', alice.certificate]
const withKey = [...tls, '--tls-key', alice.key]

async function zw(t: Test, ...args: readonly string[]): Promise<Zw> {
  const run = new Zw(t, args)
  await run.closed()
  return run
}

t.test('the shell and status take the flags', async (t) => {
  const created = await zw(t, 'shell', '-s', address, ...withKey, 'create', '/a', 'x')
  t.strictSame(created.lines, ['Created /a'], created.errors)
  const asPkcs12 = ['--tls-cert', at('alice.p12'), '--tls-password-file', at('password')]
  const ca = ['--tls-ca', authority.certificate]
  const whoami = await zw(t, 'shell', '-s', address, ...ca, ...asPkcs12, 'whoami')
  t.match(whoami.lines.join('\n'), 'x509: CN=alice,O=Example', whoami.errors)
  const status = await zw(t, 'status', '-s', address, ...withKey)
  t.match(status.lines, [/standalone/], status.errors)
})

t.test('an ACL of the shell may name a certificate', async (t) => {
  const acl = 'x509:CN=alice,O=Example:cdrwa,world:anyone:r'
  await zw(t, 'shell', '-s', address, ...withKey, 'create', '/hers', 'x', acl)
  const zk = new ZkClient({
    servers: address,
    tls: { ca: authority.certificate, cert: alice.pem },
  })
  t.teardown(() => zk.close())
  t.strictSame((await zk.getACL('/hers')).acl, [
    { perms: 31, scheme: 'x509', id: 'CN=alice,O=Example' },
    { perms: 1, scheme: 'world', id: 'anyone' },
  ])
})

t.test('what is wrong with the files, or with the server, is said', async (t) => {
  const missing = await zw(t, 'shell', '-s', address, '--tls-ca', at('none.pem'), 'ls', '/')
  t.match(missing.errors, /tls\.ca .*none\.pem\): there is no file/)
  const openFile = ['--tls-cert', at('alice.p12'), '--tls-password-file', at('open')]
  writeFileSync(at('open'), 'secret\n')
  chmodSync(at('open'), 0o644)
  const open = await zw(t, 'shell', '-s', address, ...openFile, 'ls', '/')
  t.match(open.errors, /^Cannot use --tls-password-file: .*open is open to other users: chmod 600/)
  t.equal(await open.closed(), 2)
  const distrusted = ['--tls', '--connect-timeout', '300']
  const untrusting = await zw(t, 'shell', '-s', address, ...distrusted, 'ls', '/')
  t.match(untrusting.errors, /its certificate is not trusted/)
  t.not(await untrusting.closed(), 0)
})
