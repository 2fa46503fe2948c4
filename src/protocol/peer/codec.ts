// Messages between servers as bytes: `[kind, ...fields]`. msgpackr packs them by their table,
// except those that every write of a client needs: REQUEST, PROPOSAL, ACK, COMMIT and INFORM are
// written and read field by field (`npm run bench -- micro` measures both; test/protocol/peer/codec.test.ts
// compares the bytes).
// Next on the path: daemon/ensemble/peer-link.ts.

import { ProtocolError } from '../error-codes.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import { readPlains, writePlains } from '../plain.ts'
import type { SessionId } from '../records.ts'
import { readZxid } from '../zk/by-hand.ts'
import { decodeWriteRequest, encodeWriteRequest } from '../zk/native.ts'
import { type Entries, isWhole } from './entries.ts'
import type { IdentitiesCodec } from './identities.ts'
import { type PeerMessage, peerMessages } from './messages.ts'

export function encodePeerMessage(
  out: MsgpackWriter,
  message: PeerMessage,
  identities: IdentitiesCodec,
): void {
  out.arrayHeader(1 + peerMessages.fieldCount(message.type))
  out.int(peerMessages.code(message.type))
  switch (message.type) {
    case 'PROPOSAL':
    case 'INFORM':
      out.arrayHeader(3)
      out.int(message.entries.first)
      out.int(message.entries.count)
      out.bytes(message.entries.bytes)
      return
    case 'ACK':
    case 'COMMIT':
      out.int(message.zxid)
      return
    case 'REQUEST':
      out.int(message.seq)
      out.int(message.session)
      identities.encode(out, message.identities)
      encodeWriteRequest(out, message.request)
      return
    default:
      writePlains(out, peerMessages.pack(message))
  }
}

/** Bytes in the message are views of the frame. */
export function decodePeerMessage(reader: MsgpackReader, identities: IdentitiesCodec): PeerMessage {
  const count = reader.arrayHeader() - 1
  const kind = reader.int()
  const type = peerMessages.type(kind)
  if (type === undefined) throw new ProtocolError(`Cannot decode a peer message of kind ${kind}`)
  peerMessages.expectCount(type, count)
  switch (type) {
    case 'PROPOSAL':
    case 'INFORM':
      return { type, entries: decodeEntries(reader) }
    case 'ACK':
    case 'COMMIT': {
      const zxid = readZxid(reader)
      reader.expectEnd()
      return { type, zxid }
    }
    case 'REQUEST': {
      const seq = reader.natural('seq')
      const session = reader.natural('session') as SessionId
      const ids = identities.decode(reader)
      return { type, seq, session, identities: ids, request: decodeWriteRequest(reader) }
    }
    default:
      return peerMessages.unpack(type, readPlains(reader, count))
  }
}

function decodeEntries(reader: MsgpackReader): Entries {
  const fieldCount = reader.arrayHeader()
  const first = readZxid(reader)
  const count = reader.natural('count')
  const bytes = reader.bytes()
  reader.expectEnd()
  if (fieldCount === 3 && bytes !== null && isWhole({ first, count, bytes })) {
    return { first, count, bytes }
  }
  throw new ProtocolError(`Cannot decode ${count} entries: their bytes do not match`)
}
