import t from 'tap'
import { ServerRotation } from '../../../src/client/zk/server-rotation.ts'
import { Random } from '../../../src/random.ts'

t.test('a rotation tries all servers before it repeats one', async (t) => {
  const servers = [1, 2, 3, 4, 5].map((port) => ({ host: 'h', port }))
  const rotation = new ServerRotation(servers, new Random(7))
  const round = () => servers.map(() => rotation.next().port)
  const first = round()
  t.same([...first].sort(), [1, 2, 3, 4, 5])
  t.same(round(), first)
})

t.test('two clients try the servers in different orders', async (t) => {
  const servers = [1, 2, 3, 4, 5, 6, 7].map((port) => ({ host: 'h', port }))
  const orders = [1, 2].map((seed) => {
    const rotation = new ServerRotation(servers, new Random(seed))
    return servers.map(() => rotation.next().port).join()
  })
  t.not(orders[0], orders[1])
})

t.test('only a whole round of failures makes a client wait, longer each time', async (t) => {
  const servers = [1, 2, 3].map((port) => ({ host: 'h', port }))
  const rotation = new ServerRotation(servers, new Random(3))
  const delays = Array.from({ length: 60 }, () => rotation.failed())
  t.ok(delays.every((delay, i) => (i % 3 === 2 ? delay >= 10 : delay === 0)))
  t.ok((delays[2] as number) <= 20)
  t.ok(Math.max(...delays) <= 320)
  const tenRounds = delays.slice(0, 18).reduce((sum, delay) => sum + delay, 0)
  t.ok(tenRounds < 420, 'six rounds fit well into half a second')
  rotation.succeeded()
  t.same([rotation.failed(), rotation.failed()], [0, 0])
  t.ok(rotation.failed() <= 20)
})
