import t from 'tap'
import { create, serversOf } from '../fake-client.ts'
import { FakeCluster } from '../fake-ensemble.ts'

t.test('reading stops at the outstanding limit, and resumes below half of it', async (t) => {
  const cluster = new FakeCluster({ auto: false })
  const [server] = serversOf(cluster, undefined, { outstandingMax: 4 })
  if (server === undefined) throw new Error('there is one server')
  const client = server.client()
  client.hello()
  cluster.commit()
  client.take()
  for (let i = 0; i < 3; i++) client.ask(create(`/${i}`))
  t.equal(client.link.paused, false)
  client.ask(create('/3'))
  t.equal(client.link.paused, true)
  t.equal(server.metrics.requestThrottleWaits, 1)
  cluster.commit(2)
  t.equal(client.link.paused, true, 'half of it is still outstanding')
  cluster.commit(1)
  t.equal(client.link.paused, false)
  cluster.commit()
  t.same(client.take(), ['create /0', 'create /1', 'create /2', 'create /3'])
})
