// A client's side of ZooKeeper's own client protocol, through all connections of one session.
//
// It lacks some of our own protocol: the ensemble's id; linearizable reads, which are sent as plain
// ones (the caller sends a `sync` first); the Stat of a znode created by a multi, which servers
// before 3.8.1 leave out; the Stat of children in a multiRead. Missing Stats are `noStat`.

import { invariant } from '../../invariant.ts'
import type { ByteWriter } from '../byte-writer.ts'
import type { ClientCodec, ServerMessage } from '../dialect.ts'
import { type ErrorNumber, ProtocolError } from '../error-codes.ts'
import { noSession, openAcl, type ServerId, type SessionId, type Stat } from '../records.ts'
import {
  addWatchModes,
  createModes,
  type Hello,
  type MultiOp,
  type MultiResult,
  ops,
  type ReadResult,
  type ReplyBody,
  type Request,
  type RequestedMode,
  type Welcome,
  type WriteOp,
  watcherTypes,
} from '../zk/messages.ts'
import { zxidZero } from '../zxid.ts'
import { JuteReader, writeBoolean, writeBuffer, writeString } from './jute.ts'
import {
  eventXid,
  opcodes,
  passwordBytes,
  readAcls,
  readEventType,
  readId,
  readPath,
  readPaths,
  readStat,
  readZxid,
  writeAcls,
  writePaths,
} from './zookeeper-records.ts'

/** Stands for a Stat that this protocol does not carry. */
export const noStat: Stat = {
  czxid: zxidZero,
  mzxid: zxidZero,
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: noSession,
  dataLength: 0,
  numChildren: 0,
  pzxid: zxidZero,
}

export class ZooKeeperClientCodec implements ClientCodec {
  readonly #reader = new JuteReader()
  /** The session id's bytes as sent by the server: ZooKeeper's ids exceed the safe integers. */
  #session = { id: noSession, bytes: new Uint8Array(8) }

  encodeHello(out: ByteWriter, hello: Hello): void {
    out.int32(0)
    out.int64(hello.lastZxidSeen)
    out.int32(hello.timeoutMs)
    if (hello.sessionId === this.#session.id) out.raw(this.#session.bytes)
    else out.int64(hello.sessionId)
    const { password } = hello
    writeBuffer(out, password.length === 0 ? new Uint8Array(passwordBytes) : password)
    writeBoolean(out, hello.readOnly)
  }

  decodeWelcome(buffer: Buffer, start: number, end: number): Welcome {
    const reader = this.#reader.reset(buffer, start, end)
    reader.int() // the protocol version, always 0
    const timeoutMs = reader.int()
    const bytes = Uint8Array.prototype.slice.call(buffer, start + 8, start + 16)
    const sessionId = reader.unsignedLong() as SessionId
    const password = copied(reader.buffer()) ?? new Uint8Array(passwordBytes)
    const readOnly = !reader.atEnd && reader.boolean()
    if (timeoutMs > 0) this.#session = { id: sessionId, bytes }
    return {
      ensembleId: '',
      timeoutMs: Math.max(timeoutMs, 0),
      sessionId,
      password,
      serverId: 0 as ServerId,
      readOnly,
    }
  }

  encodeRequest(out: ByteWriter, xid: number, request: Request): void {
    out.int32(xid)
    out.int32(opcodeOf(request))
    switch (request.type) {
      case 'getData':
      case 'exists':
      case 'getChildren':
        writeString(out, request.path)
        writeBoolean(out, request.watch)
        return
      case 'create':
      case 'setData':
      case 'delete':
        writeOp(out, request)
        return
      case 'setACL':
        writeString(out, request.path)
        if (request.acl === null) out.int32(-1)
        else writeAcls(out, request.acl)
        out.int32(request.version)
        return
      case 'multi':
        for (const op of request.ops) {
          partHeader(out, opcodeOf(op))
          writeOp(out, op)
        }
        partHeader(out, -1, true)
        return
      case 'multiRead':
        for (const { type, path } of request.ops) {
          partHeader(out, opcodes[type])
          writeString(out, path)
          writeBoolean(out, false)
        }
        partHeader(out, -1, true)
        return
      case 'sync':
      case 'getACL':
      case 'getAllChildrenNumber':
        writeString(out, request.path)
        return
      case 'getEphemerals':
        writeString(out, request.prefix)
        return
      case 'addWatch':
        writeString(out, request.path)
        out.int32(addWatchModes[request.mode])
        return
      case 'checkWatches':
      case 'removeWatches':
        writeString(out, request.path)
        out.int32(watcherTypes[request.watcherType])
        return
      case 'setWatches':
        out.int64(request.relativeZxid)
        writePaths(out, request.data)
        writePaths(out, request.exist)
        writePaths(out, request.child)
        if (!hasPersistent(request)) return
        writePaths(out, request.persistent)
        writePaths(out, request.persistentRecursive)
        return
      case 'auth':
        out.int32(0)
        writeString(out, request.scheme)
        writeBuffer(out, request.credential)
        return
      case 'sasl':
        writeBuffer(out, request.token)
        return
      case 'reconfig':
        for (const list of [request.joining, request.leaving, request.members]) {
          if (list === undefined) out.int32(-1)
          else writeString(out, list)
        }
        out.int64(request.version)
        return
      case 'whoAmI':
      case 'moveLeader':
      case 'drain':
      case 'getChildrenPage':
      case 'ping':
      case 'closeSession':
      case 'createSession':
      case 'refused':
        return
    }
  }

  decodeMessage(buffer: Buffer, start: number, end: number): ServerMessage {
    const reader = this.#reader.reset(buffer, start, end)
    const xid = reader.int()
    const zxid = readZxid(reader)
    const err = reader.int() as ErrorNumber
    if (xid !== eventXid) return { type: 'reply', xid, zxid, err }
    const type = readEventType(reader)
    reader.int() // the state: always connected
    return { type: 'event', event: { type, path: readPath(reader), zxid } }
  }

  decodeBody(type: Request['type']): ReplyBody {
    const reader = this.#reader
    switch (type) {
      case 'create':
        return { type, path: readPath(reader), stat: readStat(reader) }
      case 'exists':
      case 'setData':
      case 'setACL':
        return { type, stat: readStat(reader) }
      case 'getData':
      case 'reconfig':
        return { type, data: copied(reader.buffer()), stat: readStat(reader) }
      case 'getChildren':
        return { type, children: readPaths(reader), stat: readStat(reader) }
      case 'getACL':
        return { type, acl: readAcls(reader) ?? [], stat: readStat(reader) }
      case 'multi':
        return { type, results: results(reader, (part) => readResult(reader, part)) }
      case 'multiRead':
        return { type, results: results(reader, (part) => readReadResult(reader, part)) }
      case 'getEphemerals':
        return { type, paths: readPaths(reader) }
      case 'getAllChildrenNumber':
        return { type, count: reader.int() }
      case 'sasl':
        return { type, token: copied(reader.buffer()) }
      case 'whoAmI':
        return { type, identities: reader.vector(() => readId(reader)) ?? [] }
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
      case 'moveLeader':
      case 'drain':
      case 'getChildrenPage':
      case 'createSession':
      case 'refused':
        throw new ProtocolError(`Cannot decode a reply: ${type} has none`)
    }
  }
}

// --- requests ------------------------------------------------------------------------------------

/** Of several opcodes for a request, the one with the most complete answer. */
function opcodeOf(request: Request | MultiOp): number {
  switch (request.type) {
    case 'create':
      return createOpcode(request.mode)
    case 'getChildren':
      return opcodes.getChildren2
    // Servers before 3.6 know only setWatches.
    case 'setWatches':
      return hasPersistent(request) ? opcodes.setWatches2 : opcodes.setWatches
    // ZooKeeper has none of them: it answers UNIMPLEMENTED.
    case 'moveLeader':
    case 'drain':
    case 'getChildrenPage':
      return ops[request.type]
    case 'createSession':
    case 'refused':
      invariant(false, 'no client asks for what has no opcode')
      return 0
    default:
      return opcodes[request.type]
  }
}

function createOpcode(mode: RequestedMode): number {
  switch (mode) {
    case 'container':
      return opcodes.createContainer
    case 'persistentTtl':
    case 'persistentSequentialTtl':
      return opcodes.createTTL
    default:
      return opcodes.create2
  }
}

function hasPersistent(request: Extract<Request, { type: 'setWatches' }>): boolean {
  return request.persistent.length + request.persistentRecursive.length > 0
}

function writeOp(out: ByteWriter, op: WriteOp): void {
  writeString(out, op.path)
  switch (op.type) {
    case 'create':
      writeBuffer(out, op.data)
      if (op.acl === null) out.int32(-1)
      else writeAcls(out, op.acl ?? openAcl)
      out.int32(op.mode === 'unknown' ? -1 : createModes[op.mode])
      if (createOpcode(op.mode) === opcodes.createTTL) out.int64(op.ttlMs ?? 0)
      return
    case 'setData':
      writeBuffer(out, op.data)
      out.int32(op.version)
      return
    case 'delete':
    case 'check':
      out.int32(op.version)
      return
  }
}

function partHeader(out: ByteWriter, type: number, done = false): void {
  out.int32(type)
  writeBoolean(out, done)
  out.int32(-1)
}

// --- replies -------------------------------------------------------------------------------------

const errorResult = -1

/** MultiHeader { int type; boolean done; int err } and a record, until one says `done`. */
function results<T>(
  reader: JuteReader,
  read: (opcode: number) => T,
): (T | { type: 'error'; code: ErrorNumber })[] {
  const all: (T | { type: 'error'; code: ErrorNumber })[] = []
  for (;;) {
    const opcode = reader.int()
    const done = reader.boolean()
    reader.int() // err, which an error's record repeats
    if (done) return all
    if (opcode === errorResult) all.push({ type: 'error', code: reader.int() as ErrorNumber })
    else all.push(read(opcode))
  }
}

function readResult(reader: JuteReader, opcode: number): MultiResult {
  switch (opcode) {
    case opcodes.create:
      return { type: 'create', path: readPath(reader), stat: noStat }
    case opcodes.create2:
    case opcodes.createContainer:
    case opcodes.createTTL:
      return { type: 'create', path: readPath(reader), stat: readStat(reader) }
    case opcodes.setData:
      return { type: 'setData', stat: readStat(reader) }
    case opcodes.delete:
      return { type: 'delete' }
    case opcodes.check:
      return { type: 'check' }
  }
  throw new ProtocolError(`Cannot decode a multi result: ${opcode} cannot be part of one`)
}

function readReadResult(reader: JuteReader, opcode: number): ReadResult {
  switch (opcode) {
    case opcodes.getData:
      return { type: 'getData', data: copied(reader.buffer()), stat: readStat(reader) }
    case opcodes.getChildren:
      return { type: 'getChildren', children: readPaths(reader), stat: noStat }
  }
  throw new ProtocolError(`Cannot decode a multiRead result: ${opcode} cannot be part of one`)
}

function copied(view: Buffer | null): Uint8Array | null {
  return view === null ? null : Uint8Array.prototype.slice.call(view)
}
