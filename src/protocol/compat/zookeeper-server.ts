// The server's side of ZooKeeper's own client protocol, for one connection.
//
//   request   int xid, int opcode, record
//   reply     int xid, long zxid, int err, record if err is 0
//   hello     ConnectRequest, a record alone; welcome ConnectResponse, likewise
//
// Where one request of ours has several opcodes (create and create2, getChildren and getChildren2),
// ZooKeeper's answer depends on the opcode: those of unanswered requests are remembered, in order.
// Source: the server of ZooKeeper 3.9, mainly FinalRequestProcessor.
// Next on the path: daemon/connection/connection.ts.

import { Fifo } from '../../fifo.ts'
import { ByteWriter } from '../byte-writer.ts'
import type { ServerCodec } from '../dialect.ts'
import { errorCodes, ProtocolError } from '../error-codes.ts'
import type { EncodedNames } from '../name-run.ts'
import { openAcl, type SessionId } from '../records.ts'
import {
  type AddWatchMode,
  addWatchModes,
  type CreateMode,
  createModes,
  eventTypes,
  type Hello,
  type MultiOp,
  type MultiResult,
  type ReadOp,
  type Request,
  type RequestedMode,
  type ServedReply,
  type ServedResult,
  type WatchEvent,
  type Welcome,
  type WriteOp,
} from '../zk/messages.ts'
import { type Zxid, zxidZero } from '../zxid.ts'
import { type JuteReader, writeBoolean, writeBuffer, writeString, writeVector } from './jute.ts'
import {
  connectedState,
  eventXid,
  opcodes,
  readAcls,
  readPath,
  readPaths,
  readWatcherType,
  readZxid,
  writeAcls,
  writeId,
  writePaths,
  writeStat,
} from './zookeeper-records.ts'

/** The part of a request that its answer needs: a sync's path, a multi's opcodes, or its opcode. */
type Asked = number | string | readonly number[]

export class ZooKeeperServerCodec implements ServerCodec {
  readonly #reader: JuteReader
  readonly #asked = new Fifo<Asked>()
  /** of the request being decoded */
  #asking: Asked = 0
  /** Clients up to 3.3 do not know read-only servers, and expect a welcome without that field. */
  #knowsReadOnly = true
  xid = 0

  /** @param reader may be shared, as it holds state for one message only */
  constructor(reader: JuteReader) {
    this.#reader = reader
  }

  decodeHello(buffer: Buffer, start: number, end: number): Hello {
    const reader = this.#reader.reset(buffer, start, end)
    const version = reader.int()
    const lastZxidSeen = readZxid(reader)
    const timeoutMs = reader.int()
    // Our session ids are below the greatest safe integer, so a clamped id matches none.
    const sessionId = Math.min(reader.unsignedLong(), Number.MAX_SAFE_INTEGER) as SessionId
    const password = new Uint8Array(reader.buffer() ?? [])
    this.#knowsReadOnly = !reader.atEnd
    const readOnly = this.#knowsReadOnly && reader.boolean()
    // ZooKeeper serves clients of any version. Every client sends 0; for another version, the hello
    // must fill the frame exactly, since the first request of a Kafka client begins like one.
    if (version !== 0 && !reader.atEnd) {
      throw new ProtocolError(`Cannot read a hello of ZooKeeper's protocol version ${version}`)
    }
    const ensembleId = undefined
    return { ensembleId, lastZxidSeen, timeoutMs, sessionId, password, readOnly }
  }

  encodeWelcome(out: ByteWriter, welcome: Welcome): void {
    out.int32(0)
    out.int32(welcome.timeoutMs)
    out.int64(welcome.sessionId)
    writeBuffer(out, welcome.password)
    if (this.#knowsReadOnly) writeBoolean(out, welcome.readOnly)
  }

  decodeRequest(buffer: Buffer, start: number, end: number): Request | undefined {
    const reader = this.#reader.reset(buffer, start, end)
    this.xid = reader.int()
    const opcode = reader.int()
    this.#asking = opcode
    let request: Request | undefined
    try {
      request = this.#decodeRecord(reader, opcode)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#asking = opcode
      request = refused.MARSHALLINGERROR
    }
    this.#asked.push(this.#asking)
    return request
  }

  #decodeRecord(reader: JuteReader, opcode: number): Request | undefined {
    switch (opcode) {
      case opcodes.getData:
        return { type: 'getData', path: readPath(reader), watch: reader.boolean() }
      case opcodes.setData:
        return setData(reader)
      case opcodes.create:
      case opcodes.create2:
      case opcodes.createContainer:
      case opcodes.createTTL:
        return create(reader, opcode)
      case opcodes.exists:
        return { type: 'exists', path: readPath(reader), watch: reader.boolean() }
      case opcodes.ping:
        return ping
      case opcodes.delete:
        return { type: 'delete', path: readPath(reader), version: reader.int() }
      case opcodes.getChildren:
      case opcodes.getChildren2:
        return { type: 'getChildren', path: readPath(reader), watch: reader.boolean() }
      case opcodes.getACL:
        return { type: 'getACL', path: readPath(reader) }
      case opcodes.setACL: {
        const path = readPath(reader)
        const acl = readAcls(reader)
        return { type: 'setACL', path, acl, version: reader.int() }
      }
      case opcodes.sync: {
        const path = readPath(reader)
        this.#asking = path
        return { type: 'sync', path }
      }
      case opcodes.multi: {
        const asked: number[] = []
        const ops = parts(reader, (part) => {
          asked.push(part)
          return writeOp(reader, part)
        })
        this.#asking = asked
        return { type: 'multi', ops }
      }
      case opcodes.multiRead:
        return { type: 'multiRead', ops: parts(reader, (part) => readOp(reader, part)) }
      case opcodes.checkWatches:
      case opcodes.removeWatches: {
        const type = opcode === opcodes.checkWatches ? 'checkWatches' : 'removeWatches'
        return { type, path: readPath(reader), watcherType: readWatcherType(reader) }
      }
      case opcodes.addWatch:
        return { type: 'addWatch', path: readPath(reader), mode: addWatchMode(reader.int()) }
      case opcodes.setWatches:
      case opcodes.setWatches2: {
        const all = opcode === opcodes.setWatches2
        return {
          type: 'setWatches',
          relativeZxid: readZxid(reader),
          data: readPaths(reader),
          exist: readPaths(reader),
          child: readPaths(reader),
          persistent: all ? readPaths(reader) : [],
          persistentRecursive: all ? readPaths(reader) : [],
        }
      }
      case opcodes.auth: {
        reader.int() // an unused type
        const scheme = reader.string() ?? ''
        return { type: 'auth', scheme, credential: reader.buffer() ?? new Uint8Array(0) }
      }
      case opcodes.getEphemerals:
        return { type: 'getEphemerals', prefix: reader.string() ?? '' }
      case opcodes.getAllChildrenNumber:
        return { type: 'getAllChildrenNumber', path: readPath(reader) }
      case opcodes.whoAmI:
        return { type: 'whoAmI' }
      case opcodes.closeSession:
        return { type: 'closeSession' }
      case opcodes.reconfig:
        return {
          type: 'reconfig',
          joining: reader.string() ?? undefined,
          leaving: reader.string() ?? undefined,
          members: reader.string() ?? undefined,
          version: reader.long(),
        }
      case opcodes.sasl:
        return { type: 'sasl', token: reader.buffer() }
    }
    // Includes requests reserved for servers: createSession, deleteContainer, and a lone check.
    return undefined
  }

  encodeReply(out: ByteWriter, xid: number, zxid: Zxid, body: ServedReply): void {
    const asked = this.#asked.shift() ?? 0
    out.int32(xid)
    out.int64(asked === opcodes.auth ? zxidZero : zxid)
    out.int32(body.type === 'error' ? body.code : errorCodes.OK)
    switch (body.type) {
      case 'getData':
      case 'reconfig':
        writeBuffer(out, body.data)
        writeStat(out, body.stat)
        return
      case 'exists':
      case 'setData':
      case 'setACL':
        writeStat(out, body.stat)
        return
      case 'create':
        writeString(out, body.path)
        if (asked !== opcodes.create) writeStat(out, body.stat)
        return
      case 'sasl':
        writeBuffer(out, body.token)
        return
      case 'getChildren':
        writePaths(out, body.children)
        if (asked === opcodes.getChildren2) writeStat(out, body.stat)
        return
      case 'listing':
        writeNames(out, body.names)
        if (asked === opcodes.getChildren2) writeStat(out, body.stat)
        return
      case 'getACL':
        writeAcls(out, body.acl)
        writeStat(out, body.stat)
        return
      case 'sync':
        writeString(out, String(asked))
        return
      case 'multi':
        for (const [i, result] of body.results.entries()) {
          writeResult(out, result, Array.isArray(asked) ? asked[i] : undefined)
        }
        resultHeader(out, -1, { done: true, err: -1 })
        return
      case 'multiRead':
        for (const result of body.results) writeReadResult(out, result)
        resultHeader(out, -1, { done: true, err: -1 })
        return
      case 'addWatch':
        out.int32(errorCodes.OK)
        return
      case 'getEphemerals':
        writePaths(out, body.paths)
        return
      case 'getAllChildrenNumber':
        out.int32(body.count)
        return
      case 'whoAmI':
        writeVector(out, body.identities, writeId)
        return
      // Of our own dialect alone.
      case 'moveLeader':
      case 'drain':
      case 'getChildrenPage':
      case 'listingPage':
      case 'error':
      case 'ping':
      case 'delete':
      case 'auth':
      case 'checkWatches':
      case 'removeWatches':
      case 'setWatches':
      case 'closeSession':
        return
    }
  }

  encodeEvent(out: ByteWriter, event: WatchEvent): void {
    out.int32(eventXid)
    out.int64(event.zxid === zxidZero ? -1 : event.zxid)
    out.int32(errorCodes.OK)
    out.int32(eventTypes[event.type])
    out.int32(connectedState)
    writeString(out, event.path)
  }
}

const ping = { type: 'ping' } as const

const refused = {
  MARSHALLINGERROR: { type: 'refused', code: errorCodes.MARSHALLINGERROR },
} as const

// --- records of requests -------------------------------------------------------------------------

function setData(reader: JuteReader): Extract<WriteOp, { type: 'setData' }> {
  const path = readPath(reader)
  const data = reader.buffer()
  return { type: 'setData', path, data, version: reader.int() }
}

function create(reader: JuteReader, opcode: number): Extract<WriteOp, { type: 'create' }> {
  const path = readPath(reader)
  const data = reader.buffer()
  // Nearly every client sends the open ACL: recognizing its bytes saves decoding and checking it.
  const acl = reader.maybeSkip(openAclBytes) ? undefined : readAcls(reader)
  const mode = createMode(opcode, reader.int())
  const hasTtl = opcode === opcodes.createTTL && mode !== 'unknown'
  const ttlMs = hasTtl ? reader.long() : undefined
  return { type: 'create', path, data, acl, mode, ttlMs }
}

const openAclBytes = encodedOpenAcl()

function encodedOpenAcl(): Uint8Array {
  const out = new ByteWriter(64)
  writeAcls(out, openAcl)
  return out.view()
}

const modes = Object.keys(createModes) as CreateMode[]

/** @param flags the mode; containers and TTL znodes also require their own opcode */
function createMode(opcode: number, flags: number): RequestedMode {
  const mode = modes[flags] ?? 'unknown'
  switch (opcode) {
    case opcodes.createContainer:
      return mode === 'container' ? mode : 'unknown'
    case opcodes.createTTL:
      return mode === 'persistentTtl' || mode === 'persistentSequentialTtl' ? mode : 'unknown'
    default:
      return mode === 'container' ? 'persistent' : mode
  }
}

function addWatchMode(number: number): AddWatchMode {
  if (number === addWatchModes.persistent) return 'persistent'
  if (number === addWatchModes.persistentRecursive) return 'persistentRecursive'
  throw new ProtocolError(`Cannot decode a message: the watch mode is ${number}`)
}

/** MultiHeader { int type; boolean done; int err } and a record, until one says `done`. */
function parts<T>(reader: JuteReader, read: (opcode: number) => T): T[] {
  const ops: T[] = []
  for (;;) {
    const opcode = reader.int()
    const done = reader.boolean()
    reader.int() // err, -1 in requests
    if (done) return ops
    ops.push(read(opcode))
  }
}

function writeOp(reader: JuteReader, opcode: number): MultiOp {
  switch (opcode) {
    case opcodes.create:
    case opcodes.create2:
    case opcodes.createContainer:
    case opcodes.createTTL:
      return create(reader, opcode)
    case opcodes.setData:
      return setData(reader)
    case opcodes.delete:
      return { type: 'delete', path: readPath(reader), version: reader.int() }
    case opcodes.check:
      return { type: 'check', path: readPath(reader), version: reader.int() }
  }
  throw new ProtocolError(`Cannot decode a multi: ${opcode} cannot be part of one`)
}

function readOp(reader: JuteReader, opcode: number): ReadOp {
  if (opcode !== opcodes.getData && opcode !== opcodes.getChildren) {
    throw new ProtocolError(`Cannot decode a multiRead: ${opcode} cannot be part of one`)
  }
  const path = readPath(reader)
  reader.boolean() // the watch flag: a multiRead sets no watches
  return { type: opcode === opcodes.getData ? 'getData' : 'getChildren', path }
}

// --- records of replies --------------------------------------------------------------------------

function resultHeader(
  out: ByteWriter,
  type: number,
  { done, err }: { readonly done: boolean; readonly err: number } = { done: false, err: 0 },
): void {
  out.int32(type)
  writeBoolean(out, done)
  out.int32(err)
}

/** @param asked the opcode of the part that this result answers */
function writeResult(out: ByteWriter, result: MultiResult, asked: number | undefined): void {
  switch (result.type) {
    case 'create': {
      const withStat = asked !== opcodes.create
      resultHeader(out, withStat ? opcodes.create2 : opcodes.create)
      writeString(out, result.path)
      if (withStat) writeStat(out, result.stat)
      return
    }
    case 'setData':
      resultHeader(out, opcodes.setData)
      writeStat(out, result.stat)
      return
    case 'delete':
    case 'check':
      resultHeader(out, opcodes[result.type])
      return
    case 'error':
      writeErrorResult(out, result.code)
      return
  }
}

function writeReadResult(out: ByteWriter, result: ServedResult): void {
  switch (result.type) {
    case 'getData':
      resultHeader(out, opcodes.getData)
      writeBuffer(out, result.data)
      writeStat(out, result.stat)
      return
    case 'getChildren':
      resultHeader(out, opcodes.getChildren)
      writePaths(out, result.children)
      return
    case 'listing':
      resultHeader(out, opcodes.getChildren)
      writeNames(out, result.names)
      return
    case 'error':
      writeErrorResult(out, result.code)
      return
  }
}

function writeNames(out: ByteWriter, names: EncodedNames): void {
  out.int32(names.count)
  for (const run of names.runs) run.insertJute(out)
}

function writeErrorResult(out: ByteWriter, code: number): void {
  resultHeader(out, -1, { done: false, err: code })
  out.int32(code)
}
