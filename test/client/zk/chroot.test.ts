import t from 'tap'
import { Chroot } from '../../../src/client/zk/chroot.ts'

const cases = [
  { prefix: '', client: '/', server: '/' },
  { prefix: '', client: '/a', server: '/a' },
  { prefix: '/app', client: '/', server: '/app' },
  { prefix: '/app', client: '/a/b', server: '/app/a/b' },
]
for (const { prefix, client, server } of cases) {
  t.test(`under '${prefix}' ${client} is ${server} to the servers`, async (t) => {
    const chroot = new Chroot(prefix)
    t.equal(chroot.toServer(client), server)
    t.equal(chroot.toClient(server), client)
    t.ok(chroot.covers(server))
  })
}

t.test('a path that only begins like the chroot is not below it', async (t) => {
  t.notOk(new Chroot('/app').covers('/apple'))
  t.notOk(new Chroot('/app').covers('/'))
})

t.test('a path outside of the chroot is shown as it is', async (t) => {
  t.equal(new Chroot('/app').toClient('/zookeeper/config'), '/zookeeper/config')
})

t.test('a chroot is a path', async (t) => {
  for (const prefix of ['app', '/app/', '//', '/a/../b']) {
    t.throws(() => new Chroot(prefix), { code: 'BADARGUMENTS' })
  }
})
