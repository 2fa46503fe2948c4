import t from 'tap'
import { formatServer, parseServers, ServerRotation } from '../../src/client/servers.ts'
import { Random } from '../../src/random.ts'

const good = [
  { text: 'a', servers: ['a:2181'], chroot: '' },
  { text: 'a:1,b:2', servers: ['a:1', 'b:2'], chroot: '' },
  { text: ' a:1, b ', servers: ['a:1', 'b:2181'], chroot: '' },
  { text: '[::1]:9,[::2]', servers: ['[::1]:9', '[::2]:2181'], chroot: '' },
  { text: 'a:1,b:2/apps/x', servers: ['a:1', 'b:2'], chroot: '/apps/x' },
  { text: 'a:1/', servers: ['a:1'], chroot: '' },
]
for (const { text, servers, chroot } of good) {
  t.test(`'${text}' names ${servers.join(' and ')}`, async (t) => {
    const parsed = parseServers(text)
    t.same(parsed.servers.map(formatServer), servers)
    t.equal(parsed.chroot, chroot)
  })
}

for (const text of ['', 'a,', 'a:0', 'a:65536', 'a:x', '::1:2181', 'a:1/x/', 'a:1//x', ':2181']) {
  t.test(`'${text}' is refused`, async (t) => {
    t.throws(() => parseServers(text), { code: 'BADARGUMENTS' })
  })
}

const hints = [
  { text: '::1:2181', hint: 'write [::1]:2181' },
  { text: 'a:1,fe80::1:22', hint: 'write [fe80::1]:22' },
  { text: '::1', hint: 'write [::1]:2181' },
  { text: '2001:db8::a', hint: 'write [2001:db8::a]:2181' },
]
for (const { text, hint } of hints) {
  t.test(`'${text}' is refused with a hint: ${hint}`, async (t) => {
    t.throws(() => parseServers(text), { code: 'BADARGUMENTS', message: hint })
  })
}

t.test('a rotation goes round all servers before it comes back', async (t) => {
  const servers = [1, 2, 3, 4, 5].map((port) => ({ host: 'h', port }))
  const rotation = new ServerRotation(servers, new Random(7))
  const round = () => servers.map(() => rotation.next().port)
  const first = round()
  t.same([...first].sort(), [1, 2, 3, 4, 5])
  t.same(round(), first)
})

t.test('two clients go round in different orders', async (t) => {
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
