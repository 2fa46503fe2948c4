import t from 'tap'
import { initialFields } from '../../../src/daemon/ztree/znode.ts'
import { limits } from '../../../src/limits.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import {
  closeSession,
  create,
  exists,
  type FakeClient,
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

/** Servers 1 (leader) and 2, and their cluster. */
function pair(auto = true): { cluster: FakeCluster; one: FakeServer; two: FakeServer } {
  const cluster = new FakeCluster({ servers: 2, auto })
  const [one, two] = serversOf(cluster) as [FakeServer, FakeServer]
  return { cluster, one, two }
}

/** A client of server 2 whose writes wait for the test's `commit`. */
function waiting(): ReturnType<typeof pair> & { client: FakeClient } {
  const parts = pair()
  const client = parts.two.connected()
  parts.cluster.auto = false
  return { ...parts, client }
}

t.test('a new session is welcomed with the zxid of its creation', async (t) => {
  const { cluster, two } = pair(false)
  const client = two.client()
  client.hello({ timeoutMs: 1 })
  t.same(client.take(), [], 'not before it is committed')
  cluster.commit()
  t.same(client.take(), ['welcome'])
  t.match(client.welcomed, {
    sessionId: cluster.lastProposed,
    timeoutMs: 2000,
    ensembleId: 'fake',
    serverId: 2,
  })
  t.equal(client.welcomed?.password.length, 16)
})

t.test(
  'reads with nothing before them are answered at once, even while other clients wait',
  async (t) => {
    const { client, two, cluster } = waiting()
    const other = two.client()
    cluster.auto = true
    other.hello()
    other.take()
    cluster.auto = false
    client.ask(create('/a'))
    other.askAll([exists('/a'), ping])
    t.same(other.take(), ['exists NONODE', 'ping'])
    t.same(client.take(), [])
  },
)

t.test('reads wait behind own writes and do not see the writes after them', async (t) => {
  const { client, cluster } = waiting()
  client.askAll([create('/a', '1'), get('/a'), set('/a', '2'), get('/a'), ping, set('/a', '3')])
  t.same(client.take(), [])
  t.equal(cluster.inFlight, 3, 'all writes are under way')
  cluster.commit(1)
  t.same(client.take(), ['create /a', 'getData 1'])
  cluster.commit(2)
  t.same(client.take(), ['setData', 'getData 2', 'ping', 'setData'])
})

t.test('a reply to a read has the last zxid applied here, to a write its own', async (t) => {
  const { client, cluster, two } = waiting()
  client.ask(create('/a'))
  cluster.commit()
  client.take()
  t.equal(client.lastZxid, cluster.lastProposed)
  client.ask(get('/'))
  client.take()
  t.equal(client.lastZxid, two.tree.lastApplied)
})

t.test('a refused write is answered in its turn', async (t) => {
  const { client, cluster } = waiting()
  client.askAll([remove('/none'), create('/a'), create('/a'), set('/a', 'x', 7), get('/a')])
  cluster.commit()
  t.same(client.take(), [
    'delete NONODE',
    'create /a',
    'create NODEEXISTS',
    'setData BADVERSION',
    'getData ',
  ])
})

t.test('watch events come in order, before replies, and one-shots once', async (t) => {
  const { client, cluster, one } = waiting()
  cluster.auto = true
  const other = one.connected()
  client.askAll([exists('/a', true), list('/', true), create('/a')])
  t.same(client.take(), [
    'exists NONODE',
    'getChildren zookeeper',
    'event NodeCreated /a',
    'event NodeChildrenChanged /',
    'create /a',
  ])
  client.ask(get('/a', true))
  other.askAll([set('/a', 'x'), set('/a', 'y')])
  t.same(client.take(), ['getData ', 'event NodeDataChanged /a'])
})

t.test('only exists sets a watch on a missing znode', async (t) => {
  const { client, cluster } = waiting()
  cluster.auto = true
  client.askAll([get('/a', true), list('/a', true), create('/a')])
  t.same(client.take(), ['getData NONODE', 'getChildren NONODE', 'create /a'])
  client.askAll([remove('/a'), exists('/a', true), create('/a')])
  t.same(client.take(), ['delete', 'exists NONODE', 'event NodeCreated /a', 'create /a'])
})

t.test('setWatches fires missed events before its reply and arms the other watches', async (t) => {
  const { cluster, one } = waiting()
  cluster.auto = true
  const client = one.connected()
  client.askAll([create('/old'), create('/new')])
  client.take()
  const seen = one.tree.get('/old')?.czxid as Zxid
  client.ask({
    type: 'setWatches',
    relativeZxid: seen,
    data: ['/old', '/gone'],
    exist: ['/new', '/later'],
    child: ['/'],
    persistent: [],
    persistentRecursive: ['/old'],
  })
  t.same(client.take(), [
    'event NodeDeleted /gone',
    'event NodeCreated /new',
    'event NodeChildrenChanged /',
    'setWatches',
  ])
  client.askAll([set('/old', 'x'), set('/old', 'y'), create('/later')])
  t.same(client.take(), [
    'event NodeDataChanged /old',
    'setData',
    'event NodeDataChanged /old',
    'setData',
    'event NodeCreated /later',
    'create /later',
  ])
})

t.test('addWatch and removeWatches', async (t) => {
  const { cluster, client } = waiting()
  cluster.auto = true
  client.askAll([
    { type: 'addWatch', path: '/', mode: 'persistentRecursive' },
    create('/a'),
    { type: 'removeWatches', path: '/', watcherType: 'persistentRecursive' },
    { type: 'removeWatches', path: '/', watcherType: 'any' },
    create('/b'),
  ])
  t.same(client.take(), [
    'addWatch',
    'event NodeCreated /a',
    'create /a',
    'removeWatches',
    'removeWatches NOWATCHER',
    'create /b',
  ])
})

t.test('the watches of a connection that is gone are gone', async (t) => {
  const { cluster, client, two } = waiting()
  cluster.auto = true
  client.ask(exists('/a', true))
  t.equal(two.processors.watches.watchCount, 1)
  client.connection.closed()
  t.equal(two.processors.watches.watchCount, 0)
})

t.test('sync waits for the leader to be confirmed and for its last proposal', async (t) => {
  const { cluster, client, one } = waiting()
  cluster.auto = true
  cluster.autoConfirm = false
  cluster.lagging.add(2 as ServerId)
  const writer = one.connected()
  writer.ask(create('/a'))
  t.same(writer.take(), ['create /a'])
  client.askAll([exists('/a'), sync, exists('/a'), sync])
  t.same(client.take(), ['exists NONODE'], 'this server is behind')
  cluster.catchUp(2 as ServerId)
  t.same(client.take(), [], 'not confirmed yet')
  cluster.confirm()
  t.same(client.take(), ['sync', 'exists', 'sync'])
})

t.test('a sync whose answer holds waits for the writes before it', async (t) => {
  const { cluster, client } = waiting()
  cluster.autoConfirm = false
  client.ask(create('/a'))
  client.ask(sync)
  cluster.confirm()
  client.ask(ping)
  t.same(client.take(), [])
  cluster.commit()
  t.same(client.take(), ['create /a', 'sync', 'ping'])
})

t.test('closeSession deletes the ephemerals, is answered, and closes', async (t) => {
  const { cluster, client, one } = waiting()
  cluster.auto = true
  const other = one.connected()
  client.ask(create('/e', '', 'ephemeral'))
  other.ask(exists('/e', true))
  other.take()
  client.askAll([closeSession, ping])
  t.same(client.take(), ['create /e', 'closeSession', 'closed'])
  t.same(other.take(), ['event NodeDeleted /e'])
})

t.test('losing the leader closes every client and answers nothing', async (t) => {
  const { cluster, client, one, two } = waiting()
  client.askAll([create('/a'), get('/a')])
  const leading = one.client()
  leading.hello()
  cluster.lose()
  t.same(client.take(), ['closed'])
  t.same(leading.take(), ['closed'])
  cluster.elect()
  cluster.auto = true
  const again = two.client()
  again.reattach(client.welcomed)
  again.ask(exists('/a'))
  t.same(again.take(), ['welcome', 'exists NONODE'])
})

t.test('an answer from an earlier epoch matches no request', async (t) => {
  const { cluster, client, two } = waiting()
  client.ask(create('/a'))
  client.connection.closed()
  const other = two.client()
  other.hello()
  cluster.commit()
  t.same(other.take(), ['welcome'])
  t.not(two.tree.get('/a'), undefined, 'it was applied nevertheless')
})

t.test('reattach: to the same and to another server, with password and state', async (t) => {
  const { cluster, client, one, two } = waiting()
  cluster.auto = true
  client.ask(create('/e', '', 'ephemeral'))
  client.take()

  const same = two.client()
  same.reattach(client.welcomed)
  t.same(same.take(), ['welcome'])
  t.same(client.take(), ['closed'], 'one connection per session')
  t.same(same.welcomed, client.welcomed)

  const moved = one.client()
  moved.reattach(client.welcomed)
  moved.ask(exists('/e'))
  t.same(moved.take(), ['welcome', 'exists'])
  t.same(same.take(), ['closed'], 'the leader told its old server')

  for (const server of [one, two]) {
    const thief = server.client()
    thief.reattach(client.welcomed, { password: new Uint8Array(16) })
    t.same(thief.take(), ['expired', 'closed'])
    t.same(moved.take(), [], 'a wrong password does not affect the owner')
  }
  moved.ask(ping)
  t.same(moved.take(), ['ping'])
})

t.test('a server behind what the client has seen logs it, and closes the connection', async (t) => {
  const { cluster, client, one, two } = waiting()
  cluster.auto = true
  cluster.lagging.add(2 as ServerId)
  one.connected().ask(create('/a'))
  const ahead = two.client()
  ahead.reattach(client.welcomed, { lastZxidSeen: cluster.lastProposed })
  t.same(ahead.take(), ['closed'], 'the client gets no answer')
  t.same(client.take(), [], 'and the old connection lives')
  const again = two.client()
  again.reattach(client.welcomed, { lastZxidSeen: cluster.lastProposed })
  t.same(again.take(), ['closed'])
  const session = `0x${client.welcomed?.sessionId.toString(16)}`
  const facts = { address: '127.0.0.1', session, seen: '0x100000003', ours: '0x100000001' }
  const message = /^Refused a client that has seen a later zxid than ours/
  t.match(two.log, [{ level: 'info', facts, message }], 'one line for both')
})

t.test("a reattach waits until the server has applied the session's earlier writes", async (t) => {
  const { cluster, one, two } = pair()
  const client = one.connected()
  cluster.lagging.add(2 as ServerId)
  client.ask(create('/mine'))
  const moved = two.client()
  moved.reattach(client.welcomed)
  moved.ask(exists('/mine'))
  t.same(moved.take(), [])
  cluster.catchUp(2 as ServerId)
  t.same(moved.take(), ['welcome', 'exists'])
})

t.test('a client of another ensemble is refused', async (t) => {
  const { two } = pair()
  const stranger = two.client()
  stranger.hello({ ensembleId: 'other' })
  t.same(stranger.take(), ['closed'])
})

t.test(
  'a write from a server that lost the session closes that connection unanswered',
  async (t) => {
    const { cluster, client, one } = waiting()
    cluster.auto = true
    // The old server learns of the move only after its client has written.
    cluster.lagging.add(2 as ServerId)
    const moved = one.client()
    moved.reattach(client.welcomed)
    t.same(moved.take(), ['welcome'])
    client.ask(create('/late'))
    t.same(client.take(), [])
    cluster.catchUp(2 as ServerId)
    t.same(client.take(), ['closed'])
    t.equal(one.tree.get('/late'), undefined, 'it was never applied')
  },
)

t.test('a session that came back is not closed by a late message that it had left', async (t) => {
  const { cluster, client, one, two } = waiting()
  cluster.auto = true
  cluster.lagging.add(2 as ServerId)
  const moved = one.client()
  moved.reattach(client.welcomed)
  const back = two.client()
  back.reattach(client.welcomed)
  cluster.catchUp(2 as ServerId)
  t.same(back.take(), ['welcome'])
  t.same(moved.take(), ['welcome', 'closed'])
  t.same(client.take(), ['closed'])
})

t.test('sessions expire by ticks without a sign of life, on the leader only', async (t) => {
  const cluster = new FakeCluster({ servers: 2 })
  const clock = new ManualClock()
  const [one, two] = serversOf(cluster, clock) as [FakeServer, FakeServer]
  const silent = two.connected()
  const alive = two.connected()
  silent.ask(create('/e', '', 'ephemeral'))
  alive.ask(exists('/e', true))
  silent.take()
  alive.take()
  const tick = (): void => {
    clock.now += 1000
    alive.ask(ping)
    for (const server of [one, two]) {
      server.processors.reportTouched()
      server.processors.expireSessions()
    }
  }
  // Its last request was reported with the first tick: 1 + 10 s, rounded up to a tick.
  for (let i = 0; i < 10; i++) tick()
  t.not(two.tree.get('/e'), undefined)
  t.same(silent.take(), [])
  alive.take()
  for (let i = 0; i < 3; i++) tick()
  t.equal(two.tree.get('/e'), undefined)
  t.same(silent.take(), ['closed'])
  t.ok(alive.take().includes('event NodeDeleted /e'))
  t.equal(one.metrics.sessionsExpired, 1)
  const late = one.client()
  late.reattach(silent.welcomed)
  t.same(late.take(), ['expired', 'closed'])
})

t.test('a session has its whole time-out from when its client can know of it', async (t) => {
  const cluster = new FakeCluster({ servers: 1, auto: false })
  const clock = new ManualClock()
  const [one] = serversOf(cluster, clock) as [FakeServer]
  const client = one.client()
  client.hello({ timeoutMs: 4000 })
  const ticks = (count: number): void => {
    for (let i = 0; i < count; i++) {
      clock.now += 1000
      one.processors.expireSessions()
    }
    cluster.commit()
  }
  ticks(10)
  t.same(client.take(), ['welcome'], 'its creation took so long')
  ticks(3)
  t.equal(one.tree.sessions.size, 1)
  ticks(3)
  t.equal(one.tree.sessions.size, 0)
})

t.test('a new leader gives every session its whole time-out again', async (t) => {
  const cluster = new FakeCluster({ servers: 1 })
  const clock = new ManualClock()
  const [one] = serversOf(cluster, clock) as [FakeServer]
  const client = one.connected()
  clock.now += 9000
  cluster.lose()
  cluster.elect()
  for (let i = 0; i < 8; i++) {
    clock.now += 1000
    one.processors.expireSessions()
  }
  t.equal(one.tree.sessions.size, 1)
  const again = one.client()
  again.reattach(client.welcomed)
  t.same(again.take(), ['welcome'])
})

t.test('a client that does not read gets no further reads answered until it does', async (t) => {
  const { client, cluster } = waiting()
  client.ask(create('/a', 'x'))
  client.ask(get('/a'))
  client.link.congested = true
  client.ask(get('/a'))
  cluster.commit()
  t.same(client.take(), ['create /a'])
  client.link.congested = false
  client.connection.drained()
  t.same(client.take(), ['getData x', 'getData x'])
})

t.test('a read that waits for its reader still does not see the write after it', async (t) => {
  const { client, cluster } = waiting()
  client.askAll([create('/a', '1'), get('/a'), set('/a', '2')])
  client.link.congested = true
  cluster.commit(1)
  t.same(client.take(), ['create /a'])
  cluster.commit(1)
  t.same(client.take(), ['getData 1', 'setData'])
})

t.test('a socket is paused at the limit of requests and resumed at half of it', async (t) => {
  const { client, cluster } = waiting()
  client.ask(create('/a'))
  for (let i = 2; i < limits.connectionOutstandingMax; i++) client.ask(set('/a', String(i)))
  t.equal(client.link.paused, false)
  client.ask(get('/a'))
  t.equal(client.link.paused, true)
  cluster.commit(limits.connectionOutstandingMax / 2 - 1)
  t.equal(client.link.paused, true)
  cluster.commit(1)
  t.equal(client.link.paused, false)
})

t.test('too many proposals in flight pause clients that write, not those that read', async (t) => {
  const { client, cluster, two } = waiting()
  cluster.auto = true
  const reader = two.connected()
  cluster.auto = false
  Object.defineProperty(cluster.member(2), 'inFlight', {
    configurable: true,
    get: () => limits.proposalsInFlightMax,
  })
  client.ask(create('/a'))
  reader.ask(ping)
  t.same([client.link.paused, reader.link.paused], [true, false])
  Object.defineProperty(cluster.member(2), 'inFlight', { get: () => 0 })
  cluster.commit()
  t.equal(client.link.paused, false)
})

t.test(
  'while a leader that stood still may not answer, requests wait in their order',
  async (t) => {
    const cluster = new FakeCluster({ servers: 3 })
    const [one] = serversOf(cluster) as [FakeServer]
    const client = one.connected()
    cluster.leader.mayAnswer = false
    client.askAll([create('/a', '1'), get('/a'), ping])
    t.same(client.take(), [])
    t.equal(one.tree.get('/a'), undefined, 'nor is anything proposed')
    cluster.leader.mayAnswer = true
    one.processors.resumed()
    t.same(client.take(), ['create /a', 'getData 1', 'ping'])
  },
)

const large = 'x'.repeat(900_000)

t.test(
  'large requests take turns, and clients with small writes are served in between',
  async (t) => {
    const { client, cluster, two } = waiting()
    cluster.auto = true
    const [other, small] = [two.connected(), two.connected()]
    client.ask(create('/a'))
    cluster.auto = false
    client.take()
    for (let i = 0; i < 3; i++) client.ask(set('/a', large))
    t.equal(client.link.paused, true, 'a client that sends more than its turn is not read')
    for (let i = 0; i < 2; i++) other.ask(create(`/b${i}`, large))
    for (let i = 0; i < 3; i++) small.askAll([create(`/c${i}`), get(`/c${i}`)])
    t.same([other.link.paused, small.link.paused], [true, false])
    cluster.commit()
    t.same(
      small.take(),
      [0, 1, 2].flatMap((i) => [`create /c${i}`, `getData `]),
    )
    t.same([client.take(), other.take()], [['setData'], []])
    cluster.commit()
    t.same([client.take(), other.take()], [['setData'], []])
    cluster.commit()
    t.same([client.take(), other.take()], [[], ['create /b0']])
    cluster.commit()
    t.same([client.take(), other.take()], [['setData'], []])
    cluster.commit()
    t.same([client.take(), other.take()], [[], ['create /b1']])
    t.same([client.link.paused, other.link.paused], [false, false])
  },
)

t.test('a client that leaves frees the room of its large requests', async (t) => {
  const { client, cluster, two } = waiting()
  cluster.auto = true
  const other = two.connected()
  client.ask(create('/a'))
  cluster.auto = false
  for (let i = 0; i < 2; i++) client.ask(set('/a', large))
  other.ask(set('/a', large))
  t.equal(other.link.paused, true)
  client.connection.close()
  t.equal(other.link.paused, false)
  cluster.commit()
  t.same(other.take(), ['setData'])
})

t.test('large requests that wait when the leader is lost are not answered', async (t) => {
  const { client, cluster, two } = waiting()
  cluster.auto = true
  const other = two.connected()
  client.ask(create('/a'))
  cluster.auto = false
  client.take()
  for (const one of [client, other]) for (let i = 0; i < 3; i++) one.ask(set('/a', large))
  cluster.lose()
  t.same([client.take(), other.take()], [['closed'], ['closed']])
})

t.test('a client that is not read because others are before it does not time out', async (t) => {
  const { client, cluster, two } = waiting()
  cluster.auto = true
  const other = two.connected()
  client.ask(create('/a'))
  cluster.auto = false
  for (let i = 0; i < 2; i++) client.ask(set('/a', large))
  other.ask(set('/a', large))
  for (let i = 0; i < 30; i++) {
    two.clock.now += 500
    two.processors.reportTouched()
  }
  t.same([client.link.closed, other.link.closed], [false, false], 'after more than its time-out')
  while (cluster.inFlight > 0) cluster.commit()
  t.same(other.take(), ['setData'])
  for (let i = 0; i < 30; i++) {
    two.clock.now += 500
    two.processors.reportTouched()
  }
  t.equal(other.link.closed, true, 'from now on it is its own silence')
})

t.test('a server whose tree is not the leader’s ends at the next comparison', async (t) => {
  const { one, two } = pair()
  const client = two.connected()
  client.ask(create('/a'))
  for (let i = 0; i < 300; i++) client.ask(set('/a', `${i}`))
  t.same(one.tree.digest, two.tree.digest, 'before the divergence')
  two.tree.restore('/b', initialFields)
  t.throws(
    () => {
      for (let i = 0; i < 128; i++) client.ask(set('/a', `${i}`))
    },
    { name: 'DivergedError' },
  )
})
