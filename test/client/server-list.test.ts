import t from 'tap'
import { formatAddress } from '../../src/address.ts'
import { parseServers, serverList } from '../../src/client/server-list.ts'

const texts = [
  { text: 'a', servers: ['a:2181'], chroot: '' },
  { text: 'a:1,b:2', servers: ['a:1', 'b:2'], chroot: '' },
  { text: ' a:1, b ', servers: ['a:1', 'b:2181'], chroot: '' },
  { text: '[::1]:9,[::2]', servers: ['[::1]:9', '[::2]:2181'], chroot: '' },
  { text: 'a:1,b:2/apps/x', servers: ['a:1', 'b:2'], chroot: '/apps/x' },
  { text: 'a:1/', servers: ['a:1'], chroot: '' },
]
for (const { text, servers, chroot } of texts) {
  t.test(`'${text}' names ${servers.join(' and ')}`, async (t) => {
    const parsed = parseServers(text)
    t.same(parsed.servers.map(formatAddress), servers)
    t.equal(parsed.chroot, chroot)
  })
}

for (const text of ['', 'a,', 'a:0', 'a:65536', 'a:x', '::1:2181', 'a:1/x/', 'a:1//x', ':2181']) {
  t.test(`'${text}' is refused`, async (t) => {
    t.throws(() => parseServers(text), { code: 'BADARGUMENTS' })
  })
}

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
    t.same(place.servers.map(formatAddress), servers)
    t.equal(place.chroot, chroot)
  })
}

for (const given of ['::1', '::1:9', ['::1:9'], '[zoo]:9', 'a:1,', 'a b', [''], [{}], [null], 5]) {
  t.test(`${JSON.stringify(given)} is refused`, async (t) => {
    t.throws(() => serverList(9)(given, 'servers'), { name: 'Misfit', message: /^servers/ })
  })
}
