import { promisify } from 'node:util'
import zookeeper, { type Client, type Event, type Failure } from 'node-zookeeper-client'
import t, { type Test } from 'tap'
import { askWord } from '../../src/client/zk/ask-word.ts'
import { realWorld } from '../../src/real-world.ts'
import { until } from '../process/world.ts'
import { connectString, startForClients } from './world.ts'

const { PERSISTENT, EPHEMERAL, PERSISTENT_SEQUENTIAL } = zookeeper.CreateMode
const open = zookeeper.ACL.OPEN_ACL_UNSAFE

async function connect(t: Test, servers: string): Promise<Client> {
  const client = zookeeper.createClient(servers, { sessionTimeout: 10_000 })
  t.teardown(() => client.close())
  const connected = new Promise<void>((resolve) => client.once('connected', resolve))
  client.connect()
  await connected
  return client
}

/** With promises. */
function callsOf(client: Client) {
  return {
    create: promisify(client.create.bind(client)),
    remove: promisify(client.remove.bind(client)),
    setData: promisify(client.setData.bind(client)),
    getACL: promisify(client.getACL.bind(client)),
    mkdirp: promisify(client.mkdirp.bind(client)),
    exists: promisify(client.exists.bind(client)),
    getChildren: promisify(client.getChildren.bind(client)),
    getData: promisify(client.getData.bind(client)),
  }
}

const ignore = () => undefined

t.test('node-zookeeper-client', async (t) => {
  const world = await startForClients(t)
  const { cluster } = world
  const client = await connect(t, connectString(world))
  const zk = callsOf(client)

  t.test('creates, reads, changes and deletes', async (t) => {
    t.equal(await zk.create('/n', Buffer.from('one'), open, PERSISTENT), '/n')
    t.equal(await zk.create('/n/s-', null, open, PERSISTENT_SEQUENTIAL), '/n/s-0000000000')
    t.equal((await zk.setData('/n', Buffer.from('two'), 0)).version, 1)
    t.equal(String(await zk.getData('/n', ignore)), 'two')
    t.same(await zk.getChildren('/n', ignore), ['s-0000000000'])
    t.equal((await zk.exists('/n', ignore))?.dataLength, 3)
    t.equal(await zk.exists('/nothing', ignore), null)
    await zk.mkdirp('/n/a/b/c')
    await zk.remove('/n/a/b/c', 0)
    await t.rejects(zk.setData('/n', Buffer.from(''), 7), { name: 'BAD_VERSION' })
    await t.rejects(zk.remove('/n', -1), { name: 'NOT_EMPTY' })
    await t.rejects(zk.create('/n', null, open, PERSISTENT), { name: 'NODE_EXISTS' })
    await t.rejects(zk.remove('/nothing', -1), { name: 'NO_NODE' })
  })

  t.test('a transaction is all or nothing', async (t) => {
    const commit = (transaction: ReturnType<Client['transaction']>) =>
      new Promise<{ error: Failure | null; count: number }>((resolve) =>
        transaction.commit((error, results) => resolve({ error, count: results.length })),
      )
    const good = client.transaction().create('/m').setData('/m', Buffer.from('x')).check('/m', 1)
    t.same(await commit(good), { error: null, count: 3 })
    const bad = client.transaction().create('/m/x').remove('/nothing')
    t.equal((await commit(bad)).error?.name, 'NO_NODE')
    t.same(await zk.getChildren('/m', ignore), [])
  })

  t.test('watches', async (t) => {
    await zk.create('/w', null, open, PERSISTENT)
    const events: string[] = []
    const note = ({ name, path }: Event) => events.push(`${name} ${path}`)
    await zk.getData('/w', note)
    await zk.getChildren('/w', note)
    await zk.exists('/w/x', note)
    const other = callsOf(await connect(t, connectString(world)))
    await other.setData('/w', Buffer.from('1'), -1)
    await other.create('/w/x', null, open, PERSISTENT)
    await until('three events came', () => (events.length === 3 ? true : undefined))
    t.same(events.sort(), ['NODE_CHILDREN_CHANGED /w', 'NODE_CREATED /w/x', 'NODE_DATA_CHANGED /w'])
  })

  t.test('an authenticated client has its own permissions', async (t) => {
    const user = await connect(t, connectString(world))
    user.addAuthInfo('digest', Buffer.from('user:password'))
    await callsOf(user).create('/mine', null, zookeeper.ACL.CREATOR_ALL_ACL, PERSISTENT)
    // The other client may be at a server that has not heard of it yet, until a write of its own.
    await zk.create('/after', null, open, PERSISTENT)
    await t.rejects(zk.getData('/mine', ignore), { name: 'NO_AUTH' })
    t.equal((await callsOf(user).getACL('/mine')).length, 1)
  })

  t.test('its session continues at another server', async (t) => {
    await zk.create('/e', null, open, EPHEMERAL)
    const session = client.getSessionId().toString('hex').replace(/^0+/, '')
    const said = await Promise.all(
      cluster.servers.map(({ address }) => askWord(realWorld(), address, 'cons')),
    )
    const server = cluster.servers[said.findIndex((text) => text?.includes(`sid=0x${session},`))]
    if (server === undefined) throw new Error(`No server has the session: ${said.join('\n')}`)
    const again = new Promise<void>((resolve) => client.once('connected', resolve))
    await cluster.kill(server)
    await again
    t.equal(client.getSessionId().toString('hex').replace(/^0+/, ''), session)
    t.ok(await zk.exists('/e', ignore))
  })
})
