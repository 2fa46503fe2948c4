// Foreign clients over TLS, as their manuals say: kazoo, and zkCli of Java.

import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { Authority, loopbackNames } from '../certificates.ts'
import { realServer } from '../daemon/real-server.ts'
import { Conversation } from './conversation.ts'
import { pythonWithKazoo, withoutKazoo, withoutZooKeeper, zkCli } from './tools.ts'

const directory = t.testdir()
mkdirSync(join(directory, 'certificates'))
const authority = new Authority(join(directory, 'certificates'))
const keyStore = authority.sign('server', { names: loopbackNames })
const alice = authority.sign('alice', { subject: '/O=Example/CN=alice' })

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
const address = `localhost:${server.secureClientPort}`

const script = `
import sys
from kazoo.client import KazooClient
from kazoo.security import ACL, Id
address, ca, cert, key = sys.argv[1:]
zk = KazooClient(address, use_ssl=True, ca=ca, certfile=cert, keyfile=key, verify_certs=True)
zk.start(timeout=20)
zk.create('/kazoo', b'x', acl=[ACL(31, Id('x509', 'CN=alice,O=Example'))])
print(zk.get('/kazoo')[0].decode(), zk.get_acls('/kazoo')[0][0].id.id)
zk.stop()
`

t.test('kazoo', { skip: pythonWithKazoo() === undefined && withoutKazoo }, async (t) => {
  const args = ['-c', script, address, authority.certificate, alice.certificate, alice.key]
  const { stdout } = await promisify(execFile)(pythonWithKazoo() ?? '', args, { timeout: 30_000 })
  t.equal(stdout, 'x CN=alice,O=Example\n')
})

t.test('zkCli, of Java', { skip: withoutZooKeeper ?? false }, async (t) => {
  const [option = '', classes = '', ...main] = zkCli
  // Debian's manifest lacks what ZooKeeper's client needs for TLS.
  const jars = ['codec', 'resolver'].map((name) => `/usr/share/java/netty-${name}.jar`)
  const shell = new Conversation(t, 'java', [
    ...['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'],
    '-Dzookeeper.client.secure=true',
    '-Dzookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty',
    `-Dzookeeper.ssl.trustStore.location=${authority.certificate}`,
    `-Dzookeeper.ssl.keyStore.location=${alice.pem}`,
    ...[option, [classes, ...jars].join(':'), ...main, '-server', address],
  ])
  await shell.hears(/state:SyncConnected type:None/)
  // Its shell takes no comma in an ACL, and prints one as %2C: auth stands for the identity.
  shell.say('create /java one auth::cdrwa')
  await shell.hears(/Created \/java/)
  shell.say('getAcl /java')
  await shell.hears(/'x509,'CN=alice%2CO=Example\n: cdrwa/)
  shell.say('get /java')
  await shell.hears(/one\n/)
  shell.say('quit')
  t.equal(await shell.closed(), 0)
})
