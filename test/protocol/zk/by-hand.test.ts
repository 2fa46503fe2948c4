// The hand-written codecs agree with the tables: the same bytes for a message, the same message for
// bytes, and refusals of the same malformed bytes.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import type { MessageOf } from '../../../src/protocol/fields.ts'
import { MsgpackReader, MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import { readPlains, writePlains } from '../../../src/protocol/plain.ts'
import { replies, requests, writeRequests } from '../../../src/protocol/zk/messages.ts'
import {
  decodeReplyBody,
  decodeRequest,
  decodeServerMessage,
  decodeWriteRequest,
  encodeReply,
  encodeRequest,
  encodeWriteRequest,
} from '../../../src/protocol/zk/native.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { messagesOf } from '../field-arbitraries.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
t.comment(`SEED=${seed}`)
const options = { seed, numRuns: 200 }

const at = (2 ** 33 + 5) as Zxid

function written(write: (out: MsgpackWriter) => void): Buffer {
  const out = new MsgpackWriter()
  write(out)
  return Buffer.from(out.view())
}

const reader = (bytes: Buffer): MsgpackReader => new MsgpackReader().reset(bytes, 0, bytes.length)

/** The array of a message, without the first `skip` elements, its header. */
function fieldsOf(bytes: Buffer, skip: number): Parameters<typeof replies.unpack>[1] {
  const [array] = readPlains(reader(bytes), 1)
  if (!Array.isArray(array)) throw new ProtocolError('no array')
  return array.slice(skip)
}

/** @returns the result or a refusal */
function outcome(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    if (error instanceof ProtocolError) return 'refused'
    throw error
  }
}

/** Changes some bytes of a message, but not its first, which holds the number of fields. */
function changed(bytes: Buffer, changes: readonly (readonly [number, number])[]): Buffer {
  const copy = Buffer.from(bytes)
  for (const [where, byte] of changes) copy[1 + (where % (copy.length - 1))] = byte
  return copy
}

const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 })

/** Invalid UTF-8 is read as replacement characters, whose number may differ in msgpackr. */
function comparable(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/\uFFFD.*/su, '')
  return value
}

function assertSame(found: unknown, wanted: unknown): void {
  const plain = (value: unknown): string =>
    JSON.stringify(value, (_, inner: unknown) => comparable(inner)) ?? ''
  assert.equal(plain(found), plain(wanted))
}

for (const type of ['create', 'setData', 'exists', 'getData'] as const) {
  t.test(`${type}: codec and table agree on requests`, async () => {
    fc.assert(
      fc.property(messagesOf(requests, type), changes, (request, changes) => {
        const bytes = written((out) => encodeRequest(out, 70_000, request))
        const { code } = requests.rows[type]
        const byTable = [
          70_000,
          code,
          ...requests.pack<MessageOf<typeof requests>['type']>(request),
        ]
        assert.deepEqual(
          bytes,
          written((out) => writePlains(out, [byTable])),
        )
        assert.deepEqual(decodeRequest(reader(bytes)).request, request)

        const other = changed(bytes, changes)
        const decoded = outcome(() => decodeRequest(reader(other)).request)
        const [xid, op] = (outcome(() => fieldsOf(other, 0)) ?? []) as unknown[]
        if (!Number.isSafeInteger(xid) || op !== code) return // another header
        assertSame(
          decoded,
          outcome(() => requests.unpack(type, fieldsOf(other, 2))),
        )
      }),
      options,
    )
  })

  t.test(`${type}: codec and table agree on replies`, async () => {
    fc.assert(
      fc.property(messagesOf(replies, type), changes, (body, changes) => {
        const bytes = written((out) => encodeReply(out, 70_000, at, body))
        const byTable = [70_000, at, 0, ...replies.pack<MessageOf<typeof replies>['type']>(body)]
        assert.deepEqual(
          bytes,
          written((out) => writePlains(out, [byTable])),
        )
        assert.deepEqual(decodedBody(bytes), body)

        const other = changed(bytes, changes)
        const header = outcome(() => decodeServerMessage(reader(other)))
        if (header === 'refused' || (header as { type: string }).type === 'event') return
        assertSame(
          outcome(() => decodedBody(other)),
          outcome(() => replies.unpack(type, fieldsOf(other, 3))),
        )
      }),
      options,
    )
  })

  function decodedBody(bytes: Buffer): unknown {
    const rest = reader(bytes)
    const message = decodeServerMessage(rest)
    if (message.type !== 'reply') throw new Error('wanted a reply')
    return decodeReplyBody(rest, type, message.fieldCount)
  }
}

for (const type of ['create', 'setData'] as const) {
  t.test(`${type}: codec and table agree on requests between servers`, async () => {
    fc.assert(
      fc.property(messagesOf(writeRequests, type), (request) => {
        const bytes = written((out) => encodeWriteRequest(out, request))
        const fields = writeRequests.pack<MessageOf<typeof writeRequests>['type']>(request)
        const byTable = [writeRequests.code(type), ...fields]
        assert.deepEqual(
          bytes,
          written((out) => writePlains(out, [byTable])),
        )
        assert.deepEqual(decodeWriteRequest(reader(bytes)), request)
      }),
      options,
    )
  })
}

const types = Object.keys(requests.rows) as (keyof typeof requests.rows)[]
for (const type of types) {
  t.test(`${type}: requests and replies generated from the tables survive the wire`, async () => {
    fc.assert(
      fc.property(messagesOf(requests, type), messagesOf(replies, type), (request, body) => {
        const asked = written((out) => encodeRequest(out, -2, request))
        assert.deepEqual(decodeRequest(reader(asked)), { xid: -2, request })
        const answered = reader(written((out) => encodeReply(out, 1, at, body)))
        const message = decodeServerMessage(answered)
        if (message.type !== 'reply') throw new Error('wanted a reply')
        assert.deepEqual(decodeReplyBody(answered, type, message.fieldCount), body)
      }),
      { seed, numRuns: 50 },
    )
  })
}
