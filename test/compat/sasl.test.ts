// Clients of other languages that authenticate by SASL DIGEST-MD5, with their own implementations.

import { execFile } from 'node:child_process'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { untilReady } from '../../src/cli/cluster/cluster-ready.ts'
import { patienceMs, prepareWorld, until } from '../process/world.ts'
import { Conversation } from './conversation.ts'
import { pythonWith, withoutZooKeeper, zkCli } from './tools.ts'
import { connectString } from './world.ts'

const module = 'org.apache.zookeeper.server.auth.DigestLoginModule'
const run = promisify(execFile)

t.test('clients of other languages authenticate by SASL', async (t) => {
  const world = await prepareWorld(t, { servers: 1 })
  const jaas = join(world.dataDir, 'jaas.conf')
  const users = 'user_ann="secret of ann" user_bob="secret of bob"'
  writeFileSync(jaas, `Server { ${module} required ${users}; };\n`, { mode: 0o600 })
  appendFileSync(join(world.dataDir, 'zoo.cfg'), `java.security.auth.login.config=${jaas}\n`)
  const said: string[] = []
  world.cluster.on('line', (_, line) => said.push(line))
  world.cluster.startAll()
  await untilReady(world.cluster, AbortSignal.timeout(patienceMs))
  const address = connectString(world)

  await t.test('zkCli, of Java', { skip: withoutZooKeeper ?? false }, async (t) => {
    const shellAs = (password: string): Conversation => {
      const client = join(world.dataDir, `client-${password.length}.conf`)
      writeFileSync(
        client,
        `Client { ${module} required username="ann" password="${password}"; };\n`,
      )
      const own = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
      const login = `-Djava.security.auth.login.config=${client}`
      return new Conversation(t, 'java', [...own, login, ...zkCli, '-server', address])
    }
    const shell = shellAs('secret of ann')
    await shell.hears(/state:SaslAuthenticated type:None/)
    shell.say('whoami')
    t.ok(await shell.hears(/sasl: ann/))
    shell.say('create /j x sasl:ann:cdrwa', 'getAcl /j')
    t.ok(await shell.hears(/'sasl,'ann\n: cdrwa\n/))
    shell.say('quit')
    t.equal(await shell.closed(), 0)
    // It finds the connection closed, and tries again and again.
    const wrong = shellAs('guess')
    const failed = 'A client failed to authenticate'
    await until(
      'the server refuses it',
      () => said.some((line) => line.includes(failed)) || undefined,
    )
    t.notMatch(wrong.said, /state:SaslAuthenticated/)
  })

  const python = pythonWith('kazoo, puresasl')
  const withoutPython =
    'kazoo and pure-sasl are not installed (Debian: python3-kazoo, python3-pure-sasl)'
  await t.test('kazoo', { skip: python === undefined && withoutPython }, async (t) => {
    const script = `
import sys
from kazoo.client import KazooClient
from kazoo.security import make_acl
def client(user, password):
    options = {'mechanism': 'DIGEST-MD5', 'username': user, 'password': password}
    return KazooClient(hosts=sys.argv[1], sasl_options=options)
zk = client('bob', 'secret of bob')
zk.start()
zk.create('/k', b'x', acl=[make_acl('sasl', 'bob', all=True)])
print(zk.get('/k')[0].decode())
zk.stop()
try:
    zk = client('bob', 'guess')
    zk.start(timeout=5)
    zk.get('/k')
    print('connected')
except Exception as error:
    print(type(error).__name__)
`
    const { stdout } = await run(python ?? '', ['-c', script, address])
    const [data, error] = stdout.trim().split('\n')
    t.equal(data, 'x')
    t.match(error, /^AuthFailedError$/)
  })
})
