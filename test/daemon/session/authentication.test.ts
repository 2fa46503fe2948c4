import t from 'tap'
import {
  addressIdentity,
  authenticate,
  mayAsk,
  superUser,
  tooMany,
  withoutProof,
} from '../../../src/daemon/session/authentication.ts'
import { limits } from '../../../src/limits.ts'
import { digestOf } from '../../../src/protocol/digest.ts'
import type { Id } from '../../../src/protocol/records.ts'

const home: Id = { scheme: 'ip', id: '127.0.0.1' }
const nobodyIsSuper = { superDigest: undefined }

function digest(credential: string): { scheme: string; credential: Buffer } {
  return { scheme: 'digest', credential: Buffer.from(credential) }
}

const addresses = [
  { address: '127.0.0.1', want: '127.0.0.1' },
  { address: '::ffff:10.1.2.3', want: '10.1.2.3' },
  { address: '::FFFF:10.1.2.3', want: '10.1.2.3' },
  { address: '::1', want: '::1' },
  { address: 'fe80::ffff:10.1.2.3', want: 'fe80::ffff:10.1.2.3' },
  { address: '', want: '' },
]
for (const { address, want } of addresses) {
  t.test(`the address '${address}' is the identity ip:${want}`, async (t) => {
    t.same(addressIdentity(address), { scheme: 'ip', id: want })
  })
}

/** By ZooKeeper's DigestAuthenticationProvider. */
const digests = [
  { credential: 'super:test', want: 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=' },
  { credential: 'user:pass:word', user: 'user' },
  { credential: 'alone', user: 'alone' },
  { credential: ':', user: '' },
  { credential: '', user: '' },
  { credential: 'ü:ü', user: 'ü' },
]
for (const { credential, want, user } of digests) {
  t.test(`the digest of '${credential}'`, async (t) => {
    const digest = digestOf(Buffer.from(credential))
    if (want !== undefined) t.equal(digest, want)
    else t.match(digest, new RegExp(`^${user}:[A-Za-z0-9+/]{27}=$`))
  })
}

t.test('digests accumulate, each once', async (t) => {
  const ann = authenticate([home], digest('ann:1'), nobodyIsSuper)
  t.same(ann, [home, { scheme: 'digest', id: digestOf(Buffer.from('ann:1')) }])
  const both = authenticate(ann ?? [], digest('bob:2'), nobodyIsSuper)
  t.equal(both?.length, 3)
  t.same(authenticate(both ?? [], digest('ann:1'), nobodyIsSuper), both)
})

t.test('a credential that is not valid text has a digest too', async (t) => {
  const credential = Uint8Array.of(0xff, 0xfe, 0x3a, 0xc0)
  t.equal(authenticate([home], { scheme: 'digest', credential }, nobodyIsSuper)?.length, 2)
})

t.test('the super digest, and no other, makes a super user', async (t) => {
  const options = { superDigest: digestOf(Buffer.from('super:test')) }
  t.same(authenticate([home], digest('super:test'), options), [
    home,
    superUser,
    { scheme: 'digest', id: options.superDigest },
  ])
  t.equal(authenticate([home], digest('super:guess'), options)?.includes(superUser), false)
  t.equal(authenticate([home], digest('super:test'), nobodyIsSuper)?.includes(superUser), false)
})

for (const scheme of ['world', 'auth', 'super', 'sasl', 'x509', 'Digest', '']) {
  t.test(`the scheme '${scheme}' proves no identity`, async (t) => {
    const options = { superDigest: 'super:x' }
    const credential = Buffer.from('super:test')
    t.equal(authenticate([home], { scheme, credential }, options), undefined)
  })
}

t.test('ip adds no identity', async (t) => {
  const asked = { scheme: 'ip', credential: Buffer.from('10.0.0.1') }
  t.same(authenticate([home], asked, nobodyIsSuper), [home])
})

t.test('where schemes are required, one of them is enough', async (t) => {
  const ann: Id = { scheme: 'digest', id: 'ann:x' }
  t.equal(mayAsk([home], { requiredSchemes: undefined }), true)
  t.equal(mayAsk([home], { requiredSchemes: ['digest'] }), false)
  t.equal(mayAsk([home, ann], { requiredSchemes: ['sasl', 'digest'] }), true)
  t.equal(mayAsk([home], { requiredSchemes: ['ip'] }), true)
  t.equal(mayAsk([home], { requiredSchemes: [] }), false)
})

t.test('identities are bounded by their length, not by their number', async (t) => {
  const long = { scheme: 'digest', id: 'x'.repeat(limits.identitiesLengthMax - 'digest'.length) }
  t.equal(tooMany([long]), false)
  t.equal(tooMany([long, home]), true)
})

t.test('the secret of an identity is not shown', async (t) => {
  t.same(withoutProof({ scheme: 'digest', id: 'ann:abc=' }), { scheme: 'digest', id: 'ann' })
  t.same(withoutProof(home), home)
  t.same(withoutProof(superUser), superUser)
})
