// Which messages justify a handwritten codec: the cost of encoding and decoding each candidate by
// hand, and from its table by msgpackr.

import type { MessageOf } from '../src/protocol/fields.ts'
import type { MsgpackReader, MsgpackWriter } from '../src/protocol/msgpack.ts'
import { decodePeerMessage, encodePeerMessage } from '../src/protocol/peer/codec.ts'
import { IdentitiesCodec } from '../src/protocol/peer/identities.ts'
import { type PeerMessage, peerMessages } from '../src/protocol/peer/messages.ts'
import { readPlains, writePlains } from '../src/protocol/plain.ts'
import { noSession, type SessionId, type Stat } from '../src/protocol/records.ts'
import { replies, requests } from '../src/protocol/zk/messages.ts'
import {
  decodeReplyBody,
  decodeRequest,
  decodeServerMessage,
  encodeReply,
  encodeRequest,
} from '../src/protocol/zk/native.ts'
import { makeZxid } from '../src/protocol/zxid.ts'

export interface Codec {
  readonly encode: (out: MsgpackWriter) => void
  /** of what `encode` wrote */
  readonly decode: (reader: MsgpackReader) => unknown
}

/** One message, 100 bytes of data. */
export interface Candidate {
  readonly name: string
  readonly hand: Codec
  readonly table: Codec
}

const path = '/bench/k0042'
const data = new Uint8Array(100).fill(120)
const zxid = makeZxid({ epoch: 3, counter: 123_456 })
const xid = 70_000
const timeMs = 1_800_000_000_000

const stat: Stat = {
  czxid: zxid,
  mzxid: zxid,
  ctime: timeMs,
  mtime: timeMs,
  version: 7,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: noSession,
  dataLength: data.length,
  numChildren: 0,
  pzxid: zxid,
}

export function candidates(): Candidate[] {
  return [
    request({ type: 'create', path, data, mode: 'persistent', ttlMs: 0 }),
    request({ type: 'setData', path, data, version: -1 }),
    request({ type: 'getData', path, watch: false }),
    request({ type: 'exists', path, watch: false }),
    reply({ type: 'create', path, stat }),
    reply({ type: 'setData', stat }),
    reply({ type: 'getData', data, stat }),
    reply({ type: 'exists', stat }),
    ...peers(),
  ]
}

type Asked = MessageOf<typeof requests, 'create' | 'setData' | 'getData' | 'exists'>

function request(request: Asked): Candidate {
  const { type } = request
  return {
    name: `${type} request`,
    hand: {
      encode: (out) => encodeRequest(out, xid, request),
      decode: (reader) => decodeRequest(reader),
    },
    table: {
      encode: (out) => {
        header(out, 2 + requests.fieldCount(type), [xid, requests.code(type)])
        writePlains(out, requests.pack<Asked['type']>(request))
      },
      decode: (reader) => requests.unpack(type, readPlains(reader, skipHeader(reader, 2))),
    },
  }
}

type Answered = MessageOf<typeof replies, 'create' | 'setData' | 'getData' | 'exists'>

function reply(body: Answered): Candidate {
  const { type } = body
  return {
    name: `${type} reply`,
    hand: {
      encode: (out) => encodeReply(out, xid, zxid, body),
      decode: (reader) => {
        const message = decodeServerMessage(reader)
        if (message.type === 'reply') decodeReplyBody(reader, type, message.fieldCount)
      },
    },
    table: {
      encode: (out) => {
        header(out, 3 + replies.fieldCount(type), [xid, zxid, 0])
        writePlains(out, replies.pack<Answered['type']>(body))
      },
      decode: (reader) => replies.unpack(type, readPlains(reader, skipHeader(reader, 3))),
    },
  }
}

function peers(): Candidate[] {
  const identities = [{ scheme: 'ip', id: '127.0.0.1' }]
  const session = zxid as number as SessionId
  const set = { type: 'setData', path, data, version: -1 } as const
  const payload = Buffer.alloc(4 + 150, 1)
  payload.writeUInt32BE(150)
  const batch = Buffer.concat(Array.from({ length: 20 }, () => payload))
  const messages: [string, PeerMessage][] = [
    ['REQUEST of a set', { type: 'REQUEST', seq: 9, session, identities, request: set }],
    ['PROPOSAL of 1', { type: 'PROPOSAL', entries: { first: zxid, count: 1, bytes: payload } }],
    ['PROPOSAL of 20', { type: 'PROPOSAL', entries: { first: zxid, count: 20, bytes: batch } }],
    ['ACK', { type: 'ACK', zxid }],
    ['COMMIT', { type: 'COMMIT', zxid }],
  ]
  return messages.map(([name, message]) => peer(name, message))
}

function peer(name: string, message: PeerMessage): Candidate {
  const { type } = message
  const [ours, theirs] = [new IdentitiesCodec(), new IdentitiesCodec()]
  return {
    name,
    hand: {
      encode: (out) => encodePeerMessage(out, message, ours),
      decode: (reader) => decodePeerMessage(reader, theirs),
    },
    table: {
      encode: (out) => {
        header(out, 1 + peerMessages.fieldCount(type), [peerMessages.code(type)])
        writePlains(out, peerMessages.pack<PeerMessage['type']>(message))
      },
      decode: (reader) => peerMessages.unpack(type, readPlains(reader, skipHeader(reader, 1))),
    },
  }
}

function header(out: MsgpackWriter, count: number, ints: readonly number[]): void {
  out.arrayHeader(count)
  for (const int of ints) out.int(int)
}

/** @returns how many fields follow */
function skipHeader(reader: MsgpackReader, ints: number): number {
  const count = reader.arrayHeader()
  for (let i = 0; i < ints; i++) reader.int()
  return count - ints
}
