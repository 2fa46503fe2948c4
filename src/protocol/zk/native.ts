// Our own dialect of the client protocol: each message is one msgpack array in a frame.
//
//   hello    [version, "client", ensembleId | nil, lastZxidSeen, timeoutMs, sessionId, password]
//   welcome  [version, ensembleId, timeoutMs, sessionId, password, serverId]     timeoutMs 0: expired
//   request  [xid, op, ...fields]
//   reply    [xid, zxid, err, ...fields]           no fields when err is not 0, but for a multi
//   event    [-1, zxid, type, path]
//
// docs/protocol.md spells out the fields. Next on the path: daemon/connection/connection.ts.

import { type ErrorNumber, errorCodes, ProtocolError } from '../error-codes.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import type { ServerId, SessionId, Stat } from '../records.ts'
import { isZxid, type Zxid } from '../zxid.ts'
import {
  addWatchModes,
  createModes,
  eventTypes,
  type Hello,
  type MultiOp,
  type MultiResult,
  type OpName,
  ops,
  type ReplyBody,
  type Request,
  type WatchEvent,
  type Welcome,
  type WriteOp,
  watcherTypes,
} from './messages.ts'

export const protocolVersion = 1

/** The only xid that is no answer: a watch event. */
export const eventXid = -1

function inverse<K extends string>(table: Readonly<Record<K, number>>): Map<number, K> {
  return new Map(Object.entries(table).map(([name, number]) => [number as number, name as K]))
}

const opNames = inverse(ops)
const createModeNames = inverse(createModes)
const addWatchModeNames = inverse(addWatchModes)
const watcherTypeNames = inverse(watcherTypes)
const eventTypeNames = inverse(eventTypes)

function lookup<K>(names: Map<number, K>, number: number, what: string): K {
  const name = names.get(number)
  if (name === undefined) throw new ProtocolError(`Cannot decode a message: ${what} is ${number}`)
  return name
}

// --- hello and welcome ---------------------------------------------------------------------------

export function encodeHello(out: MsgpackWriter, hello: Hello): void {
  out.arrayHeader(7)
  out.int(hello.version)
  out.string('client')
  if (hello.ensembleId === undefined) out.nil()
  else out.string(hello.ensembleId)
  out.int(hello.lastZxidSeen)
  out.int(hello.timeoutMs)
  out.int(hello.sessionId)
  out.bytes(hello.password)
}

/** @throws ProtocolError also for a version from the future or another role */
export function decodeHello(reader: MsgpackReader): Hello {
  const count = reader.arrayHeader()
  const version = reader.natural('the protocol version')
  if (version !== protocolVersion) {
    const found = `this server speaks ${protocolVersion}`
    throw new ProtocolError(`Cannot talk protocol version ${version}: ${found}`)
  }
  const role = reader.string()
  if (count !== 7 || role !== 'client') {
    throw new ProtocolError(`Cannot serve the role '${role}' on the client port`)
  }
  const ensembleId = reader.nilOr(() => reader.string())
  const lastZxidSeen = zxid(reader)
  const timeoutMs = reader.int()
  const sessionId = reader.natural('the session id') as SessionId
  const password = copied(reader.bytes()) ?? new Uint8Array(0)
  reader.expectEnd()
  return { version, ensembleId, lastZxidSeen, timeoutMs, sessionId, password }
}

export function encodeWelcome(out: MsgpackWriter, welcome: Welcome): void {
  out.arrayHeader(6)
  out.int(welcome.version)
  out.string(welcome.ensembleId)
  out.int(welcome.timeoutMs)
  out.int(welcome.sessionId)
  out.bytes(welcome.password)
  out.int(welcome.serverId)
}

export function decodeWelcome(reader: MsgpackReader): Welcome {
  const count = reader.arrayHeader()
  if (count !== 6) throw new ProtocolError(`Cannot decode a welcome of ${count} fields: wanted 6`)
  const welcome = {
    version: reader.natural('the protocol version'),
    ensembleId: reader.string(),
    timeoutMs: reader.natural('the session time-out'),
    sessionId: reader.natural('the session id') as SessionId,
    password: copied(reader.bytes()) ?? new Uint8Array(0),
    serverId: reader.natural('the server id') as ServerId,
  }
  reader.expectEnd()
  return welcome
}

// --- requests ------------------------------------------------------------------------------------

/** One array: `[xid, op, ...fields]`. */
export function encodeRequest(out: MsgpackWriter, xid: number, request: Request): void {
  out.arrayHeader(2 + fieldCount(request))
  out.int(xid)
  out.int(ops[request.type])
  encodeFields(out, request)
}

function fieldCount(request: Request | WriteOp): number {
  switch (request.type) {
    case 'create':
    case 'setData':
      return 3
    case 'delete':
    case 'check':
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'addWatch':
    case 'removeWatches':
      return 2
    case 'multi':
    case 'sync':
    case 'createSession':
      return 1
    case 'setWatches':
      return 6
    case 'ping':
    case 'closeSession':
      return 0
  }
}

function encodeFields(out: MsgpackWriter, request: Request | WriteOp): void {
  switch (request.type) {
    case 'create':
      out.string(request.path)
      out.bytes(request.data)
      out.int(createModes[request.mode])
      return
    case 'setData':
      out.string(request.path)
      out.bytes(request.data)
      out.int(request.version)
      return
    case 'delete':
    case 'check':
      out.string(request.path)
      out.int(request.version)
      return
    case 'exists':
    case 'getData':
    case 'getChildren':
      out.string(request.path)
      out.boolean(request.watch)
      return
    case 'sync':
      out.string(request.path)
      return
    case 'multi':
      out.arrayHeader(request.ops.length)
      for (const op of request.ops) {
        out.arrayHeader(1 + fieldCount(op))
        out.int(ops[op.type])
        encodeFields(out, op)
      }
      return
    case 'addWatch':
      out.string(request.path)
      out.int(addWatchModes[request.mode])
      return
    case 'removeWatches':
      out.string(request.path)
      out.int(watcherTypes[request.watcherType])
      return
    case 'setWatches':
      out.int(request.relativeZxid)
      out.strings(request.data)
      out.strings(request.exist)
      out.strings(request.child)
      out.strings(request.persistent)
      out.strings(request.persistentRecursive)
      return
    case 'createSession':
      out.int(request.timeoutMs)
      return
    case 'ping':
    case 'closeSession':
      return
  }
}

/** `request` undefined: the op is none of ours; it is answered UNIMPLEMENTED, then closed. */
export interface DecodedRequest {
  readonly xid: number
  readonly request: Request | undefined
}

/** Bytes in the request are views of the frame. */
export function decodeRequest(reader: MsgpackReader): DecodedRequest {
  const count = reader.arrayHeader()
  if (count < 2) throw new ProtocolError('Cannot decode a request: xid or op is missing')
  const xid = reader.int()
  const name = opNames.get(reader.int())
  if (name === undefined || name === 'check') return { xid, request: undefined }
  const request = decodeFields(reader, name) as Request
  if (count !== 2 + fieldCount(request)) {
    throw new ProtocolError(`Cannot decode a ${name} request: it has ${count - 2} fields`)
  }
  reader.expectEnd()
  return { xid, request }
}

function decodeFields(reader: MsgpackReader, name: OpName): Request | WriteOp {
  switch (name) {
    case 'getData':
    case 'exists':
    case 'getChildren':
      return { type: name, path: reader.string(), watch: reader.boolean() }
    case 'setData':
      return { type: name, path: reader.string(), data: reader.bytes(), version: reader.int() }
    case 'create': {
      const path = reader.string()
      const data = reader.bytes()
      return { type: name, path, data, mode: lookup(createModeNames, reader.int(), 'create mode') }
    }
    case 'delete':
    case 'check':
      return { type: name, path: reader.string(), version: reader.int() }
    case 'sync':
      return { type: name, path: reader.string() }
    case 'multi': {
      const count = reader.arrayHeader()
      const parts: MultiOp[] = []
      for (let i = 0; i < count; i++) parts.push(decodeMultiOp(reader))
      return { type: name, ops: parts }
    }
    case 'addWatch': {
      const path = reader.string()
      return { type: name, path, mode: lookup(addWatchModeNames, reader.int(), 'watch mode') }
    }
    case 'removeWatches': {
      const path = reader.string()
      const watcherType = lookup(watcherTypeNames, reader.int(), 'watcher type')
      return { type: name, path, watcherType }
    }
    case 'setWatches':
      return {
        type: name,
        relativeZxid: zxid(reader),
        data: reader.strings(),
        exist: reader.strings(),
        child: reader.strings(),
        persistent: reader.strings(),
        persistentRecursive: reader.strings(),
      }
    case 'createSession':
      return { type: name, timeoutMs: reader.int() }
    case 'ping':
    case 'closeSession':
      return { type: name }
  }
}

function decodeMultiOp(reader: MsgpackReader): MultiOp {
  const count = reader.arrayHeader()
  const name = lookup(opNames, reader.int(), 'the op in a multi')
  if (name !== 'create' && name !== 'delete' && name !== 'setData' && name !== 'check') {
    throw new ProtocolError(`Cannot decode a multi: ${name} cannot be part of one`)
  }
  const op = decodeFields(reader, name) as MultiOp
  if (count !== 1 + fieldCount(op)) {
    throw new ProtocolError(`Cannot decode a multi: its ${name} has ${count - 1} fields`)
  }
  return op
}

// --- replies and events --------------------------------------------------------------------------

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
    case 'delete':
    case 'sync':
    case 'ping':
    case 'addWatch':
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

export function encodeStat(out: MsgpackWriter, stat: Stat): void {
  out.arrayHeader(11)
  out.int(stat.czxid)
  out.int(stat.mzxid)
  out.int(stat.ctime)
  out.int(stat.mtime)
  out.int(stat.version)
  out.int(stat.cversion)
  out.int(stat.aversion)
  out.int(stat.ephemeralOwner)
  out.int(stat.dataLength)
  out.int(stat.numChildren)
  out.int(stat.pzxid)
}

export function decodeStat(reader: MsgpackReader): Stat {
  const count = reader.arrayHeader()
  if (count !== 11) throw new ProtocolError(`Cannot decode a Stat of ${count} fields: wanted 11`)
  return {
    czxid: zxid(reader),
    mzxid: zxid(reader),
    ctime: reader.int(),
    mtime: reader.int(),
    version: reader.int(),
    cversion: reader.int(),
    aversion: reader.int(),
    ephemeralOwner: reader.natural('ephemeralOwner') as SessionId,
    dataLength: reader.natural('dataLength'),
    numChildren: reader.natural('numChildren'),
    pzxid: zxid(reader),
  }
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
  const name = lookup(opNames, number, 'a multi result')
  switch (name) {
    case 'create':
      return { type: name, path: reader.string(), stat: decodeStat(reader) }
    case 'setData':
      return { type: name, stat: decodeStat(reader) }
    case 'delete':
    case 'check':
      return { type: name }
    default:
      throw new ProtocolError(`Cannot decode a multi result: ${name} cannot be part of one`)
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
  const at = zxid(reader)
  const number = reader.int()
  if (xid !== eventXid) {
    return { type: 'reply', xid, zxid: at, err: number as ErrorNumber, body: reader }
  }
  const type = lookup(eventTypeNames, number, 'the event type')
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
    case 'createSession':
      throw new ProtocolError('Cannot decode a reply: createSession has none')
    case 'delete':
    case 'sync':
    case 'ping':
    case 'addWatch':
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

// --- shared --------------------------------------------------------------------------------------

function zxid(reader: MsgpackReader): Zxid {
  const value = reader.int()
  if (!isZxid(value)) throw new ProtocolError(`Cannot read a zxid: ${value} is negative`)
  return value
}

function copied(view: Buffer | null): Uint8Array | null {
  return view === null ? null : Uint8Array.prototype.slice.call(view)
}
