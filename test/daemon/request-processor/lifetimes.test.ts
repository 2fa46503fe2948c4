// Deletions that the ensemble makes on its own, through the whole chain of two servers: server 1
// leads, clients are connected to server 2.

import t from 'tap'
import type { Logger } from '../../../src/logger.ts'
import { silentLogger } from '../../../src/logger.ts'
import type { CreateMode, Request } from '../../../src/protocol/zk/messages.ts'
import {
  create as createPlain,
  exists,
  type FakeServer,
  get,
  ManualClock,
  remove,
  serversOf,
  set,
} from '../fake-client.ts'
import { FakeCluster } from '../fake-ensemble.ts'

function create(path: string, mode: CreateMode, ttlMs = 0): Request {
  return { type: 'create', path, data: Buffer.alloc(0), mode, ttlMs }
}

function world(logger: Logger = silentLogger) {
  const clock = new ManualClock()
  const cluster = new FakeCluster({ servers: 2 })
  const servers = serversOf(cluster, clock, { logger })
  const [one, two] = servers as [FakeServer, FakeServer]
  const client = two.connected()
  const pass = (ms: number): void => {
    for (const end = clock.now + ms; clock.now < end; ) {
      clock.now += 1000
      client.ask({ type: 'ping' })
      for (const server of servers) {
        server.processors.reportTouched()
        server.processors.expireSessions()
      }
    }
    client.take()
  }
  return { cluster, one, two, client, pass }
}

t.test(
  'an empty container and a znode whose TTL is over are deleted on every server',
  async (t) => {
    const { client, pass, one, two } = world()
    client.askAll([
      create('/c', 'container'),
      createPlain('/c/a'),
      remove('/c/a'),
      create('/t', 'persistentTtl', 100_000),
      create('/plain', 'persistent'),
    ])
    pass(50_000)
    client.ask(exists('/c', true))
    client.ask(exists('/t', true))
    t.same(client.take(), ['exists', 'exists'])
    pass(9000)
    client.ask(exists('/c'))
    t.same(client.take(), ['exists'])
    client.ask(set('/t', 'again'))
    pass(2000)
    client.askAll([get('/c'), get('/t')])
    t.same(client.take(), ['getData NONODE', 'getData again'])
    pass(180_000)
    client.askAll([get('/t'), get('/plain')])
    t.same(client.take(), ['getData NONODE', 'getData '])
    t.same(one.tree.digest, two.tree.digest)
  },
)

t.test('a new leader deletes them too, and its minute starts over', async (t) => {
  const { client, pass, cluster, one } = world()
  client.askAll([create('/c', 'container'), createPlain('/c/a'), remove('/c/a')])
  pass(55_000)
  cluster.lose()
  cluster.elect()
  pass(50_000)
  t.ok(one.tree.get('/c'))
  pass(10_000)
  t.equal(one.tree.get('/c'), undefined)
})

t.test('an exceeded quota is logged once, by the leader', async (t) => {
  const warnings: unknown[] = []
  const logger = { ...silentLogger, warn: (...said: unknown[]) => warnings.push(said) }
  const { client } = world({ ...logger, child: () => logger } as never)
  const limits = '/zookeeper/quota/a/zookeeper_limits'
  client.askAll([
    createPlain('/a'),
    createPlain('/zookeeper/quota/a'),
    createPlain(limits, 'count=2,bytes=-1'),
    createPlain('/a/1'),
    createPlain('/a/2'),
    createPlain('/a/3'),
  ])
  t.same(client.take().length, 6)
  t.same(warnings, [[{ path: '/a', what: 'count', used: 3, limit: 2 }, 'A quota is exceeded']])
})
