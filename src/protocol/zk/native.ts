// Our own dialect of the client protocol: each message is one msgpack array in a frame.
//
//   hello    [version, "client", ...fields]
//   welcome  [version, ...fields]
//   request  [xid, op, ...fields]
//   reply    [xid, zxid, err, ...fields]           no fields when err is not 0, except for a multi
//   event    [-1, zxid, type, path]
//
// The fields are those of messages.ts. Hot messages have their own codecs (by-hand.ts); msgpackr
// packs all others by the tables. docs/protocol.md lists the fields.
// Next on the path: daemon/connection/connection.ts.

import { invariant } from '../../invariant.ts'
import { type ErrorNumber, errorCodes, ProtocolError } from '../error-codes.ts'
import { type MessageOf, packFields, UnknownCodeError, unpackFields } from '../fields.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import { readPlains, writePlains } from '../plain.ts'
import type { Zxid } from '../zxid.ts'
import {
  decodeCreate,
  decodeCreated,
  decodeData,
  decodeRead,
  decodeSetData,
  decodeStat,
  encodeCreate,
  encodeCreated,
  encodeData,
  encodeListing,
  encodeListingPage,
  encodeRead,
  encodeReadResults,
  encodeSetData,
  encodeStat,
  readZxid,
} from './by-hand.ts'
import {
  eventFields,
  type Hello,
  helloFields,
  type ReplyBody,
  type Request,
  replies,
  requests,
  type ServedReply,
  type WatchEvent,
  type Welcome,
  type WriteRequest,
  welcomeFields,
  writeRequests,
} from './messages.ts'

/** Since 2, errors are packed shorter, and a value outside a field's bounds ends the connection. */
export const protocolVersion = 2

const clientRole = 'client'
/** The xid of a watch event, the only server message that is not an answer. */
export const eventXid = -1

// --- hello and welcome ---------------------------------------------------------------------------

export function encodeHello(out: MsgpackWriter, hello: Hello): void {
  const fields = packFields(helloFields, hello)
  out.arrayHeader(2 + fields.length)
  out.int(protocolVersion)
  out.string(clientRole)
  writePlains(out, fields)
}

/** @throws ProtocolError also for another version or another role */
export function decodeHello(reader: MsgpackReader): Hello {
  const count = reader.arrayHeader()
  expectVersion(reader)
  const role = reader.string()
  if (role !== clientRole) {
    throw new ProtocolError(`Cannot serve the role '${role}' on the client port`)
  }
  return unpackFields('hello', helloFields, readPlains(reader, count - 2))
}

export function encodeWelcome(out: MsgpackWriter, welcome: Welcome): void {
  const fields = packFields(welcomeFields, welcome)
  out.arrayHeader(1 + fields.length)
  out.int(protocolVersion)
  writePlains(out, fields)
}

export function decodeWelcome(reader: MsgpackReader): Welcome {
  const count = reader.arrayHeader()
  expectVersion(reader)
  return unpackFields('welcome', welcomeFields, readPlains(reader, count - 1))
}

function expectVersion(reader: MsgpackReader): void {
  const version = reader.natural('the protocol version')
  if (version === protocolVersion) return
  const found = `this side speaks ${protocolVersion}`
  throw new ProtocolError(`Cannot talk protocol version ${version}: ${found}`)
}

// --- requests ------------------------------------------------------------------------------------

export function encodeRequest(out: MsgpackWriter, xid: number, request: Request): void {
  const { type } = request
  invariant(type !== 'refused' && type !== 'createSession', 'a client sends what clients may ask')
  out.arrayHeader(2 + requests.fieldCount(type))
  out.int(xid)
  out.int(requests.code(type))
  switch (type) {
    case 'create':
      return encodeCreate(out, request)
    case 'setData':
      return encodeSetData(out, request)
    case 'exists':
    case 'getData':
      return encodeRead(out, request)
    default:
      writePlains(out, requests.pack(request))
  }
}

/** `request` undefined: the op is unknown; it is answered UNIMPLEMENTED, then closed. */
export interface DecodedRequest {
  readonly xid: number
  readonly request: Request | undefined
}

const refused = { type: 'refused', code: errorCodes.MARSHALLINGERROR } as const

/**
 * A client's request. Bytes in it are views of the frame. A well-framed request with an unknown
 * code, such as a watch mode, becomes `refused`, which is answered in its turn.
 */
export function decodeRequest(reader: MsgpackReader): DecodedRequest {
  const count = reader.arrayHeader() - 2
  if (count < 0) throw new ProtocolError('Cannot decode a request: xid or op is missing')
  const xid = reader.int()
  const type = requests.type(reader.int())
  if (type === undefined) return { xid, request: undefined }
  try {
    return { xid, request: decodeFields(reader, type, count) }
  } catch (error) {
    if (error instanceof UnknownCodeError) return { xid, request: refused }
    throw error
  }
}

function decodeFields(
  reader: MsgpackReader,
  type: MessageOf<typeof requests>['type'],
  count: number,
): Request {
  requests.expectCount(type, count)
  switch (type) {
    case 'create':
      return whole(reader, decodeCreate(reader))
    case 'setData':
      return whole(reader, decodeSetData(reader))
    case 'exists':
    case 'getData':
      return whole(reader, decodeRead(reader, type))
    default:
      return requests.unpack(type, readPlains(reader, count))
  }
}

/** A write request within a message between servers: `[op, ...fields]`. */
export function encodeWriteRequest(out: MsgpackWriter, request: WriteRequest): void {
  out.arrayHeader(1 + writeRequests.fieldCount(request.type))
  out.int(writeRequests.code(request.type))
  switch (request.type) {
    case 'create':
      return encodeCreate(out, request)
    case 'setData':
      return encodeSetData(out, request)
    default:
      writePlains(out, writeRequests.pack(request))
  }
}

/** Reads a write request to the end of a message. Bytes in it are views of the frame. */
export function decodeWriteRequest(reader: MsgpackReader): WriteRequest {
  const count = reader.arrayHeader() - 1
  const op = reader.int()
  const type = writeRequests.type(op)
  if (type === undefined) {
    throw new ProtocolError(`Cannot decode a request of another server: op ${op} is no write`)
  }
  writeRequests.expectCount(type, count)
  switch (type) {
    case 'create':
      return whole(reader, decodeCreate(reader))
    case 'setData':
      return whole(reader, decodeSetData(reader))
    default:
      return writeRequests.unpack(type, readPlains(reader, count))
  }
}

// --- replies and events --------------------------------------------------------------------------

export function encodeReply(out: MsgpackWriter, xid: number, at: Zxid, body: ServedReply): void {
  const type = replyTypeOf(body)
  const isError = type === 'error'
  out.arrayHeader(3 + (isError ? 0 : replies.fieldCount(type)))
  out.int(xid)
  out.int(at)
  out.int(body.type === 'error' ? body.code : errorCodes.OK)
  switch (body.type) {
    case 'error':
      return
    case 'create':
      return encodeCreated(out, body)
    case 'exists':
    case 'setData':
      return encodeStat(out, body.stat)
    case 'getData':
      return encodeData(out, body)
    case 'listing':
      return encodeListing(out, body)
    case 'listingPage':
      return encodeListingPage(out, body)
    case 'multiRead':
      return encodeReadResults(out, body.results)
    default:
      writePlains(out, replies.pack(body))
  }
}

/** Its type on the wire. */
function replyTypeOf({ type }: ServedReply): ReplyBody['type'] {
  if (type === 'listing') return 'getChildren'
  return type === 'listingPage' ? 'getChildrenPage' : type
}

export function encodeEvent(out: MsgpackWriter, event: WatchEvent): void {
  const fields = packFields(eventFields, event)
  out.arrayHeader(1 + fields.length)
  out.int(eventXid)
  writePlains(out, fields)
}

export type ServerMessage =
  | { readonly type: 'event'; readonly event: WatchEvent }
  | {
      readonly type: 'reply'
      readonly xid: number
      readonly zxid: Zxid
      readonly err: ErrorNumber
      /** fields that `decodeReplyBody` reads once the request that this answers is known */
      readonly fieldCount: number
    }

export function decodeServerMessage(reader: MsgpackReader): ServerMessage {
  const count = reader.arrayHeader()
  if (count < 3) throw new ProtocolError('Cannot decode a reply: its header is cut short')
  const xid = reader.int()
  if (xid === eventXid) {
    const event = unpackFields('event', eventFields, readPlains(reader, count - 1))
    return { type: 'event', event }
  }
  const zxid = readZxid(reader)
  return { type: 'reply', xid, zxid, err: reader.int() as ErrorNumber, fieldCount: count - 3 }
}

/** The fields of a successful reply to a request of this type. Bytes are copies. */
export function decodeReplyBody(
  reader: MsgpackReader,
  type: Request['type'],
  fieldCount: number,
): ReplyBody {
  if (type === 'createSession' || type === 'refused') {
    throw new ProtocolError(`Cannot decode a reply: ${type} has none`)
  }
  replies.expectCount(type, fieldCount)
  switch (type) {
    case 'create':
      return whole(reader, decodeCreated(reader))
    case 'exists':
    case 'setData':
      return whole(reader, { type, stat: decodeStat(reader) })
    case 'getData':
      return whole(reader, decodeData(reader))
    default:
      return replies.unpack(type, readPlains(reader, fieldCount))
  }
}

function whole<T>(reader: MsgpackReader, message: T): T {
  reader.expectEnd()
  return message
}
