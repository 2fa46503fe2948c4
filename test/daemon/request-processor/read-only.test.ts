import t from 'tap'
import type { SessionId } from '../../../src/protocol/records.ts'
import { makeZxid, nextZxid } from '../../../src/protocol/zxid.ts'
import {
  closeSession,
  create,
  exists,
  type FakeServer,
  get,
  list,
  ManualClock,
  ping,
  remove,
  serversOf,
  set,
  sync,
} from '../fake-client.ts'
import { FakeCluster } from '../fake-ensemble.ts'
import { auth, connected, PlainClient } from '../plain-client.ts'

interface Alone {
  readonly cluster: FakeCluster
  readonly server: FakeServer
  /** Time passes, half a tick at a time. */
  readonly pass: (ms: number) => void
}

/** A server that held `/a` and then lost its quorum. */
function lonely({ readOnlyMode = true } = {}): Alone {
  const cluster = new FakeCluster()
  const clock = new ManualClock()
  const [server] = serversOf(cluster, clock, { readOnlyMode }) as [FakeServer]
  connected(server).ask(create('/a', 'x'))
  cluster.lose()
  const pass = (ms: number): void => {
    for (const endMs = clock.now + ms; clock.now < endMs; ) {
      clock.now += 500
      server.processors.reportTouched()
    }
  }
  return { cluster, server, pass }
}

function readOnly(): Alone {
  const parts = lonely()
  parts.pass(2000)
  return parts
}

t.test('a server begins to serve reads when it was without a leader for 2 s', async (t) => {
  const { server, pass } = lonely()
  pass(1500)
  t.equal(server.processors.readOnly, false)
  t.same(new PlainClient(server).hello({ readOnly: true }).take(), ['closed'])
  pass(500)
  t.equal(server.processors.readOnly, true)
  t.equal(server.processors.serving, false)
  t.same(new PlainClient(server).hello({ readOnly: true }).take(), ['welcome'])
})

t.test('without the option it serves no client', async (t) => {
  const { server, pass } = lonely({ readOnlyMode: false })
  pass(60_000)
  t.equal(server.processors.readOnly, false)
  t.same(new PlainClient(server).hello({ readOnly: true }).take(), ['closed'])
})

t.test('a server that was never part of an ensemble serves no reads', async (t) => {
  const cluster = new FakeCluster()
  Object.defineProperty(cluster.member(1), 'ensembleId', { value: undefined })
  const clock = new ManualClock()
  const [server] = serversOf(cluster, clock, { readOnlyMode: true }) as [FakeServer]
  cluster.lose()
  clock.now += 60_000
  server.processors.reportTouched()
  t.equal(server.processors.readOnly, false)
})

t.test('a new leader within that time restarts it', async (t) => {
  const { cluster, server, pass } = lonely()
  pass(1500)
  cluster.elect()
  pass(10_000)
  cluster.lose()
  pass(1500)
  t.equal(server.processors.readOnly, false)
  pass(500)
  t.equal(server.processors.readOnly, true)
})

t.test('a welcome says that the server is read-only', async (t) => {
  const { server } = readOnly()
  const client = server.client()
  client.hello({ readOnly: true })
  t.same(client.take(), ['welcome'])
  t.match(client.welcomed, { readOnly: true, timeoutMs: 10_000, serverId: 1 })
  t.equal(client.welcomed?.password.length, 16)
  client.ask(get('/a'))
  t.same(client.take(), ['getData x'])
})

t.test('reads are answered, writes and sync refused at once', async (t) => {
  const { server } = readOnly()
  const client = new PlainClient(server).hello({ readOnly: true })
  client.ask(get('/a'), list('/'), exists('/b', true), ping, auth('ann:1'))
  t.same(client.take(), ['welcome', 'getData', 'getChildren', 'exists NONODE', 'ping', 'auth'])
  const linearizable = { type: 'getData', path: '/a', watch: false, linearizable: true } as const
  client.ask(create('/b'), set('/a', 'y'), remove('/a'), sync, linearizable, ping)
  client.ask({ type: 'multi', ops: [] }, { type: 'setACL', path: '/a', acl: [], version: -1 })
  t.same(client.take(), [
    'create NOTREADONLY',
    'setData NOTREADONLY',
    'delete NOTREADONLY',
    'sync NOTREADONLY',
    'getData NOTREADONLY',
    'ping',
    'multi NOTREADONLY',
    'setACL NOTREADONLY',
  ])
  client.ask(closeSession)
  t.same(client.take(), ['closeSession', 'closed'])
  t.equal(server.processors.watches.watchCount, 0)
})

const sessionOfEnsemble = nextZxid(makeZxid({ epoch: 1, counter: 0 })) as number as SessionId
const hellos = [
  { name: 'does not allow it', hello: {}, want: ['closed'] },
  {
    name: 'goes on with a session of the ensemble',
    hello: { readOnly: true, sessionId: sessionOfEnsemble },
    want: ['closed'],
  },
  {
    name: 'goes on with a session that was made up without a leader',
    hello: { readOnly: true, sessionId: 5 as SessionId },
    want: ['expired', 'closed'],
  },
  {
    name: 'has seen more',
    hello: { readOnly: true, lastZxidSeen: makeZxid({ epoch: 9, counter: 1 }) },
    want: ['closed'],
  },
  {
    name: 'is of another ensemble',
    hello: { readOnly: true, ensembleId: 'other' },
    want: ['closed'],
  },
  { name: 'allows it', hello: { readOnly: true }, want: ['welcome'] },
]
for (const { name, hello, want } of hellos) {
  t.test(`a read-only server and a client that ${name}`, async (t) => {
    const { server } = readOnly()
    t.same(new PlainClient(server).hello(hello).take(), want)
  })
}

t.test('its session ids are distinct, and no ensemble can assign them', async (t) => {
  const { server } = readOnly()
  const clients = Array.from({ length: 3 }, () => new PlainClient(server).hello({ readOnly: true }))
  const sessions = clients.map(({ session }) => session)
  t.equal(new Set(sessions).size, 3)
  for (const session of sessions) {
    t.ok(session > 0 && session < makeZxid({ epoch: 1, counter: 0 }))
  }
})

t.test(
  'when there is a leader again, clients are disconnected and return to full service',
  async (t) => {
    const { cluster, server, pass } = readOnly()
    const client = new PlainClient(server).hello({ readOnly: true })
    client.take()
    pass(1000)
    cluster.elect()
    t.same(client.take(), ['closed'])
    t.equal(server.processors.readOnly, false)
    const again = new PlainClient(server).hello({ readOnly: true })
    again.ask(create('/b'))
    t.same(again.take(), ['welcome', 'create'])
    const { session, password } = client
    const old = new PlainClient(server).hello({ sessionId: session, password })
    t.same(old.take(), ['expired', 'closed'], 'the leader does not know that session')
  },
)

t.test('elections that fail meanwhile change nothing', async (t) => {
  const { cluster, server, pass } = lonely()
  pass(1500)
  cluster.lose()
  pass(500)
  const client = new PlainClient(server).hello({ readOnly: true })
  cluster.lose()
  client.ask(ping)
  t.same(client.take(), ['welcome', 'ping'])
})

t.test('a leader lost closes clients that allow read-only, too', async (t) => {
  const { cluster, server } = lonely()
  cluster.elect()
  const client = new PlainClient(server).hello({ readOnly: true })
  client.take()
  cluster.lose()
  t.same(client.take(), ['closed'])
})

t.test('a read-only session ends with its connection, and that with silence', async (t) => {
  const { server, pass } = readOnly()
  const client = new PlainClient(server).hello({ readOnly: true, timeoutMs: 4000 })
  const alive = new PlainClient(server).hello({ readOnly: true, timeoutMs: 1 })
  t.equal(alive.timeoutMs, 2000)
  for (let i = 0; i < 14; i++) {
    alive.ask(ping)
    pass(500)
    if (i === 7) t.equal(client.closed, false)
  }
  t.equal(client.closed, true)
  t.equal(alive.closed, false)
})
