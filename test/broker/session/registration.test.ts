import t from 'tap'
import { zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import {
  makeSharedNodes,
  readClusterId,
  register,
} from '../../../src/broker/session/registration.ts'
import type { BrokerId, DirectoryId } from '../../../src/protocol/mq/messages.ts'
import { decodeRegistration } from '../../../src/protocol/mq/registration.ts'
import { openAcl } from '../../../src/protocol/records.ts'
import { RecordingLogger } from '../../recording-logger.ts'
import { settled, VirtualClock } from '../../virtual-clock.ts'
import { putBroker } from '../cluster/sample-znodes.ts'
import { MemoryTree, type MemoryZk } from '../memory-zk.ts'
import { testSecret } from '../test-secret.ts'

const id = 1 as BrokerId
const path = zkPaths.brokerId(id)
const patienceMs = 12_000
const holder = 9

/** Broker 1 registers; `outcome` is its epoch, or the code of its error. */
function registering(zk: MemoryZk) {
  const clock = new VirtualClock()
  const log = new RecordingLogger()
  const made = { clock, log, prepared: 0, outcome: undefined as number | string | undefined }
  const registered = register({
    zk,
    id,
    clock,
    log,
    patienceMs,
    registration: () => ({
      host: '::1',
      port: 9092,
      directory: `d${made.prepared}` as DirectoryId,
    }),
    prepare: async () => {
      made.prepared += 1
    },
  })
  const settledAs = registered.then(
    (epoch) => {
      made.outcome = epoch
    },
    (error: { code: string; message: string }) => {
      made.outcome = `${error.code}: ${error.message}`
    },
  )
  return Object.assign(made, { settledAs })
}

/** Broker 1 registers, and its session stops at this step of the registration. */
async function stoppedAt(
  at: 'request' | 'answer',
  name: 'create' | 'getData',
  tree = MemoryTree.ofCluster(),
) {
  const zk = tree.session()
  const stopped = zk.stopAt(at, name, path)
  const one = registering(zk)
  await stopped
  return { tree, zk, one }
}

t.test('the shared znodes are created once, and a second broker changes none', async (t) => {
  const tree = new MemoryTree()
  await makeSharedNodes(tree.session(), testSecret.acl)
  tree.put(zkPaths.controllerEpoch, '7')
  await makeSharedNodes(tree.session(), testSecret.acl)
  t.equal(tree.text(zkPaths.controllerEpoch), '7')
  t.same(tree.children('/brokers'), ['deleted', 'ids', 'marks', 'reports', 'topics'])
})

t.test(
  'only brokers may change the shared znodes, even one that another client created',
  async (t) => {
    const tree = new MemoryTree()
    tree.put(zkPaths.brokers, '')
    t.same(tree.get(zkPaths.brokers).acl, openAcl)
    const rootAcl = tree.get('/').acl
    await makeSharedNodes(tree.session(), testSecret.acl)
    for (const path of [zkPaths.brokers, zkPaths.brokerIds, zkPaths.controllerEpoch]) {
      t.same(tree.get(path).acl, testSecret.acl, path)
    }
    t.equal(tree.get('/').acl, rootAcl, 'the root is not ours')
    const before = tree.stat(zkPaths.brokers)
    await makeSharedNodes(tree.session(), [...testSecret.acl].reverse())
    t.same(tree.stat(zkPaths.brokers), before, 'and they are not written again')
  },
)

for (const at of ['request', 'answer'] as const) {
  t.test(`a shared znode is created although the connection broke at its ${at}`, async (t) => {
    const tree = new MemoryTree()
    const zk = tree.session()
    const stopped = zk.stopAt(at, 'create', zkPaths.brokerIds)
    const making = makeSharedNodes(zk, testSecret.acl)
    await stopped
    zk.disconnect()
    zk.reconnect()
    await making
    t.ok(tree.stat(zkPaths.brokerIds))
    t.ok(tree.stat(zkPaths.controllerEpoch))
  })
}

t.test('the first broker creates the cluster’s id, and the others adopt it', async (t) => {
  const tree = MemoryTree.ofCluster()
  t.equal(await readClusterId(tree.session(), 'mine'), 'mine')
  t.equal(await readClusterId(tree.session(), 'another'), 'mine')
})

for (const text of ['', 'x', 'null', '{}', '{"id":7}', '{"id":""}']) {
  t.test(`a cluster whose id is '${text}' is not joined, and its znode is named`, async (t) => {
    const tree = MemoryTree.ofCluster()
    tree.put(zkPaths.clusterId, text)
    await t.rejects(readClusterId(tree.session(), 'mine'), {
      message: 'Cannot join the cluster: /cluster/id holds no id',
    })
  })
}

t.test('`prepare` ends before other brokers see this one', async (t) => {
  const { tree, zk, one } = await stoppedAt('request', 'create')
  t.equal(one.prepared, 1)
  zk.resume()
  await one.settledAs
  t.equal(one.outcome, tree.stat(path)?.czxid, 'the epoch distinguishes its lives')
  t.equal(tree.stat(path)?.ephemeralOwner, zk.sessionId)
  t.match(decodeRegistration(Buffer.from(tree.text(path) ?? '')), { host: '::1', directory: 'd1' })
})

t.test(
  'a broker waits for the session of its earlier life to end before it prepares',
  async (t) => {
    const tree = MemoryTree.ofCluster()
    putBroker(tree, id, holder)
    const one = registering(tree.session())
    await one.clock.advance(6000)
    t.equal(one.prepared, 0)
    t.match(one.log.lines[0], { level: 'info', fields: { holder: 'h:9092', session: '0x9' } })
    t.equal(one.log.lines.length, 2, 'it logs so, and again after 5 s')
    tree.end(holder)
    await one.settledAs
    t.equal(one.prepared, 1)
    t.equal(one.outcome, tree.stat(path)?.czxid)
    t.equal(one.clock.timerCount, 0)
  },
)

t.test('an id that stays taken is refused after the timeout, naming its holder', async (t) => {
  const tree = MemoryTree.ofCluster()
  putBroker(tree, id, holder)
  const one = registering(tree.session())
  await one.clock.advance(patienceMs - 1)
  t.equal(one.outcome, undefined)
  await one.clock.advance(1)
  t.match(one.outcome, /^INVALID_REQUEST: Cannot use broker id 1: it is registered by h:9092/)
  t.equal(one.prepared, 0)
  t.equal(tree.stat(path)?.ephemeralOwner, holder)
})

t.test('a broker waits for a holder without an address as well', async (t) => {
  const tree = MemoryTree.ofCluster()
  tree.put(path, 'garbage', holder)
  const one = registering(tree.session())
  await one.clock.advance(patienceMs)
  t.match(one.outcome, /^INVALID_REQUEST: .*registered by a broker with an unknown address/)
})

t.test('a holder that leaves while it is being read is gone', async (t) => {
  const tree = MemoryTree.ofCluster()
  putBroker(tree, id, holder)
  const { zk, one } = await stoppedAt('request', 'getData', tree)
  tree.end(holder)
  zk.resume()
  await one.settledAs
  t.equal(one.outcome, tree.stat(path)?.czxid)
})

t.test('a registration whose answer was lost is recognised', async (t) => {
  const { tree, zk, one } = await stoppedAt('answer', 'create')
  zk.disconnect()
  zk.reconnect()
  await one.settledAs
  t.equal(one.outcome, tree.stat(path)?.czxid)
  t.equal(tree.stat(path)?.ephemeralOwner, zk.sessionId)
})

t.test('a registration whose request was lost is repeated', async (t) => {
  const { tree, zk, one } = await stoppedAt('request', 'create')
  zk.disconnect()
  zk.reconnect()
  await one.settledAs
  t.equal(one.outcome, tree.stat(path)?.czxid)
})

t.test('a broker waits for a faster process with the same id', async (t) => {
  const { tree, zk, one } = await stoppedAt('request', 'create')
  putBroker(tree, id, holder)
  zk.resume()
  await settled()
  t.equal(one.outcome, undefined)
  tree.end(holder)
  await one.settledAs
  t.equal(tree.stat(path)?.ephemeralOwner, zk.sessionId)
})

t.test('a registration fails if its session ends while it waits', async (t) => {
  const tree = MemoryTree.ofCluster()
  putBroker(tree, id, holder)
  const zk = tree.session()
  const one = registering(zk)
  await settled()
  zk.expire()
  await one.clock.advance(5000)
  t.match(one.outcome, /^SESSIONEXPIRED/)
})
