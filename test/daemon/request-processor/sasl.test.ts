// SASL of clients: from the request to the identity, and what that may do.

import t from 'tap'
import type { SaslOptions } from '../../../src/protocol/sasl/sasl-options.ts'
import type { Request, ServedReply } from '../../../src/protocol/zk/messages.ts'
import { digestMd5Response, nonceOf } from '../../digest-md5-client.ts'
import { create, type FakeServer, get, ping, serversOf } from '../fake-client.ts'
import { FakeCluster } from '../fake-ensemble.ts'
import { connected, createWith, type PlainClient } from '../plain-client.ts'

const users = new Map([
  ['ann', 'of ann'],
  ['super', 'of super'],
])

function serverWith(
  sasl: Partial<SaslOptions> | undefined,
  requiredSchemes?: readonly string[],
): FakeServer {
  const authentication = {
    ...{ skipAcl: false, superDigest: undefined, requiredSchemes },
    sasl: sasl && { users, superUser: undefined, allowsFailed: false, ...sasl },
  }
  const rules = { extendedTypesEnabled: true, enforceQuota: true, hasSasl: sasl !== undefined }
  const [server] = serversOf(new FakeCluster(), undefined, { authentication, rules }) as [
    FakeServer,
  ]
  return server
}

const sasl = (token: Uint8Array | null): Request => ({ type: 'sasl', token })

function tokenIn(body: ServedReply | undefined): Uint8Array | null | undefined {
  return body?.type === 'sasl' ? body.token : undefined
}

/** Answers the challenge of the server, with the nonce in it or another. */
function authenticate(
  client: PlainClient,
  { user = 'ann', password = users.get(user) ?? '', nonce }: Record<string, string> = {},
): { readonly rspauth: string; readonly nonce: string } {
  client.ask(sasl(new Uint8Array(0)))
  const own = nonceOf(tokenIn(client.replies.at(-1)?.body))
  const given = digestMd5Response({ user, password, nonce: nonce ?? own })
  client.ask(sasl(given.response))
  return { rspauth: given.rspauth, nonce: own }
}

t.test('a client that proves its name has the identity, and knows the server', async (t) => {
  const client = connected(serverWith({}))
  const { rspauth } = authenticate(client)
  t.same(client.take(), ['sasl', 'sasl'])
  t.equal(Buffer.from(tokenIn(client.replies.at(-1)?.body) ?? []).toString(), rspauth)
  t.same(client.identities.at(-1), { scheme: 'sasl', id: 'ann' })
})

t.test('an ACL of sasl admits its user, the user super, and no other client', async (t) => {
  const server = serverWith({})
  const owner = connected(server)
  authenticate(owner)
  owner.take()
  owner.ask(createWith([{ perms: 31, scheme: 'auth', id: '' }], '/a'), get('/a'))
  t.same(owner.take(), ['create', 'getData'])
  t.match(owner.answer({ type: 'getACL', path: '/a' }), {
    acl: [{ perms: 31, scheme: 'sasl', id: 'ann' }],
  })
  const stranger = connected(server)
  stranger.ask(get('/a'))
  t.same(stranger.take(), ['getData NOAUTH'])
  const other = connected(server)
  authenticate(other, { user: 'super' })
  other.take()
  other.ask(get('/a'))
  t.same(other.take(), ['getData'])
})

t.test('superUser bypasses every ACL', async (t) => {
  const server = serverWith({ superUser: 'ann' })
  const client = connected(server)
  authenticate(client)
  client.take()
  const ofEve = [{ perms: 31, scheme: 'digest', id: 'eve:x' }]
  client.ask(createWith(ofEve, '/a'), get('/a'))
  t.same(client.take(), ['create', 'getData'])
})

const failures = [
  { name: 'a wrong password', given: { password: 'guess' } },
  { name: 'an unknown user', given: { user: 'eve', password: 'x' } },
  { name: 'the nonce of another connection', given: { nonce: '0102030405060708' } },
]
for (const { name, given } of failures) {
  t.test(`${name}: AUTHFAILED, and the connection is closed`, async (t) => {
    const server = serverWith({})
    const client = connected(server)
    authenticate(client, given)
    t.same(client.take(), ['sasl', 'sasl AUTHFAILED', 'closed'])
    t.equal(server.metrics.authFailures, 1)
    t.match(server.log.at(-1), { message: 'A client failed to authenticate' })
    t.notMatch(JSON.stringify(server.log), 'guess')
  })
}

t.test('a response that was overheard opens no other connection', async (t) => {
  const server = serverWith({})
  const victim = connected(server)
  victim.ask(sasl(null))
  const nonce = nonceOf(tokenIn(victim.replies.at(-1)?.body))
  const { response } = digestMd5Response({ user: 'ann', password: 'of ann', nonce })
  victim.ask(sasl(response))
  t.same(victim.take(), ['sasl', 'sasl'])
  const thief = connected(server)
  thief.ask(sasl(null))
  t.not(nonceOf(tokenIn(thief.replies.at(-1)?.body)), nonce)
  thief.ask(sasl(response))
  t.same(thief.take(), ['sasl', 'sasl AUTHFAILED', 'closed'])
  const again = connected(server)
  authenticate(again)
  again.ask(sasl(null))
  t.same(again.take(), ['sasl', 'sasl', 'sasl AUTHFAILED', 'closed'], 'one exchange per connection')
})

t.test(
  'where SASL is required, nothing else is answered before it, and a failure says so',
  async (t) => {
    const server = serverWith({}, ['sasl'])
    for (const request of [ping, create('/a'), { type: 'whoAmI' } as const]) {
      const client = connected(server)
      client.ask(request)
      t.same(client.take(), [`${request.type} SESSIONCLOSEDREQUIRESASLAUTH`, 'closed'])
    }
    const failing = connected(server)
    authenticate(failing, { password: 'guess' })
    t.same(failing.take(), ['sasl', 'sasl SESSIONCLOSEDREQUIRESASLAUTH', 'closed'])
    const client = connected(server)
    authenticate(client)
    client.ask(create('/a'))
    t.same(client.take(), ['sasl', 'sasl', 'create'])
  },
)

t.test('with allowSaslFailedClients a client that fails goes on without a name', async (t) => {
  const client = connected(serverWith({ allowsFailed: true }))
  authenticate(client, { password: 'guess' })
  client.ask(create('/a'), { type: 'whoAmI' })
  t.same(client.take(), ['sasl', 'sasl', 'create', 'whoAmI'])
  t.equal(tokenIn(client.replies[1]?.body), null)
  t.equal(client.identities.length, 1)
})

t.test(
  'a server without SASL answers with no token, and its ACLs name no user of it',
  async (t) => {
    const client = connected(serverWith(undefined))
    client.ask(sasl(Buffer.from('x')), createWith([{ perms: 31, scheme: 'sasl', id: 'ann' }], '/a'))
    t.same(client.take(), ['sasl', 'create INVALIDACL'])
    t.equal(tokenIn(client.replies[0]?.body), null)
  },
)

for (const [id, isValid] of [
  ['ann', true],
  ['zk/host', true],
  ['zk/host@REALM', true],
  ['a@b@c', false],
] as const) {
  t.test(`an ACL of sasl:${id} is ${isValid ? 'valid' : 'invalid'}`, async (t) => {
    const client = connected(serverWith({}))
    client.ask(createWith([{ perms: 31, scheme: 'sasl', id }], '/a'))
    t.same(client.take(), [isValid ? 'create' : 'create INVALIDACL'])
  })
}
