// The hot messages of our own dialect, written and read field by field: create, setData, getData,
// exists, their replies, lists of many children, and the records in them. The tables of messages.ts describe the same
// bytes, but are slower: `npm run bench -- micro` measures both, and
// test/protocol/zk/by-hand.test.ts compares them.
//
// Used by native.ts, for transactions, and between servers.

import { ProtocolError } from '../error-codes.ts'
import { inverse } from '../fields.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import type { EncodedNames } from '../name-run.ts'
import { writePlains } from '../plain.ts'
import type { Acl, SessionId, Stat } from '../records.ts'
import { isZxid, type Zxid } from '../zxid.ts'
import {
  createModes,
  type Listing,
  type ListingPage,
  type ReplyBody,
  type Request,
  readResults,
  type ServedResult,
} from './messages.ts'

type RequestOf<N extends Request['type']> = Extract<Request, { readonly type: N }>
type ReplyOf<N extends ReplyBody['type']> = Extract<ReplyBody, { readonly type: N }>

const createModeNames = inverse(createModes)
const unknownMode = -1

// --- requests ------------------------------------------------------------------------------------

export function encodeCreate(out: MsgpackWriter, request: RequestOf<'create'>): void {
  out.string(request.path)
  out.bytes(request.data)
  out.int(request.mode === 'unknown' ? unknownMode : createModes[request.mode])
  if (request.acl === undefined) out.nil()
  else encodeAcl(out, request.acl ?? [])
  out.int(request.ttlMs ?? 0)
}

export function decodeCreate(reader: MsgpackReader): RequestOf<'create'> {
  const path = reader.string()
  const data = reader.bytes()
  const mode = createModeNames.get(reader.int()) ?? 'unknown'
  const acl = reader.nilOr(() => decodeAcl(reader))
  return { type: 'create', path, data, mode, acl, ttlMs: reader.int() }
}

export function encodeSetData(out: MsgpackWriter, request: RequestOf<'setData'>): void {
  out.string(request.path)
  out.bytes(request.data)
  out.int(request.version)
}

export function decodeSetData(reader: MsgpackReader): RequestOf<'setData'> {
  const path = reader.string()
  const data = reader.bytes()
  return { type: 'setData', path, data, version: reader.int() }
}

export function encodeRead(out: MsgpackWriter, request: RequestOf<'exists' | 'getData'>): void {
  out.string(request.path)
  out.boolean(request.watch)
  out.boolean(request.linearizable === true)
}

export function decodeRead<N extends 'exists' | 'getData'>(reader: MsgpackReader, type: N) {
  const path = reader.string()
  const watch = reader.boolean()
  return { type, path, watch, linearizable: reader.boolean() }
}

// --- replies -------------------------------------------------------------------------------------

export function encodeCreated(out: MsgpackWriter, body: ReplyOf<'create'>): void {
  out.string(body.path)
  encodeStat(out, body.stat)
}

export function decodeCreated(reader: MsgpackReader): ReplyOf<'create'> {
  const path = reader.string()
  return { type: 'create', path, stat: decodeStat(reader) }
}

export function encodeData(out: MsgpackWriter, body: ReplyOf<'getData'>): void {
  out.bytes(body.data)
  encodeStat(out, body.stat)
}

export function encodeListing(out: MsgpackWriter, { names, stat }: Listing): void {
  encodeNames(out, names)
  encodeStat(out, stat)
}

export function encodeListingPage(out: MsgpackWriter, { names, next, stat }: ListingPage): void {
  encodeNames(out, names)
  out.int(next)
  encodeStat(out, stat)
}

function encodeNames(out: MsgpackWriter, names: EncodedNames): void {
  out.arrayHeader(names.count)
  for (const run of names.runs) run.insertMsgpack(out)
}

/** The parts of a multiRead; a listing is written as a getChildren. */
export function encodeReadResults(out: MsgpackWriter, results: readonly ServedResult[]): void {
  out.arrayHeader(results.length)
  for (const result of results) {
    const type = result.type === 'listing' ? 'getChildren' : result.type
    out.arrayHeader(1 + readResults.fieldCount(type))
    out.int(readResults.code(type))
    if (result.type === 'listing') encodeListing(out, result)
    else writePlains(out, readResults.pack(result))
  }
}

/** The data is a copy. */
export function decodeData(reader: MsgpackReader): ReplyOf<'getData'> {
  const view = reader.bytes()
  const data = view === null ? null : new Uint8Array(view)
  return { type: 'getData', data, stat: decodeStat(reader) }
}

// --- records -------------------------------------------------------------------------------------

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
  expectCount(reader, 11, 'a Stat')
  return {
    czxid: readZxid(reader),
    mzxid: readZxid(reader),
    ctime: reader.int(),
    mtime: reader.int(),
    version: reader.int(),
    cversion: reader.int(),
    aversion: reader.int(),
    ephemeralOwner: reader.natural('ephemeralOwner') as SessionId,
    dataLength: reader.natural('dataLength'),
    numChildren: reader.natural('numChildren'),
    pzxid: readZxid(reader),
  }
}

export function encodeAcl(out: MsgpackWriter, acl: readonly Acl[]): void {
  out.arrayHeader(acl.length)
  for (const { perms, scheme, id } of acl) {
    out.arrayHeader(3)
    out.int(perms)
    out.string(scheme)
    out.string(id)
  }
}

export function decodeAcl(reader: MsgpackReader): Acl[] {
  const count = reader.arrayHeader()
  const acl: Acl[] = []
  for (let i = 0; i < count; i++) {
    expectCount(reader, 3, 'an ACL entry')
    acl.push({ perms: reader.int32('perms'), scheme: reader.string(), id: reader.string() })
  }
  return acl
}

export function readZxid(reader: MsgpackReader): Zxid {
  const value = reader.int()
  if (!isZxid(value)) throw new ProtocolError(`Cannot read a zxid: ${value} is negative`)
  return value
}

function expectCount(reader: MsgpackReader, wanted: number, what: string): void {
  const count = reader.arrayHeader()
  if (count === wanted) return
  throw new ProtocolError(`Cannot decode ${what} of ${count} fields: wanted ${wanted}`)
}
