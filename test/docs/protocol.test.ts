// docs/protocol.md says what the code does: its tables and its worked example are made here
// (generated.ts), and the numbers in its text are those of the code.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { pingXid } from '../../src/client/zk/call-queue.ts'
import { limits } from '../../src/limits.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { MsgpackReader, MsgpackWriter } from '../../src/protocol/msgpack.ts'
import {
  peerChallengeFields,
  peerHelloFields,
  peerVersions,
} from '../../src/protocol/peer/hello.ts'
import { peerMessages } from '../../src/protocol/peer/messages.ts'
import type { ServerId, SessionId, Stat } from '../../src/protocol/records.ts'
import {
  eventFields,
  helloFields,
  type ReplyBody,
  type Request,
  replies,
  requests,
  watcherTypes,
  welcomeFields,
} from '../../src/protocol/zk/messages.ts'
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
  eventXid,
  protocolVersion,
} from '../../src/protocol/zk/native.ts'
import { makeZxid, zxidZero } from '../../src/protocol/zxid.ts'
import {
  checkGenerated,
  exchangesTable,
  fieldsTable,
  messagesTable,
  rowsOf,
  typesTable,
} from './generated.ts'

const doc = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')

t.test('the watcher types are documented with their numbers', async (t) => {
  for (const [name, number] of Object.entries(watcherTypes)) {
    t.ok(doc.includes(`| \`${name}\` | ${number} |`), name)
  }
})

t.test('every error code is documented with its number', async (t) => {
  for (const [name, number] of Object.entries(errorCodes)) {
    if (name === 'APIERROR') continue // marks a range
    t.ok(doc.includes(`| ${number} | ${name} |`), name)
  }
})

t.test('the numbers in the text are those of the code', async (t) => {
  const said = [
    `at most ${limits.clientFrameBytesMax} bytes`,
    `The version is ${protocolVersion};`,
    `speaks first. The version is ${peerVersions.newest}`,
    `of up to ${limits.peerFrameBytesMax / 1024 / 1024} MiB`,
    `xid ${eventXid} `,
    `xid ${pingXid} `,
    `within ${limits.handshakeMs / 1000} seconds`,
    `${limits.connectionOutstandingMax} requests`,
  ]
  for (const text of said) t.ok(doc.includes(text), text)
})

const first = makeZxid({ epoch: 1, counter: 1 })
const second = makeZxid({ epoch: 1, counter: 2 })
const password = Uint8Array.from({ length: 16 }, (_, i) => i)
const stat: Stat = {
  czxid: second,
  mzxid: second,
  ctime: 1_700_000_000_000,
  mtime: 1_700_000_000_000,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0 as SessionId,
  dataLength: 1,
  numChildren: 0,
  pzxid: second,
}
const hello = {
  ensembleId: undefined,
  lastZxidSeen: zxidZero,
  timeoutMs: 10_000,
  sessionId: 0 as SessionId,
  password: new Uint8Array(0),
  readOnly: false,
}
const welcome = {
  ensembleId: 'e7',
  timeoutMs: 10_000,
  sessionId: first as number as SessionId,
  password,
  serverId: 3 as ServerId,
  readOnly: false,
}
const exists: Request = { type: 'exists', path: '/a', watch: true, linearizable: false }
const create: Request = { type: 'create', path: '/a', data: Buffer.from('x'), mode: 'persistent' }
const created: ReplyBody = { type: 'create', path: '/a', stat }
const absent: ReplyBody = { type: 'error', code: errorCodes.NONODE }
const event = { type: 'NodeCreated', path: '/a', zxid: second } as const

const steps: { from: 'client' | 'server'; says: string; write: (out: MsgpackWriter) => void }[] = [
  {
    from: 'client',
    says: 'hello: version 2, no ensemble yet, nothing seen, 10 s, no session, no password',
    write: (out) => encodeHello(out, hello),
  },
  {
    from: 'server',
    says: 'welcome: ensemble e7, 10 s, session 0x100000001, its password, server 3',
    write: (out) => encodeWelcome(out, welcome),
  },
  {
    from: 'client',
    says: 'request 1: exists /a, with a watch',
    write: (out) => encodeRequest(out, 1, exists),
  },
  {
    from: 'server',
    says: 'reply 1: at zxid 0x100000001, NONODE',
    write: (out) => encodeReply(out, 1, first, absent),
  },
  {
    from: 'client',
    says: 'request 2: create /a with the data "x", persistent',
    write: (out) => encodeRequest(out, 2, create),
  },
  {
    from: 'server',
    says: 'event: NodeCreated at /a by zxid 0x100000002',
    write: (out) => encodeEvent(out, event),
  },
  {
    from: 'server',
    says: 'reply 2: at zxid 0x100000002, created /a, and its Stat',
    write: (out) => encodeReply(out, 2, second, created),
  },
  {
    from: 'client',
    says: 'a ping, after a third of the time-out without a request',
    write: (out) => encodeRequest(out, pingXid, { type: 'ping' }),
  },
  {
    from: 'server',
    says: 'its reply',
    write: (out) => encodeReply(out, pingXid, second, { type: 'ping' }),
  },
  {
    from: 'client',
    says: 'request 3: closeSession',
    write: (out) => encodeRequest(out, 3, { type: 'closeSession' }),
  },
]

function frameOf(write: (out: MsgpackWriter) => void): Buffer {
  const out = new MsgpackWriter()
  out.beginFrame()
  write(out)
  out.endFrame()
  return Buffer.from(out.view())
}

/** Length and body, sixteen bytes a line. */
function hexLines(frame: Buffer): string {
  const bytes = [...frame].map((byte) => byte.toString(16).padStart(2, '0'))
  const lines = [bytes.slice(0, 4).join(' ')]
  for (let at = 4; at < bytes.length; at += 16) lines.push(bytes.slice(at, at + 16).join(' '))
  return lines.map((line) => `    ${line}`).join('\n')
}

function exampleLines(): string[] {
  return steps.flatMap(({ from, says, write }, i) => {
    const lines = [`${from} ▸ ${says}`, hexLines(frameOf(write))]
    return i === 0 ? lines : ['', ...lines]
  })
}

t.test('the tables and the example are made by the code', async (t) => {
  const clientFields = [
    helloFields,
    welcomeFields,
    eventFields,
    ...rowsOf(requests),
    ...rowsOf(replies),
  ]
  checkGenerated(t, 'protocol.md', {
    'types of clients': typesTable(...clientFields),
    hello: fieldsTable(helloFields),
    welcome: fieldsTable(welcomeFields),
    requests: exchangesTable('op', requests, replies),
    event: fieldsTable(eventFields),
    example: ['```text', ...exampleLines(), '```'],
    'peer hello': fieldsTable(peerHelloFields),
    'peer challenge': fieldsTable(peerChallengeFields),
    'peer messages': messagesTable('message', peerMessages),
    'types of servers': typesTable(peerHelloFields, ...rowsOf(peerMessages)),
  })
})

t.test('our own codec reads the example back', async (t) => {
  const bodyOf = (index: number): MsgpackReader => {
    const step = steps[index]
    if (step === undefined) throw new RangeError(`There is no step ${index}`)
    const frame = frameOf(step.write)
    return new MsgpackReader().reset(frame, 4, frame.length)
  }
  t.same(decodeHello(bodyOf(0)), hello)
  t.match(decodeWelcome(bodyOf(1)), { ...welcome, password: Buffer.from(password) })
  t.match(decodeRequest(bodyOf(2)), { xid: 1, request: exists })
  const reader = bodyOf(6)
  const reply = decodeServerMessage(reader)
  if (reply.type !== 'reply') throw new RangeError('Step 6 is a reply')
  t.same(decodeReplyBody(reader, 'create', reply.fieldCount), created)
  t.match(decodeServerMessage(bodyOf(5)), { type: 'event', event })
})
