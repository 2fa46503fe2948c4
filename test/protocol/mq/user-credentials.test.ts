import t from 'tap'
import {
  decodeUser,
  encodeUser,
  type UserCredentials,
  userOf,
  userPath,
} from '../../../src/protocol/mq/user-credentials.ts'

const names = ['alice', 'a b', 'a/b', '.', '..', 'grüß', 'a%2Fb', "it's (me)!*~"]

t.test('every name has a znode, and is found in it', async (t) => {
  for (const name of names) {
    const path = userPath(name) ?? ''
    t.match(path, /^\/config\/users\/[^/]+$/)
    t.notMatch(path, /\/\.{1,2}$/)
    t.equal(userOf(path.slice('/config/users/'.length)), name)
  }
  t.equal(userPath('a b'), '/config/users/a%20b', 'as Kafka writes it')
})

t.test('what cannot be a name has none', async (t) => {
  for (const name of ['', '\ud800', 'x'.repeat(250)]) t.equal(userPath(name), undefined)
  for (const name of ['%', 'a b', '%61']) t.equal(userOf(name), undefined, name)
})

const key = Buffer.alloc(32, 7)
const credential = { salt: key, storedKey: key, serverKey: key, iterations: 4096 }
const credentials: UserCredentials = new Map([['SCRAM-SHA-256', credential]])

t.test('a round trip keeps the credentials and the other settings of the user', async (t) => {
  const before = Buffer.from('{"version":1,"config":{"producer_byte_rate":"1024"}}')
  const data = encodeUser(before, credentials)
  t.same(decodeUser(Buffer.from(data)), credentials)
  t.match(JSON.parse(data), { version: 1, config: { producer_byte_rate: '1024' } })
})

t.test('data in another shape holds no credentials', async (t) => {
  for (const data of [null, '', '[]', '{"config":7}', '{"config":{"SCRAM-SHA-256":7}}']) {
    t.equal(decodeUser(data === null ? null : Buffer.from(data)).size, 0)
  }
})
