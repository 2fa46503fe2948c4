import t from 'tap'
import { formatAddress, readAddress } from '../src/address.ts'

const good = [
  { text: 'a', want: 'a:9' },
  { text: 'a:1', want: 'a:1' },
  { text: '127.0.0.1:65535', want: '127.0.0.1:65535' },
  { text: '[::1]', want: '[::1]:9' },
  { text: '[fe80::1%lo]:7', want: '[fe80::1%lo]:7' },
]
for (const { text, want } of good) {
  t.test(`'${text}' is ${want}, and is read again as it is written`, async (t) => {
    const address = readAddress(text, 9)
    t.equal(typeof address === 'string' ? address : formatAddress(address), want)
    t.same(readAddress(want, 1), address)
  })
}

const bad = [
  { text: '', says: "'' is not host:port" },
  { text: ':2181', says: "':2181' is not host:port" },
  { text: 'a:x', says: "'a:x' is not host:port" },
  { text: 'a b:1', says: "'a b:1' is not host:port" },
  { text: 'a/b', says: "'a/b' is not host:port" },
  { text: 'a:0', says: 'port 0 is not in 1 to 65535' },
  { text: 'a:65536', says: 'port 65536 is not in 1 to 65535' },
  { text: '[zoo]:9', says: "'zoo' is not an IPv6 address" },
  { text: '::1:2181', says: "'::1:2181' is not host:port, write [::1]:2181" },
  { text: 'fe80::1:22', says: "'fe80::1:22' is not host:port, write [fe80::1]:22" },
  { text: '2001:db8::a', says: "'2001:db8::a' is not host:port, write [2001:db8::a]:9" },
]
for (const { text, says } of bad) {
  t.test(`'${text}' is no address: ${says}`, async (t) => {
    t.equal(readAddress(text, 9), says)
  })
}
