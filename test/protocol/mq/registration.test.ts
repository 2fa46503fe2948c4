import t from 'tap'
import type { DirectoryId } from '../../../src/protocol/mq/messages.ts'
import {
  decodeRegistration,
  encodeRegistration,
  registeredAddress,
} from '../../../src/protocol/mq/registration.ts'

const registration = { host: 'a', port: 9092, directory: 'xyz' as DirectoryId }
const encoded = (changed: object = {}) =>
  Buffer.from(encodeRegistration({ ...registration, ...changed }, 1))

t.test('a registration survives encoding and decoding; clients need only an address', async (t) => {
  const plain = { rack: undefined, isLeaving: false, isSecure: false }
  t.strictSame(decodeRegistration(encoded()), { ...registration, ...plain })
  const changed = { rack: 'r1', isLeaving: true, isSecure: true }
  t.strictSame(decodeRegistration(encoded(changed)), { ...registration, ...changed })
  t.strictSame(registeredAddress(encoded()), { host: 'a', port: 9092 })
})

t.test('the endpoint of an IPv6 address has brackets, as in URLs', async (t) => {
  const { endpoints, host } = JSON.parse(String(encoded({ host: '::1' }))) as Record<
    string,
    unknown
  >
  t.same(endpoints, ['NATIVE://[::1]:9092'])
  t.equal(host, '::1')
})

t.test('a registration without a disk identity has an address, but no identity', async (t) => {
  const data = Buffer.from('{"host":"a","port":9092}')
  t.equal(decodeRegistration(data), undefined)
  t.strictSame(registeredAddress(data), { host: 'a', port: 9092 })
})

t.test('invalid data has no address', async (t) => {
  const texts = ['', 'null', '[]', '{"host":1,"port":1}', '{"host":"a","port":"1"}', '{"port":1}']
  for (const text of [...texts, '{"host":"a","port":-1}', '{"host":"a","port":1.5}']) {
    t.equal(registeredAddress(Buffer.from(text)), undefined, text)
    t.equal(decodeRegistration(Buffer.from(text)), undefined, text)
  }
  t.equal(registeredAddress(null), undefined)
})
