import t from 'tap'
import { isWrite } from '../../../src/daemon/session/request.ts'
import { errorCodes, ProtocolError } from '../../../src/protocol/error-codes.ts'
import { MsgpackReader, MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import { type Plain, writePlains } from '../../../src/protocol/plain.ts'
import {
  type Acl,
  openAcl,
  type ServerId,
  type SessionId,
  type Stat,
} from '../../../src/protocol/records.ts'
import type { ReplyBody, Request } from '../../../src/protocol/zk/messages.ts'
import {
  decodeHello,
  decodeReplyBody,
  decodeRequest,
  decodeServerMessage,
  decodeWelcome,
  decodeWriteRequest,
  encodeEvent,
  encodeHello,
  encodeReply,
  encodeRequest,
  encodeWelcome,
  encodeWriteRequest,
  protocolVersion,
} from '../../../src/protocol/zk/native.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { Random } from '../../../src/random.ts'

function written(write: (out: MsgpackWriter) => void): Buffer {
  const out = new MsgpackWriter()
  write(out)
  return Buffer.from(out.view())
}

function pack(value: Plain): Buffer {
  return written((out) => writePlains(out, [value]))
}

const reader = (bytes: Buffer): MsgpackReader => new MsgpackReader().reset(bytes, 0, bytes.length)

const data = Buffer.from('données')
const path = '/a/é'

const acl: readonly Acl[] = [
  { perms: 31, scheme: 'digest', id: 'ann:é' },
  { perms: -1, scheme: 'ip', id: '10.0.0.0/8' },
]

const requests: Request[] = [
  { type: 'create', path, data, mode: 'persistent', acl: undefined, ttlMs: 0 },
  { type: 'create', path, data: null, mode: 'ephemeralSequential', acl: [], ttlMs: 0 },
  { type: 'create', path, data, mode: 'container', acl: openAcl, ttlMs: 0 },
  { type: 'create', path, data, mode: 'persistentTtl', acl, ttlMs: 2 ** 40 - 1 },
  { type: 'delete', path, version: -1 },
  { type: 'setData', path, data, version: 3 },
  { type: 'exists', path, watch: true, linearizable: false },
  { type: 'getData', path, watch: false, linearizable: true },
  { type: 'getChildren', path, watch: true, linearizable: false },
  { type: 'getACL', path },
  { type: 'setACL', path, acl, version: 2 },
  { type: 'setACL', path, acl: [], version: -1 },
  { type: 'getAllChildrenNumber', path },
  { type: 'getEphemerals', prefix: '' },
  { type: 'whoAmI' },
  { type: 'moveLeader', to: 3 as ServerId },
  { type: 'moveLeader', to: undefined },
  { type: 'drain', percent: 100 },
  { type: 'getChildrenPage', path, from: 2 ** 32 - 1 },
  { type: 'auth', scheme: 'digest', credential: data },
  { type: 'checkWatches', path, watcherType: 'persistent' },
  { type: 'multiRead', ops: [] },
  {
    type: 'multiRead',
    ops: [
      { type: 'getData', path },
      { type: 'getChildren', path: '/' },
    ],
  },
  { type: 'sync', path },
  { type: 'ping' },
  { type: 'closeSession' },
  { type: 'addWatch', path, mode: 'persistentRecursive' },
  { type: 'removeWatches', path, watcherType: 'any' },
  {
    type: 'setWatches',
    relativeZxid: (2 ** 40) as Zxid,
    data: ['/a'],
    exist: ['/b', '/c'],
    child: [],
    persistent: ['/d'],
    persistentRecursive: ['/e'],
  },
  { type: 'multi', ops: [] },
  {
    type: 'multi',
    ops: [
      { type: 'create', path, data, mode: 'ephemeral', acl, ttlMs: 0 },
      { type: 'check', path, version: 2 },
      { type: 'setData', path, data: null, version: -1 },
      { type: 'delete', path, version: 0 },
    ],
  },
]

const stat: Stat = {
  czxid: 4294967297 as Zxid,
  mzxid: 4294967298 as Zxid,
  ctime: 1_700_000_000_000,
  mtime: 1_700_000_000_001,
  version: 2,
  cversion: 5,
  aversion: 0,
  ephemeralOwner: 4294967296 as SessionId,
  dataLength: 3,
  numChildren: 1,
  pzxid: 4294967299 as Zxid,
}

const bodies: [Request['type'], ReplyBody][] = [
  ['create', { type: 'create', path, stat }],
  ['exists', { type: 'exists', stat }],
  ['setData', { type: 'setData', stat }],
  ['getData', { type: 'getData', data, stat }],
  ['getData', { type: 'getData', data: null, stat }],
  ['getChildren', { type: 'getChildren', children: ['a', 'b'], stat }],
  ['delete', { type: 'delete' }],
  ['ping', { type: 'ping' }],
  ['auth', { type: 'auth' }],
  ['setACL', { type: 'setACL', stat }],
  ['getACL', { type: 'getACL', acl, stat }],
  ['getEphemerals', { type: 'getEphemerals', paths: ['/a', '/b/c'] }],
  ['getAllChildrenNumber', { type: 'getAllChildrenNumber', count: 100_000 }],
  ['whoAmI', { type: 'whoAmI', identities: [{ scheme: 'ip', id: '::1' }] }],
  ['moveLeader', { type: 'moveLeader', leader: 3 as ServerId, refusal: undefined }],
  ['moveLeader', { type: 'moveLeader', leader: undefined, refusal: 'none follows' }],
  ['drain', { type: 'drain', count: 7 }],
  ['getChildrenPage', { type: 'getChildrenPage', children: ['a', 'é'], next: 7, stat }],
  ['checkWatches', { type: 'checkWatches' }],
  [
    'multiRead',
    {
      type: 'multiRead',
      results: [
        { type: 'getData', data, stat },
        { type: 'getData', data: null, stat },
        { type: 'getChildren', children: ['a'], stat },
        { type: 'error', code: errorCodes.NOAUTH },
      ],
    },
  ],
  [
    'multi',
    {
      type: 'multi',
      results: [
        { type: 'create', path, stat },
        { type: 'setData', stat },
        { type: 'delete' },
        { type: 'check' },
        { type: 'error', code: errorCodes.NONODE },
      ],
    },
  ],
]

t.test('every request round trips', async (t) => {
  for (const [i, request] of requests.entries()) {
    const bytes = written((out) => encodeRequest(out, i, request))
    const decoded = decodeRequest(reader(bytes))
    t.equal(decoded.xid, i)
    t.same(decoded.request, request, request.type)
  }
})

t.test('every reply round trips, errors without fields', async (t) => {
  for (const [type, body] of bodies) {
    const bytes = written((out) => encodeReply(out, 7, (2 ** 33) as Zxid, body))
    const rest = reader(bytes)
    const message = decodeServerMessage(rest)
    if (message.type !== 'reply') throw new Error('wanted a reply')
    t.equal(message.xid, 7)
    t.equal(message.zxid, 2 ** 33)
    t.equal(message.err, 0)
    t.same(decodeReplyBody(rest, type, message.fieldCount), body)
  }
  const error: ReplyBody = { type: 'error', code: errorCodes.BADVERSION }
  const message = decodeServerMessage(
    reader(written((out) => encodeReply(out, 1, 5 as Zxid, error))),
  )
  t.match(message, { type: 'reply', err: errorCodes.BADVERSION })
  t.match(message, { fieldCount: 0 })
})

t.test('data of a reply is a copy, data of a request a view', async (t) => {
  const reply = written((out) => encodeReply(out, 1, 1 as Zxid, { type: 'getData', data, stat }))
  const rest = reader(reply)
  const message = decodeServerMessage(rest)
  if (message.type !== 'reply') throw new Error('wanted a reply')
  const body = decodeReplyBody(rest, 'getData', message.fieldCount)
  reply.fill(0)
  t.match(body, { data })
})

t.test('an event, a hello and a welcome round trip', async (t) => {
  const event = { type: 'NodeDataChanged', path, zxid: 9 as Zxid } as const
  t.same(decodeServerMessage(reader(written((out) => encodeEvent(out, event)))), {
    type: 'event',
    event,
  })
  const hello = {
    ensembleId: undefined,
    lastZxidSeen: 12 as Zxid,
    timeoutMs: 4000,
    sessionId: 0 as SessionId,
    password: Uint8Array.of(1, 2),
    readOnly: true,
  }
  t.same(decodeHello(reader(written((out) => encodeHello(out, hello)))), hello)
  const named = { ...hello, ensembleId: 'x' }
  t.same(decodeHello(reader(written((out) => encodeHello(out, named)))), named)
  const welcome = {
    ensembleId: 'x',
    timeoutMs: 4000,
    sessionId: 4294967297 as SessionId,
    password: new Uint8Array(16),
    serverId: 3 as ServerId,
    readOnly: false,
  }
  t.same(decodeWelcome(reader(written((out) => encodeWelcome(out, welcome)))), welcome)
})

t.test('a hello of another version or role is refused with the reason', async (t) => {
  const future = written((out) => {
    out.arrayHeader(3)
    out.int(protocolVersion + 1)
  })
  t.throws(() => decodeHello(reader(future)), /protocol version 3/)
  const peer = written((out) => {
    out.arrayHeader(4)
    out.int(protocolVersion)
    out.string('peer')
  })
  t.throws(() => decodeHello(reader(peer)), /role 'peer'/)
})

for (const { what, op, fields } of [
  { what: 'an unknown op', op: 999, fields: [] },
  { what: 'deleteContainer', op: 20, fields: ['/a'] },
  { what: 'a lone check', op: 13, fields: ['/a', 0] },
  { what: 'createSession', op: -10, fields: [4000] },
]) {
  t.test(`${what} is not decoded; its xid is kept`, async (t) => {
    const bytes = pack([5, op, ...fields])
    t.same(decodeRequest(reader(bytes)), { xid: 5, request: undefined })
  })
}

for (const { what, fields, code } of [
  { what: 'a watch mode', fields: [106, '/a', 2], code: 'MARSHALLINGERROR' },
  { what: 'a watcher type', fields: [18, '/a', 0], code: 'MARSHALLINGERROR' },
  { what: 'a watcher type to check', fields: [17, '/a', 6], code: 'MARSHALLINGERROR' },
  { what: 'a read in a multi', fields: [14, [[4, '/a']]], code: 'MARSHALLINGERROR' },
  { what: 'a write in a multiRead', fields: [22, [[2, '/a', 0]]], code: 'MARSHALLINGERROR' },
  { what: 'an unknown op in a multi', fields: [14, [[99]]], code: 'MARSHALLINGERROR' },
] as const) {
  t.test(`${what} that is unknown is refused, and the connection continues`, async (t) => {
    t.same(decodeRequest(reader(pack([5, ...fields]))), {
      xid: 5,
      request: { type: 'refused', code: errorCodes[code] },
    })
  })
}

t.test('an unknown create mode is left for prep to refuse', async (t) => {
  const bytes = pack([5, 14, [[1, '/a', null, 7, null, 0]]])
  t.match(decodeRequest(reader(bytes)).request, { ops: [{ mode: 'unknown' }] })
})

t.test('a null list is sent as an empty one: neither is valid', async (t) => {
  const request = { type: 'create', path, data, mode: 'persistent', acl: null } as const
  const bytes = written((out) => encodeRequest(out, 1, request))
  t.match(decodeRequest(reader(bytes)).request, { acl: [] })
})

t.test('write requests round trip between servers, createSession too', async (t) => {
  const sent: Request[] = [...requests, { type: 'createSession', timeoutMs: 4000 }]
  let writes = 0
  for (const request of sent.filter(isWrite)) {
    writes++
    const bytes = written((out) => encodeWriteRequest(out, request))
    t.same(decodeWriteRequest(reader(bytes)), request)
  }
  t.ok(writes > 10)
  for (const fields of [[4, '/a', false, false], [13, '/a', 0], [999], [2, '/a'], []]) {
    t.throws(() => decodeWriteRequest(reader(pack(fields))), ProtocolError)
  }
})

t.test('requests cut short, extended or changed give a ProtocolError', async (t) => {
  const seed = Math.floor(Math.random() * 1e9)
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  for (const request of requests) {
    const bytes = written((out) => encodeRequest(out, 1, request))
    for (let end = 0; end < bytes.length; end++) {
      t.throws(() => decodeRequest(reader(bytes.subarray(0, end))), ProtocolError)
    }
    t.throws(() => decodeRequest(reader(Buffer.concat([bytes, Buffer.of(0)]))), ProtocolError)
    for (let i = 0; i < 300; i++) {
      const changed = Buffer.from(bytes)
      changed[random.below(changed.length)] = random.below(256)
      try {
        decodeRequest(reader(changed))
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
      }
    }
  }
})
