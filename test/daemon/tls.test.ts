// A server whose clients connect by TLS: identities of certificates, both dialects, the log, and
// certificates that change while it runs. Who is refused in a handshake: protocol/transport/tls.test.ts.

import { once } from 'node:events'
import { copyFileSync, readFileSync, renameSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import tls from 'node:tls'
import t, { type Test } from 'tap'
import { ZkClient, type ZkClientOptions } from '../../src/client/zk/zk-client.ts'
import type { Server } from '../../src/daemon/server.ts'
import { perms } from '../../src/protocol/records.ts'
import { Authority, loopbackNames } from '../certificates.ts'
import { RecordingLogger } from '../recording-logger.ts'
import { realServer } from './real-server.ts'

const host = '127.0.0.1'

interface Scene {
  readonly authority: Authority
  readonly server: Server
  readonly logger: RecordingLogger
  readonly keyStore: string
  client(options?: Partial<ZkClientOptions>): Promise<ZkClient>
}

async function start(t: Test, ...flags: readonly string[]): Promise<Scene> {
  let server: Server | undefined
  t.teardown(() => server?.stop())
  const directory = t.testdir()
  const authority = new Authority(directory)
  const keyStore = authority.sign('server', { names: loopbackNames }).pem
  authority.sign('alice', { subject: '/O=Example/CN=alice' })
  authority.sign('admin', { subject: '/O=Example/CN=admin' })
  const logger = new RecordingLogger()
  server = realServer(
    [
      `--data-dir=${join(directory, 'data')}`,
      '--secureClientPort=0',
      `--secureClientPortAddress=${host}`,
      `--ssl.keyStore.location=${keyStore}`,
      `--ssl.trustStore.location=${authority.certificate}`,
      '--log-segment-bytes=4194304',
      '--4lw.commands.whitelist=*',
      ...flags,
    ],
    logger,
  )
  await server.start()
  const { secureClientPort: port } = server
  const client = async (options: Partial<ZkClientOptions> = {}) => {
    const as = { ca: authority.certificate, cert: join(directory, 'alice.pem') }
    const zk = new ZkClient({ servers: [{ host, port }], tls: as, ...options })
    t.teardown(() => zk.close())
    await zk.connect()
    return zk
  }
  return { authority, server, logger, keyStore, client }
}

for (const dialect of ['native', 'jute'] as const) {
  t.test(`the name in a certificate is an identity, in the ${dialect} dialect`, async (t) => {
    const { server, client, authority } = await start(t, '--ssl.clientAuth=want')
    const alice = await client({ dialect })
    const identity = { scheme: 'x509', id: 'CN=alice,O=Example' }
    t.strictSame((await alice.whoAmI()).at(-1), identity)
    const acl = [{ perms: perms.all, ...identity }]
    await alice.create('/hers', 'secret', { acl })
    await alice.create('/too', '', { acl: [{ perms: perms.all, scheme: 'auth', id: '' }] })
    t.strictSame((await alice.getACL('/too')).acl, acl)
    t.equal((await alice.getData('/hers')).data?.toString(), 'secret')
    await alice.addAuth('x509', '')

    const other = await client({ dialect, tls: { ca: authority.certificate } })
    await t.rejects(other.getData('/hers'), { code: 'NOAUTH' })
    const empty = [{ perms: 1, scheme: 'x509', id: 'alice' }]
    await t.rejects(other.create('/x', '', { acl: empty }), { code: 'INVALIDACL' })
    t.equal(server.clientPort, 0, 'there is no port for plaintext')
  })
}

t.test('the configured name in a certificate is the super user', async (t) => {
  const flag = '--X509AuthenticationProvider.superUser=CN=admin,O=Example'
  const { client, authority, keyStore } = await start(
    t,
    flag,
    '--enforce.auth.enabled=true',
    '--enforce.auth.schemes=x509',
  )
  const alice = await client()
  await alice.create('/hers', 'x', {
    acl: [{ perms: perms.all, scheme: 'x509', id: 'CN=alice,O=Example' }],
  })
  const cert = join(keyStore, '..', 'admin.pem')
  const admin = await client({ tls: { ca: authority.certificate, cert } })
  t.equal((await admin.getData('/hers')).data?.toString(), 'x')
})

t.test('four-letter words answer by TLS, and name both ports', async (t) => {
  const flags = ['--ssl.clientAuth=none', '--client-port=0']
  const { server, authority, keyStore, client } = await start(t, ...flags)
  await client()
  const socket = tls.connect({
    host,
    port: server.secureClientPort,
    ca: readFileSync(authority.certificate),
  })
  socket.setEncoding('utf8').end('conf')
  let answer = ''
  for await (const text of socket) answer += text
  t.match(answer, `secureClientPort=${server.secureClientPort}\n`)
  t.match(answer, `clientPort=${server.clientPort}\n`)
  t.notMatch(answer, keyStore)
})

t.test('one port takes clients of both kinds while they move to TLS', async (t) => {
  const flags = ['--client.portUnification=true', '--client-port=0', `--clientPortAddress=${host}`]
  const { server, client } = await start(t, ...flags)
  const servers = [{ host, port: server.clientPort }]
  const encrypted = await client({ servers })
  const zk = new ZkClient({ servers })
  t.teardown(() => zk.close())
  await zk.create('/plain', 'x')
  t.equal((await encrypted.getData('/plain')).data?.toString(), 'x')
  t.equal((await zk.whoAmI()).length, 1)
})

t.test('strangers to TLS are named in the log, each kind once', async (t) => {
  const { server, logger, client } = await start(t, '--client-port=0')
  const say = async (port: number, text: string): Promise<void> => {
    const socket = net.connect({ host, port })
    socket.on('error', () => undefined)
    socket.resume()
    socket.end(text)
    await once(socket, 'close')
  }
  for (let i = 0; i < 50; i++) await say(server.secureClientPort, 'GET / HTTP/1.1\r\n\r\n')
  await say(server.clientPort, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')
  const reasons = () =>
    logger.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields['reason'])
  t.strictSame(reasons(), [
    'Cannot serve an HTTP request in plaintext: this port speaks TLS only',
    'Cannot serve a TLS ClientHello: this port speaks no TLS',
  ])
  await client()
  t.pass('and a client is served')
})

t.test('a changed certificate is used for new connections, without a restart', async (t) => {
  const { authority, client, keyStore, logger } = await start(t, '--client.certReload=true')
  const before = await client()
  const other = authority.sign('other', { names: 'DNS:example.org' })
  copyFileSync(other.pem, `${keyStore}.new`)
  renameSync(`${keyStore}.new`, keyStore)
  while (!logger.said('info').includes('Read the changed TLS certificates')) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await t.rejects(client({ connectTimeoutMs: 200 }), /certificate is of another host/)
  await before.create('/goes-on', '')
})
