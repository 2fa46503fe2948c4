// docs/protocol.md says what the code does: its tables and its worked example are made here again
// and must be found there, letter by letter.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { pingXid } from '../../src/client/call-queue.ts'
import { limits } from '../../src/limits.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { MsgpackReader, MsgpackWriter } from '../../src/protocol/msgpack.ts'
import { peerProtocolVersion } from '../../src/protocol/peer/hello.ts'
import type { ServerId, SessionId, Stat } from '../../src/protocol/records.ts'
import {
  addWatchModes,
  createModes,
  eventTypes,
  ops,
  type ReplyBody,
  type Request,
  watcherTypes,
} from '../../src/protocol/zk/messages.ts'
import {
  decodeHello,
  decodeWelcome,
  encodeHello,
  encodeWelcome,
  protocolVersion,
} from '../../src/protocol/zk/native.ts'
import {
  decodeReplyBody,
  decodeServerMessage,
  encodeEvent,
  encodeReply,
  eventXid,
} from '../../src/protocol/zk/native-replies.ts'
import { decodeRequest, encodeRequest } from '../../src/protocol/zk/native-requests.ts'
import { makeZxid, zxidZero } from '../../src/protocol/zxid.ts'

const doc = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')

const tables = { ops, createModes, addWatchModes, watcherTypes, eventTypes }
for (const [table, entries] of Object.entries(tables)) {
  for (const [name, number] of Object.entries(entries)) {
    if (name === 'createSession') continue // between servers only
    t.test(`${table}: ${name} is documented as ${number}`, async (t) => {
      t.match(
        doc,
        new RegExp(`\`${name}\`[^|\\n]{0,3}\\| ?${number} |\\| ${number} \\| \`${name}\``),
      )
    })
  }
}

t.test('every error code is documented with its number', async (t) => {
  for (const [name, number] of Object.entries(errorCodes)) {
    if (name === 'APIERROR') continue // marks a range
    t.ok(doc.includes(`| ${number} | ${name} |`), name)
  }
})

t.test('the numbers in the text are those of the code', async (t) => {
  const said = [
    `at most ${limits.clientFrameBytesMax} bytes`,
    `version is ${protocolVersion}`,
    `speaks first. The version is ${peerProtocolVersion}`,
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
  version: protocolVersion,
  ensembleId: undefined,
  lastZxidSeen: zxidZero,
  timeoutMs: 10_000,
  sessionId: 0 as SessionId,
  password: new Uint8Array(0),
  readOnly: false,
}
const welcome = {
  version: protocolVersion,
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
    says: 'hello: version 1, no ensemble yet, nothing seen, 10 s, no session, no password',
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

t.test('the worked example is what our own codec writes', async (t) => {
  const example = steps
    .map(({ from, says, write }) => `${from} ▸ ${says}\n${hexLines(frameOf(write))}\n`)
    .join('\n')
  const found = /^```text example\n(?<text>[\s\S]*?)```$/m.exec(doc)?.groups?.['text']
  t.equal(found, example)
})

t.test('and our own codec reads it back', async (t) => {
  const bodyOf = (index: number): MsgpackReader => {
    const step = steps[index]
    if (step === undefined) throw new RangeError(`There is no step ${index}`)
    const frame = frameOf(step.write)
    return new MsgpackReader().reset(frame, 4, frame.length)
  }
  t.same(decodeHello(bodyOf(0)), hello)
  t.match(decodeWelcome(bodyOf(1)), { ...welcome, password: Buffer.from(password) })
  t.match(decodeRequest(bodyOf(2)), { xid: 1, request: exists })
  const reply = decodeServerMessage(bodyOf(6))
  if (reply.type !== 'reply') throw new RangeError('Step 6 is a reply')
  t.same(decodeReplyBody(reply.body, 'create'), created)
  t.match(decodeServerMessage(bodyOf(5)), { type: 'event', event })
})
