import t from 'tap'
import { type AuthRequest, Identities } from '../../../src/client/zk/identities.ts'

const auth = (credential: string, scheme = 'digest'): AuthRequest => ({
  type: 'auth',
  scheme,
  credential: Buffer.from(credential),
})

t.test('accepted credentials are sent again in their order, once each', async (t) => {
  const identities = new Identities()
  for (const one of [auth('b:1'), auth('a:1'), auth('b:1'), auth('b:1', 'sasl')]) {
    identities.remember(one)
  }
  t.same(
    identities.proved.map(({ scheme, credential }) => `${scheme} ${Buffer.from(credential)}`),
    ['digest b:1', 'digest a:1', 'sasl b:1'],
  )
})

t.test('the credential kept is a copy: the caller may wipe its own', async (t) => {
  const identities = new Identities()
  const given = auth('me:secret')
  identities.remember(given)
  given.credential.fill(0)
  t.equal(Buffer.from(identities.proved[0]?.credential ?? []).toString(), 'me:secret')
})

t.test('a credential that a server could not accept is not sent to the next', async (t) => {
  const identities = new Identities()
  identities.remember(auth('a:1'))
  identities.remember(auth('b:1'))
  const [first] = identities.proved
  if (first !== undefined) identities.forget(first)
  t.same(
    identities.proved.map(({ credential }) => `${Buffer.from(credential)}`),
    ['b:1'],
  )
})

t.test('a credential on which three links in a row were lost is not sent again', async (t) => {
  const identities = new Identities()
  t.same(
    [1, 2, 3, 4].map(() => identities.linkLost()),
    [false, false, true, false],
  )
})

t.test('losses before an answer do not count', async (t) => {
  const identities = new Identities()
  identities.linkLost()
  identities.linkLost()
  identities.judged()
  t.same(
    [1, 2, 3].map(() => identities.linkLost()),
    [false, false, true],
  )
})
