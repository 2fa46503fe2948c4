import t from 'tap'
import { serverList } from '../../src/client/server-list.ts'
import { formatServer } from '../../src/client/servers.ts'

const good = [
  { given: 'a:1,b:2/apps/x', servers: ['a:1', 'b:2'], chroot: '/apps/x' },
  { given: '[::1]:2181,[fe80::1%lo]', servers: ['[::1]:2181', '[fe80::1%lo]:9'], chroot: '' },
  { given: ['a:1', 'b', '[::1]', '[::1]:7'], servers: ['a:1', 'b:9', '[::1]:9', '[::1]:7'] },
  { given: [{ host: 'a', port: 1 }, { host: '::1' }, 'c'], servers: ['a:1', '[::1]:9', 'c:9'] },
  { given: [{ id: 1, host: 'a', port: 1 }], servers: ['a:1'] },
]
for (const { given, servers, chroot = '' } of good) {
  t.test(`${JSON.stringify(given)} names ${servers.join(' and ')}`, async (t) => {
    const place = serverList(9)(given, 'servers')
    t.same(place.servers.map(formatServer), servers)
    t.equal(place.chroot, chroot)
  })
}

for (const given of ['::1', '::1:9', ['::1:9'], '[zoo]:9', 'a:1,', 'a b', [''], [{}], [null], 5]) {
  t.test(`${JSON.stringify(given)} is refused`, async (t) => {
    t.throws(() => serverList(9)(given, 'servers'), { name: 'Misfit', message: /^servers/ })
  })
}
