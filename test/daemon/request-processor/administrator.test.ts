// What administrators ask for, and what a transfer of leadership leaves of clients' sessions.

import t from 'tap'
import type { TransferOutcome } from '../../../src/daemon/ensemble/ensemble.ts'
import { digestOf } from '../../../src/protocol/digest.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import type { Request } from '../../../src/protocol/zk/messages.ts'
import { create, type FakeServer, get, ping, serversOf, set } from '../fake-client.ts'
import { FakeCluster } from '../fake-ensemble.ts'
import { auth, connected } from '../plain-client.ts'

const moveLeader = (to?: number): Request => ({
  type: 'moveLeader',
  to: to as ServerId | undefined,
})
const drain: Request = { type: 'drain', percent: 30 }

function withSuperUser(): { cluster: FakeCluster; server: FakeServer } {
  const cluster = new FakeCluster()
  const superDigest = digestOf(Buffer.from('super:secret'))
  const authentication = { skipAcl: false, superDigest, requiredSchemes: undefined }
  const [server] = serversOf(cluster, undefined, { authentication }) as [FakeServer]
  return { cluster, server }
}

t.test('a client that may not write /zookeeper/config administers nothing', async (t) => {
  const { cluster, server } = withSuperUser()
  let asked = 0
  cluster.leader.onTransfer = () => asked++
  const client = connected(server)
  client.ask(moveLeader(), drain, auth('ann:secret'), moveLeader())
  t.same(client.take(), ['moveLeader NOAUTH', 'drain NOAUTH', 'auth', 'moveLeader NOAUTH'])
  t.equal(asked, 0)
})

t.test('a super user hands over; the answer keeps its place among the others', async (t) => {
  const { cluster, server } = withSuperUser()
  const waiting: ((outcome: TransferOutcome) => void)[] = []
  const requests: unknown[] = []
  cluster.leader.onTransfer = (request, done) => {
    requests.push(request)
    waiting.push(done)
  }
  const client = server.client()
  client.hello()
  client.take()
  const credential = Buffer.from('super:secret')
  client.ask({ type: 'auth', scheme: 'digest', credential })
  client.askAll([moveLeader(2), ping, create('/a'), get('/a')])
  t.same(client.take(), ['auth'])
  t.same(requests, [{ to: 2, leaves: false }])
  t.equal(server.tree.get('/a'), undefined, 'what comes later has not begun')
  waiting[0]?.({ type: 'transferred', leader: 2 as ServerId })
  t.same(client.take(), ['moveLeader', 'ping', 'create /a', 'getData '])
})

t.test('a client that is gone when the leader has moved is not answered', async (t) => {
  const { cluster, server } = withSuperUser()
  const waiting: ((outcome: TransferOutcome) => void)[] = []
  cluster.leader.onTransfer = (_, done) => waiting.push(done)
  const client = connected(server)
  client.ask(auth('super:secret'), moveLeader())
  server.processors.closed(client)
  client.take()
  waiting[0]?.({ type: 'not leading' })
  t.same(client.take(), [])
})

t.test('sessions go on under a leader that took over, each at its own server', async (t) => {
  const cluster = new FakeCluster({ servers: 3 })
  const servers = serversOf(cluster) as [FakeServer, FakeServer, FakeServer]
  const clients = servers.map((server) => connected(server))
  for (const [i, client] of clients.entries()) client.ask(create(`/${i}`))
  for (const client of clients) t.same(client.take(), ['create'])
  cluster.transfer(2)
  for (const [i, client] of clients.entries()) client.ask(set(`/${i}`, 'more'))
  for (const client of clients) t.same(client.take(), ['setData'])
  cluster.transfer(3)
  for (const [i, client] of clients.entries()) client.ask(get(`/${i}`), set(`/${i}`, 'again'))
  for (const client of clients) t.same(client.take(), ['getData', 'setData'])
})

t.test('a session that has moved is not claimed back by the server that it left', async (t) => {
  const cluster = new FakeCluster({ servers: 3 })
  const [one, two] = serversOf(cluster) as [FakeServer, FakeServer]
  const client = one.client()
  client.hello()
  client.take()
  cluster.transfer(3)
  // It left server 1, which does not know yet; then that claims it again, late.
  const elsewhere = two.client()
  elsewhere.reattach(client.welcomed)
  elsewhere.take()
  cluster.leader.listener.fromLearner(1 as ServerId, {
    type: 'OWNED',
    sessions: [client.welcomed?.sessionId ?? (0 as never)],
  })
  t.same(client.take(), ['closed'])
  elsewhere.ask(create('/a'))
  t.same(elsewhere.take(), ['create /a'])
})
