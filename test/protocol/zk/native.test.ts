import t from 'tap'
import { errorCodes, ProtocolError } from '../../../src/protocol/error-codes.ts'
import { MsgpackReader, MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import type { ServerId, SessionId, Stat } from '../../../src/protocol/records.ts'
import type { ReplyBody, Request } from '../../../src/protocol/zk/messages.ts'
import {
  decodeHello,
  decodeReplyBody,
  decodeRequest,
  decodeServerMessage,
  decodeWelcome,
  encodeEvent,
  encodeHello,
  encodeReply,
  encodeRequest,
  encodeWelcome,
  protocolVersion,
} from '../../../src/protocol/zk/native.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { Random } from '../../../src/random.ts'

function written(write: (out: MsgpackWriter) => void): Buffer {
  const out = new MsgpackWriter()
  write(out)
  return Buffer.from(out.view())
}

const reader = (bytes: Buffer): MsgpackReader => new MsgpackReader().reset(bytes, 0, bytes.length)

const data = Buffer.from('données')
const path = '/a/é'

const requests: Request[] = [
  { type: 'create', path, data, mode: 'persistent' },
  { type: 'create', path, data: null, mode: 'ephemeralSequential' },
  { type: 'delete', path, version: -1 },
  { type: 'setData', path, data, version: 3 },
  { type: 'exists', path, watch: true },
  { type: 'getData', path, watch: false },
  { type: 'getChildren', path, watch: true },
  { type: 'sync', path },
  { type: 'ping' },
  { type: 'closeSession' },
  { type: 'createSession', timeoutMs: 10_000 },
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
      { type: 'create', path, data, mode: 'ephemeral' },
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
    const message = decodeServerMessage(reader(bytes))
    if (message.type !== 'reply') throw new Error('wanted a reply')
    t.equal(message.xid, 7)
    t.equal(message.zxid, 2 ** 33)
    t.equal(message.err, 0)
    t.same(decodeReplyBody(message.body, type), body)
  }
  const error: ReplyBody = { type: 'error', code: errorCodes.BADVERSION }
  const message = decodeServerMessage(
    reader(written((out) => encodeReply(out, 1, 5 as Zxid, error))),
  )
  t.match(message, { type: 'reply', err: errorCodes.BADVERSION })
  if (message.type === 'reply') t.ok(message.body.atEnd)
})

t.test('data of a reply is a copy, data of a request a view', async (t) => {
  const reply = written((out) => encodeReply(out, 1, 1 as Zxid, { type: 'getData', data, stat }))
  const message = decodeServerMessage(reader(reply))
  if (message.type !== 'reply') throw new Error('wanted a reply')
  const body = decodeReplyBody(message.body, 'getData')
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
    version: protocolVersion,
    ensembleId: undefined,
    lastZxidSeen: 12 as Zxid,
    timeoutMs: 4000,
    sessionId: 0 as SessionId,
    password: Uint8Array.of(1, 2),
  }
  t.same(decodeHello(reader(written((out) => encodeHello(out, hello)))), hello)
  const named = { ...hello, ensembleId: 'x' }
  t.same(decodeHello(reader(written((out) => encodeHello(out, named)))), named)
  const welcome = {
    version: protocolVersion,
    ensembleId: 'x',
    timeoutMs: 4000,
    sessionId: 4294967297 as SessionId,
    password: new Uint8Array(16),
    serverId: 3 as ServerId,
  }
  t.same(decodeWelcome(reader(written((out) => encodeWelcome(out, welcome)))), welcome)
})

t.test('a hello from the future or of another role is refused in clear words', async (t) => {
  const future = written((out) => {
    out.arrayHeader(3)
    out.int(protocolVersion + 1)
  })
  t.throws(() => decodeHello(reader(future)), /protocol version 2/)
  const peer = written((out) => {
    out.arrayHeader(4)
    out.int(protocolVersion)
    out.string('peer')
  })
  t.throws(() => decodeHello(reader(peer)), /role 'peer'/)
})

t.test('an unknown op keeps its xid; a lone check is none of ours', async (t) => {
  const unknown = written((out) => {
    out.arrayHeader(2)
    out.int(5)
    out.int(999)
  })
  t.same(decodeRequest(reader(unknown)), { xid: 5, request: undefined })
  const check = written((out) => {
    out.arrayHeader(4)
    out.int(6)
    out.int(13)
    out.string('/a')
    out.int(0)
  })
  t.same(decodeRequest(reader(check)), { xid: 6, request: undefined })
})

t.test('requests cut short, with bytes too many or changed give a ProtocolError', async (t) => {
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
