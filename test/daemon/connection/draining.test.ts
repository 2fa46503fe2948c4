import t from 'tap'
import { drain, portionOf } from '../../../src/daemon/connection/draining.ts'
import { create, type FakeClient, type FakeServer, get, ping, serversOf } from '../fake-client.ts'
import { FakeCluster } from '../fake-ensemble.ts'

function welcomed(): { cluster: FakeCluster; client: FakeClient } {
  const cluster = new FakeCluster()
  const [server] = serversOf(cluster) as [FakeServer]
  const client = server.client()
  client.hello()
  client.take()
  return { cluster, client }
}

t.test('an idle connection that is to finish closes at once', async (t) => {
  const { client } = welcomed()
  client.connection.finish()
  t.same(client.take(), ['closed'])
})

t.test('a connection finishes when all that it has taken is answered', async (t) => {
  const { cluster, client } = welcomed()
  cluster.auto = false
  client.ask(create('/a'))
  client.connection.finish()
  t.ok(client.link.paused, 'nothing more is read')
  client.ask(get('/a'))
  t.same(client.take(), [], 'it came in the same chunk, and counts')
  cluster.commit()
  t.same(client.take(), ['create /a', 'getData ', 'closed'])
})

t.test('a connection that waits for its session finishes after the welcome', async (t) => {
  const cluster = new FakeCluster({ auto: false })
  const [server] = serversOf(cluster) as [FakeServer]
  const client = server.client()
  client.hello()
  client.connection.finish()
  t.same(client.take(), [])
  cluster.commit()
  t.same(client.take(), ['welcome', 'closed'])
})

t.test('a connection that has said nothing yet closes at once', async (t) => {
  const [server] = serversOf(new FakeCluster()) as [FakeServer]
  const client = server.client()
  client.connection.finish()
  t.same(client.take(), ['closed'])
})

t.test('a finishing connection is not read again when it has caught up', async (t) => {
  const { cluster, client } = welcomed()
  cluster.auto = false
  client.ask(create('/a'))
  client.connection.finish()
  client.connection.unthrottle()
  t.ok(client.link.paused)
  cluster.commit()
  client.ask(ping)
  t.same(client.take(), ['create /a', 'closed'])
})

for (const [count, want] of [
  [0, 16],
  [16, 16],
  [400, 20],
  [10_000, 500],
]) {
  t.test(`of ${count} connections, ${want} are closed at a time`, async (t) => {
    t.equal(portionOf(count ?? 0), want)
  })
}

t.test('connections are closed in portions, and a drain waits for the last one', async (t) => {
  let nowMs = 0
  const waiting: { atMs: number; run: () => void }[] = []
  const clock = {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    after: (durationMs: number, run: () => void) => {
      waiting.push({ atMs: nowMs + durationMs, run })
      return () => undefined
    },
    every: () => () => undefined,
  }
  const begunMs: number[] = []
  const slowUntilMs = 400
  const connections = Array.from({ length: 40 }, () => ({
    begunMs: undefined as number | undefined,
    get state() {
      return this.begunMs !== undefined && nowMs > slowUntilMs ? 'closed' : 'open'
    },
    finish() {
      this.begunMs = nowMs
      begunMs.push(nowMs)
    },
  }))
  let endedMs: number | undefined
  const drained = drain(clock, connections, () => false).then(() => {
    endedMs = nowMs
  })
  while (endedMs === undefined) {
    await new Promise((resolve) => setImmediate(resolve))
    for (const { atMs, run } of waiting.splice(0)) {
      nowMs = Math.max(nowMs, atMs)
      run()
    }
  }
  await drained
  const counts = [0, 50, 100].map((atMs) => begunMs.filter((each) => each === atMs).length)
  t.same(counts, [16, 16, 8])
  t.ok(endedMs > slowUntilMs)
})
