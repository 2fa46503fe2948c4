// Replies and events of our own dialect: `[xid, zxid, err, ...fields]` and `[-1, zxid, type, path]`. The
// results of a multi and of a multiRead are `[op, ...fields]`, or `[-1, code]` for an error.

import { type ErrorNumber, errorCodes, ProtocolError } from '../error-codes.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import type { Zxid } from '../zxid.ts'
import {
  eventTypes,
  type MultiResult,
  ops,
  type ReadResult,
  type ReplyBody,
  type Request,
  type WatchEvent,
} from './messages.ts'
import {
  copied,
  decodeAcl,
  decodeIds,
  decodeStat,
  encodeAcl,
  encodeIds,
  encodeStat,
  inverse,
  readZxid,
} from './native-records.ts'

/** The only xid that is no answer: a watch event. */
export const eventXid = -1

const opNames = inverse(ops)
const eventTypeNames = inverse(eventTypes)

/** One array: `[xid, zxid, err, ...fields]`. */
export function encodeReply(out: MsgpackWriter, xid: number, at: Zxid, body: ReplyBody): void {
  switch (body.type) {
    case 'error':
      replyHeader(out, xid, at, body.code, 0)
      return
    case 'create':
      replyHeader(out, xid, at, errorCodes.OK, 2)
      out.string(body.path)
      encodeStat(out, body.stat)
      return
    case 'exists':
    case 'setData':
    case 'setACL':
      replyHeader(out, xid, at, errorCodes.OK, 1)
      encodeStat(out, body.stat)
      return
    case 'getData':
      replyHeader(out, xid, at, errorCodes.OK, 2)
      out.bytes(body.data)
      encodeStat(out, body.stat)
      return
    case 'getChildren':
      replyHeader(out, xid, at, errorCodes.OK, 2)
      out.strings(body.children)
      encodeStat(out, body.stat)
      return
    case 'multi':
      replyHeader(out, xid, at, errorCodes.OK, 1)
      out.arrayHeader(body.results.length)
      for (const result of body.results) encodeMultiResult(out, result)
      return
    case 'multiRead':
      replyHeader(out, xid, at, errorCodes.OK, 1)
      out.arrayHeader(body.results.length)
      for (const result of body.results) encodeReadResult(out, result)
      return
    case 'getACL':
      replyHeader(out, xid, at, errorCodes.OK, 2)
      encodeAcl(out, body.acl)
      encodeStat(out, body.stat)
      return
    case 'getEphemerals':
      replyHeader(out, xid, at, errorCodes.OK, 1)
      out.strings(body.paths)
      return
    case 'getAllChildrenNumber':
      replyHeader(out, xid, at, errorCodes.OK, 1)
      out.int(body.count)
      return
    case 'whoAmI':
      replyHeader(out, xid, at, errorCodes.OK, 1)
      encodeIds(out, body.identities)
      return
    case 'delete':
    case 'sync':
    case 'ping':
    case 'auth':
    case 'addWatch':
    case 'checkWatches':
    case 'removeWatches':
    case 'setWatches':
    case 'closeSession':
      replyHeader(out, xid, at, errorCodes.OK, 0)
      return
  }
}

function replyHeader(out: MsgpackWriter, xid: number, at: Zxid, err: number, fields: number): void {
  out.arrayHeader(3 + fields)
  out.int(xid)
  out.int(at)
  out.int(err)
}

const errorResultOp = -1

function encodeMultiResult(out: MsgpackWriter, result: MultiResult): void {
  switch (result.type) {
    case 'create':
      out.arrayHeader(3)
      out.int(ops.create)
      out.string(result.path)
      encodeStat(out, result.stat)
      return
    case 'setData':
      out.arrayHeader(2)
      out.int(ops.setData)
      encodeStat(out, result.stat)
      return
    case 'delete':
    case 'check':
      out.arrayHeader(1)
      out.int(ops[result.type])
      return
    case 'error':
      out.arrayHeader(2)
      out.int(errorResultOp)
      out.int(result.code)
      return
  }
}

function decodeMultiResult(reader: MsgpackReader): MultiResult {
  reader.arrayHeader()
  const number = reader.int()
  if (number === errorResultOp) return { type: 'error', code: reader.int() as ErrorNumber }
  const name = opNames.get(number)
  switch (name) {
    case 'create':
      return { type: name, path: reader.string(), stat: decodeStat(reader) }
    case 'setData':
      return { type: name, stat: decodeStat(reader) }
    case 'delete':
    case 'check':
      return { type: name }
    default:
      throw new ProtocolError(`Cannot decode a multi result: op ${number} cannot be part of one`)
  }
}

function encodeReadResult(out: MsgpackWriter, result: ReadResult): void {
  switch (result.type) {
    case 'getData':
      out.arrayHeader(3)
      out.int(ops.getData)
      out.bytes(result.data)
      encodeStat(out, result.stat)
      return
    case 'getChildren':
      out.arrayHeader(3)
      out.int(ops.getChildren)
      out.strings(result.children)
      encodeStat(out, result.stat)
      return
    case 'error':
      out.arrayHeader(2)
      out.int(errorResultOp)
      out.int(result.code)
      return
  }
}

function decodeReadResult(reader: MsgpackReader): ReadResult {
  reader.arrayHeader()
  const number = reader.int()
  if (number === errorResultOp) return { type: 'error', code: reader.int() as ErrorNumber }
  const type = opNames.get(number)
  switch (type) {
    case 'getData':
      return { type, data: copied(reader.bytes()), stat: decodeStat(reader) }
    case 'getChildren':
      return { type, children: reader.strings(), stat: decodeStat(reader) }
    default:
      throw new ProtocolError(`Cannot decode a read's result: op ${number} cannot be part of one`)
  }
}

export type ServerMessage =
  | { readonly type: 'event'; readonly event: WatchEvent }
  | {
      readonly type: 'reply'
      readonly xid: number
      readonly zxid: Zxid
      readonly err: ErrorNumber
      /** reads the fields, once the caller knows which request this answers */
      readonly body: MsgpackReader
    }

/** Decodes what both have in common. A reply's fields are read by `decodeReplyBody`. */
export function decodeServerMessage(reader: MsgpackReader): ServerMessage {
  const count = reader.arrayHeader()
  if (count < 3) throw new ProtocolError('Cannot decode a reply: its header is cut short')
  const xid = reader.int()
  const at = readZxid(reader)
  const number = reader.int()
  if (xid !== eventXid) {
    return { type: 'reply', xid, zxid: at, err: number as ErrorNumber, body: reader }
  }
  const type = eventTypeNames.get(number)
  if (type === undefined) throw new ProtocolError(`Cannot decode an event of type ${number}`)
  const path = reader.string()
  reader.expectEnd()
  return { type: 'event', event: { type, path, zxid: at } }
}

/** Fields of a reply without error to a request of this type. `data` is a copy. */
export function decodeReplyBody(reader: MsgpackReader, type: Request['type']): ReplyBody {
  const body = replyFields(reader, type)
  reader.expectEnd()
  return body
}

function replyFields(reader: MsgpackReader, type: Request['type']): ReplyBody {
  switch (type) {
    case 'create':
      return { type, path: reader.string(), stat: decodeStat(reader) }
    case 'exists':
    case 'setData':
    case 'setACL':
      return { type, stat: decodeStat(reader) }
    case 'getData':
      return { type, data: copied(reader.bytes()), stat: decodeStat(reader) }
    case 'getChildren':
      return { type, children: reader.strings(), stat: decodeStat(reader) }
    case 'multi': {
      const count = reader.arrayHeader()
      const results: MultiResult[] = []
      for (let i = 0; i < count; i++) results.push(decodeMultiResult(reader))
      return { type, results }
    }
    case 'multiRead': {
      const count = reader.arrayHeader()
      const results: ReadResult[] = []
      for (let i = 0; i < count; i++) results.push(decodeReadResult(reader))
      return { type, results }
    }
    case 'getACL':
      return { type, acl: decodeAcl(reader), stat: decodeStat(reader) }
    case 'getEphemerals':
      return { type, paths: reader.strings() }
    case 'getAllChildrenNumber':
      return { type, count: reader.natural('the number of znodes') }
    case 'whoAmI':
      return { type, identities: decodeIds(reader) }
    case 'createSession':
    case 'refused':
      throw new ProtocolError(`Cannot decode a reply: ${type} has none`)
    case 'delete':
    case 'sync':
    case 'ping':
    case 'auth':
    case 'addWatch':
    case 'checkWatches':
    case 'removeWatches':
    case 'setWatches':
    case 'closeSession':
      return { type }
  }
}

export function encodeEvent(out: MsgpackWriter, event: WatchEvent): void {
  out.arrayHeader(4)
  out.int(eventXid)
  out.int(event.zxid)
  out.int(eventTypes[event.type])
  out.string(event.path)
}
