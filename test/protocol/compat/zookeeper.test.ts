import t from 'tap'
import { ZooKeeperDialect } from '../../../src/protocol/compat/zookeeper.ts'
import { noStat } from '../../../src/protocol/compat/zookeeper-client.ts'
import { errorCodes, ProtocolError } from '../../../src/protocol/error-codes.ts'
import { MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import type { ServerId, SessionId, Stat } from '../../../src/protocol/records.ts'
import type { ReplyBody, Request } from '../../../src/protocol/zk/messages.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { frame, testDialect } from '../../suites/dialect.ts'

const dialect = new ZooKeeperDialect()

testDialect('zookeeper', dialect, {
  welcome: (welcome) => ({ ...welcome, ensembleId: '', serverId: 0 as ServerId }),
  body: (body) => {
    if (body.type !== 'multiRead') return body
    const results = body.results.map((result) =>
      result.type === 'getChildren' ? { ...result, stat: noStat } : result,
    )
    return { ...body, results }
  },
})

// --- golden bytes, written from zookeeper.jute by hand ------------------------------------------

/**
 * Fields as `i:` int, `l:` long (hex), `b:` boolean, `s:` ustring, `x:` buffer of hex, `n` null.
 */
function jute(...fields: string[]): Buffer {
  return Buffer.concat(
    fields
      .join(' ')
      .split(' ')
      .filter(Boolean)
      .map((field) => {
        const value = field.slice(2)
        switch (field.slice(0, 2)) {
          case 'i:':
            return int(Number(value))
          case 'l:':
            return Buffer.from(value.padStart(16, '0'), 'hex')
          case 'b:':
            return Buffer.of(Number(value))
          case 's:':
            return Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)])
          case 'x:':
            return Buffer.concat([int(value.length / 2), Buffer.from(value, 'hex')])
        }
        return int(-1)
      }),
  )
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const stat: Stat = {
  czxid: 0x100000001 as Zxid,
  mzxid: 0x100000002 as Zxid,
  ctime: 0x18bcfe56800,
  mtime: 0x18bcfe56801,
  version: 1,
  cversion: 2,
  aversion: 3,
  ephemeralOwner: 0x100000004 as SessionId,
  dataLength: 5,
  numChildren: 6,
  pzxid: 0x100000003 as Zxid,
}
const statFields =
  'l:100000001 l:100000002 l:18bcfe56800 l:18bcfe56801 i:1 i:2 i:3 l:100000004 i:5 i:6 l:100000003'
const openAclFields = 'i:1 i:31 s:world s:anyone'
const someAcl = [{ perms: 5, scheme: 'ip', id: '10.0.0.0/8' }]
const someAclFields = 'i:1 i:5 s:ip s:10.0.0.0/8'
const header = 'i:7 l:200000009 i:0'

interface Golden {
  readonly name: string
  /** the fields after xid and opcode */
  readonly opcode: number
  readonly record: string
  readonly request: Request
  readonly body: ReplyBody
  /** the fields after the header */
  readonly reply: string
}

const data = Buffer.from('0102', 'hex')
const created: ReplyBody = { type: 'create', path: '/a1', stat }
const createdFields = `s:/a1 ${statFields}`

const golden: readonly Golden[] = [
  {
    name: 'create',
    opcode: 1,
    record: `s:/a x:0102 ${openAclFields} i:0`,
    request: { type: 'create', path: '/a', data, acl: undefined, mode: 'persistent' },
    body: created,
    reply: 's:/a1',
  },
  {
    name: 'create without data, ephemeral and sequential, with another ACL',
    opcode: 1,
    record: `s:/a n ${someAclFields} i:3`,
    request: { type: 'create', path: '/a', data: null, acl: someAcl, mode: 'ephemeralSequential' },
    body: created,
    reply: 's:/a1',
  },
  {
    name: 'create2',
    opcode: 15,
    record: `s:/a x:0102 n i:2`,
    request: { type: 'create', path: '/a', data, acl: null, mode: 'persistentSequential' },
    body: created,
    reply: createdFields,
  },
  {
    name: 'a container requested with the opcode of a plain znode becomes a plain znode',
    opcode: 1,
    record: `s:/a x: ${openAclFields} i:4`,
    request: { type: 'create', path: '/a', data: Buffer.alloc(0), mode: 'persistent' },
    body: created,
    reply: 's:/a1',
  },
  {
    name: 'createContainer',
    opcode: 19,
    record: `s:/a n ${openAclFields} i:4`,
    request: { type: 'create', path: '/a', data: null, mode: 'container' },
    body: created,
    reply: createdFields,
  },
  {
    name: 'createTTL',
    opcode: 21,
    record: `s:/a n ${openAclFields} i:6 l:fa0`,
    request: {
      type: 'create',
      path: '/a',
      data: null,
      mode: 'persistentSequentialTtl',
      ttlMs: 4000,
    },
    body: created,
    reply: createdFields,
  },
  {
    name: 'a TTL mode without a TTL',
    opcode: 15,
    record: `s:/a n ${openAclFields} i:5`,
    request: { type: 'create', path: '/a', data: null, mode: 'persistentTtl' },
    body: { type: 'error', code: errorCodes.BADARGUMENTS },
    reply: '',
  },
  {
    name: 'an unknown mode is refused in its turn',
    opcode: 1,
    record: `s:/a n ${openAclFields} i:7`,
    request: { type: 'create', path: '/a', data: null, mode: 'unknown' },
    body: { type: 'error', code: errorCodes.BADARGUMENTS },
    reply: '',
  },
  {
    name: 'createTTL with a mode without a TTL',
    opcode: 21,
    record: `s:/a n ${openAclFields} i:0 l:5`,
    request: { type: 'create', path: '/a', data: null, mode: 'unknown' },
    body: { type: 'error', code: errorCodes.BADARGUMENTS },
    reply: '',
  },
  {
    name: 'delete',
    opcode: 2,
    record: 's:/a i:-1',
    request: { type: 'delete', path: '/a', version: -1 },
    body: { type: 'delete' },
    reply: '',
  },
  {
    name: 'exists',
    opcode: 3,
    record: 's:/a b:1',
    request: { type: 'exists', path: '/a', watch: true },
    body: { type: 'exists', stat },
    reply: statFields,
  },
  {
    name: 'getData',
    opcode: 4,
    record: 's:/a b:0',
    request: { type: 'getData', path: '/a', watch: false },
    body: { type: 'getData', data, stat },
    reply: `x:0102 ${statFields}`,
  },
  {
    name: 'getData of null; any byte but 0 is true',
    opcode: 4,
    record: 's: b:2',
    request: { type: 'getData', path: '', watch: true },
    body: { type: 'getData', data: null, stat },
    reply: `n ${statFields}`,
  },
  {
    name: 'setData',
    opcode: 5,
    record: 's:/a x:0102 i:4',
    request: { type: 'setData', path: '/a', data, version: 4 },
    body: { type: 'setData', stat },
    reply: statFields,
  },
  {
    name: 'getACL',
    opcode: 6,
    record: 's:/a',
    request: { type: 'getACL', path: '/a' },
    body: { type: 'getACL', acl: someAcl, stat },
    reply: `${someAclFields} ${statFields}`,
  },
  {
    name: 'setACL',
    opcode: 7,
    record: `s:/a ${someAclFields} i:-1`,
    request: { type: 'setACL', path: '/a', acl: someAcl, version: -1 },
    body: { type: 'setACL', stat },
    reply: statFields,
  },
  {
    name: 'getChildren',
    opcode: 8,
    record: 's:/a b:0',
    request: { type: 'getChildren', path: '/a', watch: false },
    body: { type: 'getChildren', children: ['b', 'c'], stat },
    reply: 'i:2 s:b s:c',
  },
  {
    name: 'getChildren2',
    opcode: 12,
    record: 's:/a b:1',
    request: { type: 'getChildren', path: '/a', watch: true },
    body: { type: 'getChildren', children: [], stat },
    reply: `i:0 ${statFields}`,
  },
  {
    name: 'sync is answered with its path',
    opcode: 9,
    record: 's:/missing',
    request: { type: 'sync', path: '/missing' },
    body: { type: 'sync' },
    reply: 's:/missing',
  },
  {
    name: 'ping',
    opcode: 11,
    record: '',
    request: { type: 'ping' },
    body: { type: 'ping' },
    reply: '',
  },
  {
    name: 'checkWatches',
    opcode: 17,
    record: 's:/a i:2',
    request: { type: 'checkWatches', path: '/a', watcherType: 'data' },
    body: { type: 'checkWatches' },
    reply: '',
  },
  {
    name: 'removeWatches',
    opcode: 18,
    record: 's:/a i:3',
    request: { type: 'removeWatches', path: '/a', watcherType: 'any' },
    body: { type: 'removeWatches' },
    reply: '',
  },
  {
    name: 'addWatch is answered with an ErrorResponse',
    opcode: 106,
    record: 's:/a i:1',
    request: { type: 'addWatch', path: '/a', mode: 'persistentRecursive' },
    body: { type: 'addWatch' },
    reply: 'i:0',
  },
  {
    name: 'setWatches',
    opcode: 101,
    record: 'l:100000005 i:1 s:/a i:0 n',
    request: {
      type: 'setWatches',
      relativeZxid: 0x100000005 as Zxid,
      data: ['/a'],
      exist: [],
      child: [],
      persistent: [],
      persistentRecursive: [],
    },
    body: { type: 'setWatches' },
    reply: '',
  },
  {
    name: 'setWatches2',
    opcode: 105,
    record: 'l:7fffffffffffffff i:0 i:1 s:/b i:2 s:/c s:/d i:1 s:/e i:1 s:/f',
    request: {
      type: 'setWatches',
      relativeZxid: Number.MAX_SAFE_INTEGER as Zxid,
      data: [],
      exist: ['/b'],
      child: ['/c', '/d'],
      persistent: ['/e'],
      persistentRecursive: ['/f'],
    },
    body: { type: 'setWatches' },
    reply: '',
  },
  {
    name: 'getEphemerals',
    opcode: 103,
    record: 's:/a',
    request: { type: 'getEphemerals', prefix: '/a' },
    body: { type: 'getEphemerals', paths: ['/a/b'] },
    reply: 'i:1 s:/a/b',
  },
  {
    name: 'getEphemerals of null: all',
    opcode: 103,
    record: 'n',
    request: { type: 'getEphemerals', prefix: '' },
    body: { type: 'getEphemerals', paths: [] },
    reply: 'i:0',
  },
  {
    name: 'getAllChildrenNumber',
    opcode: 104,
    record: 's:/',
    request: { type: 'getAllChildrenNumber', path: '/' },
    body: { type: 'getAllChildrenNumber', count: 4 },
    reply: 'i:4',
  },
  {
    name: 'whoAmI',
    opcode: 107,
    record: '',
    request: { type: 'whoAmI' },
    body: { type: 'whoAmI', identities: [{ scheme: 'ip', id: '127.0.0.1' }] },
    reply: 'i:1 s:ip s:127.0.0.1',
  },
  {
    name: 'sasl, with a token',
    opcode: 102,
    record: 'x:0102',
    request: { type: 'sasl', token: Buffer.of(1, 2) },
    body: { type: 'sasl', token: Buffer.of(3) },
    reply: 'x:03',
  },
  {
    name: 'sasl, without a token either way',
    opcode: 102,
    record: 'n',
    request: { type: 'sasl', token: null },
    body: { type: 'sasl', token: null },
    reply: 'n',
  },
  {
    name: 'reconfig is not enabled',
    opcode: 16,
    record: 's:server.4=h:1:2 n n l:ffffffffffffffff',
    request: { type: 'refused', code: errorCodes.RECONFIGDISABLED },
    body: { type: 'error', code: errorCodes.RECONFIGDISABLED },
    reply: '',
  },
  {
    name: 'closeSession',
    opcode: -11,
    record: '',
    request: { type: 'closeSession' },
    body: { type: 'closeSession' },
    reply: '',
  },
  {
    name: 'an empty multi',
    opcode: 14,
    record: 'i:-1 b:1 i:-1',
    request: { type: 'multi', ops: [] },
    body: { type: 'multi', results: [] },
    reply: 'i:-1 b:1 i:-1',
  },
  {
    name: 'a multi: the results have the types of the ops',
    opcode: 14,
    record: [
      `i:1 b:0 i:-1 s:/a n ${openAclFields} i:0`,
      `i:15 b:0 i:-1 s:/a n ${openAclFields} i:1`,
      `i:19 b:0 i:-1 s:/a n ${openAclFields} i:4`,
      `i:21 b:0 i:-1 s:/a n ${openAclFields} i:5 l:1`,
      'i:2 b:0 i:-1 s:/a i:-1',
      'i:5 b:0 i:-1 s:/a x:0102 i:0',
      'i:13 b:0 i:-1 s:/a i:1',
      'i:-1 b:1 i:-1',
    ].join(' '),
    request: {
      type: 'multi',
      ops: [
        { type: 'create', path: '/a', data: null, mode: 'persistent' },
        { type: 'create', path: '/a', data: null, mode: 'ephemeral' },
        { type: 'create', path: '/a', data: null, mode: 'container' },
        { type: 'create', path: '/a', data: null, mode: 'persistentTtl', ttlMs: 1 },
        { type: 'delete', path: '/a', version: -1 },
        { type: 'setData', path: '/a', data, version: 0 },
        { type: 'check', path: '/a', version: 1 },
      ],
    },
    body: {
      type: 'multi',
      results: [
        { type: 'create', path: '/a1', stat },
        { type: 'create', path: '/a1', stat },
        { type: 'create', path: '/a1', stat },
        { type: 'create', path: '/a1', stat },
        { type: 'delete' },
        { type: 'setData', stat },
        { type: 'check' },
      ],
    },
    reply: [
      'i:1 b:0 i:0 s:/a1',
      `i:15 b:0 i:0 ${createdFields}`,
      `i:15 b:0 i:0 ${createdFields}`,
      `i:15 b:0 i:0 ${createdFields}`,
      'i:2 b:0 i:0',
      `i:5 b:0 i:0 ${statFields}`,
      'i:13 b:0 i:0',
      'i:-1 b:1 i:-1',
    ].join(' '),
  },
  {
    name: 'a failed multi: header without error, an error for each op',
    opcode: 14,
    record: 'i:2 b:0 i:-1 s:/a i:-1 i:13 b:0 i:-1 s:/a i:1 i:2 b:0 i:-1 s:/b i:-1 i:-1 b:1 i:-1',
    request: {
      type: 'multi',
      ops: [
        { type: 'delete', path: '/a', version: -1 },
        { type: 'check', path: '/a', version: 1 },
        { type: 'delete', path: '/b', version: -1 },
      ],
    },
    body: {
      type: 'multi',
      results: [
        { type: 'error', code: errorCodes.OK },
        { type: 'error', code: errorCodes.BADVERSION },
        { type: 'error', code: errorCodes.RUNTIMEINCONSISTENCY },
      ],
    },
    reply: 'i:-1 b:0 i:0 i:0 i:-1 b:0 i:-103 i:-103 i:-1 b:0 i:-2 i:-2 i:-1 b:1 i:-1',
  },
  {
    name: 'multiRead',
    opcode: 22,
    record: 'i:4 b:0 i:-1 s:/a b:1 i:8 b:0 i:-1 s:/a b:0 i:4 b:0 i:-1 s:/b b:0 i:-1 b:1 i:-1',
    request: {
      type: 'multiRead',
      ops: [
        { type: 'getData', path: '/a' },
        { type: 'getChildren', path: '/a' },
        { type: 'getData', path: '/b' },
      ],
    },
    body: {
      type: 'multiRead',
      results: [
        { type: 'getData', data, stat },
        { type: 'getChildren', children: ['c'], stat },
        { type: 'error', code: errorCodes.NONODE },
      ],
    },
    reply: `i:4 b:0 i:0 x:0102 ${statFields} i:8 b:0 i:0 i:1 s:c i:-1 b:0 i:-101 i:-101 i:-1 b:1 i:-1`,
  },
]

for (const { name, opcode, record, request, body, reply } of golden) {
  t.test(`the server's bytes: ${name}`, async (t) => {
    const server = dialect.serverCodec()
    const asked = jute(`i:7 i:${opcode}`, record, 'i:99')
    const decoded = server.decodeRequest(asked, 0, asked.length)
    t.same(withoutUndefined(decoded), withoutUndefined(request), 'extra bytes do not matter')
    t.equal(server.xid, 7)
    const bytes =
      body.type === 'error' ? jute(`i:7 l:200000009 i:${body.code}`) : jute(header, reply)
    t.equal(
      frame((out) => server.encodeReply(out, 7, 0x200000009 as Zxid, body)).toString('hex', 4),
      bytes.toString('hex'),
    )
  })
}

function withoutUndefined(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(withoutUndefined)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, part]) => part !== undefined)
  return Object.fromEntries(entries.map(([key, part]) => [key, withoutUndefined(part)]))
}

t.test('an auth is answered with zxid 0, and without a record', async (t) => {
  const server = dialect.serverCodec()
  const bytes = jute('i:-4 i:100 i:0 s:digest x:0102')
  t.match(server.decodeRequest(bytes, 0, bytes.length), { type: 'auth', scheme: 'digest' })
  const reply = frame((out) => server.encodeReply(out, -4, 5 as Zxid, { type: 'auth' }))
  t.equal(reply.toString('hex', 4), jute('i:-4 l:0 i:0').toString('hex'))
})

t.test('events: state 3, and zxid -1 where no transaction is known', async (t) => {
  const server = dialect.serverCodec()
  const event = { type: 'NodeChildrenChanged', path: '/a' } as const
  const found = frame((out) => server.encodeEvent(out, { ...event, zxid: 0x100000009 as Zxid }))
  t.equal(found.toString('hex', 4), jute('i:-1 l:100000009 i:0 i:4 i:3 s:/a').toString('hex'))
  const missed = frame((out) => server.encodeEvent(out, { ...event, zxid: 0 as Zxid }))
  t.equal(
    missed.toString('hex', 4),
    jute('i:-1 l:ffffffffffffffff i:0 i:4 i:3 s:/a').toString('hex'),
  )
})

// --- handshakes ---------------------------------------------------------------------------------

const password = '00112233445566778899aabbccddeeff'
const welcome = {
  version: 1,
  ensembleId: 'e',
  timeoutMs: 4000,
  sessionId: 0x100000001 as SessionId,
  password: Buffer.from(password, 'hex'),
  serverId: 1 as ServerId,
  readOnly: true,
}

t.test('a hello of 45 bytes is answered with 37', async (t) => {
  const server = dialect.serverCodec()
  const bytes = jute(`i:0 l:100000002 i:30000 l:100000001 x:${password} b:1`)
  t.equal(bytes.length, 45)
  t.match(server.decodeHello(bytes, 0, bytes.length), {
    lastZxidSeen: 0x100000002,
    timeoutMs: 30_000,
    sessionId: 0x100000001,
    password: new Uint8Array(Buffer.from(password, 'hex')),
    readOnly: true,
    ensembleId: undefined,
  })
  const reply = frame((out) => server.encodeWelcome(out, welcome))
  t.equal(
    reply.toString('hex', 4),
    jute(`i:0 i:4000 l:100000001 x:${password} b:1`).toString('hex'),
  )
  t.equal(reply.length, 4 + 37)
})

t.test('a hello of 44 bytes has no read-only flag, nor has its answer', async (t) => {
  const server = dialect.serverCodec()
  const bytes = jute(`i:0 l:0 i:-5 l:0 x:${password}`)
  t.equal(bytes.length, 44)
  t.match(server.decodeHello(bytes, 0, bytes.length), { readOnly: false, timeoutMs: -5 })
  const reply = frame((out) => server.encodeWelcome(out, { ...welcome, readOnly: false }))
  t.equal(reply.length, 4 + 36)
})

t.test('a hello without a password, and with numbers beyond the safe integers', async (t) => {
  const server = dialect.serverCodec()
  const bytes = jute('i:0 l:7fffffffffffffff i:1 l:f100000000000001 n b:0')
  const hello = server.decodeHello(bytes, 0, bytes.length)
  t.equal(hello.lastZxidSeen, Number.MAX_SAFE_INTEGER)
  t.equal(hello.sessionId, Number.MAX_SAFE_INTEGER)
  t.equal(hello.password.length, 0)
  const negative = jute('i:0 l:ffffffffffffffff i:1 l:0 n b:0')
  t.equal(server.decodeHello(negative, 0, negative.length).lastZxidSeen, 0)
})

t.test('a hello cut short is refused', async (t) => {
  const server = dialect.serverCodec()
  const bytes = jute(`i:0 l:0 i:1 l:0 x:${password}`)
  for (let end = 0; end < bytes.length; end++) {
    t.throws(() => server.decodeHello(bytes, 0, end), ProtocolError)
  }
})

t.test("our client keeps a foreign server's session id to the bit", async (t) => {
  const client = dialect.clientCodec()
  const bytes = jute(`i:0 i:4000 l:0100abcdef123457 x:${password} b:0`)
  const { sessionId } = client.decodeWelcome(bytes, 0, bytes.length)
  const hello = {
    version: 1,
    ensembleId: '',
    lastZxidSeen: 3 as Zxid,
    timeoutMs: 4000,
    sessionId,
    password: Buffer.from(password, 'hex'),
    readOnly: false,
  }
  t.equal(
    frame((out) => client.encodeHello(out, hello)).toString('hex', 4),
    jute(`i:0 l:3 i:4000 l:0100abcdef123457 x:${password} b:0`).toString('hex'),
  )
  const fresh = { ...hello, sessionId: 0 as SessionId, password: new Uint8Array(0) }
  t.equal(
    frame((out) => dialect.clientCodec().encodeHello(out, fresh)).toString('hex', 4),
    jute(`i:0 l:3 i:4000 l:0 x:${'00'.repeat(16)} b:0`).toString('hex'),
  )
})

// --- malformed messages -------------------------------------------------------------------------

const refusals: readonly { name: string; bytes: Buffer }[] = [
  { name: 'a null path', bytes: jute('i:7 i:4 n b:0') },
  { name: 'a string longer than the frame', bytes: jute('i:7 i:4 i:100 b:0') },
  { name: 'a negative length', bytes: jute('i:7 i:4 i:-2 b:0') },
  { name: 'a buffer longer than the frame', bytes: jute('i:7 i:5 s:/a i:2147483647 i:0') },
  { name: 'a field missing', bytes: jute('i:7 i:2 s:/a') },
  { name: 'a vector longer than the frame', bytes: jute('i:7 i:101 l:0 i:2147483647 s:/a') },
  { name: 'an unknown watcher type', bytes: jute('i:7 i:18 s:/a i:6') },
  { name: 'an unknown watch mode', bytes: jute('i:7 i:106 s:/a i:2') },
  { name: 'a read in a multi', bytes: jute('i:7 i:14 i:4 b:0 i:-1 s:/a b:0 i:-1 b:1 i:-1') },
  { name: 'a multi that does not end', bytes: jute('i:7 i:14 i:2 b:0 i:-1 s:/a i:0') },
  { name: 'a multi in a multi', bytes: jute('i:7 i:14 i:14 b:0 i:-1 i:-1 b:1 i:-1 i:-1 b:1 i:-1') },
  { name: 'a write in a multiRead', bytes: jute('i:7 i:22 i:2 b:0 i:-1 s:/a i:0 i:-1 b:1 i:-1') },
]
for (const { name, bytes } of refusals) {
  t.test(`refused with MARSHALLINGERROR, and the next request is decoded: ${name}`, async (t) => {
    const server = dialect.serverCodec()
    const before = jute('i:6 i:9 s:/before')
    const after = jute('i:8 i:9 s:/after')
    t.match(server.decodeRequest(before, 0, before.length), { type: 'sync' })
    t.same(server.decodeRequest(bytes, 0, bytes.length), {
      type: 'refused',
      code: errorCodes.MARSHALLINGERROR,
    })
    t.equal(server.xid, 7)
    t.match(server.decodeRequest(after, 0, after.length), { type: 'sync', path: '/after' })
    const zxid = 1 as Zxid
    const bodies: ReplyBody[] = [
      { type: 'sync' },
      { type: 'error', code: errorCodes.MARSHALLINGERROR },
      { type: 'sync' },
    ]
    t.same(
      bodies.map((body, i) =>
        frame((out) => server.encodeReply(out, i, zxid, body)).toString('hex', 20),
      ),
      [jute('s:/before').toString('hex'), '', jute('s:/after').toString('hex')],
    )
  })
}

t.test('unknown ops, and those reserved for servers, are not decoded', async (t) => {
  const server = dialect.serverCodec()
  for (const opcode of [0, -1, 10, 13, 20, 23, 99, 108, 257, 2 ** 31 - 1, -10, -(2 ** 31)]) {
    const bytes = jute(`i:9 i:${opcode} s:/a i:-1`)
    t.equal(server.decodeRequest(bytes, 0, bytes.length), undefined, `${opcode}`)
    t.equal(server.xid, 9)
  }
})

t.test('a frame without an opcode is no request', async (t) => {
  const server = dialect.serverCodec()
  for (const length of [0, 3, 4, 7]) {
    t.throws(() => server.decodeRequest(Buffer.alloc(length), 0, length), ProtocolError)
  }
})

t.test("text is read leniently: Java's encoding and invalid UTF-8 too", async (t) => {
  const server = dialect.serverCodec()
  const pathOf = (hex: string) => {
    const bytes = jute(`i:1 i:6 x:${hex}`)
    return server.decodeRequest(bytes, 0, bytes.length)
  }
  const cases = [
    { name: 'UTF-8', hex: '2ff09f9880', want: '/😀' },
    { name: 'each half by itself', hex: '2feda0bdedb880', want: '/😀' },
    { name: 'half of a pair', hex: '2feda0bd', want: '/\ufffd\ufffd\ufffd' },
    { name: 'no UTF-8 at all', hex: '2fff', want: '/\ufffd' },
  ]
  for (const { name, hex, want } of cases)
    t.match(pathOf(hex), { type: 'getACL', path: want }, name)
})

t.test("an ACL's null names are read as empty names", async (t) => {
  const server = dialect.serverCodec()
  const bytes = jute('i:1 i:7 s:/a i:1 i:31 n n i:-1')
  t.match(server.decodeRequest(bytes, 0, bytes.length), {
    type: 'setACL',
    acl: [{ perms: 31, scheme: '', id: '' }],
  })
})

t.test('results of a 3.8.0 server: a create2 in a multi comes back as a create', async (t) => {
  const client = dialect.clientCodec()
  const bytes = jute(header, 'i:1 b:0 i:0 s:/a i:-1 b:1 i:-1')
  client.decodeMessage(bytes, 0, bytes.length)
  t.same(client.decodeBody('multi'), {
    type: 'multi',
    results: [{ type: 'create', path: '/a', stat: noStat }],
  })
})

t.test('many unanswered requests are remembered in order', async (t) => {
  const server = dialect.serverCodec()
  let asked = 0
  let answered = 0
  const ask = () => {
    const bytes = jute(`i:1 i:9 s:/${asked++}`)
    server.decodeRequest(bytes, 0, bytes.length)
  }
  const answer = () => {
    const reply = frame((out) => server.encodeReply(out, 1, 1 as Zxid, { type: 'sync' }))
    return reply.toString('latin1', 24)
  }
  for (const burst of [3, 7, 30, 1, 100, 5]) {
    for (let i = 0; i < burst; i++) ask()
    for (let i = 0; i < burst - 1; i++) t.equal(answer(), `/${answered++}`)
  }
  while (answered < asked) t.equal(answer(), `/${answered++}`)
})

t.test('a writer that is too small grows', async (t) => {
  const out = new MsgpackWriter(1)
  const server = dialect.serverCodec()
  out.beginFrame()
  server.encodeReply(out, 1, 1 as Zxid, { type: 'getData', data: Buffer.alloc(5000, 1), stat })
  out.endFrame()
  t.equal(out.view().readInt32BE(0), 16 + 4 + 5000 + 68)
})
