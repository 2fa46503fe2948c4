import { createServer, type Socket } from 'node:net'
import t from 'tap'
import { MqCluster } from '../../../src/client/mq/mq-cluster.ts'
import { realWorld } from '../../../src/real-world.ts'
import { VirtualClock } from '../../virtual-clock.ts'

t.test('reconnecting gives up the wait for a silent broker, and tries all brokers', async (t) => {
  const sockets = new Set<Socket>()
  let connectionCount = 0
  // It takes connections, and says nothing.
  const silent = createServer((socket) => {
    connectionCount += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  const gone = createServer()
  for (const server of [silent, gone]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  }
  const [silentAt, goneAt] = [silent, gone].map((server) => {
    const address = server.address()
    return { host: '127.0.0.1', port: typeof address === 'object' ? (address?.port ?? 0) : 0 }
  })
  await new Promise((resolve) => gone.close(resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
  if (silentAt === undefined || goneAt === undefined) throw new Error('two servers listened')

  // Its time stands still: no wait ends by itself.
  const clock = new VirtualClock()
  const { transport, turn, randomBytes } = realWorld()
  const cluster = new MqCluster({
    brokers: [silentAt, goneAt],
    world: { transport, turn, clock, randomBytes },
  })
  t.teardown(() => cluster.close())
  const waiting = cluster
    .connectionTo(silentAt)
    .call({ type: 'metadata', topics: undefined }, 30_000)
  const given = t.rejects(waiting, { code: 'NETWORK_EXCEPTION' })
  const connected = async (count: number) => {
    while (connectionCount < count) await new Promise((resolve) => setImmediate(resolve))
  }
  await connected(1)
  const reconnecting = cluster.reconnect()
  await given
  await connected(2)
  await clock.advance(1000)
  t.same(await reconnecting, [
    { broker: silentAt, problem: 'connected, no answer within 1000 ms' },
    { broker: goneAt, problem: 'connection refused' },
  ])
})
