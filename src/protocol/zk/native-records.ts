// The records inside our own dialect's messages, each a msgpack array:
//
//   Stat   [czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner, dataLength,
//           numChildren, pzxid]
//   ACL    [[perms, scheme, id], …]
//   ids    [[scheme, id], …]
//
// Used by native-requests.ts and native-replies.ts, and in transactions and between servers.

import { ProtocolError } from '../error-codes.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import type { Acl, Id, SessionId, Stat } from '../records.ts'
import { isZxid, type Zxid } from '../zxid.ts'

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
    acl.push({ perms: reader.int() | 0, scheme: reader.string(), id: reader.string() })
  }
  return acl
}

export function encodeIds(out: MsgpackWriter, ids: readonly Id[]): void {
  out.arrayHeader(ids.length)
  for (const { scheme, id } of ids) {
    out.arrayHeader(2)
    out.string(scheme)
    out.string(id)
  }
}

export function decodeIds(reader: MsgpackReader): Id[] {
  const count = reader.arrayHeader()
  const ids: Id[] = []
  for (let i = 0; i < count; i++) {
    expectCount(reader, 2, 'an identity')
    ids.push({ scheme: reader.string(), id: reader.string() })
  }
  return ids
}

export function readZxid(reader: MsgpackReader): Zxid {
  const value = reader.int()
  if (!isZxid(value)) throw new ProtocolError(`Cannot read a zxid: ${value} is negative`)
  return value
}

/** A copy: what the reader gives is a view. */
export function copied(view: Buffer | null): Uint8Array | null {
  return view === null ? null : Uint8Array.prototype.slice.call(view)
}

/** From the numbers on the wire back to the names. */
export function inverse<K extends string>(table: Readonly<Record<K, number>>): Map<number, K> {
  return new Map(Object.entries(table).map(([name, number]) => [number as number, name as K]))
}

function expectCount(reader: MsgpackReader, wanted: number, what: string): void {
  const count = reader.arrayHeader()
  if (count === wanted) return
  throw new ProtocolError(`Cannot decode ${what} of ${count} fields: wanted ${wanted}`)
}
