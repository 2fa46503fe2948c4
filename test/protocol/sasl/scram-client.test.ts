// The client's side of SCRAM, against the server's (scram-server.test.ts has the RFC's own example).

import t from 'tap'
import { ScramClient } from '../../../src/protocol/sasl/scram-client.ts'
import {
  iterationsMin,
  makeCredential,
  type ScramMechanism,
} from '../../../src/protocol/sasl/scram-credential.ts'
import { ScramServer } from '../../../src/protocol/sasl/scram-server.ts'

const password = 'open sesame'

async function begun(mechanism: ScramMechanism, { user = 'ann', word = password } = {}) {
  const from = { salt: Buffer.from('some salt'), iterations: iterationsMin }
  const credential = await makeCredential(mechanism, password, from)
  const client = new ScramClient(mechanism, { user, password: word, nonce: 'ours' })
  const server = new ScramServer(mechanism, 'theirs')
  const known = server.begin(client.first())
  return { client, server, known, challenge: server.challenge(credential) }
}

for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
  t.test(`${mechanism}: both ends prove that they know the password`, async (t) => {
    const { client, server, known, challenge } = await begun(mechanism, { user: 'a,b=c' })
    t.equal(known, 'a,b=c')
    const signature = server.finish(await client.final(challenge))
    t.doesNotThrow(() => client.finish(signature))
  })
}

t.test('a wrong password is refused by the server', async (t) => {
  const { client, server, challenge } = await begun('SCRAM-SHA-256', { word: 'guess' })
  const final = await client.final(challenge)
  t.throws(() => server.finish(final), { name: 'SaslRefusal' })
})

t.test('a server that does not know the credential is refused by the client', async (t) => {
  const { client, challenge } = await begun('SCRAM-SHA-256')
  await client.final(challenge)
  const refused = { name: 'ScramServerError' }
  t.throws(() => client.finish(Buffer.from(`v=${Buffer.alloc(32).toString('base64')}`)), refused)
  t.throws(() => client.finish(Buffer.from('e=other-error')), refused)
  t.throws(() => client.finish(Buffer.alloc(0)), refused)
})

t.test('a server cannot finish before it has challenged', async (t) => {
  const client = new ScramClient('SCRAM-SHA-256', { user: 'ann', password, nonce: 'ours' })
  t.throws(() => client.finish(Buffer.from('v=')), { name: 'ScramServerError' })
})

const bad = [
  ['has another nonce', 'r=theirs,s=AAAA,i=4096'],
  ['adds nothing to the nonce', 'r=ours,s=AAAA,i=4096'],
  ['makes a guess of the password cheap', 'r=ours1,s=AAAA,i=1'],
  ['keeps the client busy', 'r=ours1,s=AAAA,i=100000000'],
  ['is malformed', 'hello'],
] as const
for (const [what, challenge] of bad) {
  t.test(`a challenge that ${what} is refused`, async (t) => {
    const client = new ScramClient('SCRAM-SHA-256', { user: 'ann', password, nonce: 'ours' })
    await t.rejects(client.final(Buffer.from(challenge)), { name: 'ScramServerError' })
  })
}
