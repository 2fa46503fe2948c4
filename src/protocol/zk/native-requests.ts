// Requests of our own dialect: `[xid, op, ...fields]`, the parts of a multi and of a multiRead
// `[op, ...fields]`. What is well framed but means nothing, such as an unknown watch mode, is read as a
// `refused` request, which is answered in its turn; it never travels itself.

import { invariant } from '../../invariant.ts'
import { type ErrorCode, errorCodes, ProtocolError } from '../error-codes.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import {
  addWatchModes,
  createModes,
  type MultiOp,
  type OpName,
  ops,
  type ReadOp,
  type ReadRequest,
  type Request,
  type WriteOp,
  type WriteRequest,
  watcherTypes,
} from './messages.ts'
import { decodeAcl, encodeAcl, inverse, readZxid } from './native-records.ts'

type Refused = Extract<ReadRequest, { type: 'refused' }>

const opNames = inverse(ops)
const createModeNames = inverse(createModes)
const addWatchModeNames = inverse(addWatchModes)
const watcherTypeNames = inverse(watcherTypes)

const fieldCounts: Readonly<Record<OpName, number>> = {
  create: 5,
  delete: 2,
  exists: 3,
  getData: 3,
  setData: 3,
  getACL: 1,
  setACL: 3,
  getChildren: 3,
  sync: 1,
  ping: 0,
  check: 2,
  multi: 1,
  checkWatches: 2,
  removeWatches: 2,
  multiRead: 1,
  auth: 2,
  setWatches: 6,
  addWatch: 2,
  getEphemerals: 1,
  getAllChildrenNumber: 1,
  whoAmI: 0,
  createSession: 1,
  closeSession: 0,
}

/** One array: `[xid, op, ...fields]`. */
export function encodeRequest(out: MsgpackWriter, xid: number, request: Request): void {
  invariant(request.type !== 'refused', 'what is sent was asked for')
  out.arrayHeader(2 + fieldCounts[request.type])
  out.int(xid)
  out.int(ops[request.type])
  encodeFields(out, request)
}

function encodeFields(out: MsgpackWriter, request: Exclude<Request | WriteOp, Refused>): void {
  switch (request.type) {
    case 'create':
      out.string(request.path)
      out.bytes(request.data)
      out.int(createModes[request.mode])
      if (request.acl === undefined) out.nil()
      else encodeAcl(out, request.acl ?? [])
      out.int(request.ttlMs ?? 0)
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
      out.boolean(request.linearizable === true)
      return
    case 'sync':
    case 'getACL':
    case 'getAllChildrenNumber':
      out.string(request.path)
      return
    case 'getEphemerals':
      out.string(request.prefix)
      return
    case 'setACL':
      out.string(request.path)
      encodeAcl(out, request.acl ?? [])
      out.int(request.version)
      return
    case 'multi':
      out.arrayHeader(request.ops.length)
      for (const op of request.ops) {
        out.arrayHeader(1 + fieldCounts[op.type])
        out.int(ops[op.type])
        encodeFields(out, op)
      }
      return
    case 'multiRead':
      out.arrayHeader(request.ops.length)
      for (const op of request.ops) {
        out.arrayHeader(2)
        out.int(ops[op.type])
        out.string(op.path)
      }
      return
    case 'addWatch':
      out.string(request.path)
      out.int(addWatchModes[request.mode])
      return
    case 'checkWatches':
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
    case 'auth':
      out.string(request.scheme)
      out.bytes(request.credential)
      return
    case 'createSession':
      out.int(request.timeoutMs)
      return
    case 'ping':
    case 'whoAmI':
    case 'closeSession':
      return
  }
}

/** `request` undefined: the op is none of ours; it is answered UNIMPLEMENTED, then closed. */
export interface DecodedRequest {
  readonly xid: number
  readonly request: Request | undefined
}

/** A client's request. Bytes in it are views of the frame. */
export function decodeRequest(reader: MsgpackReader): DecodedRequest {
  const count = requestHeader(reader)
  const xid = reader.int()
  const name = opNames.get(reader.int())
  // A lone check means nothing, and sessions are created by a hello.
  if (name === undefined || name === 'check' || name === 'createSession') {
    return { xid, request: undefined }
  }
  return { xid, request: decodeFields(reader, name, count) }
}

/**
 * A write on its way between servers, as `encodeRequest` wrote it.
 *
 * @throws ProtocolError for anything else
 */
export function decodeWriteRequest(reader: MsgpackReader): {
  readonly xid: number
  readonly request: WriteRequest
} {
  const count = requestHeader(reader)
  const xid = reader.int()
  const number = reader.int()
  const name = opNames.get(number)
  switch (name) {
    case 'create':
    case 'delete':
    case 'setData':
    case 'setACL':
    case 'multi':
    case 'createSession':
    case 'closeSession': {
      const request = decodeFields(reader, name, count)
      if (request.type === 'refused') break
      return { xid, request: request as WriteRequest }
    }
  }
  throw new ProtocolError(`Cannot decode a request of another server: op ${number} is no write`)
}

function requestHeader(reader: MsgpackReader): number {
  const count = reader.arrayHeader()
  if (count < 2) throw new ProtocolError('Cannot decode a request: xid or op is missing')
  return count
}

/** What comes behind xid and op. Once it is refused, the rest of the frame does not matter. */
function decodeFields(
  reader: MsgpackReader,
  name: Exclude<OpName, 'check'>,
  count: number,
): Request {
  if (count !== 2 + fieldCounts[name]) {
    throw new ProtocolError(`Cannot decode a ${name} request: it has ${count - 2} fields`)
  }
  const request = decodeRequestFields(reader, name)
  if (request.type !== 'refused') reader.expectEnd()
  return request
}

function decodeRequestFields(reader: MsgpackReader, name: Exclude<OpName, 'check'>): Request {
  switch (name) {
    case 'getData':
    case 'exists':
    case 'getChildren': {
      const path = reader.string()
      const watch = reader.boolean()
      return { type: name, path, watch, linearizable: reader.boolean() }
    }
    case 'setData':
    case 'create':
    case 'delete':
      return decodeWriteOp(reader, name)
    case 'sync':
    case 'getACL':
    case 'getAllChildrenNumber':
      return { type: name, path: reader.string() }
    case 'getEphemerals':
      return { type: name, prefix: reader.string() }
    case 'setACL': {
      const path = reader.string()
      const acl = decodeAcl(reader)
      return { type: name, path, acl, version: reader.int() }
    }
    case 'multi':
      return decodeMulti(reader)
    case 'multiRead':
      return decodeMultiRead(reader)
    case 'addWatch': {
      const path = reader.string()
      const mode = addWatchModeNames.get(reader.int())
      return mode === undefined ? refused('MARSHALLINGERROR') : { type: name, path, mode }
    }
    case 'checkWatches':
    case 'removeWatches': {
      const path = reader.string()
      const watcherType = watcherTypeNames.get(reader.int())
      if (watcherType === undefined) return refused('MARSHALLINGERROR')
      return { type: name, path, watcherType }
    }
    case 'setWatches':
      return {
        type: name,
        relativeZxid: readZxid(reader),
        data: reader.strings(),
        exist: reader.strings(),
        child: reader.strings(),
        persistent: reader.strings(),
        persistentRecursive: reader.strings(),
      }
    case 'auth': {
      const scheme = reader.string()
      return { type: name, scheme, credential: reader.bytes() ?? Buffer.alloc(0) }
    }
    case 'createSession':
      return { type: name, timeoutMs: reader.int() }
    case 'ping':
    case 'whoAmI':
    case 'closeSession':
      return { type: name }
  }
}

function decodeWriteOp(
  reader: MsgpackReader,
  name: 'create' | 'delete' | 'setData',
): Exclude<WriteOp, { type: 'check' }> {
  switch (name) {
    case 'setData':
      return { type: name, path: reader.string(), data: reader.bytes(), version: reader.int() }
    case 'delete':
      return { type: name, path: reader.string(), version: reader.int() }
    case 'create': {
      const path = reader.string()
      const data = reader.bytes()
      const mode = createModeNames.get(reader.int())
      const acl = reader.nilOr(() => decodeAcl(reader))
      const ttlMs = reader.int()
      // A mode that nobody knows is refused like a time to live that does not fit, in its turn.
      if (mode === undefined) return { type: name, path, data, mode: 'persistent', acl, ttlMs: -1 }
      return { type: name, path, data, mode, acl, ttlMs }
    }
  }
}

function decodeMulti(reader: MsgpackReader): Request {
  const count = reader.arrayHeader()
  const parts: MultiOp[] = []
  for (let i = 0; i < count; i++) {
    const fields = reader.arrayHeader() - 1
    const name = opNames.get(reader.int())
    if (name !== 'create' && name !== 'delete' && name !== 'setData' && name !== 'check') {
      return refused('MARSHALLINGERROR')
    }
    if (fields !== fieldCounts[name]) {
      throw new ProtocolError(`Cannot decode a multi: its ${name} has ${fields} fields`)
    }
    if (name === 'check') {
      parts.push({ type: name, path: reader.string(), version: reader.int() })
    } else {
      parts.push(decodeWriteOp(reader, name))
    }
  }
  return { type: 'multi', ops: parts }
}

function decodeMultiRead(reader: MsgpackReader): Request {
  const count = reader.arrayHeader()
  const parts: ReadOp[] = []
  for (let i = 0; i < count; i++) {
    const fields = reader.arrayHeader() - 1
    const name = opNames.get(reader.int())
    if (name !== 'getData' && name !== 'getChildren') return refused('MARSHALLINGERROR')
    if (fields !== 1) {
      throw new ProtocolError(`Cannot decode a multiRead: its ${name} has ${fields} fields`)
    }
    parts.push({ type: name, path: reader.string() })
  }
  return { type: 'multiRead', ops: parts }
}

function refused(code: ErrorCode): Refused {
  return { type: 'refused', code: errorCodes[code] }
}
