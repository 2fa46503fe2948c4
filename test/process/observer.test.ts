import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { formatAddress } from '../../src/address.ts'
import { askHealth } from '../../src/cli/four-letter-word.ts'
import { askWord } from '../../src/client/zk/ask-word.ts'
import { realWorld } from '../../src/real-world.ts'
import { pythonWithKazoo, withoutKazoo } from '../compat/tools.ts'
import { connectTo, prepareWorld, until, untilRole, writeThrough } from './world.ts'

/** A client that writes, reads and watches through one server. */
const kazooClient = `
import sys, threading
from kazoo.client import KazooClient
zk = KazooClient(hosts=sys.argv[1], timeout=10)
zk.start(timeout=30)
zk.create('/kazoo', b'one', ephemeral=True)
seen = threading.Event()
zk.get('/kazoo', watch=lambda event: seen.set())
zk.set('/kazoo', b'two')
assert seen.wait(30), 'the watch fires'
zk.sync('/kazoo')
assert zk.get('/kazoo')[0] == b'two'
assert ':observer' in zk.get('/zookeeper/config')[0].decode()
zk.stop()
print('done')
`

t.test('an observer serves clients as long as the voters have a leader', async (t) => {
  const { cluster, basePort } = await prepareWorld(t, { servers: 4 })
  const [observer, ...voters] = [...cluster.servers].reverse()
  if (observer === undefined) throw new Error('There is a fourth server')
  const peer = `127.0.0.1:${basePort + 200 + observer.id}`
  const client = formatAddress(observer.address)
  const line = `--server.${observer.id}=${peer}:${peer.split(':')[1]}:observer;${client}`
  const flags = [line, '--4lw-commands-whitelist=srvr,mntr']
  for (const server of cluster.servers) cluster.start(server, ...flags)
  t.equal(await untilRole(observer, 'leader', 'follower', 'observer'), 'observer')
  for (const voter of voters) await untilRole(voter, 'leader', 'follower')

  const zk = await connectTo(t, observer)
  await zk.create('/kept', 'one')
  const seen = new Promise((resolve) => zk.exists('/kept', resolve))
  await (await connectTo(t, ...voters)).setData('/kept', 'two')
  t.match(await seen, { type: 'NodeDataChanged', path: '/kept' })
  t.equal((await zk.getData('/kept')).data?.toString(), 'two')
  const { data } = await zk.getConfig()
  t.match(data?.toString(), new RegExp(`^server.${observer.id}=.*:observer;.*$`, 'm'))
  t.match(await askWord(realWorld(), observer.address, 'mntr'), /zk_observer_master_id\t[123]\n/)

  await t.test('kazoo', { skip: pythonWithKazoo() === undefined && withoutKazoo }, async (t) => {
    const run = promisify(execFile)
    const { stdout } = await run(pythonWithKazoo() ?? '', ['-c', kazooClient, client])
    t.equal(stdout, 'done\n')
  })

  await cluster.kill(observer)
  const other = await connectTo(t, ...voters)
  await other.setData('/kept', 'three')
  await other.create('/new')
  cluster.start(observer, ...flags)
  await untilRole(observer, 'observer')
  await zk.sync('/')
  t.equal((await zk.getData('/kept')).data?.toString(), 'three', 'it has caught up')

  const [first, second, third] = voters
  if (first === undefined || second === undefined || third === undefined) throw new Error('Three')
  await cluster.kill(first)
  await writeThrough(zk, '/kept', 'four')
  t.pass('two of three voters and the observer go on')
  await cluster.kill(second)
  await until('the observer serves no longer', async () => {
    const { role } = await askHealth(observer.address)
    return role === 'looking' ? role : undefined
  })
  const asked = connectTo(t, observer).then((zk) => zk.getData('/kept'))
  for (const server of [first, second]) cluster.start(server, ...flags)
  t.equal((await asked).data?.toString(), 'four', 'it serves again when the voters do')
  await t.rejects(zk.create('/kept'), { code: 'NODEEXISTS' })
})
