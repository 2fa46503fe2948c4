// What every dialect must do: say every message of zk/messages.ts, either way, in any pieces, and
// survive bytes that are none. Run by each dialect's test.

import t, { type Test } from 'tap'
import type { ClientCodec, Dialect, ServerCodec } from '../../src/protocol/dialect.ts'
import { errorCodes, ProtocolError } from '../../src/protocol/error-codes.ts'
import { FrameDecoder } from '../../src/protocol/frame.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack.ts'
import { NameRun } from '../../src/protocol/name-run.ts'
import { perms, type ServerId, type SessionId, type Stat } from '../../src/protocol/records.ts'
import type {
  CreateMode,
  Hello,
  ReplyBody,
  Request,
  ServedReply,
  WatchEvent,
  Welcome,
} from '../../src/protocol/zk/messages.ts'
import { createModes, eventTypes } from '../../src/protocol/zk/messages.ts'
import type { Zxid } from '../../src/protocol/zxid.ts'
import { Random } from '../../src/random.ts'

const path = '/a/é/日本'
const data = new Uint8Array(Buffer.from('données'))
const acl = [
  { perms: perms.read, scheme: 'world', id: 'anyone' },
  { perms: perms.all, scheme: 'digest', id: 'user:4+Wzi9ZxMK2uS3PfbTbIWJ4bXkE=' },
]

export const stat: Stat = {
  czxid: 4294967297 as Zxid,
  mzxid: (2 ** 53 - 1) as Zxid,
  ctime: 1_700_000_000_000,
  mtime: 1_700_000_000_001,
  version: -(2 ** 31),
  cversion: 5,
  aversion: 2 ** 31 - 1,
  ephemeralOwner: 4294967296 as SessionId,
  dataLength: 3,
  numChildren: 1,
  pzxid: 4294967299 as Zxid,
}

function create(mode: CreateMode): Extract<Request, { type: 'create' }> {
  const ttlMs = mode.endsWith('Ttl') ? { ttlMs: 2 ** 40 - 1 } : {}
  return { type: 'create', path, data, mode, acl, ...ttlMs }
}

/** Each with what it may be answered with, beside an error. */
const conversations: readonly (readonly [Request, ReplyBody])[] = [
  ...(Object.keys(createModes) as CreateMode[]).map(
    (mode) => [create(mode), { type: 'create', path: `${path}1`, stat }] as const,
  ),
  [
    { type: 'create', path, data: null, mode: 'persistent' },
    { type: 'create', path, stat },
  ],
  [
    { type: 'create', path, data, mode: 'persistent', acl: [] },
    { type: 'create', path, stat },
  ],
  [
    { type: 'create', path, data, mode: 'persistent', acl: null },
    { type: 'create', path, stat },
  ],
  [{ type: 'delete', path, version: -1 }, { type: 'delete' }],
  [
    { type: 'setData', path, data, version: 3 },
    { type: 'setData', stat },
  ],
  [
    { type: 'setData', path, data: null, version: 2 ** 31 - 1 },
    { type: 'setData', stat },
  ],
  [
    { type: 'setACL', path, acl, version: -1 },
    { type: 'setACL', stat },
  ],
  [
    { type: 'setACL', path, acl: null, version: 0 },
    { type: 'setACL', stat },
  ],
  [
    { type: 'getACL', path },
    { type: 'getACL', acl, stat },
  ],
  [
    { type: 'exists', path, watch: true },
    { type: 'exists', stat },
  ],
  [
    { type: 'getData', path, watch: false },
    { type: 'getData', data, stat },
  ],
  [
    { type: 'getData', path: '', watch: true },
    { type: 'getData', data: null, stat },
  ],
  [
    { type: 'getData', path, watch: true },
    { type: 'getData', data: new Uint8Array(0), stat },
  ],
  [
    { type: 'getChildren', path, watch: true },
    { type: 'getChildren', children: ['a', 'é'], stat },
  ],
  [
    { type: 'getChildren', path, watch: false },
    { type: 'getChildren', children: [], stat },
  ],
  [
    { type: 'getEphemerals', prefix: '/a' },
    { type: 'getEphemerals', paths: ['/a/b', '/ab'] },
  ],
  [
    { type: 'getAllChildrenNumber', path },
    { type: 'getAllChildrenNumber', count: 100_000 },
  ],
  [{ type: 'whoAmI' }, { type: 'whoAmI', identities: [{ scheme: 'ip', id: '::1' }] }],
  [{ type: 'sync', path }, { type: 'sync' }],
  [{ type: 'ping' }, { type: 'ping' }],
  [{ type: 'auth', scheme: 'digest', credential: data }, { type: 'auth' }],
  [
    { type: 'sasl', token: data },
    { type: 'sasl', token: null },
  ],
  [{ type: 'addWatch', path, mode: 'persistent' }, { type: 'addWatch' }],
  [{ type: 'addWatch', path, mode: 'persistentRecursive' }, { type: 'addWatch' }],
  [{ type: 'checkWatches', path, watcherType: 'data' }, { type: 'checkWatches' }],
  [{ type: 'removeWatches', path, watcherType: 'any' }, { type: 'removeWatches' }],
  [setWatches(['/d'], ['/e', '/f']), { type: 'setWatches' }],
  [setWatches([], []), { type: 'setWatches' }],
  [
    { type: 'multi', ops: [] },
    { type: 'multi', results: [] },
  ],
  [
    {
      type: 'multi',
      ops: [
        create('ephemeralSequential'),
        create('container'),
        create('persistentTtl'),
        { type: 'check', path, version: 2 },
        { type: 'setData', path, data: null, version: -1 },
        { type: 'delete', path, version: 0 },
      ],
    },
    {
      type: 'multi',
      results: [
        { type: 'create', path, stat },
        { type: 'create', path, stat },
        { type: 'create', path, stat },
        { type: 'check' },
        { type: 'setData', stat },
        { type: 'delete' },
      ],
    },
  ],
  [
    {
      type: 'multi',
      ops: [
        { type: 'delete', path, version: 0 },
        { type: 'check', path, version: 0 },
      ],
    },
    {
      type: 'multi',
      results: [
        { type: 'error', code: errorCodes.OK },
        { type: 'error', code: errorCodes.NONODE },
      ],
    },
  ],
  [
    {
      type: 'multiRead',
      ops: [
        { type: 'getData', path },
        { type: 'getChildren', path },
        { type: 'getData', path },
      ],
    },
    {
      type: 'multiRead',
      results: [
        { type: 'getData', data, stat },
        { type: 'getChildren', children: ['a'], stat },
        { type: 'error', code: errorCodes.NOAUTH },
      ],
    },
  ],
  [{ type: 'closeSession' }, { type: 'closeSession' }],
]

function setWatches(persistent: string[], persistentRecursive: string[]): Request {
  const relativeZxid = (2 ** 40) as Zxid
  const standard = { data: ['/a'], exist: ['/b', '/c'], child: [] }
  return { type: 'setWatches', relativeZxid, ...standard, persistent, persistentRecursive }
}

const hello: Hello = {
  ensembleId: undefined,
  lastZxidSeen: (2 ** 33 + 1) as Zxid,
  timeoutMs: 30_000,
  sessionId: 4294967297 as SessionId,
  password: new Uint8Array(16).fill(7),
  readOnly: true,
}

const welcome: Welcome = {
  ensembleId: 'e',
  timeoutMs: 4000,
  sessionId: 4294967297 as SessionId,
  password: new Uint8Array(16).fill(9),
  serverId: 3 as ServerId,
  readOnly: false,
}

export interface Lossy {
  /** What of each arrives; all of it if absent. */
  readonly request?: (request: Request) => Request
  readonly hello?: (hello: Hello) => Hello
  readonly welcome?: (welcome: Welcome) => Welcome
  readonly body?: (body: ReplyBody) => ReplyBody
}

/** One frame of a message. */
export function frame(encode: (out: MsgpackWriter) => void): Buffer {
  const out = new MsgpackWriter(8)
  out.beginFrame()
  encode(out)
  out.endFrame()
  return Buffer.from(out.view())
}

/** Frames of a whole session. */
export function sessionFrames(codec: ClientCodec): Buffer[] {
  return [
    frame((out) => codec.encodeHello(out, hello)),
    ...conversations.map(([request], i) =>
      frame((out) => codec.encodeRequest(out, i + 1, request)),
    ),
  ]
}

export function testDialect(name: string, dialect: Dialect, lossy: Lossy = {}): void {
  const { hello: heard = same, welcome: welcomed = same, body: read = same } = lossy
  const { request: wanted = same } = lossy

  t.test(`${name}: the hello begins as a hello of this dialect`, async (t) => {
    const bytes = frame((out) => dialect.clientCodec().encodeHello(out, hello))
    t.equal(dialect.begins(bytes[4] ?? -1), true)
    t.equal(dialect.begins(0x16), false, 'TLS')
    t.equal(dialect.begins('G'.charCodeAt(0)), false, 'HTTP')
  })

  t.test(`${name}: a hello and a welcome arrive`, async (t) => {
    const client = dialect.clientCodec()
    const server = dialect.serverCodec()
    for (const readOnly of [true, false]) {
      const said = { ...hello, readOnly }
      const bytes = frame((out) => client.encodeHello(out, said))
      t.strictSame(plain(server.decodeHello(bytes, 4, bytes.length)), plain(heard(said)))
      const answer = { ...welcome, readOnly }
      const reply = frame((out) => server.encodeWelcome(out, answer))
      t.strictSame(plain(client.decodeWelcome(reply, 4, reply.length)), plain(welcomed(answer)))
    }
  })

  t.test(`${name}: every request arrives, and its answer`, async (t) => {
    const client = dialect.clientCodec()
    const server = dialect.serverCodec()
    for (const [i, [request, body]] of conversations.entries()) {
      const xid = i % 2 === 0 ? i : -10 - i
      const asked = frame((out) => client.encodeRequest(out, xid, request))
      const decoded = server.decodeRequest(asked, 4, asked.length)
      t.equal(server.xid, xid)
      t.strictSame(plain(decoded), plain(wanted(request)), request.type)
      const zxid = (2 ** 34 + i) as Zxid
      const replied = frame((out) => server.encodeReply(out, xid, zxid, body))
      const message = client.decodeMessage(replied, 4, replied.length)
      t.match(message, { type: 'reply', xid, err: errorCodes.OK })
      t.strictSame(plain(client.decodeBody(request.type)), plain(read(body)), request.type)
      if (message.type === 'reply' && request.type !== 'auth') t.equal(message.zxid, zxid)
    }
  })

  t.test(`${name}: many requests, then their answers in the same order`, async (t) => {
    const client = dialect.clientCodec()
    const server = dialect.serverCodec()
    for (let round = 0; round < 3; round++) {
      for (const [request] of conversations) {
        const asked = frame((out) => client.encodeRequest(out, 1, request))
        server.decodeRequest(asked, 4, asked.length)
      }
      for (const [i, [request, body]] of conversations.entries()) {
        const failed = (i + round) % 3 === 0
        const error: ReplyBody = { type: 'error', code: errorCodes.BADVERSION }
        const bytes = frame((out) => server.encodeReply(out, 1, 1 as Zxid, failed ? error : body))
        const message = client.decodeMessage(bytes, 4, bytes.length)
        if (failed) t.match(message, { type: 'reply', err: errorCodes.BADVERSION })
        else t.strictSame(plain(client.decodeBody(request.type)), plain(read(body)), request.type)
      }
    }
  })

  t.test(`${name}: a listing has the bytes of a getChildren`, async (t) => {
    const children = ['a', 'é', 'x'.repeat(300)]
    const runs = [children.slice(0, 2), [], children.slice(2)].map((names) => {
      const run = new NameRun()
      for (const one of names) run.add(one)
      return run
    })
    const names = { count: children.length, bytes: 0, runs }
    const error = { type: 'error', code: errorCodes.NOAUTH } as const
    const forms: readonly (readonly [Request, ReplyBody, ServedReply])[] = [
      [
        { type: 'getChildren', path, watch: true },
        { type: 'getChildren', children, stat },
        { type: 'listing', names, stat },
      ],
      [
        { type: 'multiRead', ops: [{ type: 'getChildren', path }] },
        { type: 'multiRead', results: [{ type: 'getChildren', children, stat }, error] },
        { type: 'multiRead', results: [{ type: 'listing', names, stat }, error] },
      ],
    ]
    for (const [request, body, listed] of forms) {
      const asked = frame((out) => dialect.clientCodec().encodeRequest(out, 1, request))
      const [whole, inserted] = [body, listed].map((reply) => {
        const server = dialect.serverCodec()
        server.decodeRequest(asked, 4, asked.length)
        return frame((out) => server.encodeReply(out, 1, 1 as Zxid, reply)).toString('hex')
      })
      t.equal(inserted, whole, request.type)
    }
  })

  t.test(`${name}: data of a reply is a copy`, async (t) => {
    const { client, reply } = answered(dialect)
    client.decodeMessage(reply, 4, reply.length)
    const body = client.decodeBody('getData')
    reply.fill(0)
    t.strictSame(plain(body), plain({ type: 'getData', data, stat }))
  })

  t.test(`${name}: events arrive`, async (t) => {
    const client = dialect.clientCodec()
    const server = dialect.serverCodec()
    for (const type of Object.keys(eventTypes) as WatchEvent['type'][]) {
      for (const zxid of [0 as Zxid, (2 ** 33) as Zxid]) {
        const event: WatchEvent = { type, path, zxid }
        const bytes = frame((out) => server.encodeEvent(out, event))
        t.strictSame(client.decodeMessage(bytes, 4, bytes.length), { type: 'event', event })
      }
    }
  })

  t.test(`${name}: any pieces of the stream give the same requests`, async (t) => {
    const random = seeded(t)
    const frames = sessionFrames(dialect.clientCodec())
    const stream = Buffer.concat(frames)
    const whole = decodedIn(dialect, [stream])
    t.equal(whole.length, frames.length)
    const sizes = [() => 1, () => 5, () => 1 + random.below(90)]
    for (const size of sizes) {
      const pieces: Buffer[] = []
      for (let at = 0; at < stream.length; at += pieces.at(-1)?.length ?? 1) {
        pieces.push(stream.subarray(at, at + size()))
      }
      t.strictSame(decodedIn(dialect, pieces), whole)
    }
  })

  t.test(`${name}: bytes cut short or changed are a ProtocolError at most`, async (t) => {
    const random = seeded(t)
    const client = dialect.clientCodec()
    let refused = 0
    const survive = (decode: () => unknown) => {
      try {
        const decoded = decode()
        if (decoded === undefined || (decoded as Request).type === 'refused') refused++
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        refused++
      }
    }
    for (const [request, body] of conversations) {
      const server = dialect.serverCodec()
      const asked = frame((out) => client.encodeRequest(out, 1, request))
      server.decodeRequest(asked, 4, asked.length)
      const reply = frame((out) => server.encodeReply(out, 1, 1 as Zxid, body))
      for (const bytes of [asked, reply]) {
        const decode = (changed: Buffer) => {
          if (bytes === asked) return server.decodeRequest(changed, 4, changed.length)
          client.decodeMessage(changed, 4, changed.length)
          return client.decodeBody(request.type)
        }
        for (let end = 4; end < bytes.length; end++) survive(() => decode(bytes.subarray(0, end)))
        for (let i = 0; i < 200; i++) {
          const changed = Buffer.from(bytes)
          changed[4 + random.below(changed.length - 4)] = random.below(256)
          survive(() => decode(changed))
        }
      }
    }
    t.ok(refused > 1000, `${refused} were refused`)
  })
}

function answered(dialect: Dialect): { client: ClientCodec; reply: Buffer } {
  const client = dialect.clientCodec()
  const server = dialect.serverCodec()
  const request: Request = { type: 'getData', path, watch: false }
  const asked = frame((out) => client.encodeRequest(out, 1, request))
  server.decodeRequest(asked, 4, asked.length)
  const body: ReplyBody = { type: 'getData', data, stat }
  return { client, reply: frame((out) => server.encodeReply(out, 1, 1 as Zxid, body)) }
}

function decodedIn(dialect: Dialect, pieces: readonly Buffer[]): unknown[] {
  const codec: ServerCodec = dialect.serverCodec()
  const decoded: unknown[] = []
  const decoder = new FrameDecoder(1e6, (buffer, start, end) => {
    if (decoded.length === 0) decoded.push(plain(codec.decodeHello(buffer, start, end)))
    else decoded.push([plain(codec.decodeRequest(buffer, start, end)), codec.xid])
  })
  for (const piece of pieces) decoder.push(Buffer.from(piece))
  return decoded
}

function seeded(t: Test): Random {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32))
  t.comment(`SEED=${seed}`)
  return new Random(seed)
}

function same<T>(value: T): T {
  return value
}

/** Bytes as hex, keys in order, without those that may as well be absent: what codecs agree on. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const absent = { ttlMs: 0, linearizable: false } as Record<string, unknown>
  const entries = Object.entries(value).filter(
    ([key, part]) => part !== undefined && part !== absent[key],
  )
  return Object.fromEntries(entries.map(([key, part]) => [key, plain(part)] as const).sort())
}
