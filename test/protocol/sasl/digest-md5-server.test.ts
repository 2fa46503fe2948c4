import t from 'tap'
import { DigestMd5Server } from '../../../src/protocol/sasl/digest-md5-server.ts'
import { SaslRefusal } from '../../../src/protocol/sasl/sasl-refusal.ts'
import { type DigestMd5Client, digestMd5Response } from '../../digest-md5-client.ts'

const users: Readonly<Record<string, string>> = {
  ann: 'secret of ann',
  'a "quoted\\" name': 'x',
  bob: 'pässword',
  ρω: 'κωδικός',
  empty: '',
}
const nonce = 'OA6MG9tEQGm2hh'
const server = (): DigestMd5Server => {
  const passwordOf = (user: string): string | undefined =>
    Object.hasOwn(users, user) ? users[user] : undefined
  const begun = new DigestMd5Server({
    ...{ nonce, realm: 'zk-sasl-md5', digestUri: 'zookeeper/zk-sasl-md5', passwordOf },
  })
  begun.step(new Uint8Array(0))
  return begun
}

t.test('the example of RFC 2831', async (t) => {
  const exchange = new DigestMd5Server({
    ...{ nonce, realm: 'elwood.innosoft.com', digestUri: 'imap/elwood.innosoft.com' },
    passwordOf: (user) => (user === 'chris' ? 'secret' : undefined),
  })
  const challenge = exchange.step(new Uint8Array(0))
  t.equal(
    challenge.token.toString(),
    'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",charset=utf-8,algorithm=md5-sess',
  )
  const response =
    'charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",' +
    'nc=00000001,cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",' +
    'response=d388dad90d4bbd760a152321f2143af7,qop=auth'
  t.match(exchange.step(Buffer.from(response)), {
    type: 'authenticated',
    user: 'chris',
    token: Buffer.from('rspauth=ea40f60335c427b5527b84dbabcdfffd'),
  })
})

for (const [user, password] of Object.entries(users)) {
  t.test(`${user} proves the name, and the server itself`, async (t) => {
    const { response, rspauth } = digestMd5Response({ user, password, nonce })
    const step = server().step(response)
    t.match(step, { type: 'authenticated', user })
    t.equal(step.token.toString(), rspauth)
  })
}

t.test('an authorization identity is part of the proof, and changes no name', async (t) => {
  const client = { user: 'ann', password: 'secret of ann', nonce, authzid: 'bob' }
  t.match(server().step(digestMd5Response(client).response), { type: 'authenticated', user: 'ann' })
})

const ann: DigestMd5Client = { user: 'ann', password: 'secret of ann', nonce }
const wrong = 'name or password is wrong'
const refusals: readonly { name: string; message: Uint8Array; says: string }[] = [
  { name: 'a wrong password', message: of({ password: 'guess' }), says: wrong },
  { name: 'an unknown user', message: of({ user: 'eve' }), says: wrong },
  {
    name: 'an unknown user without a password',
    message: of({ user: 'eve', password: '' }),
    says: wrong,
  },
  { name: 'a name of the prototype', message: of({ user: 'toString', password: '' }), says: wrong },
  { name: 'the nonce of another exchange', message: of({ nonce: 'other' }), says: 'not ours' },
  { name: 'a second use', message: of({ nc: '00000002' }), says: 'nonce-count is not 1' },
  { name: 'another realm', message: of({ realm: 'there' }), says: 'another realm' },
  { name: 'another service', message: of({ uri: 'kafka/zk-sasl-md5' }), says: 'another service' },
  {
    name: 'a directive given twice',
    message: of({ more: ',username="bob"' }),
    says: 'two of username',
  },
  { name: 'two names in different case', message: of({ more: ',UserName="bob"' }), says: 'two of' },
  { name: 'nothing', message: new Uint8Array(0), says: 'has no username' },
  { name: 'no directives', message: Buffer.from('hello'), says: 'malformed' },
  { name: 'an open quotation', message: Buffer.from('username="ann'), says: 'malformed' },
  { name: 'a word after a quotation', message: Buffer.from('username="a"b'), says: 'malformed' },
  { name: 'a name alone', message: Buffer.from('username="ann"'), says: 'has no nonce' },
  { name: 'a long message', message: Buffer.alloc(5000, 'a=b,'), says: 'too long' },
  {
    name: 'another charset',
    message: Buffer.from('charset=utf-16,username="ann"'),
    says: 'charset',
  },
  {
    name: 'protection that there is not',
    message: Buffer.from(of({}).toString().replace('qop=auth', 'qop=auth-conf')),
    says: 'protection of the messages',
  },
]
for (const { name, message, says } of refusals) {
  t.test(`refused: ${name}`, async (t) => {
    const exchange = server()
    t.throws(() => exchange.step(message), { name: 'SaslRefusal', message: new RegExp(says) })
    t.throws(() => exchange.step(of({})), SaslRefusal, 'and there is no second attempt')
  })
}

t.test('an initial response is refused', async (t) => {
  const passwordOf = (): undefined => undefined
  const exchange = new DigestMd5Server({ nonce, realm: 'r', digestUri: 'z/r', passwordOf })
  t.throws(() => exchange.step(Buffer.from('x')), /no initial response/)
})

t.test('an exchange that is over takes nothing more', async (t) => {
  const exchange = server()
  exchange.step(of({}))
  t.throws(() => exchange.step(of({})), /the exchange is over/)
})

function of(change: Partial<DigestMd5Client>): Buffer {
  return digestMd5Response({ ...ann, ...change }).response
}
