import t from 'tap'
import { challengeBytes } from '../../../src/protocol/link-proof.ts'
import { ClusterSecret, type LinkFacts } from '../../../src/protocol/mq/cluster-secret.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'

const secret = new ClusterSecret(Buffer.from('a secret of sixteen bytes'))
const other = new ClusterSecret(Buffer.from('another secret, which differs'))

const facts: LinkFacts = {
  clusterId: 'c',
  dialler: 1 as BrokerId,
  diallerEpoch: 5,
  acceptor: 2 as BrokerId,
  diallerChallenge: Buffer.alloc(challengeBytes, 1),
  acceptorChallenge: Buffer.alloc(challengeBytes, 2),
}

t.test('a proof is accepted by every broker with the secret, for the same link', async (t) => {
  const twin = new ClusterSecret(Buffer.from('a secret of sixteen bytes'))
  for (const end of ['dialler', 'acceptor'] as const) {
    t.ok(twin.accepts(secret.proof(end, facts), end, facts), end)
  }
})

const changed: Readonly<Record<string, Partial<LinkFacts>>> = {
  'another cluster': { clusterId: 'd' },
  'another dialler': { dialler: 3 as BrokerId },
  'another life of the dialler': { diallerEpoch: 6 },
  'another acceptor': { acceptor: 3 as BrokerId },
  'another challenge of the dialler': { diallerChallenge: Buffer.alloc(challengeBytes, 9) },
  'another challenge of the acceptor': { acceptorChallenge: Buffer.alloc(challengeBytes, 9) },
  'swapped challenges': {
    diallerChallenge: facts.acceptorChallenge,
    acceptorChallenge: facts.diallerChallenge,
  },
}
for (const [what, change] of Object.entries(changed)) {
  t.test(`a proof is not valid for ${what}`, async (t) => {
    const proof = secret.proof('dialler', facts)
    t.notOk(secret.accepts(proof, 'dialler', { ...facts, ...change }))
  })
}

t.test('a proof is not valid for the other end or with another secret', async (t) => {
  const proof = secret.proof('acceptor', facts)
  t.notOk(secret.accepts(proof, 'dialler', facts))
  t.notOk(other.accepts(proof, 'acceptor', facts))
  t.notOk(secret.accepts(proof.subarray(1), 'acceptor', facts))
  t.notOk(secret.accepts(Buffer.concat([proof, proof]), 'acceptor', facts))
})

t.test('the ACL lets every client read, and only holders of the secret write', async (t) => {
  const digests = [secret, other].map(
    ({ acl }) => acl.find(({ scheme }) => scheme === 'digest')?.id,
  )
  t.match(digests[0], /^mimicq:[\w+/]{27}=$/)
  t.not(digests[0], digests[1])
  t.same(
    secret.acl.map(({ perms, scheme }) => [scheme, perms]),
    [
      ['world', 1],
      ['digest', 31],
    ],
  )
  t.notMatch(Buffer.from(secret.credential).toString(), 'a secret of sixteen bytes')
})
