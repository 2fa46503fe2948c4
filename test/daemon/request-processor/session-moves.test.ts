import t from 'tap'
import type { ServerId } from '../../../src/protocol/records.ts'
import { Random } from '../../../src/random.ts'
import { create, type FakeServer, ping, serversOf, set } from '../fake-client.ts'
import { FakeCluster } from '../fake-ensemble.ts'
import { connected, PlainClient } from '../plain-client.ts'

function three(): { cluster: FakeCluster; servers: FakeServer[] } {
  const cluster = new FakeCluster({ servers: 3 })
  return { cluster, servers: serversOf(cluster) }
}

/** One more connection for the session of `client`, by way of `server`. */
function again(client: PlainClient, server: FakeServer): PlainClient {
  const { session, password } = client
  return new PlainClient(server).hello({ sessionId: session, password })
}

t.test(
  'of two connections that attach concurrently through two servers, the last one stays',
  async (t) => {
    const { cluster, servers } = three()
    const [one, two, third] = servers as [FakeServer, FakeServer, FakeServer]
    const first = connected(one)
    for (const id of [2, 3]) cluster.lagging.add(id as ServerId)
    const left = again(first, two)
    const right = again(first, third)
    t.same(first.take(), ['closed'])
    t.same([left.take(), right.take()], [[], []])
    // The messages reach the winner first; the loser gets its welcome and its end together.
    cluster.catchUp(3 as ServerId)
    cluster.catchUp(2 as ServerId)
    t.same(right.take(), ['welcome'])
    t.same(left.take(), ['welcome', 'closed'])
    right.ask(ping)
    t.same(right.take(), ['ping'])
  },
)

t.test(
  'on one server, the later connection of a session closes the earlier, joining or not',
  async (t) => {
    const { cluster, servers } = three()
    const [, two] = servers as [FakeServer, FakeServer]
    const first = connected(two)
    cluster.lagging.add(2 as ServerId)
    const second = again(first, two)
    const third = again(first, two)
    cluster.catchUp(2 as ServerId)
    t.same(
      [first, second, third].map((client) => client.take()),
      [['closed'], ['closed'], ['welcome']],
    )
  },
)

t.test('a client that asks for a session while its end arrives is told so', async (t) => {
  const { cluster, servers } = three()
  const [one, two] = servers as [FakeServer, FakeServer]
  const owner = connected(one)
  cluster.lagging.add(2 as ServerId)
  owner.ask({ type: 'closeSession' })
  const late = again(owner, two)
  cluster.catchUp(2 as ServerId)
  t.same(late.take(), ['expired', 'closed'])
})

t.test('a wrong password does not take a session from its connection', async (t) => {
  const { servers } = three()
  const [one, two] = servers as [FakeServer, FakeServer]
  const owner = connected(two)
  const thief = new PlainClient(two).hello({ sessionId: owner.session, password: Buffer.alloc(16) })
  t.same(thief.take(), ['expired', 'closed'])
  t.same(again(owner, one).take(), ['welcome'])
  t.same(owner.take(), ['closed'], 'it learns of the move')
})

t.test('a multi from the server that a session has left is not answered either', async (t) => {
  const { cluster, servers } = three()
  const [one, two] = servers as [FakeServer, FakeServer]
  const old = connected(two)
  cluster.lagging.add(2 as ServerId)
  const moved = again(old, one)
  const part = { type: 'setData', path: '/', data: null, version: -1 } as const
  old.ask({ type: 'multi', ops: [part, part] })
  cluster.catchUp(2 as ServerId)
  t.same(old.take(), ['closed'])
  t.same(moved.take(), ['welcome'])
  t.equal(one.tree.get('/')?.version, 0)
})

t.test('a session that moves between servers is at one server at a time', async (t) => {
  const seed = Date.now() % 1_000_000
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  for (let round = 0; round < 60; round++) {
    const { cluster, servers } = three()
    const first = connected(servers[0] as FakeServer)
    first.ask(create('/a'))
    first.take()
    let connections = [first]
    /** Their writes; `late` ones were asked after another connection had been welcomed. */
    const late = new Set<string>()
    let newest = first
    for (let step = 0; step < 60; step++) {
      const lagged = random.pick([2, 3]) as ServerId
      if (random.chance(1 / 3)) cluster.lagging.add(lagged)
      else if (random.chance(1 / 2)) cluster.catchUp(lagged)
      if (random.chance(1 / 4) || connections.length === 0) {
        newest = again(first, random.pick(servers))
        connections.push(newest)
      }
      const client = random.pick(connections)
      if (client.attached) {
        const value = `${round}.${step}`
        if (client !== newest && newest.attached) late.add(value)
        client.ask(set('/a', value))
      }
      const applied = Buffer.from(servers[0]?.tree.get('/a')?.data ?? []).toString()
      if (late.has(applied)) t.fail(`${applied} was written through a server that had lost it`)
      connections = connections.filter(({ closed }) => !closed)
    }
    for (const id of [2, 3]) cluster.catchUp(id as ServerId)
    const open = connections.filter(({ closed }) => !closed)
    t.same(open, open.length === 0 ? [] : [newest], 'the last one stays')
    const last = again(first, random.pick(servers))
    last.take()
    last.ask(set('/a', 'last'))
    t.same(last.take(), ['setData'])
    t.ok(open.every(({ closed }) => closed))
  }
})
