import t from 'tap'
import { readPlainMessage } from '../../../src/protocol/sasl/plain-message.ts'
import {
  decodeCredential,
  encodeCredential,
  isPassword,
  makeCredential,
} from '../../../src/protocol/sasl/scram-credential.ts'
import { ScramServer } from '../../../src/protocol/sasl/scram-server.ts'

/** The exchange of RFC 7677 section 3. */
const example = {
  mechanism: 'SCRAM-SHA-256',
  password: 'pencil',
  salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
  iterations: 4096,
  ourNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst:
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  unproved: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
} as const

function credentialOf(password: string) {
  const { mechanism, salt, iterations } = example
  return makeCredential(mechanism, password, { salt: Buffer.from(salt, 'base64'), iterations })
}

async function challenged(password: string = example.password): Promise<ScramServer> {
  const server = new ScramServer(example.mechanism, example.ourNonce)
  server.begin(Buffer.from(example.clientFirst))
  server.challenge(await credentialOf(password))
  return server
}

t.test('the exchange of RFC 7677', async (t) => {
  const server = new ScramServer(example.mechanism, example.ourNonce)
  t.equal(server.begin(Buffer.from(example.clientFirst)), 'user')
  const credential = await credentialOf(example.password)
  t.equal(String(server.challenge(credential)), example.serverFirst)
  const final = Buffer.from(`${example.unproved},p=${example.proof}`)
  t.equal(String(server.finish(final)), example.serverFinal)
})

t.test('another password is refused', async (t) => {
  const server = await challenged('crayon')
  const final = Buffer.from(`${example.unproved},p=${example.proof}`)
  t.throws(() => server.finish(final), /name or password is wrong/)
})

t.test('librdkafka’s nonce may come twice', async (t) => {
  const [server, nonces] = [await challenged(), example.unproved.slice('c=biws,r='.length)]
  const nonce = example.clientFirst.slice('n,,n=user,r='.length)
  const final = Buffer.from(`c=biws,r=${nonce}${nonces},p=${example.proof}`)
  t.throws(() => server.finish(final), /name or password is wrong/, 'the proof is another one')
})

const finals = [
  { name: 'another nonce', text: `c=biws,r=rOprNGfwEbeRWgbNEkqO,p=${example.proof}` },
  {
    name: 'a changed binding',
    text: `${example.unproved.replace('biws', 'eSws')},p=${example.proof}`,
  },
  { name: 'a short proof', text: `${example.unproved},p=AAAA` },
  { name: 'no proof', text: example.unproved },
  { name: 'nothing', text: '' },
]
for (const { name, text } of finals) {
  t.test(`a final message with ${name} is refused`, async (t) => {
    const server = await challenged()
    t.throws(() => server.finish(Buffer.from(text)), { name: 'SaslRefusal' })
  })
}

const firsts = [
  { name: 'escaped characters', text: 'n,,n=a=2Cb=3Dc,r=x', user: 'a,b=c' },
  { name: 'its own authorization id', text: 'n,a=me,n=me,r=x', user: 'me' },
  { name: 'a client that could bind channels', text: 'y,,n=me,r=x', user: 'me' },
  { name: 'extensions', text: 'n,,n=me,r=x,e=1', user: 'me' },
  { name: 'another authorization id', text: 'n,a=you,n=me,r=x', user: undefined },
  { name: 'a demand of channel binding', text: 'p=tls-unique,,n=me,r=x', user: undefined },
  { name: 'a delegation token', text: 'n,,n=me,r=x,tokenauth=true', user: undefined },
  { name: 'a bad escape', text: 'n,,n=a=41,r=x', user: undefined },
  { name: 'an unknown mandatory extension', text: 'n,,m=1,n=me,r=x', user: undefined },
  { name: 'no nonce', text: 'n,,n=me', user: undefined },
  { name: 'no name', text: 'n,,n=,r=x', user: undefined },
]
for (const { name, text, user } of firsts) {
  t.test(`a first message with ${name}: ${user ?? 'refused'}`, async (t) => {
    const server = new ScramServer('SCRAM-SHA-512', 'y')
    const begin = () => server.begin(Buffer.from(text))
    if (user === undefined) t.throws(begin, { name: 'SaslRefusal' })
    else t.equal(begin(), user)
  })
}

t.test('a credential knows its password, and a round trip keeps it', async (t) => {
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    const options = { salt: Buffer.from('salt'), iterations: 4096 }
    const credential = await makeCredential(mechanism, 'grüß', options)
    const text = encodeCredential(credential)
    t.match(text, /^salt=[^,]+,stored_key=[^,]+,server_key=[^,]+,iterations=4096$/)
    t.same(decodeCredential(mechanism, text), credential)
    t.equal(await isPassword(mechanism, credential, 'grüß'), true)
    t.equal(await isPassword(mechanism, credential, 'gruss'), false)
  }
})

const texts = ['', 'salt=AA==', 'salt=AA==,stored_key=AA==,server_key=AA==,iterations=4096']
t.test('malformed text yields no credential', async (t) => {
  for (const text of texts) t.equal(decodeCredential('SCRAM-SHA-256', text), undefined, text)
  const { salt } = example
  const cheap = { salt: Buffer.from(salt, 'base64'), iterations: 4095 }
  const weak = encodeCredential(await makeCredential('SCRAM-SHA-256', 'x', cheap))
  t.equal(decodeCredential('SCRAM-SHA-256', weak), undefined, 'too few iterations')
})

t.test('PLAIN: name and password, for oneself only', async (t) => {
  t.same(readPlainMessage(Buffer.from('\0me\0word')), { user: 'me', password: 'word' })
  t.same(readPlainMessage(Buffer.from('me\0me\0word')), { user: 'me', password: 'word' })
  for (const text of ['', 'me', '\0me', '\0me\0', '\0\0word', 'you\0me\0word', '\0me\0a\0b']) {
    t.throws(() => readPlainMessage(Buffer.from(text)), { name: 'SaslRefusal' }, text)
  }
})
